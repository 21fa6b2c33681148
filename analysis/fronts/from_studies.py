"""The front of a study: means over seeds against cost, with what the spread over seeds leaves open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.accuracy.names import Names
from analysis.accuracy.studies import MeasuredDesign, pooled_spread, sure_note
from analysis.costs.cost_columns import cost_values
from analysis.costs.runnable import reasons_against
from analysis.fronts.nondominated import best_at_cost, on_front, with_front
from analysis.show.axes import Axis
from analysis.show.classes import class_of
from costmodel import cost
from costmodel.demand.conventions import OpsConvention
from costmodel.designs.outcome import pooled_error
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.pricing.price import TrafficModel

_NAMES = 24
"""Designs that a figure has room to name."""


def study_frame(
    designs: Sequence[MeasuredDesign],
    profile: AnyProfile,
    names: Names,
    x: Axis = Axis.energy,
    *,
    seed_deviation: float | None = None,
    traffic: TrafficModel | None = None,
    conventions: Sequence[OpsConvention] = (),
) -> pd.DataFrame:
    """One row per design of a study with its accuracy, its cost, and whether it is on the front; sorted by `x`.

    `top1` is the mean over seeds, by which designs beat each other; `top1_spread` the standard deviation over seeds,
    `top1_low` and `top1_high` lie one below and above. `within_spread` marks designs that are beaten, but by no
    design by more than the spread explains: that over the seeds of all designs, in points, or `seed_deviation` where
    none has several. `named` marks those that a figure has to name. `traffic` is as in `cost`,
    `conventions` as in `cost_values`.
    """
    chip = as_profile(profile)
    rows = [
        _row(one, names) | cost_values(cost(one.key, chip, traffic=traffic), conventions) for one in designs
    ]
    frame = with_front(rows, x)
    place, top1 = frame["x"].to_numpy(), frame["top1"].to_numpy()
    pooled = pooled_spread(designs)
    spread = seed_deviation if pooled is None else pooled
    frame["within_spread"] = within_spread(place, top1, frame["seeds"].to_numpy(), spread)
    frame["seed_deviation"] = np.nan if spread is None else spread
    frame["plain"] = frame["design"] == str(names.baseline)
    frame["named"] = _named(frame, names)
    return frame


def runnable_designs(
    designs: Sequence[MeasuredDesign], profile: AnyProfile, *, traffic: TrafficModel | None = None
) -> tuple[list[MeasuredDesign], dict[str, str]]:
    """Split designs into those that have a cost on the profile, and the others' names with the reason."""
    reasons = reasons_against({str(one.key): one.key for one in designs}, profile, traffic=traffic)
    kept = [one for one in designs if str(one.key) not in reasons]
    return kept, reasons


def within_spread(x: np.ndarray, top1: np.ndarray, seeds: np.ndarray, spread: float | None) -> np.ndarray:
    """Mark the points that are beaten, but by none by more than the standard error of the difference.

    Without a spread nothing is marked.
    """
    if spread is None:
        return np.zeros(len(x), dtype=bool)
    lead = top1[None, :] - top1[:, None]  # of the design in a column over that in a row
    error = pooled_error(spread, seeds[None, :], seeds[:, None])
    clearly = (x[None, :] <= x[:, None]) & (lead > error)
    return np.asarray(~on_front(x, top1) & ~clearly.any(axis=1))


def _named(frame: pd.DataFrame, names: Names) -> pd.Series:
    """Mark what a figure names: all of few designs, else the front and what others are compared with.

    Where there is room left it goes to what is within the spread and to the best at each cost, the most accurate first.
    """
    telling = frame["design"].isin([str(names.baseline), str(names.full)]) | (frame["compute"] != "binary")
    first = frame["on_front"] | telling
    best = best_at_cost(frame["x"].to_numpy(), frame["top1"].to_numpy())
    worth = frame["top1"] + 100.0 * (frame["within_spread"] + best) + 1000.0 * first
    rank = worth.rank(method="first", ascending=False)
    many = len(frame) > _NAMES
    return first | ((frame["within_spread"] | best | (not many)) & (rank <= _NAMES))


def front_note(frame: pd.DataFrame, names: Names, protocol: str) -> str:
    """What stands below the figure: what the whiskers are, what the names leave out, and the protocol."""
    counts = frame["seeds"]
    if counts.nunique() == 1:
        seeds = f"{counts.iloc[0]} seeds each" if counts.iloc[0] > 1 else "one seed each"
    else:
        seeds = "several seeds where a name ends in their number, else one"
    whiskers = "; whiskers: standard deviation over seeds" if (counts > 1).any() else ""
    rest = len(frame) - int(frame["named"].sum())
    unnamed = f" Beaten designs without a name here ({rest}) are in the table." if rest else ""
    means = f" Mean top-1 of {seeds}{whiskers}." if (frame["seeds"] > 1).any() else ""
    said = means + _sure(frame)
    return f"{said}{unnamed}{names.caption} Protocol: {protocol}.".strip()


def table_note(frame: pd.DataFrame, names: Names, protocol: str) -> str:
    """What stands below the table of a front."""
    return (
        "Top-1: mean over seeds, with its standard deviation. Within the spread: beaten by no design by more than the "
        f"standard error of the difference.{_sure(frame)}{names.caption} Protocol: {protocol}."
    )


def _sure(frame: pd.DataFrame) -> str:
    """Say which difference is none, where a deviation over seeds is known."""
    spread = float(frame["seed_deviation"].iloc[0])
    return "" if np.isnan(spread) else f" {sure_note(spread, frame['seeds'])}"


def _row(one: MeasuredDesign, names: Names) -> dict[str, object]:
    spread = one.spread or 0.0
    return {
        "label": names.of(one.key),
        "name": str(one.key),
        "design": str(one.key),
        "top1": one.mean,
        "top1_spread": one.spread if one.spread is not None else np.nan,
        "seeds": one.seeds,
        "top1_low": one.mean - spread,
        "top1_high": one.mean + spread,
        "top1_min": one.lowest if one.lowest is not None else np.nan,
        "top1_max": one.highest if one.highest is not None else np.nan,
        "kind": "measured",
        "compute": one.key.compute,
        "design_class": str(class_of(one.key.compute)),
        "note": one.note,
    }
