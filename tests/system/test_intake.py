"""Lists of URLs as people write them, read lazily; nothing here sends a request."""

import contextlib
import fcntl
import gc
import gzip
import io
import os
import resource
import sys
import termios
import tracemalloc
import warnings
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import SourceError
from crawler.core.pages import Batch, Place, Target
from crawler.core.urls import MAX_URL_LENGTH
from crawler.system.intake import Intake

A, B, C = "http://a.test/", "http://b.test/", "http://c.test/"


@pytest.fixture
def listed(tmp_path):
    """Write a list, and return its path."""

    def write(content, name="list"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


class Pipe:
    """Standard input; who reads when there is nothing finds its end instead of waiting."""

    def __init__(self):
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        self.stdin = open(reader)  # noqa: SIM115 (closed below)
        self.writer = open(writer, "wb", buffering=0)  # noqa: SIM115 (closed below)
        self.intakes: list[Intake] = []

    def intake(self):
        self.intakes.append(Intake(["-"]))
        return self.intakes[-1]

    def write(self, content):
        self.writer.write(content)

    def end(self):
        self.writer.close()

    def unread(self):
        answer = fcntl.ioctl(self.stdin.fileno(), termios.FIONREAD, bytes(4))
        return int.from_bytes(answer, sys.byteorder)

    def close(self):
        for intake in self.intakes:
            intake.close()
        self.stdin.close()
        self.writer.close()


@pytest.fixture
def pipe(monkeypatch):
    made = Pipe()
    monkeypatch.setattr(sys, "stdin", made.stdin)
    yield made
    made.close()


def batches(intake, most=1000):
    """Read to the end; a file is always ready."""
    batch = intake.read(most)
    while not batch.ended:
        yield batch
        batch = intake.read(most)
    yield batch


def everything(intake, most=1000):
    with contextlib.closing(intake):
        return [target for batch in batches(intake, most) for target in batch.targets]


def urls(*sources):
    return [target.url for target in everything(Intake(sources))]


def problems(*sources):
    return {target.url: target.problem for target in everything(Intake(sources))}


def refused(*sources):
    with pytest.raises(SourceError) as caught:
        everything(Intake(sources))
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n",
        f"{A}\n{B}",
        f"{A}\r\n{B}\r\n",
        f"\ufeff{A}\n{B}\n",
        f"\ufeff\r\n{A}\r\n\r\n   \r\n{B}",
        f"# a comment\n{A}\n#{C}\n\n{B}\n#",
        f"\ufeff# a comment\n{A}\n{B}\n",
        f"{A}\ttimeout nothing received\n{B} and more\n",
        f"  {A}\n\t{B}  \n",
        f"{A}\x0b\n{B}\x0c\n",
    ],
)
def test_a_list_is_read_by_its_grammar(listed, content):
    assert urls(listed(content)) == [A, B]


def test_a_url_listed_twice_is_read_twice(listed):
    assert urls(listed(f"{A}\n{A}\n")) == [A, A]


def test_sources_are_read_in_order(listed):
    assert urls(listed(A), B, listed(C, "other")) == [A, B, C]


def test_bad_lines_become_targets_that_say_why(listed):
    content = f"{A}\nb.test/x\nftp://c.test/\nhttp://d.test:99999/\n #x\n".encode()

    assert problems(listed(content + b"http://\xff.test/\n")) == {
        A: None,
        "b.test/x": "no scheme: write https://...",
        "ftp://c.test/": "only http and https are fetched",
        "http://d.test:99999/": "not a valid URL",
        "#x": "no scheme: write https://...",
        "http://\\xff.test/": "not UTF-8",
    }


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_carriage_return_within_a_line_makes_it_one_bad_url(listed, ending):
    found = everything(Intake([listed(f"{A}\n{B}\r{C}\rhttp://d.test/{ending}")]))

    assert [(target.url, bool(target.problem)) for target in found] == [(A, False), (B, True)]
    assert "carriage return" in str(found[1].problem)


def test_a_byte_order_mark_counts_on_the_first_line_only(listed):
    assert problems(listed(f"{A}\n\ufeff{B}\n"))[f"\ufeff{B}"] is not None


@pytest.mark.parametrize("length", [MAX_URL_LENGTH + 1, 64_001, 65_536, 200_000, 1_000_000])
@pytest.mark.parametrize("ending", ["\n", ""])
def test_a_very_long_line_is_one_bad_url(listed, length, ending):
    found = everything(Intake([listed(f"{A}\n{'http://h/'.ljust(length, 'x')}\n{B}{ending}")]))

    assert [target.url for target in found][::2] == [A, B]
    assert found[1].problem == f"longer than {MAX_URL_LENGTH} characters"
    assert len(found[1].url) <= MAX_URL_LENGTH


def test_a_list_that_ends_in_a_very_long_line_ends(listed):
    assert len(urls(listed(f"{A}\n{'http://h/'.ljust(200_000, 'x')}"))) == 2


def test_a_very_long_comment_is_a_comment(listed):
    assert urls(listed(f"{A}\n#{'x' * 300_000}\n{B}\n")) == [A, B]


def test_the_longest_url_is_read(listed):
    longest = "http://h/".ljust(MAX_URL_LENGTH, "x")

    assert problems(listed(f"{A}\n{longest}\n")) == {A: None, longest: None}


def test_a_gzip_list_is_read(listed):
    content = "".join(f"{A}{number}\n" for number in range(50_000)).encode()

    assert len(urls(listed(gzip.compress(content), "list.gz"))) == 50_000


@pytest.mark.parametrize("at", [0, 7, 8191])
def test_a_nul_near_the_beginning_makes_a_file_binary(listed, at):
    content = (f"{A}\n" * 1000).encode()

    assert "a binary file" in refused(listed(content[:at] + b"\0" + content[at:]))
    packed = gzip.compress(content[:at] + b"\0" + content[at:])
    assert "a binary file" in refused(listed(packed, "list.gz"))


def test_a_nul_further_on_is_one_bad_line(listed):
    content = f"{A}\n" * 1000 + "http://h\0/\n" + B

    found = everything(Intake([listed(content)]))

    assert [target.url for target in found if target.problem] == ["http://h/"]
    assert found[-1].url == B


def test_utf_16_is_called_binary(listed):
    assert "a binary file" in refused(listed(f"{A}\n".encode("utf-16")))


def test_what_cannot_be_a_source_is_named_with_the_reason(listed, tmp_path):
    missing = str(tmp_path / "missing")

    assert refused(missing) == f"{missing}: no such file; for a URL write https://{missing}"
    assert refused("example.com").endswith("for a URL write https://example.com")
    assert refused(str(tmp_path)) == f"{tmp_path}: a directory, not a file of URLs"
    plain = listed(A, "plain.gz")
    assert refused(plain) == f"{plain}: ends in .gz, but is no gzip file"
    assert refused().startswith("no source")
    assert refused("http://u:p@h.test:99999/") == "http://h.test:99999/: not a valid URL"
    assert refused("ftp://h.test/") == "ftp://h.test/: only http and https are fetched"


def test_an_unreadable_file_is_named(listed, monkeypatch):
    path = listed(A)

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("crawler.system.intake._stream", denied)

    assert refused(path) == f"{path}: Permission denied"


def test_every_source_is_looked_at_before_the_first_is_read():
    with pytest.raises(SourceError, match="no such file"):
        Intake([A, B, "missing"])


def test_a_source_at_fault_leaves_no_other_open(listed):
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refused(listed(A), "missing")
        gc.collect()

    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("most", [1, 1000])
def test_a_gzip_list_cut_short_ends_with_an_error_after_its_good_lines(listed, most):
    content = b"".join(b"http://a.test/%d\n" % (number * 7919) for number in range(50_000))
    packed = gzip.compress(content)
    intake = Intake([listed(packed[: len(packed) // 2], "list.gz")])
    found: list[Target] = []

    def read_on():
        for batch in batches(intake, most):
            found.extend(batch.targets)

    with pytest.raises(SourceError, match=r"list\.gz: unreadable after line \d+"):
        read_on()
    intake.close()

    assert len(found) > 10_000
    assert [target.url for target in found] == content.decode().split()[: len(found)]


@pytest.mark.parametrize("good_lines", [1, 50_000])
def test_a_damaged_gzip_list_is_an_error_and_no_crash(listed, good_lines):
    stream = zlib.compressobj(wbits=31)
    packed = stream.compress(f"{A}\n".encode() * good_lines) + stream.flush(zlib.Z_FULL_FLUSH)
    no_such_block = b"\x07" * 20

    assert "list.gz" in refused(listed(packed + no_such_block, "list.gz"))


@pytest.mark.parametrize("good_lines", [1, 50_000])
def test_a_gzip_list_with_a_wrong_checksum_is_an_error(listed, good_lines):
    packed = gzip.compress(f"{A}\n".encode() * good_lines)

    assert "list.gz" in refused(listed(packed[:-8] + bytes(8), "list.gz"))


def test_an_empty_list_has_nothing(listed):
    for content in ("", "\n", "# nothing\n", "\ufeff"):
        intake = Intake([listed(content)])
        assert intake.read(10) == Batch([], None, ended=True)
        assert intake.resume_at() is None
        intake.close()


def test_a_long_list_is_read_lazily(tmp_path):
    path = tmp_path / "list"
    with path.open("wb") as file:
        for _ in range(50):
            file.write(b"http://a.test/\n" * 70_000)
    assert path.stat().st_size > 50_000_000
    tracemalloc.start()
    intake = Intake([str(path)])
    found = sum(len(intake.read(100).targets) for _ in range(20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    place = intake.resume_at()
    intake.close()

    assert found > 1000
    assert peak < 4_000_000
    assert place == Place(str(path), found + 1)


def test_an_endless_pipe_is_not_read_whole(pipe):
    pipe.write(b"http://a.test/\n" * 4000)
    intake = pipe.intake()
    assert len(intake.read(10).targets) == 10
    for _ in range(3):
        pipe.write(b"http://a.test/\n" * 300)
        assert len(intake.read(10).targets) == 10

    assert pipe.unread() == 3 * 300 * 15
    assert intake.resume_at() == Place("standard input", 41)


def test_a_pipe_gives_what_is_there(pipe):
    intake = pipe.intake()
    assert not intake.wait_ready(0)
    pipe.write(f"{A}\n{B}\nhttp://c".encode())
    assert intake.wait_ready(0)
    assert [target.url for target in intake.read(10).targets] == [A, B]
    assert not intake.wait_ready(0)
    pipe.write(b".test/\n")
    assert intake.wait_ready(0)
    assert [target.url for target in intake.read(10).targets] == [C]
    pipe.end()
    assert intake.wait_ready(0)
    assert intake.read(10) == Batch([], None, ended=True)


def test_lines_left_over_from_a_pipe_need_no_waiting(pipe):
    pipe.write(f"{A}\n{B}\n".encode())
    intake = pipe.intake()
    intake.read(1)
    assert intake.wait_ready(0)
    assert [target.url for target in intake.read(1).targets] == [B]


@pytest.mark.parametrize("first", [b"http://a.te", b"# a comment\n", b"\n"])
def test_reading_never_waits_when_it_was_said_to_be_ready(pipe, first):
    intake = pipe.intake()
    pipe.write(first)
    while intake.wait_ready(0):
        assert intake.read(10) == Batch([], intake.resume_at(), ended=False)
    pipe.write(f"\n{B}\n".encode())
    found: list[Target] = []
    while intake.wait_ready(0):
        found += intake.read(10).targets

    assert found[-1].url == B


def test_the_last_targets_of_a_list_may_say_that_they_are_the_last(listed):
    intake = Intake([listed(f"{A}\n{B}\n"), C])
    found = list(batches(intake))

    assert [target.url for batch in found for target in batch.targets] == [A, B, C]
    assert [batch.ended for batch in found] == [*[False] * (len(found) - 1), True]
    assert found[-1].targets


def test_a_pipe_named_as_a_file_says_whether_it_is_ready():
    reader, writer = os.pipe()
    os.write(writer, f"{A}\n".encode())
    intake = Intake([f"/dev/fd/{reader}"])
    assert [target.url for target in intake.read(1).targets] == [A]
    ready = intake.wait_ready(0)
    os.close(writer)
    os.close(reader)
    intake.close()

    assert not ready


def test_binary_data_from_a_pipe_is_refused(pipe):
    pipe.write(b"\x7fELF\0\0\0\n")
    with pytest.raises(SourceError, match="standard input: a binary file"):
        pipe.intake().read(1)


def test_without_standard_input_a_dash_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)

    assert "standard input" in refused("-")


def test_a_stand_in_for_standard_input_is_refused_in_words(monkeypatch):
    """As a notebook or a server may have put one there."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{A}\n"))

    assert "standard input" in refused("-")


def test_a_pipe_can_be_waited_for_whatever_its_descriptor(pipe, monkeypatch):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 1024:
        pytest.skip("no such descriptors here")
    monkeypatch.setattr(os, "dup", lambda number: fcntl.fcntl(number, fcntl.F_DUPFD, 1024))
    pipe.write(f"{A}\n".encode())

    assert pipe.intake().wait_ready(0)


def test_a_url_and_a_file_are_ready_at_once(listed):
    for source in (A, listed(A)):
        intake = Intake([source])
        assert intake.wait_ready(0)
        intake.close()


lines = st.lists(
    st.sampled_from([A, B, "# comment", "", "  ", "b.test", f"{C}\tok", "\xff"]), max_size=30
)


@given(lines, st.lists(st.integers(1, 7), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_after_any_reads_the_rest_begins_where_it_says(tmp_path_factory, written, reads, ending):
    path = tmp_path_factory.getbasetemp() / "resumed"
    content = "".join(line + ending for line in written).encode("latin-1")
    path.write_bytes(content)
    intake = Intake([str(path), A])
    for most in reads:
        batch = intake.read(most)
        assert len(batch.targets) <= most
        assert batch.resume_at == intake.resume_at()
    place = intake.resume_at()
    rest = [target.url for target in everything(intake)]

    if place is None:
        assert rest == []
    elif place.source == A:
        assert (rest, place.line) == ([A], 1)
    else:
        kept = b"".join(content.splitlines(keepends=True)[place.line - 1 :])
        path.write_bytes(kept)
        assert urls(str(path), A) == rest
