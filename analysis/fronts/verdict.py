"""A front in words: which class of designs wins up to which cost, which repairs are on it, what the next step costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import pandas as pd

from analysis.show.axes import Axis
from analysis.show.classes import DesignClass, class_of_row
from analysis.show.units import readable
from analysis.show.words import accuracy_text
from costmodel import BnncostError, DesignKey, resolve

_FEW = 8
"""Repairs that a sentence names."""


@dataclass(frozen=True)
class Step:
    """One design of a front: its class, its place on the axis in SI units, its accuracy [%]; `text` names it."""

    label: str
    design: str
    sort: DesignClass
    x: float
    top1: float
    text: str


def verdict(frame: pd.DataFrame, x: Axis) -> tuple[str, ...]:
    """Sentences that close a front; `frame` is that of `front_frame` or `study_frame`.

    A budget buys the most accurate design that it pays for, so that a class wins from its first design on the front up
    to the first design of the next class.
    """
    unit = x.unit or str(frame["area_unit"].iloc[0])
    front = _steps(frame, unit)
    plain = _plain(frame)
    runs = [tuple(group) for _, group in groupby(front, key=lambda step: step.sort)]
    return (
        *_winners(runs, unit),
        *_absent(frame, front),
        *_repairs(front, plain),
        *_next_steps(runs, x, unit),
        *_widened(frame, plain, x, unit),
    )


def verdict_text(frame: pd.DataFrame, x: Axis) -> str:
    """The verdict as one paragraph, for captions."""
    return " ".join(("Verdict:", *verdict(frame, x)))


def _steps(frame: pd.DataFrame, unit: str) -> list[Step]:
    """The designs on the front, cheap ones first; of equal ones the first alone."""
    found: list[Step] = []
    for _, row in frame[frame["on_front"]].sort_values(["x", "top1"], kind="stable").iterrows():
        place, top1 = float(row["x"]), float(row["top1"])
        if found and (found[-1].x, found[-1].top1) == (place, top1):
            continue
        text = f"{row['label']} ({accuracy_text(round(top1, 2))} at {readable(place, unit)})"
        found.append(Step(str(row["label"]), str(row["design"]), class_of_row(row), place, top1, text))
    return found


def _winners(runs: Sequence[tuple[Step, ...]], unit: str) -> list[str]:
    """Which class wins up to which cost."""
    said = [f"Below {readable(runs[0][0].x, unit)} there is no design."]
    for number, run in enumerate(runs):
        until = readable(runs[number + 1][0].x, unit) if number + 1 < len(runs) else ""
        since = readable(run[0].x, unit)
        if not until:
            reach = f"From {since} on" if number else "At every cost"
        else:
            reach = f"From {since} to {until}" if number else f"Up to {until}"
        designs = run[0].text if len(run) == 1 else f"{run[0].text} to {run[-1].text}"
        said.append(f"{reach} {run[0].sort.networks} win: {designs}.")
    return said


def _absent(frame: pd.DataFrame, front: Sequence[Step]) -> list[str]:
    """The classes that have designs, but none on the front, with the best of each."""
    there = {step.sort for step in front}
    said = []
    for sort in DesignClass:
        mine = frame[[class_of_row(row) is sort for _, row in frame.iterrows()]]
        if sort in there or mine.empty:
            continue
        best = mine.loc[mine["top1"].idxmax()]
        better = [step for step in front if step.top1 >= best["top1"] and step.x <= best["x"]]
        beaten = f", beaten by {better[0].text}" if better else ""
        said.append(
            f"No {'own figure' if sort is DesignClass.MEASURED else f'{sort} network'} is on the front; the best is "
            f"{best['label']} ({accuracy_text(round(float(best['top1']), 2))}){beaten}."
        )
    return said


def _repairs(front: Sequence[Step], plain: DesignKey | None) -> list[str]:
    """The repairs of the binary designs on the front that change the network, most frequent first."""
    bare = _repairs_of(plain) if plain else set()
    designs = [key for key in (_key(step.design) for step in front) if key and key.compute == "binary"]
    if not designs:
        return []
    used = Counter(name for key in designs for name in _repairs_of(key) - bare)
    if not used:
        return ["The binary designs on the front have no repair that changes the network."]
    ranked = sorted(used.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} ({count})" for name, count in ranked[:_FEW])
    rest = len(ranked) - _FEW
    more = f", and {rest} more" if rest > 0 else ""
    return [f"Repairs in the {_many(len(designs), 'binary design')} on the front: {named}{more}."]


def _many(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what}s"


def _key(design: str) -> DesignKey | None:
    """The design, or None where a row is of a network that has no name here."""
    try:
        return resolve(design)
    except BnncostError:
        return None


def _next_steps(runs: Sequence[tuple[Step, ...]], x: Axis, unit: str) -> list[str]:
    """What the step to the next class costs; where there is one class, the last step of the front."""
    steps = [(before[-1], after[0]) for before, after in pairwise(runs)] or list(pairwise(runs[0]))[-1:]
    if not steps:
        return ["There is no next step: one design beats all others."]
    return [_step_text(low, high, x, unit) for low, high in steps]


def _step_text(low: Step, high: Step, x: Axis, unit: str) -> str:
    points, more = high.top1 - low.top1, high.x - low.x
    share = f" ({100 * more / low.x:+.0f} %)" if low.x > 0 else ""
    return (
        f"The step from {low.label} to {high.label} brings {points:.1f} points for {readable(more, unit)} more "
        f"{x}{share}, {readable(more / points, unit)} a point."
    )


def _widened(frame: pd.DataFrame, plain: DesignKey | None, x: Axis, unit: str) -> list[str]:
    """What simply widening the plain BNN would do, by the widths whose accuracy is known."""
    bare = _repairs_of(plain) if plain else set()
    width = plain.width if plain else 1.0
    said = []
    for _, row in frame.iterrows():
        key = _key(str(row["design"]))
        if key is None or key.compute != "binary" or key.width == width or _repairs_of(key) - bare:
            continue
        said.append(_width_text(frame, row, key.width, x, unit))
    return said or ["No accuracy of a widened plain BNN is known here."]


def _plain(frame: pd.DataFrame) -> DesignKey | None:
    """The plain BNN of a study, if the frame has one."""
    rows = frame[frame["plain"]] if "plain" in frame else frame[:0]
    return next((key for design in rows["design"] if (key := _key(str(design)))), None)


def _repairs_of(key: DesignKey) -> set[str]:
    return {use.name for use in key.methods if use.method.changes_network}


def _width_text(frame: pd.DataFrame, row: pd.Series, width: float, x: Axis, unit: str) -> str:
    reached = f"{accuracy_text(round(float(row['top1']), 2))} at {readable(row['x'], unit)}"
    name = f"The plain BNN at width {width:g} ({reached})"
    if row["on_front"]:
        return f"{name} is on the front: no repair brings as much for as little {x}."
    better = frame[(frame["x"] <= row["x"]) & (frame["top1"] >= row["top1"]) & frame["on_front"]]
    best = better.loc[better["top1"].idxmax()]
    return (
        f"{name} is beaten by {best['label']}, {best['top1'] - row['top1']:.1f} points better for "
        f"{readable(best['x'], unit)}."
    )
