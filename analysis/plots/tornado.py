"""The tornado: how far each figure's range moves an energy, or the difference of two, the widest bar on top."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.plots.style import short_number
from analysis.show.figure_words import comparison_sentence, value_text
from analysis.show.units import common_scale, readable
from costmodel.evaluate.break_even import Comparison, Turn
from costmodel.evaluate.figures import Figure
from costmodel.evaluate.sensitivity import Effect, Sensitivity

MOST_ROWS = 14
_NOISE = 5e-3
"""Part of the widest bar below which a bar is not drawn."""


@dataclass(frozen=True)
class TornadoRow:
    """One figure: where the axis is at both ends of its range, and what these ends are.

    An end is None where the design does not fit. `stated` says whether the range is the profile's, `anew` whether all
    is mapped anew at the ends, `turns_at` where the order of two designs turns.
    """

    label: str
    value: str
    low: float | None
    high: float | None
    low_text: str
    high_text: str
    stated: bool
    anew: bool
    turns_at: str = ""


@dataclass(frozen=True)
class TornadoInfo:
    """All that a tornado shows: bars on both sides of `now`, and for two designs the line at which they are equal."""

    title: str
    subtitle: str
    x_label: str
    now: float
    rows: tuple[TornadoRow, ...]
    left_out: int
    compares: bool

    @property
    def limits(self) -> tuple[float, float]:
        """The ends of the axis that hold every bar, and zero where designs are compared."""
        ends = [self.now, *((0.0,) if self.compares else ())]
        ends += [end for row in self.rows for end in (row.low, row.high) if end is not None]
        return min(ends), max(ends)


def sensitivity_info(found: Sensitivity) -> TornadoInfo:
    """Say what the picture of a sensitivity shows."""
    ends = [
        found.energy_j,
        *(end for one in found.effects for end in (one.low_j, one.high_j) if end is not None),
    ]
    scale = common_scale((max(ends),), "J")
    widest = max((one.swing_j for one in found.effects), default=0.0)
    drawn = [one for one in found.effects if one.swing_j > _NOISE * widest or None in (one.low_j, one.high_j)]
    rows = tuple(_row(one.figure, one, scale.size) for one in drawn[:MOST_ROWS])
    return TornadoInfo(
        title=f"What the energy of {found.design} hangs on",
        subtitle=f"{found.profile}: {readable(found.energy_j, 'J')} per inference",
        x_label=f"Energy per inference with the figure at the end of its range [{scale.label}]",
        now=found.energy_j / scale.size,
        rows=rows,
        left_out=len(found.effects) - len(rows),
        compares=False,
    )


def comparison_info(compared: Comparison) -> TornadoInfo:
    """Say what the picture of a comparison shows: figures that turn the order, then those of the largest swing.

    Of those that turn it beyond their range, the nearest is among the first, since the sentence names it.
    """
    turning = [turn for turn in compared.turns if turn.within or turn is compared.nearest]
    others = sorted(
        (turn for turn in compared.turns if turn not in turning), key=lambda turn: -_swing(compared, turn)
    )
    widest = max((_swing(compared, turn) for turn in compared.turns), default=0.0)
    drawn = [*turning, *(turn for turn in others if _swing(compared, turn) > _NOISE * widest)][:MOST_ROWS]
    ends = [
        compared.difference_j,
        *(end for turn in drawn for end in (turn.low_j, turn.high_j) if end is not None),
    ]
    scale = common_scale(ends, "J")
    rows = tuple(_row(turn.figure, turn, scale.size) for turn in drawn)
    return TornadoInfo(
        title=f"{compared.design} against {compared.than}",
        subtitle=comparison_sentence(compared),
        x_label=f"Energy of the first less that of the second, per inference [{scale.label}]",
        now=compared.difference_j / scale.size,
        rows=rows,
        left_out=len(compared.turns) - len(rows),
        compares=True,
    )


def _swing(compared: Comparison, turn: Turn) -> float:
    ends = [compared.difference_j, *(end for end in (turn.low_j, turn.high_j) if end is not None)]
    return max(ends) - min(ends)


def _row(figure: Figure, ends: Effect | Turn, size: float) -> TornadoRow:
    low, high = (None if end is None else end / size for end in (ends.low_j, ends.high_j))
    turns_at = ends.break_even if isinstance(ends, Turn) else None
    return TornadoRow(
        label=figure.place,
        value=value_text(figure),
        low=low,
        high=high,
        low_text=short_number(figure.low),
        high_text=short_number(figure.high),
        stated=figure.stated,
        anew=figure.law == "another chip",
        turns_at="" if turns_at is None else value_text(figure, turns_at),
    )
