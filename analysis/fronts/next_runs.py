"""Which designs to train next: those whose accuracy is expected to move the front of what was measured most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moocore
import numpy as np

from analysis.accuracy.estimate import Estimator
from analysis.accuracy.studies import MeasuredDesign
from costmodel import DesignKey

_DRAWS = 100
"""Draws over which a gain is averaged."""
_ROOM = 1.05
"""How far behind the dearest design the reference point of hypervolumes lies, as a ratio of costs."""
_WORST = 1.0
"""How far below the worst record it lies [points]."""


@dataclass(frozen=True)
class NextRun:
    """A design to train: its name, its cost, the gain of hypervolume that is expected, and its estimated top-1 [%].

    `gain` is in points times factors of e of the cost, over what the runs in front of it are expected to bring.
    """

    label: str
    key: DesignKey
    cost: float
    gain: float
    top1: float
    low: float
    high: float


def next_runs(
    records: Sequence[MeasuredDesign],
    protocol: str,
    seed_deviation: float,
    candidates: Mapping[str, DesignKey],
    costs: Mapping[DesignKey, float],
    runs: int,
) -> tuple[NextRun, ...]:
    """Choose designs one after the other, each for its expected gain of hypervolume behind those before it.

    The hypervolume is that of top-1 against the logarithm of the cost, below the front of the records and of what was
    chosen before; the expectation is the mean over the model's draws, which have an accuracy for every candidate each.
    `costs` are those of all records and candidates.
    """
    keys, left = list(candidates.values()), list(candidates)
    model = Estimator.of(records, protocol, seed_deviation, also=keys)
    drawn = np.clip(model.terms.values(keys) @ model.draws[:, :_DRAWS], 0, 100)
    low, high = model.interval(keys)
    log_costs = np.log([costs[key] for key in keys])
    shown = np.array([[np.log(costs[one.key]), -one.mean] for one in records])
    reference = np.array([np.log(_ROOM * max(costs.values())), _WORST + shown[:, 1].max()])
    fronts = [shown] * drawn.shape[1]
    chosen: list[NextRun] = []
    while left and len(chosen) < runs:
        before = [_volume(front, reference) for front in fronts]
        rows = [keys.index(candidates[label]) for label in left]
        gains = [
            float(
                np.mean(
                    [
                        _volume(np.vstack([front, [log_costs[row], -top1]]), reference) - volume
                        for front, top1, volume in zip(fronts, drawn[row], before, strict=True)
                    ]
                )
            )
            for row in rows
        ]
        best = int(np.argmax(gains))
        row, label = rows[best], left.pop(best)
        fronts = [
            np.vstack([front, [log_costs[row], -top1]])
            for front, top1 in zip(fronts, drawn[row], strict=True)
        ]
        key = keys[row]
        mean = float((model.terms.values([key]) @ model.effects)[0])
        chosen.append(NextRun(label, key, costs[key], gains[best], mean, float(low[row]), float(high[row])))
    return tuple(chosen)


def _volume(points: np.ndarray, reference: np.ndarray) -> float:
    return float(moocore.hypervolume(points, ref=reference))
