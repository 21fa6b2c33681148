"""AccuracyRecord: how accurate one design was, and who says so. Training writes records, analysis reads them."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.design import DesignKey


@dataclass(frozen=True)
class AccuracyRecord:
    """Top-1 accuracy [%] of a design, with its source.

    `name` is the design as written: a published design's name or the text form. `kind` says who measured:
    author, third-party, cited or secondary for the literature, measured for own runs.
    """

    name: str
    key: DesignKey
    top1: float
    kind: str = "measured"
    reference: str = ""
    note: str = ""
    epochs: str = ""
    seeds: str = ""
