"""The page of questions: every command on it prints what stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from analysis.cli import run
from costmodel import METHODS
from tools.questions import PAGE, WIDTH, commands, on_page, printed

SHOWN = commands(PAGE.read_text("utf-8"))


def test_the_page_begins_with_the_question_of_the_card() -> None:
    command, answer = SHOWN[0]
    assert command == "bnncost best --network resnet20 --profile mcu-cortex-m33 --energy 10mJ"
    assert "Against int8: " in answer and len(SHOWN) >= 5


def test_the_page_names_the_training_techniques_that_leave_something_at_inference() -> None:
    said = (
        PAGE.read_text("utf-8").partition("leave nothing at inference, but ")[2].partition(" operations.")[0]
    )
    there = {
        name for name, method in METHODS.items() if method.branch == "training" and method.changes_network
    }
    assert set(re.findall("`([a-z_]+)`", said)) == there


def test_the_page_has_what_a_process_prints() -> None:
    command, written = next(one for one in SHOWN if one[0].startswith("bnncost cost") and " | " in one[0])
    assert printed(command) == written


@pytest.mark.parametrize(("command", "written"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_command_prints_what_the_page_says(
    command: str,
    written: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    asked, _, cut = command.partition(" | ")
    run(shlex.split(asked)[1:])
    said = capsys.readouterr()
    text = said.err + said.out
    if cut:
        text = subprocess.run(
            ["sh", "-c", cut], input=text, capture_output=True, text=True, check=True
        ).stdout
    assert written == on_page(text), "docs/questions.md is old; make it again: python -m tools.questions"
