"""`bnncost profiles`: the chips that designs are priced on."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from analysis.show.document import Document
from analysis.show.tables import Cell, Column, Table, records
from costmodel import BnncostError, load_profile, shipped_profiles
from costmodel.hardware import (
    HardwareProfile,
    MemoryLevel,
    Quantity,
    check_profile,
    new_profile,
    profile_json_schema,
)
from costmodel.hardware.prices import mac_price
from costmodel.hardware.text.quantity import Status
from costmodel.output import write_whole


def list_document() -> Document:
    """The shipped profiles side by side."""
    columns = (
        Column("name", "profile"), Column("title", "title"), Column("archetype", "kind"),
        Column("node", "node"), Column("clock_hz", "clock", "Hz"),
        Column("binary_mac_j", "binary MAC", "J"), Column("int8_mac_j", "int8 MAC", "J"),
    )  # fmt: skip
    rows = tuple(_summary(load_profile(name)) for name in shipped_profiles())
    return Document.of(Table("profiles", "Hardware profiles", columns, rows))


def _summary(profile: HardwareProfile) -> tuple[Cell, ...]:
    node = profile.technology.node
    return (
        profile.name, profile.title, profile.archetype, f"{node.value:g} {node.unit}", profile.clock.si,
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
        for place, figure in quantities(profile)
    )
    title = f"{profile.name}: {profile.title}"
    caption = f"{profile.description} Figures by status: {status_counts(profile)}."
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


def quantities(node: object, place: str = "") -> Iterator[tuple[str, Quantity]]:
    """Every figure below a node of a profile that its file gives, with its place as messages write it."""
    if isinstance(node, Quantity):
        yield place, node
    elif isinstance(node, BaseModel):
        # The macros of an `sram` follow from it.
        follows = ("macros",) if isinstance(node, MemoryLevel) and node.sram else ()
        for field in [name for name in type(node).model_fields if name not in follows]:
            yield from quantities(getattr(node, field), f"{place}.{field}" if place else field)
    elif isinstance(node, Mapping):
        for key, inner in node.items():
            yield from quantities(inner, f"{place}.{key}")
    elif isinstance(node, tuple):
        for number, inner in enumerate(node):
            yield from quantities(inner, f"{place}[{number}]")


def status_counts(profile: HardwareProfile) -> str:
    """How many figures are measured, published, derived, scaled and assumed."""
    found = Counter(figure.status for _, figure in quantities(profile))
    return ", ".join(f"{found[status]} {status}" for status in get_args(Status) if found[status])


def check(path: str) -> str:
    """One sentence if a profile is sound; raises with all that is wrong with it if not."""
    problems = check_profile(path)
    if problems:
        raise BnncostError("\n".join(map(str, problems)))
    profile = load_profile(path)
    return f"{profile.name}: sound; figures by status: {status_counts(profile)}"


def write_new(name: str, base: str, out: Path | None) -> Path:
    """Write a profile to start from; raises where there is such a file already."""
    target = out or Path(f"{name}.yaml")
    return write_whole(target, new_profile(name, _seen_from(target, base)), overwrite=False)


def _seen_from(target: Path, base: str) -> str:
    """The base as a profile in the target's folder must write it: a path from elsewhere becomes absolute."""
    is_here = target.resolve().parent == Path.cwd()
    return base if base in shipped_profiles() or is_here or not Path(base).exists() else os.path.abspath(base)


def schema_text() -> str:
    """The JSON Schema that editors complete and check profiles with."""
    return json.dumps(profile_json_schema(), indent=2) + "\n"


NEXT_STEPS = """\
Next: put in the figures of your chip, each with unit, source and status;
      bnncost profiles check {path}
      bnncost cost resnet20/cifar10 --profile {path}"""
