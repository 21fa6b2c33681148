"""The gains of a study as a figure: what each method brings over its fair pair, how sure that is, and what it costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from analysis.accuracy.names import Names
from analysis.accuracy.outcome import designs_in, names_in
from analysis.accuracy.studies import pooled_error, pooled_spread
from analysis.fronts.files import network_title, profile_title
from analysis.gains.table import Priced, branch_of
from analysis.plots import draw_gains, gains_info, write_figure
from analysis.plots.style import accuracy_text
from costmodel import DesignKey, resolve
from costmodel.designs.outcome import Outcome, OutcomeRow, standard_error
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.methods import CATEGORIES
from costmodel.output import write_whole

PAIRS, LESS_ONE, TOGETHER = "pairs", "full less one", "together"
GROUPS = (*(name for names in CATEGORIES.values() for name in names), PAIRS, LESS_ONE, TOGETHER)
"""Groups of comparisons in the order of the figure."""
PLAIN = "the plain BNN"
_NOT_A_GAIN = ("baseline", "reference", "company")
"""Roles of designs that stand for no method: what others are compared with."""
_MAY_BE_UNKNOWN = ("error", "energy_ratio", "energy_j", "against_energy_j")


@dataclass(frozen=True)
class Gain:
    """One comparison: the gain of `label` over its fair pair [points], and the energy of both [J] on one profile.

    `context` says what the fair pair has besides the plain BNN, or lacks. `error` is the standard error of the gain:
    from the seeds of both sides, or, where `one_seed` says that a side has one alone, from the deviation over seeds
    that all designs of the study show together.
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
    names, spread = names_in(outcome), pooled_spread(designs_in(outcome))
    found = [
        gain
        for row in outcome.rows
        if row.role not in _NOT_A_GAIN and row.key.compute == names.baseline.compute
        if (gain := _gain(row, study, names, spread)) is not None
    ]
    found.sort(key=lambda one: (GROUPS.index(one.group), -one.gain, one.label))
    frame = pd.DataFrame([asdict(one) for one in found], columns=[item.name for item in fields(Gain)])
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
    """Standard error of a gain [points]: that of the seeds of both sides, else from the deviation of all designs."""
    if row.gain_against_error is not None:
        return row.gain_against_error
    pair_seeds = pair.seeds if pair is not None else 1
    pair_spread = pair.top1_spread if pair is not None else None
    error = standard_error(row.top1_spread, row.seeds, pair_spread, pair_seeds)
    if error is not None:
        return error
    return None if spread is None else float(pooled_error(spread, row.seeds, pair_seeds))


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


def gains_note(frame: pd.DataFrame, study: Priced) -> str:
    """What stands below the figure: what is compared, what the marks are, what is left out, and the protocol."""
    outcome = study.outcome
    parts = [_pairs_note(frame, outcome), _marks_note(frame, outcome)]
    if frame["energy_ratio"].notna().any():
        parts.append(f"Energy: relative to that of {_over(outcome)}, on {study.profile}; grey: the same.")
    if frame["energy_ratio"].isna().any():
        parts.append(f"–: one of the two has no cost on {study.profile}.")
    references = [
        f"{names_in(outcome).of(row.key).removesuffix(' network')} {accuracy_text(row.top1_mean)}"
        for row in outcome.rows
        if row.key.compute != names_in(outcome).baseline.compute
    ]
    if references:
        parts.append(f"Not binary, for comparison: {', '.join(references)}.")
    if outcome.missing:
        count = len(outcome.missing)
        parts.append(f"Not measured yet: {count} design{'s' if count > 1 else ''}.")
    parts += [names_in(outcome).caption.strip(), f"Protocol: {'; '.join(outcome.protocols) or 'not said'}."]
    return " ".join(filter(None, parts))


def _over(outcome: Outcome) -> str:
    """What gains and energies are relative to: without a plan nobody has said which pairs are fair."""
    return "its fair pair" if any(row.against is not None for row in outcome.rows) else PLAIN


def _pairs_note(frame: pd.DataFrame, outcome: Outcome) -> str:
    plain = outcome.by_design.get(names_in(outcome).baseline)
    top1 = f" ({accuracy_text(plain.top1_mean)})" if plain is not None else ""
    if _over(outcome) == PLAIN:
        return f"Gain over {PLAIN}{top1}."
    named = f"{PLAIN}{top1}"
    named += ", with what is said in grey" if (frame["context"] != "").any() else ""
    less = "; of a design less one, full: a loss is what the method was worth there"
    named += less if (frame["group"] == LESS_ONE).any() else ""
    return f"Fair pair: what differs from the design by the method alone. It is {named}."


def _marks_note(frame: pd.DataFrame, outcome: Outcome) -> str:
    """How the error of a gain is known where a side has one seed."""
    if not frame["one_seed"].any():
        return ""
    spread = pooled_spread(designs_in(outcome))
    if spread is None:
        return "No design has several seeds yet, so that nothing is known of the errors."
    return (
        "Where a side has one seed, the error is reckoned from the deviation over seeds of all designs that have "
        f"several, pooled: {spread:.2f} points times √(1/m + 1/n) for m and n seeds."
    )


def write_study_gains(study: Priced, profile: AnyProfile, stem: Path) -> list[Path]:
    """Write the gains of a study as PNG, SVG and CSV to files that begin with `stem`; none without a comparison."""
    frame = gains_frame(study)
    if frame.empty:
        return []
    chip, plain = as_profile(profile), names_in(study.outcome).baseline
    over = _over(study.outcome)
    title = f"{network_title(plain.network, plain.dataset)}: gain of each method over {over}"
    info = gains_info(frame, title, f"Energy on {profile_title(chip)}", gains_note(frame, study), over=over)
    csv = frame.to_csv(index=False, lineterminator="\n")
    return [*write_figure(draw_gains(info), stem), write_whole(stem.with_name(f"{stem.name}.csv"), csv)]
