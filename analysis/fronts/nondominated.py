"""Where a front is found: the designs that no other beats in both accuracy and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import moocore
import numpy as np

from analysis.show.axes import Axis
from analysis.show.range_cells import at_all_ends, joined_frames
from costmodel.hardware import HardwareProfile

if TYPE_CHECKING:
    import pandas as pd

_RANGED = ("x", "energy_j", "latency_s", "area")
"""Columns of a front's frame that have ranges."""
_SAME_COST = 1.03
"""Costs within this ratio count as one where a figure has room for one name."""


def with_front(rows: Sequence[Mapping[str, object]], x: Axis) -> pd.DataFrame:
    """A frame of designs with their place on the axis and whether they are on the front; sorted by the axis."""
    import pandas as pd  # a fifth of a second, which what needs no frame does without

    frame = pd.DataFrame(rows)
    frame["x"] = frame[x.column]
    frame["on_front"] = on_front(frame["x"].to_numpy(), frame["top1"].to_numpy())
    return frame.sort_values(["x", "top1"]).reset_index(drop=True)


def on_front(x: np.ndarray, top1: np.ndarray) -> np.ndarray:
    """Mark the points that no other beats in both: lower `x`, higher accuracy. Equal points are all kept."""
    points = np.column_stack([x, top1]).astype(float)
    return np.asarray(moocore.is_nondominated(points, maximise=[False, True], keep_weakly=True))


def front_over(
    compute: Callable[[HardwareProfile], pd.DataFrame], chip: HardwareProfile, *, ranges: bool
) -> pd.DataFrame:
    """The frame of a front on a profile, with the ranges of its costs if asked for."""
    return joined_frames(at_all_ends(compute, chip), "name", _RANGED) if ranges else compute(chip)


def best_at_cost(x: np.ndarray, top1: np.ndarray) -> np.ndarray:
    """Mark the most accurate point of each group of nearly equal costs; `x` ascends.

    >>> best_at_cost(np.array([100, 101, 102, 110]), np.array([60, 62, 61, 59])).tolist()
    [False, True, False, True]
    """
    marked = np.zeros(len(x), dtype=bool)
    start = 0
    for end in range(1, len(x) + 1):
        if end == len(x) or x[end] > _SAME_COST * x[start]:
            marked[start + int(np.argmax(top1[start:end]))] = True
            start = end
    return marked
