"""Frames as files."""

from __future__ import annotations

import pandas as pd
from pandas.api.types import is_numeric_dtype

from analysis.show.safe import csv_cell


def csv_frame(frame: pd.DataFrame) -> str:
    """A frame as CSV, its texts as text."""
    texts = {name: frame[name].map(csv_cell) for name in frame if not is_numeric_dtype(frame[name])}
    return str(frame.assign(**texts).to_csv(index=False, lineterminator="\n"))
