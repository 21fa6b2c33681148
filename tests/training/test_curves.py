"""The loss curve shows the history that it is given."""

from __future__ import annotations

from small_runs import small_run

from training.run.checkpoints import Epoch
from training.run.curves import curve_figure


def test_the_curve_shows_loss_accuracy_and_the_switch_of_phases() -> None:
    history = tuple(
        Epoch(number, phase, loss, top1, 0.1, 100.0, 1.0)
        for number, phase, loss, top1 in [(1, 1, 2.0, 20.0), (2, 1, 1.5, 40.0), (3, 2, 1.7, 35.0)]
    )
    figure = curve_figure(small_run(), history)
    loss, top1 = figure.axes
    assert loss.lines[0].get_xydata().tolist() == [[1, 2.0], [2, 1.5], [3, 1.7]]
    assert top1.lines[0].get_xydata().tolist() == [[1, 20.0], [2, 40.0], [3, 35.0]]
    assert list(loss.lines[1].get_xdata()) == [2.5, 2.5]
    assert (loss.get_xlabel(), top1.get_ylabel()) == ("epoch", "validation top-1 [%]")
    assert "resnet20@w0.25/digits" in loss.get_title(loc="left")
