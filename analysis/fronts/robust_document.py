"""`bnncost robust`: how sure each design is of its place on the front, and what would turn it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.accuracy.literature import LITERATURE
from analysis.fronts.robust import Robustness, robustness
from analysis.fronts.robust_candidates import candidates_of
from analysis.fronts.robust_scenarios import scenario_records, scenario_table
from analysis.show.document import Document
from analysis.show.figure_words import named, value_text
from analysis.show.pictures import check_picture
from analysis.show.progress import under_way
from analysis.show.tables import Column, Table, records
from analysis.show.units import readable
from costmodel import BnncostError
from costmodel.demand.arrays import joined
from costmodel.evaluate.break_even import compare
from costmodel.evaluate.cost import prepared
from costmodel.evaluate.engine import Engine
from costmodel.evaluate.uncertain import APART, uncertain_energies
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel, price

MOST_DRAWS = 100_000
SURE, NEVER = 0.95, 0.05
_PAIRS = 4
_CAUSES = 5
_FIGURES = 3


@dataclass(frozen=True)
class RobustChoice:
    """What is tried: the designs of a network and data set on a profile, as `bnncost pareto` chooses them."""

    network: str | None
    dataset: str | None
    chip: HardwareProfile
    accuracy: str = LITERATURE
    recipe: str | None = None
    add: tuple[str, ...] = ()
    traffic: TrafficModel | None = None
    draws: int = 2000
    seed: int = 0


def robust_document(
    choice: RobustChoice, out: Path | None = None, engine: Engine | None = None
) -> tuple[Document, Robustness, dict[str, str]]:
    """Try a front; gives the tables, what was found, and what is left out and why.

    Raises BnncostError for a number of draws that is none, and as `candidates_of` does.
    """
    if not 1 <= choice.draws <= MOST_DRAWS:
        raise BnncostError(f"--draws must be 1 to {MOST_DRAWS:,}, not {choice.draws:,}.")
    if choice.seed < 0:
        raise BnncostError(f"--seed must be 0 or more, not {choice.seed}.")
    if out is not None:
        check_picture(out)
    with under_way("pricing"):
        found, left_out = candidates_of(
            choice.network,
            choice.dataset,
            choice.chip,
            choice.accuracy,
            choice.recipe,
            choice.add,
            choice.traffic,
        )
        demand = joined([prepared(one.key).demand for one in found])
        model = uncertain_energies(demand, price(demand, choice.chip, choice.traffic))
    with under_way("drawing"):
        result = robustness(found, model, draws=choice.draws, seed=choice.seed, engine=engine)
        sentences = (_verdict(result), *_pair_sentences(result, choice))
    table = _table(result)
    labels = [one.label for one in result.candidates]
    tables = [table, _cause_table(result)]
    if result.scenarios:
        tables.append(scenario_table(result.scenarios, labels, choice.chip))
    data = {
        "profile": choice.chip.name,
        "draws": result.draws,
        "seed": result.seed,
        "designs": records(_tidy(result)),
        "beats": {
            one.label: {
                other.label: float(result.beats[i, j])
                for j, other in enumerate(result.candidates)
                if result.beats[i, j] > 0
            }
            for i, one in enumerate(result.candidates)
        },
        "shares": result.shares,
        "scenarios": scenario_records(result.scenarios, labels, choice.chip),
        "attainment": [
            dict(zip(("energy_j", "top1", "percent_of_draws"), map(float, row), strict=True))
            for row in result.band
        ],
        "sentences": list(sentences),
    }
    return Document(tuple(tables), data, _tidy(result), sentences), result, left_out


# ---------------------------------------------------------------- sentences


def _verdict(found: Robustness) -> str:
    """Say which designs are surely on the front, which perhaps, and which never though it looks so."""
    sure, perhaps, lost = [], [], []
    for at in np.argsort(found.energies.energies_j, kind="stable"):
        text = f"{found.candidates[at].label} ({_percent(found.probability[at])})"
        if found.probability[at] >= SURE:
            sure.append(text)
        elif found.probability[at] > NEVER:
            perhaps.append(text)
        elif found.now[at]:
            lost.append(text)
    often = f"on the front in {100 * SURE:.0f} % of the draws or more"
    said = [f"Of {len(found.candidates)} designs {len(sure)} are {often}: {_listed(sure)}."]
    if perhaps:
        said.append(f"{len(perhaps)} may be: {_listed(perhaps)}.")
    if lost:
        said.append(f"On the front by the values alone: {_listed(lost)}.")
    return " ".join(said)


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts) if texts else "none"


def _percent(share: float) -> str:
    """A share in percent, which is 0 or 100 only where there was no exception."""
    rounded = round(100 * share)
    if rounded in (0, 100) and 0 < share < 1:
        return "< 1 %" if rounded == 0 else "> 99 %"
    return f"{rounded} %"


def _pair_sentences(found: Robustness, choice: RobustChoice) -> list[str]:
    """Say of the most contested pairs how often the winner wins, and which figure would turn their energies."""
    said = []
    for one, other in _contested(found):
        winner, loser = found.candidates[one], found.candidates[other]
        share = _percent(found.beats[one, other])
        turn = compare(winner.key, loser.key, choice.chip, traffic=choice.traffic).nearest
        turns = ""
        if turn is not None and turn.break_even is not None:
            more = "more" if turn.break_even > turn.figure.value else "less"
            turning = value_text(turn.figure, turn.break_even)
            turns = f"; by energy it turns if {named(turn.figure)} is {more} than {turning}"
        said.append(f"{winner.label} beats {loser.label} in {share} of the draws{turns}.")
    return said


def _contested(found: Robustness) -> list[tuple[int, int]]:
    """Pairs in which the first beats the second by the values, and often but not always; the least sure first."""
    energy, top1 = found.energies.energies_j, np.array([one.top1 for one in found.candidates])
    wins = (energy[:, None] < energy[None, :]) & (top1[:, None] > top1[None, :])
    open_ = wins & (found.beats >= 0.5) & (found.beats <= 0.99) & (found.probability[:, None] > 0.5)
    pairs = sorted(zip(*np.nonzero(open_), strict=True), key=lambda pair: (found.beats[pair], pair))
    kept: list[tuple[int, int]] = []
    for one, other in pairs:
        if all(int(other) != known for _, known in kept):
            kept.append((int(one), int(other)))
    return kept[:_PAIRS]


# ---------------------------------------------------------------- tables


def _table(found: Robustness) -> Table:
    columns = (
        Column("design", "design"), Column("class", "class"), Column("top1", "top-1", "%"), Column("energy", "energy"),
        Column("energy_range", "in 10 to 90 % of the draws"), Column("on_front", "on the front by the values"),
        Column("probability", "in so many draws"), Column("group", "group"),
    )  # fmt: skip
    rows = tuple(
        (
            found.candidates[at].label,
            str(found.candidates[at].sort),
            found.candidates[at].top1,
            readable(found.energies.energies_j[at], "J"),
            f"{readable(found.low_j[at], 'J')} to {readable(found.high_j[at], 'J')}",
            "yes" if found.now[at] else "",
            _percent(found.probability[at]),
            found.group[at] + 1,
        )
        for at in np.argsort(found.energies.energies_j, kind="stable")
    )
    caption = (
        f"{found.draws:,} draws, seed {found.seed}. Each takes all figures within their ranges, the same for every "
        f"design: triangular in the logarithm, or one of both ends and the value where the ends are {APART:g} times "
        "apart; what one source says moves together, what is assumed moves alone. Accuracies move by what a seed does "
        "to them. Sizes of memories, mappings and the clock are held. Designs of one group lie within 0.5 points and "
        "5 % of energy."
    )
    return Table(
        "robust", f"Which designs stay on the front on {found.energies.profile}", columns, rows, caption
    )


def _cause_table(found: Robustness) -> Table:
    columns = (
        Column("cause", "what moves together"),
        Column("share", "share of the spread", "%"),
        Column("figures", "figures"),
    )
    rows = tuple(
        (cause, 100 * share, _few(list(dict.fromkeys(map(named, found.energies.moved_by(cause))))))
        for cause, share in list(found.shares.items())[:_CAUSES]
    )
    caption = (
        "Of the variance of the designs' energies, each by its ratio to the value; exact, not from the draws."
    )
    return Table("robust_causes", "What the spread is from", columns, rows, caption)


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _FIGURES
    return ", ".join(names[:_FIGURES]) + (f" and {rest} more" if rest > 0 else "")


def _tidy(found: Robustness) -> Table:
    names = (
        "design", "key", "class", "top1", "top1_deviation", "energy_j", "energy_10_j", "energy_50_j", "energy_90_j",
        "on_front", "probability", f"probability_{found.driver or 'driver'}_low",
        f"probability_{found.driver or 'driver'}_high", "group",
    )  # fmt: skip
    rows = tuple(
        (
            one.label, str(one.key), str(one.sort), one.top1, one.deviation, float(found.energies.energies_j[at]),
            float(found.low_j[at]), float(found.median_j[at]), float(found.high_j[at]),
            "yes" if found.now[at] else "no",
            float(found.probability[at]), float(found.given_low[at]), float(found.given_high[at]), found.group[at] + 1,
        )
        for at, one in enumerate(found.candidates)
    )  # fmt: skip
    return Table("robust", found.energies.profile, tuple(Column(name, name) for name in names), rows)
