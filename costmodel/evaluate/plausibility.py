"""What of a sound profile is hardly meant: figures far from those of shipped profiles, memories in which nothing fits.

A profile is compared with the shipped ones of its archetype and node; a figure that none of these has, with all of its
archetype. Names of memories are free, so that one on chip is compared with all on chip, one outside with all outside.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from costmodel.designs.network_files import NETWORKS
from costmodel.errors import BnncostError
from costmodel.evaluate.cost import as_design, prepared
from costmodel.hardware import HardwareProfile, Problem, Quantity, load_profile, shipped_profiles
from costmodel.hardware.files import examine
from costmodel.hardware.text.problem import Path
from costmodel.hardware.text.reader import problems_of
from costmodel.hardware.text.units import scale_of
from costmodel.hardware.walk import quantities
from costmodel.pricing.price import traffic_model
from costmodel.pricing.setting import setting_of

FARTHEST = 100.0
"""Times that a figure may lie outside what shipped profiles have."""


@dataclass(frozen=True)
class Span:
    """The least and the largest of a figure, ranges included, in SI units, and the profiles that have it."""

    low: float
    high: float
    profiles: tuple[str, ...]

    def holds(self, value: float) -> bool:
        """Whether a value lies in the span, or outside by less than is allowed."""
        return self.low / FARTHEST <= value <= self.high * FARTHEST


def plausibility_warnings(name_or_path: str | os.PathLike[str]) -> tuple[Problem, ...]:
    """List what of a sound profile is hardly meant, by file and line; raises BnncostError for one with problems.

    >>> plausibility_warnings("asic-45nm")
    ()
    """
    profile, examined = load_profile(name_or_path), examine(name_or_path)
    findings = [*_far_figures(profile), *_nothing_fits(profile)]
    return problems_of(examined.documents, findings, examined.origins)


# ---------------------------------------------------------------- figures


def _far_figures(profile: HardwareProfile) -> Iterator[tuple[Path, str]]:
    kin = [chip for chip in map(load_profile, shipped_profiles()) if chip.archetype == profile.archetype]
    near = _spans(chip for chip in kin if chip.technology.node.si == profile.technology.node.si)
    everywhere = _spans(kin)
    for path, figure in quantities(profile):
        alike = _alike(profile, path)
        span = near.get(alike) or everywhere.get(alike)
        explained = figure.value == 0 and figure.note  # zero is free, and says why
        if span is not None and not explained and not span.holds(figure.si):
            yield path, _sentence(figure, span)


def _spans(profiles: Iterable[HardwareProfile]) -> Mapping[Path, Span]:
    spans: dict[Path, Span] = {}
    for profile in profiles:
        for path, figure in quantities(profile):
            alike, factor = _alike(profile, path), figure.si / figure.value if figure.value else 0.0
            ends = [factor * end for end in (figure.low, figure.value, figure.high) if end is not None]
            before = spans.get(alike, Span(min(ends), max(ends), ()))
            names = tuple(dict.fromkeys((*before.profiles, profile.name)))
            spans[alike] = Span(min(before.low, *ends), max(before.high, *ends), names)
    return spans


def _alike(profile: HardwareProfile, path: Path) -> Path:
    """The place of a figure without the names that a profile chooses freely, and without places in lists."""
    parts = tuple(part for part in path if not isinstance(part, int))
    if parts[0] == "memories":
        outside = profile.memories[str(parts[1])].off_chip
        return ("memories", "outside" if outside else "on chip", *parts[2:])
    return ("array", "buffers", *parts[3:]) if parts[:2] == ("array", "buffers") else parts


def _sentence(figure: Quantity, span: Span) -> str:
    factor = scale_of(figure.unit).factor
    low, high = span.low / factor, span.high / factor
    known = f"{low:.3g} {figure.unit}" if low == high else f"{low:.3g} to {high:.3g} {figure.unit}"
    side = "below" if figure.si < span.low else "above"
    return (
        f"{figure.value:g} {figure.unit} is more than {FARTHEST:g} times {side} what shipped profiles have: {known} "
        f"({', '.join(span.profiles)}); is the unit right?"
    )


# ---------------------------------------------------------------- memories


def _nothing_fits(profile: HardwareProfile) -> Iterator[tuple[Path, str]]:
    """Say so where no backbone, plain, finds room in the memories, and what the smallest lacks."""
    lacking: dict[str, float] = {}
    for name in NETWORKS:
        demand = prepared(as_design(name)).demand
        try:
            setting = setting_of(profile, demand, tiled=traffic_model(profile, None) == "mapped")
        except BnncostError:  # an operation that the chip cannot run is told when it is priced
            continue
        lacking[name] = float(setting.placement.unplaced_bits[0])
        if lacking[name] == 0:
            return
    if lacking:
        least = min(lacking, key=lambda name: lacking[name])
        yield (
            ("memories",),
            f"no shipped network fits: even {least} lacks room for {lacking[least] / 8192:,.3g} kB",
        )
