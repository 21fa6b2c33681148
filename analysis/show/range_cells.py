"""Cells that are ranges: a table or frame computed at both ends of a profile's ranges, joined into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from analysis.show.tables import Cell, Table, range_name
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.evaluate.ranges import Range
from costmodel.hardware import HardwareProfile
from costmodel.hardware.ends import at_end

if TYPE_CHECKING:
    import pandas as pd

WHAT_RANGES_ARE = (
    "In brackets: least and most of three evaluations, with every figure of the profile at its cheap end, as it "
    "stands, and at its dear end. These are corners, no confidence interval."
)
Result = TypeVar("Result")


def at_all_ends(
    compute: Callable[[HardwareProfile], Result], profile: AnyProfile
) -> tuple[Result, Result, Result]:
    """What `compute` makes of a profile with all figures at the cheap end, as they stand, and at the costly end."""
    chip = as_profile(profile)
    return compute(at_end(chip, "best")), compute(chip), compute(at_end(chip, "worst"))


def joined_tables(three: tuple[Table, Table, Table], key: Sequence[str]) -> Table:
    """The middle table with ranges over all three; rows with equal cells in the `key` columns belong together.

    A row that an end lacks counts as zero there. A number that an end cannot give has no range.
    """
    best, table, worst = three
    places = [number for number, column in enumerate(table.columns) if column.name in key]
    ends = [{_key(row, places): row for row in end.rows} for end in (best, worst)]
    rows = tuple(
        tuple(
            _joined(cell, *(_cell_at(end, _key(row, places), number) for end in ends))
            for number, cell in enumerate(row)
        )
        for row in table.rows
    )
    return replace(table, rows=rows)


def joined_frames(
    three: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], key: str, columns: Sequence[str]
) -> pd.DataFrame:
    """The middle frame with columns more for the least and the largest of some of its columns, such as `energy_low_j`.

    Rows of the same `key` belong together.
    """
    best, frame, worst = three
    joined = frame.copy()
    ends = [end.set_index(key).loc[frame[key]] for end in (best, worst)]
    for column in columns:
        values = list(zip(frame[column], *(end[column] for end in ends), strict=True))
        joined[range_name(column, "low")] = [min(one) for one in values]
        joined[range_name(column, "high")] = [max(one) for one in values]
    return joined


def _key(row: tuple[Cell, ...], places: Sequence[int]) -> tuple[Cell, ...]:
    return tuple(row[place] for place in places)


def _cell_at(end: dict[tuple[Cell, ...], tuple[Cell, ...]], key: tuple[Cell, ...], number: int) -> Cell:
    return end[key][number] if key in end else 0.0


def _joined(cell: Cell, best: Cell, worst: Cell) -> Cell:
    """The cell as a range where it is a number that differs between the ends."""
    if not all(isinstance(one, int | float) for one in (best, cell, worst)) or best == cell == worst:
        return cell
    assert isinstance(best, int | float) and isinstance(cell, int | float) and isinstance(worst, int | float)
    return Range.of(float(best), float(cell), float(worst))
