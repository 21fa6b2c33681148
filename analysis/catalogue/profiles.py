"""The chips that designs are priced on: side by side, and every figure of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from analysis.show.document import Document
from analysis.show.tables import Cell, Column, Table, records
from analysis.show.words import scope_sentence
from costmodel import load_profile, shipped_profiles
from costmodel.hardware import HardwareProfile, Quantity
from costmodel.hardware.prices import mac_price
from costmodel.hardware.text.problem import place_of
from costmodel.hardware.text.quantity import Status
from costmodel.hardware.walk import quantities


def list_document() -> Document:
    """The shipped profiles side by side."""
    columns = (
        Column("name", "profile"), Column("title", "title"), Column("archetype", "kind"),
        Column("node", "node"), Column("clock_hz", "clock", "Hz"), Column("scope", "energy of a"),
        Column("weights_from_outside", "weights from outside"),
        Column("binary_mac_j", "binary MAC", "J"), Column("int8_mac_j", "int8 MAC", "J"),
    )  # fmt: skip
    rows = tuple(_summary(load_profile(name)) for name in shipped_profiles())
    return Document.of(Table("profiles", "Hardware profiles", columns, rows))


def _summary(profile: HardwareProfile) -> tuple[Cell, ...]:
    node = profile.technology.node
    return (
        profile.name, profile.title, profile.archetype, f"{node.value:g} {node.unit}", profile.clock.si,
        profile.scope, profile.weights_from_outside,
        mac_price(profile, "1x1").energy_j, mac_price(profile, "8x8").energy_j,
    )  # fmt: skip


def show_document(name: str) -> Document:
    """Every quantity of a profile with its range, status and source."""
    profile = load_profile(name)
    columns = (
        Column("figure", "figure"),
        Column("value", "value"),
        Column("unit", "unit"),
        Column("low", "low"),
        Column("high", "high"),
        Column("status", "status"),
        Column("source", "source"),
        Column("note", "note"),
    )
    rows = tuple(
        (
            place,
            figure.value,
            figure.unit,
            figure.low,
            figure.high,
            figure.status,
            figure.source,
            "; ".join(text for text in (figure.law, figure.note) if text),
        )
        for place, figure in given_quantities(profile)
    )
    title = f"{profile.name}: {profile.title}"
    caption = f"{profile.description} {scope_sentence(profile)} Figures by status: {status_counts(profile)}."
    tidy = Table("profile", title, columns, rows, caption)
    return Document(_as_written(tidy), records(tidy), tidy)


def _as_written(tidy: Table) -> tuple[Table, ...]:
    """The figures with their digits as written, and the range in one column."""
    columns = (*tidy.columns[:3], Column("range", "range"), *tidy.columns[5:])
    rows = tuple((row[0], f"{row[1]:g}", row[2], _range(*row[3:5]), *row[5:]) for row in tidy.rows)
    return (Table(tidy.name, tidy.title, columns, rows, tidy.caption),)


def _range(low: Cell, high: Cell) -> str:
    if low is None and high is None:
        return ""
    return " to ".join("" if end is None else f"{end:g}" for end in (low, high)).strip()


def given_quantities(profile: HardwareProfile) -> Iterator[tuple[str, Quantity]]:
    """Every figure that the file of a profile gives, with its place as messages write it."""
    for path, figure in quantities(profile):
        # The macros of an `sram` follow from it.
        follows = path[0] == "memories" and path[2] == "macros" and profile.memories[str(path[1])].sram
        if not follows:
            yield place_of(path), figure


def status_counts(profile: HardwareProfile) -> str:
    """How many figures are measured, published, derived, scaled and assumed."""
    counts = Counter(figure.status for _, figure in given_quantities(profile))
    return ", ".join(f"{counts[status]} {status}" for status in get_args(Status) if counts[status])
