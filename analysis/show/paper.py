"""Papers: the widths of one and of two columns, in which pictures and tables have to fit."""

from __future__ import annotations

from enum import Enum


class PaperSize(str, Enum):
    """How wide a picture or a table of a paper is, as in the IEEE's two-column format.

    >>> PaperSize("column").width_in, PaperSize.page.width_pt
    (3.5, 516.0)
    """

    width_in: float
    """Width of a picture [in]."""
    width_pt: float
    """Width of a table [pt of TeX, 1/72.27 in]."""

    column = "column", 3.5, 252.0
    page = "page", 7.16, 516.0

    def __new__(cls, name: str, width_in: float, width_pt: float) -> PaperSize:
        """Make a size whose value is its name alone."""
        made = str.__new__(cls, name)
        made._value_ = name
        made.width_in, made.width_pt = width_in, width_pt
        return made
