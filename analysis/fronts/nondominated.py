"""Where a front is found: the designs that no other beats in both accuracy and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import moocore
import numpy as np
import pandas as pd

from analysis.show.axes import Axis
from analysis.show.range_cells import at_all_ends, joined_frames
from costmodel.hardware import HardwareProfile

_RANGED = ("x", "energy_j", "latency_s", "area")
"""Columns of a front's frame that have ranges."""


def with_front(rows: Sequence[Mapping[str, object]], x: Axis) -> pd.DataFrame:
    """A frame of designs with their place on the axis and whether they are on the front; sorted by the axis."""
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
