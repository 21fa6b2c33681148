"""What can be refused at once is refused before any work: outputs that cannot be written, numbers that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.test_cli_mistakes import complaint

Captured = pytest.CaptureFixture[str]
FILES = (
    ("cost", "nothing"), ("table", "--network", "nothing"), ("best", "--network", "nothing"), ("cite",), ("methods",),
    ("profiles", "new", "mine", "--extends", "nothing"),
)  # fmt: skip
FOLDERS = (
    ("explore", "--network", "nothing"), ("pareto", "--network", "nothing"), ("search", "--network", "nothing"),
    ("compare", "nothing"), ("map", "nothing"), ("sensitivity", "nothing"), ("robust", "--network", "nothing"),
    ("profiles", "validate"),
)  # fmt: skip
OF_TORCH = (("train", "nothing"), ("export", "nothing"), ("next", "nothing"))


@pytest.mark.parametrize("command", [*FILES, *FOLDERS], ids=" ".join)
def test_an_output_in_the_way_of_a_file_is_refused_before_anything_is_read(
    command: tuple[str, ...], tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "file").write_text("kept")
    said = complaint(capsys, *command, "--out", str(tmp_path / "file" / "out"))
    assert f"'{tmp_path / 'file'}' is a file; name another folder." in said
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("command", OF_TORCH, ids=" ".join)
def test_an_output_of_training_is_refused_before_anything_is_read(
    command: tuple[str, ...], tmp_path: Path, capsys: Captured
) -> None:
    pytest.importorskip("torch", reason="training needs torch; install the train extra")
    (tmp_path / "file").write_text("kept")
    said = complaint(capsys, *command, "--out", str(tmp_path / "file" / "out"))
    assert f"'{tmp_path / 'file'}' is a file; name another folder." in said


@pytest.mark.parametrize("command", FILES, ids=" ".join)
def test_a_folder_is_no_file_to_write(command: tuple[str, ...], tmp_path: Path, capsys: Captured) -> None:
    assert "it is a folder; name a file in it." in complaint(capsys, *command, "--out", str(tmp_path))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder in which nobody can make files")
def test_a_folder_that_takes_no_files_is_refused_whoever_asks(capsys: Captured) -> None:
    said = complaint(capsys, "explore", "--network", "nothing", "--out", "/proc/self/pages")
    assert "output folder '/proc/self/pages' cannot be made" in said


@pytest.mark.parametrize(
    "command",
    [("cost", "resnet20"), ("table",), ("best", "--network", "resnet20", "--energy", "5uJ")],
    ids=" ".join,
)
def test_a_form_that_is_none_is_refused_before_anything_is_priced(
    command: tuple[str, ...], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costmodel.networks.build.build", None)
    assert "unknown suffix '.cvs'; did you mean '.csv'?" in complaint(capsys, *command, "--out", "out.cvs")


@pytest.mark.parametrize("number", ["1_0", "\u0663", "+", "1e1"])
def test_an_option_takes_plain_whole_numbers(number: str, capsys: Captured) -> None:
    said = complaint(capsys, "robust", "--network", "resnet20", "--dataset", "cifar10", "--draws", number)
    assert "integer" in said or f"--draws is '{number}', but must be a whole number." in said


def test_an_option_is_called_as_it_is_written(capsys: Captured) -> None:
    said = complaint(capsys, "search", "--network", "resnet20", "--out", "never", "--jobs", "1_0")
    assert "--jobs is '1_0', but must be a whole number." in said


def test_a_working_folder_that_was_deleted_is_said(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "the folder in which this was started is gone" in complaint(capsys, "cost", "resnet20")


@pytest.mark.parametrize(
    "command",
    [
        ("table",), ("pareto", "--network", "resnet20", "--dataset", "cifar10"),
        ("pareto", "--network", "resnet20", "--dataset", "cifar10", "--accuracy", "measured"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_column_that_no_table_has_is_refused_before_anything_is_priced_or_written(
    command: tuple[str, ...], tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costmodel.networks.build.build", None)
    out = () if command == ("table",) else ("--out", str(tmp_path / "out"))
    said = complaint(capsys, *command, *out, "--columns", "energie")
    assert "unknown column 'energie'; did you mean '" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (("--energy", "1e-300J"), "--energy '1e-300J' must be from 1e-18 to 1e+06 J to be physical"),
        (("--area", "1e300mm2"), "--area '1e300mm2' must be from 1e-20 to 1 m^2 to be physical"),
        (("--top1", "101"), "--top1 is '101', but must be a number from 0 to 100 (percent)."),
    ],
)
def test_a_budget_that_no_chip_has_is_refused(budget: tuple[str, str], said: str, capsys: Captured) -> None:
    assert said in complaint(capsys, "best", "--network", "resnet20", *budget)


def test_what_next_cannot_write_or_read_is_refused_before_a_plan_is_read(
    tmp_path: Path, capsys: Captured
) -> None:
    pytest.importorskip("torch", reason="training needs torch; install the train extra")
    assert "a plan is a .yaml file" in complaint(capsys, "next", "nothing", "--out", f"{tmp_path}/a.txt")
    command = ("next", "digits", "--out", f"{tmp_path}/a.yaml", "--accuracy", "literature")
    assert "has figures of papers, and no measurements of one recipe" in complaint(capsys, *command)
