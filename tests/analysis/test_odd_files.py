"""Files that are none: pipes, sockets, devices, links in a circle, folders of everything; and outputs of that kind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.accuracy import measurements
from costmodel.errors import BnncostError
from costmodel.output import check_file, check_folder, write_whole
from tests.analysis.test_cli_mistakes import Captured, complaint

ENDLESS = "it is a pipe, a socket or a device; save what it gives in a file"
FRONT = ("pareto", "--network", "resnet20", "--dataset", "cifar10", "--out", "out", "--accuracy")


@pytest.fixture(params=["pipe", "socket", "device"])
def odd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The stem of files that are none; a command must not wait for them, nor read them to their end."""
    monkeypatch.chdir(tmp_path)
    bound = []
    for suffix in (".onnx", ".pt2", ".yaml", ".csv", ".py", ".npz"):
        name = f"odd{suffix}"
        if request.param == "pipe":
            os.mkfifo(name)
        elif request.param == "socket":
            bound.append(socket.socket(socket.AF_UNIX))
            bound[-1].bind(name)
        else:
            os.symlink("/dev/zero", name)
    yield "odd"
    for one in bound:
        one.close()


@pytest.fixture
def begins_training() -> Iterator[None]:
    """Leave the process with the numbers that a command of training flushes to zero, whatever becomes of the test."""
    torch = pytest.importorskip("torch", reason="training needs torch; install the train extra")
    yield
    torch.set_flush_denormal(False)


@pytest.mark.parametrize(
    "command",
    [
        ("cost", "odd.onnx"), ("cost", "odd.pt2"), ("cost", "odd.yaml"), ("cost", "odd.py:make", "--input", "3x8x8"),
        ("cost", "resnet20", "--profile", "odd.yaml"), (*FRONT, "odd.csv"), (*FRONT[:-1], "--add", "odd.onnx=50"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_never_ends_is_not_read(odd: str, capsys: Captured, command: tuple[str, ...]) -> None:
    if "odd.onnx" in " ".join(command):
        pytest.importorskip("onnx")
    said = complaint(capsys, *command)
    assert ENDLESS in said or "odd.yaml: is not a file" in said
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("train", "odd.yaml"), ("train", "resnet20/digits", "--recipe", "odd.yaml"), ("review", "odd.yaml"),
        ("train", "resnet20/digits", "--data", "odd.npz"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.usefixtures("begins_training")
def test_nor_is_it_trained_with(odd: str, capsys: Captured, command: tuple[str, ...]) -> None:
    assert ENDLESS in complaint(capsys, *command)


def test_an_output_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BnncostError, match=r"pipe' cannot be written: nobody reads from it; name a file\.$"):
        write_whole(tmp_path / "pipe", "x")


def test_a_pipe_with_a_reader_gets_all(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", "text")
    assert os.read(reading, 9) == b"text"
    os.close(reading)


def test_links_in_a_circle_are_neither_read_nor_replaced(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("loop", "loop.csv", "loop.yaml"):
        os.symlink(name, name)
    for check in (check_file, check_folder):
        with pytest.raises(
            BnncostError, match="'loop' cannot be written: it is a link that leads in a circle"
        ):
            check("loop")
    assert "leads in a circle" in complaint(capsys, "cost", "resnet20", "--out", "loop.csv")
    assert os.readlink("loop.csv") == "loop.csv"
    assert "too many levels of symbolic links" in complaint(capsys, *FRONT, "loop.csv").lower()
    assert "loop.yaml" in complaint(capsys, "cost", "resnet20", "--profile", "loop.yaml")


def test_a_folder_of_everything_is_no_folder_of_runs(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurements, "MOST_FILES", 20)
    for number in range(21):
        (tmp_path / f"{number}.txt").touch()
    said = complaint(capsys, *FRONT[:-2], str(tmp_path / "out"), "--accuracy", str(tmp_path))
    assert (
        f"'{tmp_path}' has more than 20 files and folders, so it is hardly a folder of runs; name the" in said
    )


@pytest.mark.parametrize("out", ["mine.yaml", "./mine.yaml", "link.yaml"])
def test_an_output_is_no_input(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("name: mine\nextends: asic-45nm\n")
    os.symlink("mine.yaml", "link.yaml")
    said = complaint(capsys, "cost", "resnet20", "--profile", "mine.yaml", "--format", "csv", "--out", out)
    assert said == f"Error: --out '{Path(out)}' is what is read; name another file.\n"
    assert Path("mine.yaml").read_text().startswith("name: mine")


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("pareto", "--dataset", "cifar10", "--out", ""), "--out"),
        (("cost", "resnet20", "--out", " "), "--out"),
        (("cost", "resnet20", "--profile="), "--profile"),
        ((*FRONT, ""), "--accuracy"),
        (("cost", ""), "DESIGN"),
        (("export", ""), "RUNS"),
    ],
    ids=" ".join,
)
def test_a_value_that_is_nothing_is_asked_for(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint(capsys, *command) == f"Error: {what} is given, but empty; say which.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("begins_training")
def test_a_network_from_elsewhere_is_not_trained(capsys: Captured) -> None:
    said = complaint(capsys, "train", "net.onnx")
    assert "'net.onnx' is a network from elsewhere, and no design" in said
    assert "what is trained is a design or a network file (.yaml)" in said


def test_a_network_from_elsewhere_in_a_table_is_told_its_option(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "mine.csv").write_text("design,top1\nnet.onnx,70\n")
    said = complaint(capsys, *FRONT, str(tmp_path / "mine.csv"))
    assert (
        "mine.csv:2: 'net.onnx' is a network from elsewhere, and no design; give its accuracy with --add"
        in said
    )


def test_a_name_that_fits_no_picture(capsys: Captured) -> None:
    said = complaint(capsys, *FRONT[:-1], "--add", f"resnet20=50:{'x' * 1000}")
    assert "the name has 1000 characters, and at most 200 fit a picture." in said and len(said) < 500
