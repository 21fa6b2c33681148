"""Whether a front survives: every design priced at the same draws of all uncertain figures, many times.

A draw moves the figures of the profile, alike for all designs, and each accuracy by what a seed does to it, each
for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import moocore
import numpy as np

from analysis.fronts.nondominated import on_front
from analysis.fronts.robust_scenarios import Scenario, scenarios_of
from analysis.show.classes import DesignClass
from costmodel.designs.key import DesignKey
from costmodel.evaluate.engine import Engine, Here
from costmodel.evaluate.uncertain import UncertainEnergies
from costmodel.importers.model.naming import Model

ONE_RUN_POINTS = 0.4
"""Standard deviation over seeds of an accuracy from one run, assumed [points]."""
SAME_POINTS, SAME_ENERGY = 0.5, 1.05
"""Designs within so many points, and this ratio of energies, are not worth telling apart."""
ATTAINED = (10.0, 50.0, 90.0)
"""Shares of the draws in which the band's lines are attained [%]."""
BLOCK = 2000
"""Draws that are priced and compared together."""
_BAND_DRAWS = 400
"""Draws that the band is made of; each adds a whole front."""
_SEED_OF_ACCURACY = 1
_DIGITS = 12


@dataclass(frozen=True)
class Candidate:
    """A design with its accuracy [%] and the standard deviation of that [points]."""

    label: str
    key: DesignKey | Model
    sort: DesignClass
    top1: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Robustness:
    """What became of each design in `draws` draws.

    `probability` is the share of the draws in which no other beats a design; `low_j`, `median_j` and `high_j` are the
    10, 50 and 90 % quantiles of its energy. `beats` (D, D) is the share in which one takes no more energy than another
    and is more accurate. `group` numbers designs that are not worth telling apart. `band` holds points of the
    attainment surfaces: energy [J], top-1 [%], and in how many of 100 draws something is as good. `given_low` and
    `given_high` are the probabilities in the lowest and highest third of what drives the spread most, `driver`.
    `scenarios` are the draws apart in which each of two or three answers that disagree is right.
    """

    candidates: tuple[Candidate, ...]
    energies: UncertainEnergies
    draws: int
    seed: int
    now: np.ndarray
    probability: np.ndarray
    low_j: np.ndarray
    median_j: np.ndarray
    high_j: np.ndarray
    beats: np.ndarray
    group: tuple[int, ...]
    shares: dict[str, float]
    driver: str
    given_low: np.ndarray
    given_high: np.ndarray
    band: np.ndarray
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What all draws are made of: quantiles (causes, N) of what moves, and accuracies (D, N)."""

    model: UncertainEnergies
    quantiles: dict[str, np.ndarray]
    top1: np.ndarray


@dataclass(frozen=True, eq=False)
class _Tried:
    """What came of some draws: energies and membership (D, n), and in how many one beats another (D, D)."""

    energy_j: np.ndarray
    member: np.ndarray
    beating: np.ndarray


def robustness(
    candidates: Sequence[Candidate],
    model: UncertainEnergies,
    *,
    draws: int = 2000,
    seed: int = 0,
    engine: Engine | None = None,
) -> Robustness:
    """Draw figures and accuracies, and count in how many draws each design is on the front.

    Blocks of draws run on an engine, by default in this process; what comes of them does not depend on it.
    """
    quantiles = dict(zip(model.names, _latin(len(model.names), draws, seed), strict=True))
    drawn = _Drawn(model, quantiles, _accuracies(candidates, draws, seed))
    blocks = dict((engine or Here()).results(partial(_tried, drawn), blocks_of(draws)))
    tried = [blocks[block] for block in blocks_of(draws)]
    energy_j = np.concatenate([one.energy_j for one in tried], axis=1)
    member = np.concatenate([one.member for one in tried], axis=1)
    shares = model.shares()
    driver = next(iter(shares), "")
    third = quantiles[driver] if driver else np.zeros(draws)
    quarter = np.quantile(energy_j, (0.1, 0.5, 0.9), axis=1)
    return Robustness(
        candidates=tuple(candidates),
        energies=model,
        draws=draws,
        seed=seed,
        now=on_front(model.energies_j, np.array([one.top1 for one in candidates])),
        probability=member.mean(axis=1),
        low_j=quarter[0],
        median_j=quarter[1],
        high_j=quarter[2],
        beats=np.sum([one.beating for one in tried], axis=0) / draws,
        group=tuple(groups(model.energies_j, np.array([one.top1 for one in candidates]))),
        shares=shares,
        driver=driver,
        given_low=_given(member, third < 1 / 3),
        given_high=_given(member, third >= 2 / 3),
        band=attainment(energy_j, drawn.top1, member),
        scenarios=scenarios_of(model, quantiles, member, shares),
    )


def blocks_of(draws: int) -> list[int]:
    """The first draw of each block."""
    return list(range(0, draws, BLOCK))


def _tried(drawn: _Drawn, first: int) -> _Tried:
    """Price and compare all designs in the draws of one block."""
    top1 = drawn.top1[:, first : first + BLOCK]
    quantiles = {name: values[first : first + BLOCK] for name, values in drawn.quantiles.items()}
    model = drawn.model
    energy_j = (
        model.at(quantiles) if quantiles else np.repeat(model.energies_j[:, None], top1.shape[1], axis=1)
    )
    energy_j = without_rounding(energy_j)
    return _Tried(energy_j, membership(energy_j, top1), beating(energy_j, top1))


def _latin(causes: int, draws: int, seed: int) -> np.ndarray:
    """Quantiles (causes, draws): each cause has one in every n-th part of its range, in an order of its own."""
    generator = np.random.default_rng(seed)
    strata = np.argsort(generator.random((causes, draws)), axis=1)
    return np.asarray((strata + generator.random((causes, draws))) / draws)


def _accuracies(candidates: Sequence[Candidate], draws: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng((seed, _SEED_OF_ACCURACY))
    noise = generator.standard_normal((len(candidates), draws))
    return np.array([[one.top1] for one in candidates]) + noise * [[one.deviation] for one in candidates]


def without_rounding(energy_j: np.ndarray) -> np.ndarray:
    """Energies to twelve digits: designs that differ in their training alone take the same, however it was summed."""
    size = 10.0 ** np.floor(np.log10(energy_j))
    return np.asarray(np.round(energy_j / size, _DIGITS - 1) * size)


def membership(energy_j: np.ndarray, top1: np.ndarray) -> np.ndarray:
    """Mark (D, N) which designs no other beats in each draw."""
    return np.stack([on_front(x, y) for x, y in zip(energy_j.T, top1.T, strict=True)], axis=1)


def beating(energy_j: np.ndarray, top1: np.ndarray) -> np.ndarray:
    """The number of draws (D, D) in which a design takes no more energy than another and is more accurate."""
    cheaper = energy_j[:, None] <= energy_j[None, :]
    return np.asarray((cheaper & (top1[:, None] > top1[None, :])).sum(axis=2))


def _given(member: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.asarray(member[:, chosen].mean(axis=1) if chosen.any() else member.mean(axis=1))


def attainment(energy_j: np.ndarray, top1: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Points on the empirical attainment surfaces of the drawn fronts (Fonseca, Guerreiro, Lopez-Ibanez, Paquete 2011).

    Rows are energy [J], top-1 [%], and the share of draws in which some design takes no more and is as accurate [%].
    """
    chosen = slice(0, min(_BAND_DRAWS, energy_j.shape[1]))
    design, draw = np.nonzero(member[:, chosen])
    order = np.argsort(draw, kind="stable")
    design, draw = design[order], draw[order]
    points = np.column_stack([energy_j[design, draw], -top1[design, draw]])
    found = np.asarray(moocore.eaf(points, draw + 1, percentiles=list(ATTAINED)))
    return np.column_stack([found[:, 0], -found[:, 1], found[:, 2]])


def groups(energy_j: np.ndarray, top1: np.ndarray) -> list[int]:
    """Number designs by group, that of the least energy first: each joins the most accurate one that it resembles.

    >>> groups(np.array([1.0, 1.02, 1.5]), np.array([80.0, 80.3, 80.2]))
    [0, 0, 1]
    """
    leaders: list[int] = []
    chosen = np.full(len(top1), -1)
    for one in np.argsort(-top1, kind="stable"):
        for number, leader in enumerate(leaders):
            ratio = energy_j[one] / energy_j[leader]
            if top1[leader] - top1[one] <= SAME_POINTS and 1 / SAME_ENERGY <= ratio <= SAME_ENERGY:
                chosen[one] = number
                break
        else:
            chosen[one] = len(leaders)
            leaders.append(int(one))
    by_energy = dict.fromkeys(int(chosen[one]) for one in np.argsort(energy_j, kind="stable"))
    number_of = {group: number for number, group in enumerate(by_energy)}
    return [number_of[group] for group in chosen.tolist()]
