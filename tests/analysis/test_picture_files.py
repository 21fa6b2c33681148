"""Files of pictures: the same whoever draws them, and none of a picture that cannot be drawn."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from analysis.plots.style import axes_in, canvas, styled, write_figure


def line() -> Figure:
    with styled():
        figure = canvas(1, 1)
        axes_in(figure, 0.3, 0.3, 0.1, 0.1).plot([1, 2])
    return figure


def test_a_picture_has_no_settings_of_the_one_who_draws_it(tmp_path: Path) -> None:
    (plain,) = write_figure(line(), tmp_path / "plain", [".png"])
    colours = mpl.cycler("color", [])
    with mpl.rc_context({"figure.facecolor": "red", "axes.prop_cycle": colours, "text.usetex": True}):
        (other,) = write_figure(line(), tmp_path / "other", [".png"])
    assert plain.read_bytes() == other.read_bytes()


def test_of_a_picture_that_cannot_be_drawn_in_one_form_none_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "abc")  # commands do not know it
    with pytest.raises(ValueError, match="abc"):
        write_figure(line(), tmp_path / "line", [".png", ".pdf"])
    assert list(tmp_path.iterdir()) == []
