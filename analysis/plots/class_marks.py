"""How rivals of binary networks look: apart from them, and from each other, by marker and by colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from analysis.plots.style import GREEN, PURPLE, VERMILLION
from analysis.show.classes import DesignClass

CLASS_MARKERS: Mapping[DesignClass, str] = MappingProxyType(
    {DesignClass.LOW_BIT: "P", DesignClass.FULL_PRECISION: "D", DesignClass.MEASURED: "*"}
)
CLASS_COLOURS: Mapping[DesignClass, str] = MappingProxyType(
    {DesignClass.LOW_BIT: GREEN, DesignClass.FULL_PRECISION: VERMILLION, DesignClass.MEASURED: PURPLE}
)
CLASS_NAMES: Mapping[DesignClass, str] = MappingProxyType(
    {
        DesignClass.LOW_BIT: "2 to 8 bits, ternary",
        DesignClass.FULL_PRECISION: "full precision",
        DesignClass.MEASURED: "given with --add",
    }
)
SOURCE_MARKERS = ("X", "p", "d", "^", "v", "<", ">")
"""Markers of own figures by the file that they are from, in the order of the files."""


def source_marker(source: str, sources: Sequence[str]) -> str:
    """The marker of one file among all; beyond the last marker they begin anew."""
    return SOURCE_MARKERS[sources.index(source) % len(SOURCE_MARKERS)]
