"""The gains of a study in files: the figure with what stands below it, and its rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.accuracy.outcome import names_in, spread_of, sure_of
from analysis.fronts.gains.gains_frame import LESS_ONE, gains_frame
from analysis.fronts.gains.study_table import Priced
from analysis.plots import draw_gains, gains_info, write_figure
from analysis.show.frames import csv_frame
from analysis.show.words import accuracy_text, network_title, profile_title
from costmodel.designs.outcome import Outcome
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.output import write_whole

PLAIN = "the plain BNN"


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
    """What gains and energies are relative to: only a plan says which pairs are fair."""
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
    spread = spread_of(outcome)
    if spread is None:
        return "No design has several seeds yet, so that nothing is known of the errors."
    if assumed := sure_of(outcome):
        return assumed
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
    csv = csv_frame(frame)
    return [*write_figure(draw_gains(info), stem), write_whole(stem.with_name(f"{stem.name}.csv"), csv)]
