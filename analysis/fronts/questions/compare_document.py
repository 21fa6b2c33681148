"""`bnncost compare`: designs side by side and their differences by cause: tables, a sentence each, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.costs.cost_columns import area_in_one_unit
from analysis.fronts.questions.differences import TOTAL, Entry, all_causes, compared, inside_core
from analysis.show.document import Document
from analysis.show.pictures import check_picture
from analysis.show.safe import file_stem
from analysis.show.tables import INSIDE_CORE, Cell, Column, Table
from analysis.show.units import readable
from analysis.show.words import COMPULSORY, fits_text
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel

_TOLD = 3
"""Causes that a sentence names."""
_TIMES = 3
"""Ratio from which a value is told as a multiple, and no difference as a share."""
_SHARE_TOLD = 0.02
"""Part of a difference below which a cause is not named."""


def compare_document(
    designs: Sequence[str],
    chips: Sequence[HardwareProfile],
    *,
    traffic: TrafficModel | None = None,
    out: Path | None = None,
) -> tuple[Document, tuple[Entry, ...]]:
    """Hold designs against each other; raises BnncostError as `compared` does, and for an `out` without picture."""
    if out is not None:
        check_picture(out)
    entries = compared(designs, chips, traffic)
    notes = tuple(_sentence(one, entries[one.base]) for one in entries if _held(one, entries))
    if any(one.cost.traffic == "compulsory" for one in entries):
        notes = (*notes, COMPULSORY)
    tables = (_overview(entries), _differences(entries))
    return Document(tables, _data(entries), _tidy(entries), notes), entries


def write_comparison(entries: Sequence[Entry], out: Path) -> list[Path]:
    """Draw the energy of every entry by cause to a file, or as PNG and SVG into a folder."""
    from analysis.plots.causes import causes_info
    from analysis.plots.split import draw_split
    from analysis.plots.style import write_drawn

    profiles = list(dict.fromkeys(one.cost.profile for one in entries))
    on = {name: f" on {name}" if len(profiles) > 1 else "" for name in profiles}
    rows = [(f"{one.letter}: {one.name}{on[one.cost.profile]}", one.cost.energy_split_j) for one in entries]
    info = causes_info(rows, "Energy by cause", " and ".join(profiles))
    names = [one.name for one in entries[:2]]
    return write_drawn(draw_split(info), out, file_stem("compare", *names, *profiles))


def _held(one: Entry, entries: Sequence[Entry]) -> bool:
    """Whether an entry is held against another one."""
    return entries[one.base] is not one


def _overview(entries: Sequence[Entry]) -> Table:
    """Every entry with its letter and its totals."""
    units = [area_in_one_unit(one.cost.area) for one in entries]
    outside = any(one.cost.off_chip_bits for one in entries)
    columns = (
        Column("entry", ""), Column("design", "design"), Column("profile", "profile"),
        Column("energy_j", "energy", "J"), Column("latency_s", "latency", "s"), Column("area", "area"),
        Column("memory_bits", "memory", "bit"), *((Column("off_chip", "fits on chip"),) if outside else ()),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.letter, one.name, one.cost.profile, one.cost.energy_j, one.cost.latency_s,
            readable(area, unit), sum(one.cost.memory_bits.values()),
            *((fits_text(tuple(one.cost.off_chip_bits)),) if outside else ()),
        )
        for one, (unit, area) in zip(entries, units, strict=True)
    )  # fmt: skip
    return Table("compared", "Compared", columns, rows)


def _differences(entries: Sequence[Entry]) -> Table:
    """Energy by cause of every entry, with the difference to what it is held against."""
    columns = [Column("cause", "spent on")]
    for one in entries:
        columns.append(Column(f"{one.letter}_j", one.letter, "J"))
        if _held(one, entries):
            columns.append(Column(f"{one.letter}_difference_j", _against(one, entries), "J"))
    rows = [_row(cause, entries) for cause in [*all_causes(entries), TOTAL]]
    return Table("differences", "Energy by cause, and differences", tuple(columns), tuple(rows))


def _against(one: Entry, entries: Sequence[Entry]) -> str:
    return f"{one.letter} − {entries[one.base].letter}"


def _row(cause: str, entries: Sequence[Entry]) -> tuple[Cell, ...]:
    cells: list[Cell] = [cause]
    for one in entries:
        energy = _energy(one, cause)
        cells.append(INSIDE_CORE if inside_core(cause, one) else energy)
        if _held(one, entries):
            base = _energy(entries[one.base], cause)
            cells.append(None if energy is base is None else (energy or 0.0) - (base or 0.0))
    return tuple(cells)


def _energy(one: Entry, cause: str) -> float | None:
    return one.cost.energy_j if cause == TOTAL else one.causes.get(cause)


def _sentence(one: Entry, base: Entry) -> str:
    """Say by how much an entry takes more or less, and which causes make the most of it."""
    energy = _compared(f"energy than {base.letter}", one.cost.energy_j, base.cost.energy_j, "J")
    told = (
        f"{one.letter} takes {energy}, and {_compared('time', one.cost.latency_s, base.cost.latency_s, 's')}"
    )
    causes = {c: one.causes.get(c, 0.0) - base.causes.get(c, 0.0) for c in all_causes((base, one))}
    largest = sorted(causes, key=lambda cause: -abs(causes[cause]))[:_TOLD]
    least = _SHARE_TOLD * max(abs(value) for value in causes.values())
    parts = [f"{cause} {_signed(causes[cause])}" for cause in largest if abs(causes[cause]) > least]
    return f"{told}: {', '.join(parts)}." if parts else f"{told}."


def _compared(what: str, value: float, base: float, unit: str) -> str:
    """Say by how much a value is more or less than another.

    >>> _compared("energy", 3e-6, 2e-6, "J"), _compared("time", 2e-3, 2e-3, "s"), _compared("time", 1.0, 1e-3, "s")
    ('1.00 µJ (50.0 %) more energy', 'no more time', '999 ms more time (1,000 times as much)')
    """
    more = value - base
    if abs(more) < 1e-9 * base:
        return f"no more {what}"
    ratio = value / base if base else 0.0
    size, way = readable(abs(more), unit), "more" if more > 0 else "less"
    if ratio < _TIMES:
        return f"{size} ({abs(100 * (ratio - 1)):.1f} %) {way} {what}"
    times = f"{ratio:,.0f}" if ratio >= 1000 else f"{ratio:.3g}"
    return f"{size} {way} {what} ({times} times as much)"


def _signed(energy: float) -> str:
    return f"{'+' if energy >= 0 else '−'}{readable(abs(energy), 'J')}"


def _data(entries: Sequence[Entry]) -> dict[str, Any]:
    causes = all_causes(entries)
    return {
        "entries": [
            {
                "entry": one.letter,
                "design": one.cost.design,
                "profile": one.cost.profile,
                "energy_j": one.cost.energy_j,
                "latency_s": one.cost.latency_s,
                "area": dict(one.cost.area),
                "memory_bits": dict(one.cost.memory_bits),
                "off_chip_bits": dict(one.cost.off_chip_bits),
                "causes": [
                    {"cause": cause, "energy_j": one.causes[cause]} for cause in causes if cause in one.causes
                ],
                "against": entries[one.base].letter if _held(one, entries) else None,
                "sentence": _sentence(one, entries[one.base]) if _held(one, entries) else None,
            }
            for one in entries
        ]
    }


def _tidy(entries: Sequence[Entry]) -> Table:
    """One row for each entry and cause: the rows of an entry add up to its energy."""
    columns = ("entry", "design", "profile", "cause", "energy_j", "against", "difference_j")
    rows: list[tuple[Cell, ...]] = []
    for one in entries:
        base = entries[one.base]
        for cause in all_causes(entries):
            energy = one.causes.get(cause, 0.0)
            against = (base.letter, energy - base.causes.get(cause, 0.0)) if base is not one else (None, None)
            rows.append((one.letter, one.cost.design, one.cost.profile, cause, energy, *against))
    return Table("compare", "compare", tuple(Column(name, name) for name in columns), tuple(rows))
