"""The gains of a study as rows: what each method gains over its fair pair, how sure that is, and what it costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import pandas as pd

from analysis.accuracy.names import Names
from analysis.accuracy.outcome import names_in, spread_of
from analysis.fronts.gains.study_table import Priced, branch_of
from costmodel import DesignKey, resolve
from costmodel.designs.outcome import OutcomeRow, pooled_error
from costmodel.methods import CATEGORIES

PAIRS, LESS_ONE, TOGETHER = "pairs", "full less one", "together"
GROUPS = (*(name for names in CATEGORIES.values() for name in names), PAIRS, LESS_ONE, TOGETHER)
"""Groups of comparisons in the order of the figure."""
_NOT_A_GAIN = ("baseline", "reference", "company")
"""Roles of designs that stand for no method: what others are compared with."""
_MAY_BE_UNKNOWN = ("error", "energy_ratio", "energy_j", "against_energy_j")


@dataclass(frozen=True)
class Gain:
    """One comparison: the gain of `label` over its fair pair [points], and the energy of both [J] on one profile.

    `context` says what the fair pair has besides the plain BNN, or lacks. `error` is the standard error of the gain:
    from the seeds of both sides, or, where `one_seed` says that a side has one alone, from the deviation over seeds
    that all designs of the study show together, or that is assumed of them.
    """

    group: str
    branch: str
    label: str
    context: str
    gain: float
    error: float | None
    one_seed: bool
    energy_ratio: float | None
    energy_j: float | None
    against_energy_j: float | None
    seeds: int
    against_seeds: int
    role: str
    design: str
    against: str


def gains_frame(study: Priced) -> pd.DataFrame:
    """One row per comparison whose two sides are measured, in groups, the largest gain of each first.

    References that are not binary and designs that are there for comparison alone are left out.
    """
    outcome = study.outcome
    names, spread = names_in(outcome), spread_of(outcome)
    gains = [
        gain
        for row in outcome.rows
        if row.role not in _NOT_A_GAIN and row.key.compute == names.baseline.compute
        if (gain := _gain(row, study, names, spread)) is not None
    ]
    gains.sort(key=lambda one: (GROUPS.index(one.group), -one.gain, one.label))
    frame = pd.DataFrame([asdict(one) for one in gains], columns=[item.name for item in fields(Gain)])
    return frame.astype(dict.fromkeys(_MAY_BE_UNKNOWN, float))


def _gain(row: OutcomeRow, study: Priced, names: Names, spread: float | None) -> Gain | None:
    """The comparison of a row; None where its fair pair is not measured."""
    gain = row.gain_against if row.against is not None else row.gain
    if gain is None:
        return None
    against = names.baseline if row.against is None else resolve(row.against)
    pair = study.outcome.by_design.get(against)
    pair_seeds = pair.seeds if pair is not None else 1
    group, branch, label = _named(row, against, names)
    ours, theirs = study.costs.get(row.key), study.costs.get(against)
    return Gain(
        group=group,
        branch=branch,
        label=label,
        context="" if group == LESS_ONE else _context(against, names.baseline),
        gain=gain,
        error=_error(row, pair, spread),
        one_seed=min(row.seeds, pair_seeds) == 1,
        energy_ratio=ours.energy_j / theirs.energy_j if ours and theirs else None,
        energy_j=ours.energy_j if ours else None,
        against_energy_j=theirs.energy_j if theirs else None,
        seeds=row.seeds,
        against_seeds=pair_seeds,
        role=row.role,
        design=str(row.key),
        against=str(against),
    )


def _error(row: OutcomeRow, pair: OutcomeRow | None, spread: float | None) -> float | None:
    """Standard error of a gain [points]: what the study says, else from the deviation that all designs share."""
    if row.gain_against_error is not None or spread is None:
        return row.gain_against_error
    return float(pooled_error(spread, row.seeds, pair.seeds if pair is not None else 1))


def _named(row: OutcomeRow, against: DesignKey, names: Names) -> tuple[str, str, str]:
    """Group, branch and label of a comparison, by what its two sides differ in."""
    ours, theirs = row.key, against
    whole, branch = names.of(ours), branch_of(ours, names.baseline)
    if row.role == "full":
        return TOGETHER, branch, "full"
    if ours.width != theirs.width and ours.methods == theirs.methods:
        return "width", branch, whole
    with_it, without_it = (theirs, ours) if row.role == "without" else (ours, theirs)
    studied = [use for use in with_it.methods if use not in without_it.methods]
    if len(studied) != 1:
        return {"pair": PAIRS, "without": LESS_ONE}.get(row.role, TOGETHER), branch, whole
    (use,) = studied
    if row.role == "without":
        return LESS_ONE, use.method.branch, f"less {use}"
    group = PAIRS if row.role == "pair" else use.method.category
    return group, use.method.branch, str(use) if row.role else whole


def _context(against: DesignKey, plain: DesignKey) -> str:
    """What a fair pair has that the plain BNN has not, and what it lacks; empty where it is the plain BNN.

    >>> plain = DesignKey.parse("resnet20[hardtanh]")
    >>> [_context(DesignKey.parse(text), plain) for text in ("resnet20", "resnet20[ede+hardtanh]")]
    ['without hardtanh', 'beside ede']
    """
    kept = {use.name for use in against.methods}
    added = " + ".join(str(use) for use in against.methods if use not in plain.methods)
    removed = " or ".join(use.name for use in plain.methods if use.name not in kept)
    parts = [f"beside {added}" if added else "", f"without {removed}" if removed else ""]
    return " ".join(filter(None, parts))
