"""The page of questions: every command on it prints what stands there."""

from __future__ import annotations

import pytest

from tools.questions import PAGE, commands, printed

SHOWN = commands(PAGE.read_text("utf-8"))


def test_the_page_begins_with_the_question_of_the_card() -> None:
    command, answer = SHOWN[0]
    assert command == "bnncost best --network resnet20 --profile mcu-cortex-m33 --energy 10mJ"
    assert "Against int8: " in answer and len(SHOWN) >= 5


@pytest.mark.parametrize(("command", "written"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_command_prints_what_the_page_says(command: str, written: str) -> None:
    assert written == printed(command), "docs/questions.md is old; make it again: python -m tools.questions"
