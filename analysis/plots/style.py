"""How every figure looks: sizes, colours, fonts, readable axis units, and how it is written to a file."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from analysis.show.units import Scale, common_scale
from costmodel.output import make_folder, write_whole

SINGLE, DOUBLE = 3.4, 7.0
"""Widths of one and of two columns of a paper [in]."""
DPI = 200
NOTE_IN = 0.17
"""Height of a line of notes [in]."""
STAR_NOTE = "* The accuracy was reached on another, similar backbone."
FONT, TITLE_FONT = 8.0, 9.0
"""Smallest size of letters, and that of titles [pt]."""

BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
)
"""Colours of Okabe and Ito (2008), which the colour-blind tell apart."""
INK, GREY, PALE = "#1a1a1a", "#6b6b6b", "#b8b8b8"

STYLE: Mapping[Any, Any] = MappingProxyType(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica", "sans-serif"],
        "font.size": FONT,
        "axes.titlesize": TITLE_FONT,
        "axes.labelsize": FONT,
        "xtick.labelsize": FONT,
        "ytick.labelsize": FONT,
        "legend.fontsize": FONT,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "hatch.linewidth": 0.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "text.parse_math": False,  # a label is what it says, dollar signs included
        "svg.fonttype": "none",
        "pdf.fonttype": 42,  # outlines that publishers take, and text that can be searched
        "svg.hashsalt": "bnncost",
    }
)


def axis_scale(values: Iterable[float], unit: str) -> Scale:
    """The unit that suits the middle one of the values.

    >>> axis_scale([0.9e-6, 1.4e-6, 4e-4], "J")
    Scale(size=1e-06, label='µJ')
    """
    return common_scale((median(values),), unit)


def short_number(value: float) -> str:
    """Write a number in three significant digits, without exponent and without trailing zeros.

    >>> [short_number(value) for value in (0.04567, 1.5, 12.34, 104562.0)]
    ['0.0457', '1.5', '12.3', '105,000']
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    text = f"{rounded:,.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def styled() -> Any:
    """The style as a context; what is drawn or written inside has it, whatever was set outside."""
    shipped: dict[Any, Any] = dict(mpl.rcParamsDefault)
    del shipped["backend"]
    return mpl.rc_context({**shipped, **STYLE})


def canvas(width: float, height: float) -> Figure:
    """An empty figure [in] on the Agg canvas, apart from pyplot and its state."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def axes_in(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes with these margins [in] to the edges of the figure."""
    width, height = figure.get_size_inches()
    inner = (width - left - right, height - bottom - top)
    return figure.add_axes((left / width, bottom / height, inner[0] / width, inner[1] / height))


def write_titles(figure: Figure, title: str, subtitle: str = "") -> None:
    """Write the title and a grey line below it in the upper left corner."""
    width, height = figure.get_size_inches()
    left = 0.06 / width
    figure.text(left, 1 - 0.08 / height, title, fontsize=TITLE_FONT, fontweight="bold", va="top", gid="title")
    if subtitle:
        figure.text(left, 1 - 0.27 / height, subtitle, color=GREY, va="top", gid="subtitle")


def subtitle_in(subtitle: str) -> float:
    """Height that the lines below a title take [in]."""
    return 0.17 + NOTE_IN * subtitle.count("\n") if subtitle else 0.0


def note_for(labels: Iterable[str]) -> str:
    """What a star behind a label means, where there is one."""
    return STAR_NOTE if any(label.endswith(" *") for label in labels) else ""


def write_note(figure: Figure, note: str) -> None:
    """Write a grey line along the lower edge."""
    width, height = figure.get_size_inches()
    figure.text(0.06 / width, 0.06 / height, note, color=GREY, va="bottom", gid="note")


def text_size(
    figure: Figure | SubFigure, text: str, size: float = FONT, weight: str = "normal"
) -> tuple[float, float]:
    """Width and height of a text [pt], several lines included."""
    drawn = figure.text(0, 0, text, fontsize=size, fontweight=weight)
    box = drawn.get_window_extent()
    drawn.remove()
    return box.width * 72 / figure.dpi, box.height * 72 / figure.dpi


def write_figure(figure: Figure, stem: Path, forms: Sequence[str] = (".png", ".svg")) -> list[Path]:
    """Write a figure in several forms, PDF and SVG with their text as text; the same figure gives the same bytes."""
    drawn = [(stem.with_name(stem.name + suffix), _drawn(figure, suffix)) for suffix in forms]
    return [write_whole(path, content) for path, content in drawn]  # none where one cannot be drawn


def write_drawn(figure: Figure, out: Path, stem: str) -> list[Path]:
    """Write a figure to a file, or as PNG and SVG called `stem` into a folder, which is made."""
    if out.suffix and not out.is_dir():
        return [write_picture(figure, out)]
    return write_figure(figure, make_folder(out) / stem)


def write_picture(figure: Figure, path: Path) -> Path:
    """Write a figure to one file, as its suffix says: .png, .svg or .pdf."""
    return write_whole(path, _drawn(figure, path.suffix))


def _drawn(figure: Figure, suffix: str) -> bytes:
    form = suffix.lower().removeprefix(".")
    metadata: dict[str, Any] = {
        "png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None},
    }[form]  # fmt: skip
    drawn = io.BytesIO()
    with styled():
        options: dict[str, Any] = {"pil_kwargs": {"compress_level": 3}} if form == "png" else {}
        figure.savefig(drawn, format=form, dpi=DPI, metadata=metadata, **options)
    return drawn.getvalue()
