"""An output never ends in half a line: full disks, limits, closed pipes, in both colours."""

import asyncio
import contextlib
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from crawler.core.errors import OutputClosedError, OutputError
from crawler.stores.jsonl import LineFile

COLOURS = ["write", "awrite"]
BLOCK = b'{"url":"http://h/"}\n' * 64


@pytest.fixture
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=COLOURS)
def colour(request):
    return request.param


@pytest.fixture
def keep(colour, runner):
    """Write a block in one colour."""
    if colour == "write":
        return lambda output, block: output.write(block)
    return lambda output, block: runner.run(output.awrite(block))


def in_child(code, colour, *words, **given):
    """Run *code* in a process of its own, where ``keep`` writes in one colour."""
    head = f"""
        import asyncio, os, resource, signal, sys
        from crawler.core.errors import OutputClosedError, OutputError
        from crawler.stores.jsonl import LineFile

        runner = asyncio.Runner()

        def keep(output, block):
            {"output.write(block)" if colour == "write" else "runner.run(output.awrite(block))"}
    """
    code = textwrap.dedent(head) + textwrap.dedent(code)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **given}
    return subprocess.run([sys.executable, "-c", code, *words], check=False, timeout=60, **pipes)


def test_blocks_are_kept_in_order(tmp_path, keep):
    path = tmp_path / "out"
    with LineFile(str(path)) as output:
        for number in range(100):
            keep(output, b"%d\n" % number)
        keep(output, b"")

    assert path.read_text().split() == [str(number) for number in range(100)]


def test_a_file_is_replaced_and_not_added_to(tmp_path, keep):
    path = tmp_path / "out"
    path.write_bytes(b"old\n" * 1000)
    with LineFile(str(path)) as output:
        assert path.read_bytes() == b""
        keep(output, b"new\n")

    assert path.read_bytes() == b"new\n"


def test_a_large_block_is_written_whole(tmp_path, keep):
    path = tmp_path / "out"
    with LineFile(str(path)) as output:
        keep(output, BLOCK * 20_000)

    assert path.stat().st_size == len(BLOCK) * 20_000


def test_both_colours_can_take_turns(tmp_path, runner):
    path = tmp_path / "out"
    with LineFile(str(path)) as output:
        for number in range(3):
            output.write(b"%d\n" % number)
            runner.run(output.awrite(b"%d again\n" % number))

    assert path.read_bytes() == b"0\n0 again\n1\n1 again\n2\n2 again\n"


def test_closing_twice_is_fine_and_harms_no_other_file(tmp_path):
    output = LineFile(str(tmp_path / "out"))
    output.close()
    with (tmp_path / "other").open("w") as other:
        output.close()
        other.write("x")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/out", "No such file or directory"),
        (".", "Is a directory"),
        ("a-file/out", "Not a directory"),
    ],
)
def test_what_cannot_be_opened_is_named(tmp_path, path, reason):
    (tmp_path / "a-file").touch()
    whole = str(tmp_path / path)

    with pytest.raises(OutputError) as caught:
        LineFile(whole)

    assert str(caught.value) == f"{whole}: {reason}"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_file_without_permission_is_named(tmp_path):
    path = tmp_path / "out"
    path.touch(0o444)

    with pytest.raises(OutputError, match="Permission denied"):
        LineFile(str(path))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_device_that_is_full_is_an_output_error(keep):
    with LineFile("/dev/full") as output, pytest.raises(OutputError) as caught:
        keep(output, BLOCK)

    assert str(caught.value).startswith("/dev/full: No space left on device")
    assert not isinstance(caught.value, OutputClosedError)


def test_a_pipe_closed_by_its_reader_is_told_apart(keep, monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with LineFile(None) as output:
            keep(output, BLOCK)
            os.close(reader)
            with pytest.raises(OutputClosedError) as caught:
                keep(output, BLOCK)

    assert str(caught.value) == "standard output: closed by its reader"


def test_standard_output_stays_open_when_the_output_is_closed(colour):
    done = in_child(
        """
        with LineFile(None) as output:
            keep(output, b"a record\\n")
        print("still open")
        """,
        colour,
    )

    assert (done.stdout, done.stderr) == ("a record\nstill open\n", "")


def test_a_full_pipe_that_does_not_block_is_waited_for(keep, monkeypatch):
    """A shell or a supervisor may have made our standard output such a pipe."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += os.write(writer, b"x" * 4096)
    came = []

    def read():
        with os.fdopen(reader, "rb") as pipe:
            came.append(pipe.read())

    later = threading.Timer(0.1, read)
    with os.fdopen(writer, "wb", buffering=0) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with LineFile(None) as output:
            later.start()
            try:
                keep(output, BLOCK)
            finally:
                stdout.close()
                output.close()
                later.join()

    assert came == [b"x" * filled + BLOCK]


def test_without_standard_output_it_is_an_output_error(colour):
    done = in_child(
        """
        os.close(1)
        sys.stdout = None  # as the interpreter has it when started with it closed
        try:
            LineFile(None)
        except OutputError:
            sys.exit(8)
        """,
        colour,
    )

    assert done.returncode == 8


LIMITED = """
    path, mode = sys.argv[1:]
    if mode == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_005, 30_005))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    output = LineFile(path)
    kept = 0
    try:
        while True:
            keep(output, b"%015d\\n" % kept * 64)
            kept += 1
    except OutputError as error:
        assert not isinstance(error, OutputClosedError)
        print(error)
    print(kept)
    output.close()
"""


def whole_lines(path, said, reason):
    content = path.read_bytes()
    error, kept = said.splitlines()
    assert error == f"{path}: {reason}; it ends with a whole line"
    assert int(kept) > 10
    assert content.endswith(b"\n")
    assert {len(line) for line in content.splitlines(keepends=True)} == {16}
    assert content.startswith(b"".join(b"%015d\n" % n * 64 for n in range(int(kept))))
    assert len(content) < (int(kept) + 1) * 64 * 16


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the file size")
def test_a_limit_of_the_file_size_leaves_whole_lines(tmp_path, colour):
    path = tmp_path / "out"
    done = in_child(LIMITED, colour, str(path), "limit")

    assert done.stderr == ""
    whole_lines(path, done.stdout, "File too large")
    assert path.stat().st_size == 30_005 // 16 * 16


def test_what_is_written_after_a_failure_follows_the_last_whole_line(tmp_path, colour):
    path = tmp_path / "out"
    done = in_child(
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        output = LineFile(sys.argv[1])
        try:
            keep(output, b"0123456789abcde\\n" * 100)
        except OutputError:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            keep(output, b"later\\n")
        """,
        colour,
        str(path),
    )

    assert done.stderr == ""
    assert path.read_bytes() == b"0123456789abcde\n" * (1000 // 16) + b"later\n"


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 64 KiB; needs root."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root of a Linux system can mount a small disk")
    options = ["-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_leaves_whole_lines(small_disk, colour):
    (small_disk / "other").write_bytes(b"x" * 4099)
    path = small_disk / "out"
    done = in_child(LIMITED, colour, str(path), "disk")

    assert done.stderr == ""
    whole_lines(path, done.stdout, "No space left on device")


def test_a_file_that_others_write_to_as_well_loses_our_half_line_only(tmp_path, colour):
    """Standard output of a shell's >> has the lines of an earlier run before ours."""
    path = tmp_path / "out"
    path.write_bytes(b"earlier\n")
    with path.open("ab") as stdout:
        done = in_child(
            """
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            output = LineFile(None)
            try:
                keep(output, b"0123456789abcde\\n" * 1000)
            except OutputError:
                output.close()
                sys.exit(8)
            """,
            colour,
            stdout=stdout,
        )

    assert (done.returncode, done.stderr) == (8, "")
    assert path.read_bytes() == b"earlier\n" + b"0123456789abcde\n" * (992 // 16)
