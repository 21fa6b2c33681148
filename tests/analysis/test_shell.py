"""The command as a shell has it: options given twice, short help, completion, another entry, widths, plugins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_outputs import Captured, said
from rich.cells import cell_len

from analysis.cli import run
from costmodel import METHODS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def shell(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analysis", *arguments]
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    env |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["cost", "resnet20", "--profile", "asic-45nm", "--profile", "asic-7nm"], "--profile"),
        (["cost", "resnet20", "--format", "json", "--format=csv"], "--format"),
        (["table", "--network", "resnet20", "--network", "resnet18"], "--network"),
        (["pareto", "--out", "a", "--out", "b"], "--out"),
        (["profiles", "new", "x", "--extends", "asic-45nm", "--extends", "asic-7nm"], "--extends"),
        (["export", "run", "--onnx", "--no-onnx"], "--onnx"),
        (["best", "--network", "resnet20", "--energy", "1uJ", "--energy", "2uJ"], "--energy"),
    ],
)
def test_an_option_with_one_value_is_given_once(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, arguments: list[str], option: str, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"Error: {option} takes one value, but is given 2 times.\n")
    assert not list(tmp_path.iterdir())


def test_a_choice_that_is_made_again_is_made_once(capsys: Captured) -> None:
    asked = [
        "table",
        "--methods",
        "prelu",
        "--format",
        "json",
        "--ops-convention",
        "ops",
        "--ops-convention",
        "ace",
    ]
    assert run(asked) == 0
    once = capsys.readouterr().out
    assert run([*asked, "--ops-convention", "ops"]) == 0
    assert capsys.readouterr().out == once


def test_a_second_value_as_a_process() -> None:
    done = shell("cost", "resnet20", "--profile", "asic-45nm", "--profile", "asic-7nm")
    assert (done.returncode, done.stdout) == (2, "") and "--profile takes one value" in done.stderr


def test_flags_and_lists_may_be_repeated(capsys: Captured) -> None:
    settings = ("--set", "clock=100MHz", "--set", "control.energy=1pJ/cycle")
    assert said(capsys, "cost", "resnet20", "--ranges", "--ranges", *settings)


def test_h_is_help_everywhere(capsys: Captured) -> None:
    for arguments in (["-h"], ["cost", "-h"], ["profiles", "show", "-h"]):
        assert said(capsys, *arguments).startswith("Usage: bnncost")


def test_completion_installs_and_completes(tmp_path: Path) -> None:
    asked = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = shell("--install-completion", "bash", **asked)
    assert done.returncode == 0, done.stderr
    assert "_BNNCOST_COMPLETE" in (tmp_path / ".bash_completions" / "bnncost.sh").read_text("utf-8")
    done = shell(_BNNCOST_COMPLETE="complete_bash", COMP_WORDS="bnncost be", COMP_CWORD="1")
    assert done.stdout.split() == ["best"]


# ---------------------------------------------------------------- widths


@pytest.mark.parametrize(
    "arguments",
    [
        ["methods"], ["designs"], ["profiles", "list"], ["profiles", "show", "asic-45nm"],
        ["cost", "ir-net/resnet20/cifar10", "--profile", "mcu-cortex-m33"],
        ["table", "--methods", "prelu,real_shortcut"],
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)  # fmt: skip
def test_piped_output_is_plain_and_as_wide_as_columns(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    for width in (60, 80, 120, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        text = said(capsys, *arguments)
        assert "\x1b" not in text
        assert [line for line in text.splitlines() if cell_len(line) > width] == []


def test_without_columns_piped_output_is_120_wide() -> None:
    lines = shell("methods").stdout.splitlines()
    assert 100 < max(map(cell_len, lines)) <= 120


def test_no_name_is_cut_at_80_columns(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line for line in said(capsys, "methods").splitlines() if line.startswith("│")]
    words = {re.split(r"\(", cell.strip())[0] for line in lines for cell in line.split("│")}
    assert set(METHODS) - words == set()


# ---------------------------------------------------------------- plugins


def plugin(folder: Path, body: str = "") -> Path:
    found = re.search(r"<!-- method -->\n```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found
    path = folder / "mine.py"
    path.write_text(body or found.group(1), "utf-8")
    return path


def test_the_method_of_the_readme_works_as_a_plugin(tmp_path: Path) -> None:
    path = plugin(tmp_path)
    mine, own = (
        shell("--plugin", str(path), "cost", f"resnet20[{name}]", "--format", "csv", cwd=tmp_path)
        for name in ("shared_prelu", "prelu")
    )
    assert mine.returncode == 0, mine.stderr
    counts = [
        sorted(line.split(",")[5:8] for line in done.stdout.splitlines() if ",operation," in line)
        for done in (mine, own)
    ]
    assert counts[0] == counts[1], "one slope for all channels is as many multiplies"
    assert shell("cost", "resnet20[shared_prelu]").returncode == 2, "not without the plugin"


def test_processes_that_a_command_starts_have_the_plugin_too(tmp_path: Path) -> None:
    path = plugin(tmp_path)
    program = (
        "import os; from costmodel.methods.plugins import load_plugin\n"
        "from costmodel.evaluate.engine import pool_of\nfrom costmodel import cost\n"
        "if __name__ == '__main__':\n"
        f"    load_plugin({str(path)!r})\n"
        "    with pool_of(1, 'prices') as pool:\n"
        "        print(pool.submit(cost, 'resnet20[shared_prelu]').result().design)\n"
    )
    (tmp_path / "start.py").write_text(program, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "start.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "resnet20[shared_prelu]/cifar10\n", done.stderr


def test_an_installed_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    plugin(tmp_path)
    (tmp_path / "mine-1.dist-info").mkdir()
    (tmp_path / "mine-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mine\nVersion: 1\n", "utf-8"
    )
    (tmp_path / "mine-1.dist-info" / "entry_points.txt").write_text(
        "[bnncost.plugins]\nmine = mine\n", "utf-8"
    )
    done = shell("cost", "resnet20[shared_prelu]", PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("x = 1 / 0\n", ["line 1", "ZeroDivisionError"]),
        ("\nx = (\n", ["line 2", "SyntaxError"]),
        ("import nothing_of_this_name\n", ["ModuleNotFoundError"]),
        ("x = 1\n", ["declares no method", "@repair_method"]),
        ("raise ValueError('\\x1b[31mred')\n", ["\\x1b[31mred"]),
        (
            "from costmodel.methods.registry import repair_method\n\n\n"
            "@repair_method(branch='topologie', category='width', hook='width', source='me')\n"
            "def mine():\n    'Do it.'\n",
            ["line 4: method 'mine': unknown branch 'topologie'; did you mean 'topology'?"],
        ),
    ],
)
def test_a_faulty_plugin_is_told_in_a_sentence(
    capsys: Captured, tmp_path: Path, body: str, parts: list[str]
) -> None:
    assert run(["--plugin", str(plugin(tmp_path, body)), "methods"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err
    assert "mine.py" in captured.err and "\x1b" not in captured.err
    assert [part for part in parts if part not in captured.err] == [], captured.err


def test_a_plugin_that_is_not_there(capsys: Captured, tmp_path: Path) -> None:
    assert run(["--plugin", str(tmp_path / "gone.py"), "methods"]) == 2
    assert "gone.py' is not a Python file" in capsys.readouterr().err
