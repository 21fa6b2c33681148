"""The designs of a front as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.costs.cost_columns import COST_NAMES, convention_columns, cost_columns
from analysis.show.range_cells import WHAT_RANGES_ARE
from analysis.show.tables import Cell, Column, Table, range_name
from analysis.show.words import fits_text, scope_sentence
from costmodel.demand.conventions import OpsConvention
from costmodel.evaluate.ranges import Range
from costmodel.hardware import HardwareProfile


def front_view(frame: pd.DataFrame, title: str, chip: HardwareProfile, caption: str = "") -> Table:
    """The designs of a front on a profile in the order of their axis; the front itself is marked."""
    columns = front_columns(str(frame["area_unit"].iloc[0]), _conventions(frame), off_chip=_spills(frame))
    rows: Sequence[tuple[Cell, ...]] = [
        (
            str(row.label), str(row.design_class), float(row.top1), *_cost_cells(row), *_off_chip_cell(row, frame),
            *_convention_cells(row, frame), "yes" if row.on_front else "",
            str(row.reference),
        )
        for row in frame.itertuples()
    ]  # fmt: skip
    return Table("front", title, columns, tuple(rows), _caption(frame, chip, caption))


def study_front_view(frame: pd.DataFrame, title: str, chip: HardwareProfile, caption: str = "") -> Table:
    """The designs of a study's front in the order of their axis, with mean, spread and number of seeds."""
    columns = study_columns(str(frame["area_unit"].iloc[0]), _conventions(frame), off_chip=_spills(frame))
    rows: Sequence[tuple[Cell, ...]] = [
        (
            str(row.label), str(row.design_class), float(row.top1),
            _number(row.top1_spread), int(row.seeds), *_cost_cells(row), *_off_chip_cell(row, frame),
            *_convention_cells(row, frame), _place(row),
            str(row.note),
        )
        for row in frame.itertuples()
    ]  # fmt: skip
    return Table("front", title, columns, tuple(rows), _caption(frame, chip, caption))


def front_columns(
    unit: str, conventions: Sequence[OpsConvention], *, off_chip: bool = True
) -> tuple[Column, ...]:
    """The columns of a front with areas in `unit`; `off_chip`: whether designs fit on the chip, where one does not."""
    return (
        Column("label", "design"), Column("design_class", "class"), Column("top1", "top-1", "%"),
        *cost_columns(unit), *((_OFF_CHIP,) if off_chip else ()), *convention_columns(conventions),
        Column("on_front", "on the front"), Column("reference", "accuracy from", cites=True),
    )  # fmt: skip


def study_columns(
    unit: str, conventions: Sequence[OpsConvention], *, off_chip: bool = True
) -> tuple[Column, ...]:
    """The columns of a study's front, as those of `front_columns`."""
    return (
        Column("label", "design"), Column("design_class", "class"), Column("top1", "top-1", "%"),
        Column("top1_spread", "deviation", "points"), Column("seeds", "seeds"), *cost_columns(unit),
        *((_OFF_CHIP,) if off_chip else ()), *convention_columns(conventions), Column("on_front", "on the front"),
        Column("note", "accuracy of"),
    )  # fmt: skip


_OFF_CHIP = Column("off_chip", "fits on chip")


def _off_chip_cell(row: Any, frame: pd.DataFrame) -> tuple[Cell, ...]:
    return (fits_text(filter(None, row.off_chip.split(", "))),) if _spills(frame) else ()


def _spills(frame: pd.DataFrame) -> bool:
    return "off_chip" in frame and bool(frame["off_chip"].any())


def _conventions(frame: pd.DataFrame) -> tuple[OpsConvention, ...]:
    """Those by which the frame sums up operations."""
    return tuple(one for one in OpsConvention if one.value in frame)


def _convention_cells(row: Any, frame: pd.DataFrame) -> tuple[Cell, ...]:
    return tuple(float(getattr(row, one.value)) for one in _conventions(frame))


def _caption(frame: pd.DataFrame, chip: HardwareProfile, caption: str = "") -> str:
    """What the energies count, a caption, and what the brackets of the table are, where it has any."""
    ranges = WHAT_RANGES_ARE if "x_low" in frame else ""
    return " ".join(filter(None, (scope_sentence(chip), caption, ranges)))


def _cost_cells(row: Any) -> tuple[Cell, ...]:
    """Energy, latency, area and memory of a design, with their ranges where the frame has them."""
    return tuple(_with_range(row, name) for name in COST_NAMES)


def _with_range(row: Any, name: str) -> Cell:
    value = float(getattr(row, name))
    low, high = (getattr(row, range_name(name, end), value) for end in ("low", "high"))
    return value if low == value == high else Range(float(low), value, float(high))


def _number(value: float) -> float | None:
    """A number, or nothing where a frame has none."""
    return None if value != value else float(value)


def _place(row: Any) -> str:
    if row.on_front:
        return "yes"
    return "within the spread" if row.within_spread else ""
