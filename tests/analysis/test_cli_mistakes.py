"""Mistakes of a user: exit code 2, and one message that names the place and the value; never a traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from analysis.cli import run

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]
SOUND = "{value: 100, unit: MHz, source: a test, status: assumed}"


def complaint(capsys: Captured, *arguments: str) -> str:
    """Run a command that must fail as a user's mistake; give what it says."""
    code = run(arguments)
    captured = capsys.readouterr()
    assert code == 2, captured.out
    assert captured.out == ""
    assert captured.err.count("Error:") == 1
    assert "Traceback" not in captured.err
    assert captured.err.endswith("\n")
    return captured.err


def child(folder: Path, body: str, name: str = "mine", extends: str = "asic-45nm") -> Path:
    """Write a profile that extends another."""
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\nextends: {extends}\n{body}\n", "utf-8")
    return path


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["cost", "resnet20[prelo]/cifar10"], ["resnet20[prelo]/cifar10", "'prelo'", "did you mean 'prelu'"]),
        (["cost", "reaktnet"], ["unknown design 'reaktnet'", "did you mean 'reactnet'"]),
        (["cost", "reactnet/resnet99/imagenet"], ["'resnet99/imagenet'", "resnet18/imagenet"]),
        (["cost", "resnet2/cifar10"], ["'resnet2'", "did you mean 'resnet20'"]),
        (["cost", "resnet20/cifar"], ["'cifar'", "did you mean 'cifar10'"]),
        (["cost", "resnet20@w0/cifar10"], ["width '0'", "0.05"]),
        (["cost", "bnn", "--profile", "asic-45"], ["'asic-45'", "did you mean 'asic-45nm'", ".yaml"]),
        (["cost", "bnn", "--profile", "nowhere/my.yaml"], ["nowhere/my.yaml", "does not exist"]),
        (["table", "--network", "resnet2"], ["'resnet2'", "did you mean 'resnet20'"]),
        (["table", "--dataset", "imagnet"], ["'imagnet'", "did you mean 'imagenet'"]),
        (["table", "--methods", "prelu,rprelo"], ["'rprelo'", "did you mean 'rprelu'"]),
        (["table", "--full", "reactnet"], ["resnet18[", "is not on resnet20/cifar10"]),
        (
            ["table", "--network", "vgg_small", "--methods", "double_residual"],
            ["double_residual", "vgg_small"],
        ),
        (["profiles", "show", "asic45nm"], ["'asic45nm'", "did you mean 'asic-45nm'"]),
        (["profiles", "new", "Bad Name", "--extends", "asic-45nm"], ["'Bad Name'", "lower-case"]),
        (["profiles", "new", "good", "--extends", "asic45nm"], ["'asic45nm'", "did you mean 'asic-45nm'"]),
        (["explore", "--profile", "asic-45", "--out", "never"], ["'asic-45'", "did you mean 'asic-45nm'"]),
    ],
)
def test_an_unknown_name_is_told_with_the_closest_one(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], parts: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = complaint(capsys, *arguments)
    assert [part for part in parts if part not in text] == [], text
    assert list(tmp_path.iterdir()) == []


def test_names_in_a_front_are_checked(capsys: Captured, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    text = complaint(capsys, "pareto", "--network", "resnet2", "--dataset", "cifar10", "--out", out)
    assert "did you mean 'resnet20'" in text
    text = complaint(capsys, "pareto", "--network", "resnet20", "--dataset", "cifar11", "--out", out)
    assert "did you mean 'cifar10'" in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["cost"],
        ["cost", "bnn", "--format", "xml"],
        ["pareto", "--network", "resnet20"],
        ["nonsense"],
        ["profiles"],
    ],
)
def test_wrong_usage_is_exit_code_two_as_well(capsys: Captured, arguments: list[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert "Usage: bnncost" in captured.err + captured.out


def test_what_the_user_wrote_is_shown_as_it_is(capsys: Captured) -> None:
    assert "resnet20[bold red]/cifar10" in complaint(capsys, "cost", "resnet20[bold red]/cifar10")
    assert "[/]" in complaint(capsys, "cost", "[/]")
    text = complaint(capsys, "cost", "resnet20[\x1b[31m]/cifar10")
    assert "\x1b" not in text
    assert "\\x1b" in text


# ---------------------------------------------------------------- profiles


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("clock: 400", [":3: clock: ", "a number needs unit, source and status", "400"]),
        ("clock: {value: 400, source: a, status: assumed}", [":3: clock", "'unit' is missing"]),
        ("clock: {value: 400, unit: MHz, status: assumed}", [":3: clock", "'source' is missing"]),
        ("clock: {value: 400, unit: MHx, source: a, status: assumed}", ["'MHx'", "did you mean 'MHz'"]),
        ("clock: {value: -4, unit: MHz, source: a, status: assumed}", ["clock.value", "negative", "-4"]),
        ("clock: {value: .nan, unit: MHz, source: a, status: assumed}", ["clock.value", "finite", "nan"]),
        ("clock: {value: .inf, unit: MHz, source: a, status: assumed}", ["clock.value", "finite", "inf"]),
        (f"clock: {SOUND}\nclock: {SOUND}", [":4: ", "clock", "twice"]),
        ("clock: !!python/object/apply:os.system [ls]", [":3: clock", "tag"]),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", [":3: ", "anchor"]),
        ("clocks: 4", [":3: clocks", "did you mean 'clock'"]),
        ("clock: [", ["mine.yaml:4: ", "YAML"]),
    ],
)
def test_a_faulty_profile_is_told_with_file_and_line(
    capsys: Captured, tmp_path: Path, body: str, parts: list[str]
) -> None:
    path = child(tmp_path, body)
    for arguments in (["profiles", "check", str(path)], ["cost", "bnn", "--profile", str(path)]):
        text = complaint(capsys, *arguments)
        assert str(path) in text
        assert [part for part in parts if part not in text] == [], text


def test_all_faults_of_a_profile_come_at_once(capsys: Captured, tmp_path: Path) -> None:
    path = child(tmp_path, "clock: 400\ntechnology: {node: 45, voltage: -1}")
    lines = complaint(capsys, "profiles", "check", str(path)).splitlines()
    assert lines[0] == "Error:"
    assert [line.split(": ")[0] for line in lines[1:]] == [f"{path}:3", f"{path}:4", f"{path}:4"]


def test_a_figure_that_is_hardly_meant_is_a_warning_and_with_strict_a_mistake(
    capsys: Captured, tmp_path: Path
) -> None:
    body = "control: {energy: {value: 12, unit: J/cycle, source: a test, status: assumed}}"
    path = child(tmp_path, body)
    assert run(["profiles", "check", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("mine: sound")
    assert captured.err.startswith(
        f"Warning: {path}:3: control.energy: 12 J/cycle is more than 100 times above"
    )
    assert f"{path}:3: control.energy: 12 J/cycle" in complaint(
        capsys, "profiles", "check", str(path), "--strict"
    )
    assert run(["profiles", "check", "asic-45nm", "--strict"]) == 0
    assert capsys.readouterr().err == ""


def test_what_a_profile_extends_must_be_there_and_end(capsys: Captured, tmp_path: Path) -> None:
    text = complaint(capsys, "profiles", "check", str(child(tmp_path, "", extends="asic-45")))
    assert "did you mean 'asic-45nm'" in text
    text = complaint(capsys, "profiles", "check", str(child(tmp_path, "", extends="gone.yaml")))
    assert "gone.yaml" in text
    assert "does not exist" in text
    one = child(tmp_path, "", name="one", extends="two.yaml")
    child(tmp_path, "", name="two", extends="one.yaml")
    text = complaint(capsys, "cost", "bnn", "--profile", str(one))
    assert "circle" in text
    assert "two.yaml" in text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"- a\n- b\n", b"name: x\n"])
def test_a_file_that_is_no_profile(capsys: Captured, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    assert str(path) in complaint(capsys, "profiles", "check", str(path))


def test_a_folder_is_no_profile(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert "is not a file" in complaint(capsys, "cost", "bnn", "--profile", str(tmp_path / "folder.yaml"))


def test_an_operation_without_a_price(capsys: Captured, tmp_path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    data = yaml.load(ROOT / "hardware_profiles" / "asic-45nm.yaml")
    del data["side"]["operations"]["lookup"]
    data["name"] = "without-tables"
    path = tmp_path / "without-tables.yaml"
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(data, stream)
    assert run(["cost", "resnet20/cifar10", "--profile", str(path)]) == 0, "nothing here looks up"
    capsys.readouterr()
    text = complaint(capsys, "cost", "resnet20[squeeze_excitation]/cifar10", "--profile", str(path))
    assert "without-tables" in text
    assert "no price for 'lookup'" in text
    assert "side.operations.lookup" in text


def test_a_design_that_does_not_fit(capsys: Captured, tmp_path: Path) -> None:
    small = "{value: 1, unit: kB, source: a test, status: assumed}"
    path = child(tmp_path, f"memories: {{weight_sram: {{size: {small}}}}}")
    text = complaint(capsys, "cost", "resnet20/cifar10", "--profile", str(path))
    assert "'resnet20/cifar10' does not fit on profile 'mine'" in text
    assert "weight_sram 1 kB" in text


def test_a_profile_is_not_overwritten(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("precious")
    assert "'mine.yaml' is there already" in complaint(
        capsys, "profiles", "new", "mine", "--extends", "asic-45nm"
    )
    assert Path("mine.yaml").read_text() == "precious"


# ---------------------------------------------------------------- accuracies


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("design,top1\nbnn,80\nreaktnet,60\n", [":3:", "'reaktnet'", "did you mean 'reactnet'"]),
        ("design,top1\nbnn,101\n", [":2:", "'bnn'", "'101'", "0 to 100"]),
        ("design,top1\nbnn,-1\n", [":2:", "'-1'"]),
        ("design,top1\nbnn,nan\n", [":2:", "'nan'"]),
        ("design,top1\nbnn,\n", [":2:", "'bnn'", "''"]),
        ("design,accuracy\nbnn,80\n", [":1:", "'top1'", "missing"]),
        ("design,top1\nreactnet/resnet18/imagenet,65\n", ["resnet20/cifar10", "resnet18/imagenet"]),
        ("design,top1\n", ["no accuracy"]),
        (None, ["cannot be read"]),
        (b"\xff\xfe\x00", ["UTF-8"]),
    ],
)
def test_a_faulty_accuracy_file(
    capsys: Captured, tmp_path: Path, content: str | bytes | None, parts: list[str]
) -> None:
    path, out = tmp_path / "mine.csv", tmp_path / "out"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    arguments = ["pareto", "--network", "resnet20", "--dataset", "cifar10", "--accuracy", str(path)]
    text = complaint(capsys, *arguments, "--out", str(out))
    assert [part for part in parts if part not in text] == [], text
    assert not out.exists()


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_made(capsys: Captured, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    out = str(tmp_path / place)
    fronts = ["pareto", "--network", "resnet20", "--dataset", "cifar10", "--out", out]
    for arguments in (fronts, ["explore", "--profile", "asic-45nm", "--out", out]):
        text = complaint(capsys, *arguments)
        assert out in text
        assert f"'{tmp_path / 'file'}' is a file" in text
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_file_that_cannot_be_written(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    text = complaint(capsys, "cost", "bnn", "--format", "json", "--out", str(tmp_path))
    assert str(tmp_path) in text
    assert "folder" in text
    text = complaint(capsys, "methods", "--out", str(tmp_path / "file" / "a.csv"))
    assert str(tmp_path / "file") in text


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (PermissionError(13, "Permission denied", "a.csv"), "Error: 'a.csv': Permission denied."),
        (IsADirectoryError(21, "Is a directory", "a.csv"), "Error: 'a.csv': Is a directory."),
        (
            FileNotFoundError(2, "No such file or directory", "a.csv"),
            "Error: 'a.csv': No such file or directory.",
        ),
        (
            UnicodeDecodeError("utf-8", b"ab\xff", 2, 3, "invalid start byte"),
            "Error: a file is not text in UTF-8",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, fault: Exception, sentence: str
) -> None:
    def failing() -> Callable[[], str]:
        raise fault

    monkeypatch.setattr("analysis.catalogue.profile_files.schema_text", failing)
    assert complaint(capsys, "profiles", "schema").startswith(sentence)


def test_a_mistake_as_a_process() -> None:
    command = [sys.executable, "-m", "analysis.cli", "cost", "resnet20[prelo]/cifar10", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: design 'resnet20[prelo]/cifar10': unknown method 'prelo'")
    assert len(done.stderr.splitlines()) == 1
