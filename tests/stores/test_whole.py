import os
import stat
import threading

import pytest

from crawler.core.errors import OutputClosedError, OutputError
from crawler.stores.whole import WholeFile


def test_until_it_is_written_the_old_one_stands(tmp_path):
    path = tmp_path / "report"
    path.write_text("old")
    with WholeFile(str(path)) as output:
        assert path.read_text() == "old"
        output.write(b"new")
        assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]


def test_what_was_not_written_leaves_nothing(tmp_path):
    with WholeFile(str(tmp_path / "report")):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_in_parts_is_there_when_the_last_one_is(tmp_path):
    path = tmp_path / "trace"
    path.write_text("old")
    with WholeFile(str(path)) as output:
        output.append(b"one ")
        output.append(b"two ")
        assert path.read_text() == "old"
        output.write(b"three")
    assert path.read_text() == "one two three"


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path):
    new, old, usual = tmp_path / "new", tmp_path / "old", tmp_path / "usual"
    usual.touch()
    old.touch()
    old.chmod(0o640)
    for path in (new, old):
        with WholeFile(str(path)) as output:
            output.write(b"x")
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_a_link_stays_one_and_leads_to_what_was_written(tmp_path):
    (tmp_path / "link").symlink_to("behind")
    with WholeFile(str(tmp_path / "link")) as output:
        output.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "behind").read_bytes() == b"x"


def test_a_pipe_gets_all_of_it(tmp_path):
    pipe, content, got = tmp_path / "pipe", b"line\n" * 100_000, []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with WholeFile(str(pipe)) as output:
        output.write(content)
    reader.join()
    assert got == [content]


def test_a_reader_that_went_away_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with WholeFile(str(tmp_path / "pipe")) as output:
        os.close(reader)
        with pytest.raises(OutputClosedError, match="closed by its reader"):
            output.write(b"x")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "Is a directory"),
        ("", "Is a directory"),
        ("no/such", "No such file or directory"),
        ("file/x", "Not a directory"),
        ("a\0b", "no name of a file"),
    ],
)
def test_where_nothing_can_be_written_is_said_at_once(tmp_path, monkeypatch, name, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=reason):
        WholeFile(name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_said():
    with WholeFile("/dev/full") as output, pytest.raises(OutputError, match="No space left"):
        output.write(b"x")
