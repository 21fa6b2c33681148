"""Files are written whole or not at all, and read as text or refused with the reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from fcntl import LOCK_SH, flock
from pathlib import Path

import pytest

from costmodel import BnncostError
from costmodel.output import UnreadableText, check_folder, make_folder, read_json, read_text, write_whole


def test_text_and_bytes_are_written_with_their_folders(tmp_path: Path) -> None:
    assert write_whole(tmp_path / "a" / "b" / "text", "µ\n").read_bytes() == b"\xc2\xb5\n"
    assert write_whole(str(tmp_path / "bytes"), b"\xff\r\n").read_bytes() == b"\xff\r\n"
    assert write_whole(tmp_path / ("n" * 255), "x").read_text() == "x"


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    write_whole(target, "new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    mode = stat.S_IMODE((tmp_path / "usual").stat().st_mode)
    assert stat.S_IMODE(write_whole(tmp_path / "ours", "").stat().st_mode) == mode


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    def full(source: object, destination: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(BnncostError, match="file' cannot be written: no space left on device"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: object, destination: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", "new")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_write_left_is_taken_away_once_nobody_writes_there(tmp_path: Path) -> None:
    left, other = tmp_path / ".bnncost-0123456789ab.part", tmp_path / ".0123456789ab.part"
    for path in (left, other):
        path.write_text("half")
    writing = os.open(tmp_path, os.O_RDONLY)
    flock(writing, LOCK_SH)
    write_whole(tmp_path / "first", "x")
    assert left.exists()
    os.close(writing)
    write_whole(tmp_path / "second", "x")
    assert not left.exists()
    assert other.exists()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    write_whole(link, "x")
    assert link.is_symlink()
    assert real.read_text() == "x"


def test_a_device_is_written_and_stays_a_device() -> None:
    write_whole("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_what_is_there_is_kept_if_asked(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("file", "dangling"):
        if name == "file":
            (tmp_path / name).write_text("old")
        with pytest.raises(BnncostError, match=f"{name}' is there already"):
            write_whole(tmp_path / name, "new", overwrite=False)
    assert (tmp_path / "file").read_text() == "old"


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BnncostError, match=f"'{tmp_path}' cannot be written: it is a folder"):
        write_whole(tmp_path, "x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(
            BnncostError, match=f"output folder '{folder}' cannot be made: '{tmp_path}/file' is a file"
        ):
            make_folder(folder)
    with pytest.raises(BnncostError, match="cannot be"):
        write_whole("/proc/nothing/here", "x")


@pytest.mark.parametrize("make", [make_folder, check_folder])
@pytest.mark.parametrize("below", ["", "/below"])
def test_a_link_to_nowhere_is_no_folder(tmp_path: Path, make: Callable[[str], object], below: str) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BnncostError, match=f"made: '{tmp_path}/dangling' is a link to nowhere; name another"):
        make(f"{tmp_path}/dangling{below}")


def test_a_folder_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(BnncostError, match=f"output folder '{tmp_path}' cannot be written"):
        make_folder(tmp_path)


def test_text_is_read_without_its_mark_and_with_one_kind_of_line_end(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbf\xc2\xb5\r\nb\rc\n")
    assert read_text(tmp_path / "text") == "µ\nb\nc\n"
    assert read_text(tmp_path / "text", largest=12) == "µ\nb\nc\n"


@pytest.mark.parametrize(
    ("content", "cause", "line", "sentence"),
    [
        (None, "missing", 0, "a list '{}' cannot be read: no such file or directory."),
        (b"a\nb\n\xff", "not text", 3, "a list '{}' is not a text file in UTF-8."),
        (b"12345678", "large", 0, "a list '{}' is larger than 7 bytes; name another."),
    ],
)
def test_what_gives_no_text_says_why(
    tmp_path: Path, content: bytes | None, cause: str, line: int, sentence: str
) -> None:
    path = tmp_path / "text"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableText) as caught:
        read_text(path, "a list", largest=7, advice="name another")
    assert (caught.value.cause, caught.value.line) == (cause, line)
    assert str(caught.value) == sentence.format(path)


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UnreadableText, match="cannot be read: is a directory"):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"design": ', "it is not JSON \\(expecting value, line 1\\)"),
        ("[NaN]", "the number NaN is none"),
        ("[-Infinity]", "the number -Infinity is too large"),
        ("[1e999]", "the number 1e999 is too large"),
        (f"[{'9' * 400}]", "a number of 400 digits is too large"),
        (f"[{'9' * 9999}]", "a number of 9999 digits is too large"),
        ('["\\ud800"]', "it has half of a character"),
        ('{"\\udfff": 1}', "it has half of a character"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_json_that_lies_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(BnncostError, match=rf"^run '.*file' is damaged: {reason}.*; train again\.$"):
        read_json(tmp_path / "file", "run", advice="train again")


def test_json_is_read_with_every_character(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('["\\ud83d\\ude00", 1.5, -3, null]')
    assert read_json(tmp_path / "file", advice="") == ["\U0001f600", 1.5, -3, None]


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "n" * 300, "n/" * 2000])
def test_a_name_that_no_file_has_is_neither_read_nor_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableText, match="cannot be read"):
        read_text(Path(name))
    with pytest.raises(BnncostError, match=r"cannot be (written|made)"):
        write_whole(f"{tmp_path}/{name}", "")
    with pytest.raises(BnncostError, match=r"cannot be (written|made)"):
        make_folder(f"{tmp_path}/{name}")
