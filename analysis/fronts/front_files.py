"""A front in files: the figure, and its designs as tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.accuracy.names import Names
from analysis.fronts.from_studies import front_note, table_note
from analysis.fronts.front_tables import front_view, study_front_view
from analysis.fronts.verdict import verdict_text
from analysis.methods.method_frames import width_curve
from analysis.plots import draw_front, front_info, write_figure
from analysis.plots.front import WIDTHS
from analysis.show.axes import Axis
from analysis.show.frames import csv_frame
from analysis.show.latex import bib, latex
from analysis.show.paper import PaperSize
from analysis.show.tables import Table, chosen_columns, without_empty_columns
from analysis.show.text_forms import markdown
from analysis.show.words import network_title, profile_title
from costmodel import DesignKey
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.output import write_whole
from costmodel.pricing.price import TrafficModel


@dataclass(frozen=True)
class Look:
    """How a front is laid out: its width, if it is for a paper, the picture's forms, and whether that has a title.

    `columns` are those of the tables for people, all of them where none is chosen.
    """

    size: PaperSize | None = None
    forms: tuple[str, ...] = (".png", ".svg")
    titled: bool = True
    columns: tuple[str, ...] = ()

    def of(self, table: Table) -> Table:
        """The table with the columns that were chosen."""
        return chosen_columns(table, self.columns) if self.columns else table


def write_front(
    frame: pd.DataFrame,
    network: str | None,
    dataset: str,
    profile: AnyProfile,
    x: Axis,
    out: Path,
    *,
    traffic: TrafficModel | None = None,
    tables: bool = True,
    figures: bool = True,
    note: str = "",
    look: Look = Look(),
) -> list[Path]:
    """Write one front as a picture, CSV, Markdown and LaTeX into a folder; returns the paths.

    `traffic` is that of the frame's costs; `tables` and `figures` say which of both are written; `note` stands below
    both.
    """
    chip = as_profile(profile)
    title = f"{network_title(network, dataset)}: top-1 against {x}"
    written: list[Path] = []
    caption = " ".join(filter(None, (verdict_text(frame, x), note)))
    view = look.of(front_view(frame, f"{title}, {chip.name}", chip, caption))
    if figures:
        plain = DesignKey(network, dataset) if network else None
        widths = width_curve(plain, chip, np.array(WIDTHS), traffic=traffic) if plain else None
        head = (title, profile_title(chip, traffic)) if look.titled else ("", "")
        figure = draw_front(front_info(frame, *head, x, widths, note, look.size))
        written += write_figure(figure, out / f"front-{x}", look.forms)
    if tables:
        written += write_tables(out / f"front-{x}", view, csv_frame(frame), look)
    return written


def write_study_front(
    frame: pd.DataFrame,
    names: Names,
    protocol: str,
    profile: AnyProfile,
    x: Axis,
    stem: Path,
    *,
    traffic: TrafficModel | None = None,
    tables: bool = True,
    figures: bool = True,
    look: Look = Look(),
) -> list[Path]:
    """Write the front of one study in the same forms to files that begin with `stem`; returns the paths.

    `traffic` is that of the frame's costs; `tables` and `figures` say which of both are written.
    """
    chip, plain = as_profile(profile), names.baseline
    title = f"{network_title(plain.network, plain.dataset)}: measured top-1 against {x}"
    written: list[Path] = []
    caption = f"{verdict_text(frame, x)} {table_note(frame, names, protocol)}"
    view = look.of(without_empty_columns(study_front_view(frame, f"{title}, {chip.name}", chip, caption)))
    if figures:
        widths = width_curve(plain, chip, plain.width * np.array(WIDTHS), traffic=traffic)
        note = front_note(frame, names, protocol)
        head = (title, profile_title(chip, traffic)) if look.titled else ("", "")
        figure = draw_front(front_info(frame, *head, x, widths, note, look.size))
        written += write_figure(figure, stem, look.forms)
    if tables:
        written += write_tables(stem, view, csv_frame(frame), look)
    return written


_LEFT_TO_MARKS = "design_class"
"""The column that a front's table in a paper does without, unless it is chosen: the picture's marks have it."""


def write_tables(stem: Path, view: Table, csv: str, look: Look = Look()) -> list[Path]:
    """Write one table as CSV, Markdown and LaTeX, with the papers that it cites beside it."""
    short = view if look.columns else without_empty_columns(view, _LEFT_TO_MARKS)
    texts = {".csv": csv, ".md": markdown(view), ".tex": latex(short, look.size)}
    papers = bib((short,))
    texts |= {".bib": papers} if papers else {}
    return [write_whole(stem.with_name(stem.name + suffix), text) for suffix, text in texts.items()]
