"""Which designs have a cost on a profile at all."""

from __future__ import annotations

from collections.abc import Mapping

from costmodel import BnncostError, cost
from costmodel.evaluate.cost import AnyDesign, AnyProfile, as_profile
from costmodel.pricing.price import TrafficModel


def reasons_against(
    designs: Mapping[str, AnyDesign], profile: AnyProfile, *, traffic: TrafficModel | None = None
) -> dict[str, str]:
    """By name, why a design has no cost on the profile; those that have one are left out."""
    chip = as_profile(profile)
    reasons: dict[str, str] = {}
    for name, key in designs.items():
        try:
            cost(key, chip, traffic=traffic)
        except BnncostError as error:
            reasons[name] = str(error)
    return reasons
