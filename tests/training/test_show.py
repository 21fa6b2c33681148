"""What is shown while a design trains: its methods stand in brackets, as the markup of terminals does."""

from __future__ import annotations

import time
from io import StringIO

from rich.console import Console
from small_runs import small_run

from training.run.console import under_way
from training.run.loop import Progress
from training.run.show import watched

DESIGN = "resnet20[prelu+double_residual]@w0.25/digits"


def shown(part: float, **settings: bool) -> str:
    stream = StringIO()
    with watched(Console(file=stream, width=150, **settings)) as watch:
        watch(Progress(small_run(DESIGN), 2, part, 1.5, 40.0, 123.0, 65.0))
    return stream.getvalue()


def test_a_terminal_shows_the_whole_design() -> None:
    text = shown(0.5, force_terminal=True)
    assert "resnet20[prelu+double_residual]@w0.25/digits" in text or (
        "resnet20[double_residual+prelu]@w0.25/digits" in text
    )
    assert "epoch 2/3, loss 1.500, validation 40.0 %, 123 images/s, 1 min 5 s left" in text


def test_elsewhere_there_is_a_line_for_each_whole_epoch() -> None:
    assert shown(0.5) == ""
    assert shown(1).count("\n") == 1


def test_an_export_tells_on_a_terminal_what_it_is_at_and_nowhere_else() -> None:
    for terminal in (True, False):
        stream = StringIO()
        with under_way(Console(file=stream, width=150, force_terminal=terminal)) as tell:
            tell(f"1/2 {DESIGN}: int8 on 10,000 test images")
            time.sleep(0.2)  # as long as a terminal takes to show a change
        assert (DESIGN in stream.getvalue()) is terminal, stream.getvalue()
