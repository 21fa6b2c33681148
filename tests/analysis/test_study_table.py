"""The table of a study: gains as they were found, costs beside them, and what is missing."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import pytest
import yaml
from measured_rows import PLAIN, PRELU, REAL, SMALL_STUDY, WIDE, measured
from scipy.stats import kendalltau

from analysis.accuracy import outcome as module
from analysis.accuracy.measurements import shipped_measurements
from analysis.accuracy.outcome import outcome_of
from analysis.accuracy.studies import studies
from analysis.fronts.gains.review_document import review_document, write_review_front
from analysis.show.axes import Axis
from analysis.show.document import Format, as_text
from analysis.show.tables import csv_text
from costmodel import BnncostError, DesignKey, cost, resolve
from costmodel.designs.outcome import Outcome, read_outcome
from costmodel.methods import METHODS, MethodUse

PROTOCOL = "short (sh12) on cifar10, 9000 images of 3x16x16, 12 epochs"
NORM = "resnet20[norm_before_sign]/cifar10-16"
BOTH = "resnet20[double_residual+norm_before_sign]/cifar10-16"


def row(
    design: str, role: str, top1: float, gain: float | None, against: str | None = None
) -> dict[str, Any]:
    pair = None if against is None else round(top1 - (60.0 if against == NORM else 59.0), 6)
    return {
        "design": design, "role": role, "method": "", "seeds": 2, "top1_mean": top1, "top1_spread": 0.5,
        "gain": gain, "against": against, "gain_against": pair, "gain_against_error": 0.5 if against else None,
    }  # fmt: skip


def small_outcome() -> dict[str, Any]:
    """What a study leaves behind."""
    rows = [
        row(REAL, "reference", 75.0, 16.0), row(PLAIN, "baseline", 59.0, None),
        row(NORM, "alone", 60.0, 1.0, PLAIN), row("resnet20[ede]/cifar10-16", "alone", 61.0, 2.0, PLAIN),
        row(BOTH, "pair", 62.5, 3.5, NORM), row(WIDE, "width", 61.5, 2.5, PLAIN),
    ]  # fmt: skip
    return {
        "plan": "small", "title": "A small study", "protocols": [PROTOCOL], "baseline": PLAIN, "rows": rows,
        "switches": {"activation": "hardtanh"}, "missing": [PRELU],
        "failed": {"resnet20[bop]/cifar10-16": "the loss is NaN in epoch 3."},
    }  # fmt: skip


def test_the_table_sets_gains_beside_costs() -> None:
    document = review_document(small_outcome(), "asic-45nm")
    rows = {item["design"]: item for item in document.data["designs"]}  # type: ignore[index]
    assert [item["role"] for item in rows.values()] == [
        "baseline", "alone", "alone", "pair", "width", "reference"
    ]  # fmt: skip
    assert [item["label"] for item in rows.values()][1:3] == ["ede", "norm_before_sign"]  # more gain first
    plain, both = cost(PLAIN, "asic-45nm"), cost(BOTH, "asic-45nm")
    found = rows[BOTH]
    assert (found["gain"], found["against"], found["against_label"]) == (3.5, NORM, "norm_before_sign")
    assert (found["gain_against"], found["gain_against_error"]) == (2.5, 0.5)
    assert found["energy_ratio"] == both.energy_j / plain.energy_j
    assert (found["energy_j"], found["latency_s"], found["area"]) == (
        both.energy_j, both.latency_s, both.area["mm2"],
    )  # fmt: skip
    branches = {item["label"]: item["branch"] for item in rows.values()}
    assert branches == {
        "plain BNN": "", "ede": "training", "norm_before_sign": "training", "width 1.5": "topology",
        "double_residual + norm_before_sign": "topology", "fp32 network": "",
    }  # fmt: skip


def test_the_front_is_that_of_the_means() -> None:
    document = review_document(small_outcome(), "asic-45nm")
    front = {item["label"]: item["on_front"] for item in document.data["front"]}  # type: ignore[index]
    # cheapest first: ede (costs nothing) beats the plain network; norm_before_sign and width are beaten
    assert {name for name, place in front.items() if place == "yes"} == {
        "ede", "double_residual + norm_before_sign", "fp32 network",
    }  # fmt: skip


def test_every_form_says_what_was_found_and_what_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    document = review_document(small_outcome(), "asic-45nm")
    text = as_text(document, Format.table)
    for part in (
        "A small study, asic-45nm",
        "62.50 ± 0.50",
        "2.50 ± 0.50",
        PROTOCOL,
        "NaN in epoch 3",
        PRELU,
    ):
        assert part in text, part
    assert json.loads(as_text(document, Format.json))["missing"] == [PRELU]
    assert f"{BOTH},{NORM}" in as_text(document, Format.csv)
    assert r"\begin{tabular}" in as_text(document, Format.latex)
    assert "| beside others |" in as_text(document, Format.markdown)
    assert csv_text(document.tidy).count("\n") == 7


def test_accuracies_of_several_protocols_make_no_front(tmp_path: Path) -> None:
    values = small_outcome() | {"protocols": [PROTOCOL, "another"]}
    document = review_document(values, "asic-45nm")
    assert len(document.tables) == 1 and document.data["front"] == []  # type: ignore[index]
    assert "2 protocols" in document.notes[0]
    with pytest.raises(BnncostError, match="2 protocols"):
        write_review_front(values, "asic-45nm", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_front_of_a_study_is_written(tmp_path: Path) -> None:
    files = write_review_front(small_outcome(), "mcu-cortex-m33", tmp_path / "out", Axis.latency)
    fronts = {f"small-front-latency.{end}" for end in ("png", "svg", "csv", "md", "tex")}
    assert {path.name for path in files} == fronts | {f"small-gains.{end}" for end in ("png", "svg", "csv")}


def test_designs_without_a_cost_stay_in_the_table_and_are_told() -> None:
    big = "resnet34@compute=fp32/imagenet"
    values = small_outcome() | {
        "baseline": "resnet34/imagenet",
        "rows": [row("resnet34/imagenet", "baseline", 50.0, None), row(big, "reference", 70.0, 20.0)],
    }
    document = review_document(values, "mcu-cortex-m4")
    (_, reference) = document.data["designs"]  # type: ignore[index]
    assert (reference["gain"], reference["energy_j"], reference["energy_ratio"]) == (20.0, None, None)
    assert any(note.startswith(f"No cost for {big}: ") and "does not fit" in note for note in document.notes)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows": []}, "no run of 'small' has ended yet"),
        ({"rows": None}, "place: rows: "),
        ({"baseline": "resnet20[prelo]"}, "did you mean 'prelu'"),
        ({"rows": [{"design": PLAIN, "seeds": 0, "top1_mean": 120}]}, "place: rows.0.seeds: "),
    ],
)
def test_an_outcome_that_is_none_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BnncostError) as caught:
        read_outcome(small_outcome() | change, "place")
    assert says in str(caught.value)


# ---------------------------------------------------------------- without an outcome


def test_gains_over_the_plain_network_follow_from_measurements_alone() -> None:
    (study,) = studies(SMALL_STUDY)
    found = outcome_of(study)
    assert found.baseline == PLAIN
    assert {item.design: item.gain for item in found.rows} == {PLAIN: None, PRELU: 3.0, WIDE: 2.5, REAL: 16.0}


def test_gains_are_reckoned_among_networks_as_trained() -> None:
    (study,) = studies([*SMALL_STUDY, measured(PLAIN, 50.0, 0, "int16"), measured(PLAIN, 40.0, 0, "int8")])
    assert {item.design: item.gain for item in outcome_of(study).rows}[PRELU] == 3.0


def test_a_known_outcome_counts_where_protocol_and_network_are_the_same() -> None:
    (study,) = studies(SMALL_STUDY)
    known = read_outcome(small_outcome(), "place")
    assert outcome_of(study, [known]) is known
    other = known.model_copy(update={"protocols": ("another",)})
    assert outcome_of(study, [other]).plan == "measured"
    elsewhere = known.model_copy(update={"baseline": "resnet20/cifar10"})
    assert outcome_of(study, [elsewhere]).plan == "measured"


def test_shipped_outcomes_are_sound() -> None:
    for found in module.shipped_outcomes():
        assert found.rows and found.protocols


def test_shipped_outcomes_are_those_of_the_shipped_measurements() -> None:
    shipped = module.shipped_studies()
    assert (
        len(shipped)
        == len({one.protocol for one in shipped_measurements()})
        == len(module.shipped_outcomes())
    )
    for study, outcome in shipped:
        seeds: dict[DesignKey, list[float]] = {}
        for one in shipped_measurements():
            if one.protocol == study.protocol and one.features == "fp32":
                seeds.setdefault(resolve(one.design), []).append(one.top1)
        top1 = {key: fmean(found) for key, found in seeds.items()}
        assert outcome.plan != "measured"  # the shipped one, found by its protocol
        assert {row.key for row in outcome.rows} == set(top1) == {one.key for one in study.trained}
        for row in outcome.rows:
            assert (row.seeds, row.top1_mean) == (len(seeds[row.key]), pytest.approx(top1[row.key]))
            if row.key != resolve(outcome.baseline):
                assert row.gain == pytest.approx(top1[row.key] - top1[resolve(outcome.baseline)])
            if row.against is not None:
                assert row.gain_against == pytest.approx(top1[row.key] - top1[resolve(row.against)])


def test_shipped_comparisons_have_what_a_methods_paper_has_round_it() -> None:
    """On both sides: a gain that is told of a method is one of the method as its paper has it."""
    rows = [
        (one, row) for one in module.shipped_outcomes() for row in one.rows if row.role in ("alone", "pair")
    ]
    assert rows
    for outcome, row in rows:
        needed = {use.name for use in MethodUse.parse(row.method).method.surroundings}
        if not latents_decay(outcome):  # to stop it changes nothing
            needed -= {name for name in needed if METHODS[name].exclusive == "latent decay"}
        for side in (row.design, row.against or ""):
            assert needed <= {use.name for use in resolve(side).methods}, row.design


def latents_decay(outcome: Outcome) -> bool:
    """Whether the recipe of a study lets latent weights decay, as its file says."""
    (recipe,) = {protocol.split()[0] for protocol in outcome.protocols}
    text = (Path(__file__).parents[2] / "training" / "recipes" / f"{recipe}.yaml").read_text("utf-8")
    return bool(yaml.safe_load(text)["optimizers"]["adam"].get("latent_decay", 1.0))


def test_what_is_said_of_the_rows_of_one_core_follows_from_them() -> None:
    text = (Path(__file__).parents[2] / "analysis" / "data" / "README.md").read_text("utf-8")
    rows = {
        recipe: [row for row in shipped_measurements() if (row.recipe, row.data) == (recipe, "cifar10")]
        for recipe in ("cifar-cpu", "cifar-40")
    }
    mine = rows["cifar-cpu"]
    said = text.split("<!-- one core -->")[1].split("<!-- end -->")[0]
    assert f"All {len(mine)} runs of {len({row.design for row in mine})} designs" in said
    (outcome,) = (one for one in module.shipped_outcomes() if one.plan == "resnet20-cifar10-cpu")
    assert not outcome.missing and not outcome.failed
    assert {row.key for row in outcome.rows} == {resolve(row.design) for row in mine}
    plan = Path(__file__).parents[2] / "training" / "plans" / f"{outcome.plan}.yaml"
    more = yaml.safe_load(plan.read_text("utf-8"))["more_seeds"]
    assert len(mine) == len(outcome.rows) + sum(seeds - 1 for seeds in more.values())
    shortest, longest = map(int, re.findall(r"(\d+) to (\d+) minutes", said)[0])
    minutes = [(row.wall_s or 0.0) / 60 for row in mine]
    assert (shortest, longest) == (int(min(minutes)), math.ceil(max(minutes)))

    seconds = f"{median(row.wall_s or 0.0 for row in mine):.0f} s of a core, the median of the {len(mine)} shipped runs"
    assert seconds in (Path(__file__).parents[2] / "docs" / "cluster.md").read_text("utf-8")

    seeds: dict[str, list[float]] = {}
    for one in sorted(rows["cifar-40"], key=lambda one: one.seed):
        seeds.setdefault(one.design, []).append(one.top1)
    steps = [values[1] - values[0] for values in seeds.values() if len(values) == 2]
    deviation = math.sqrt(fmean(step**2 / 2 for step in steps))
    said = text.split("<!-- seeds -->")[1].split("<!-- end -->")[0]
    assert len(steps) == 8 and "The eight designs" in said and f"deviate by {deviation:.2f} points" in said
    assert f"lie {fmean(steps):.2f} points above" in said
    assert f"error of {stdev(steps) / math.sqrt(8):.2f}." in said
    assert f"{len(rows['cifar-40'])} runs of {len(seeds)} designs" in text

    means = [
        {
            design: fmean(row.top1 for row in found if row.design == design)
            for design in {row.design for row in found}
        }
        for found in rows.values()
    ]
    both = sorted(set(means[0]) & set(means[1]))
    tau = kendalltau(*([top1[design] for design in both] for top1 in means)).statistic
    assert f"{len(both)} designs are in both studies" in text and f"tau {tau:.2f}" in text
    lack = [means[1][design] - means[0][design] for design in both]
    assert f"{round(min(lack))} to {math.ceil(max(lack))} points below" in text.replace("\n", " ")


def test_gains_of_one_core_stand_as_they_follow_from_the_rows() -> None:
    text = (Path(__file__).parents[2] / "analysis" / "data" / "README.md").read_text("utf-8")
    said = text.split("<!-- gains -->")[1].split("<!-- end -->")[0]
    (outcome,) = (one for one in module.shipped_outcomes() if one.plan == "resnet20-cifar10-cpu")
    seeds: dict[DesignKey, list[float]] = {}
    for one in shipped_measurements():
        if (one.recipe, one.data) == ("cifar-cpu", "cifar10"):
            seeds.setdefault(resolve(one.design), []).append(one.top1)
    twice = [values for values in seeds.values() if len(values) == 2]
    deviation = math.sqrt(fmean((one - other) ** 2 / 2 for one, other in twice))
    assert f"The {len(twice)} designs with two seeds deviate by {deviation:.2f} points" in " ".join(
        text.split()
    )

    def over(key: DesignKey, other: DesignKey) -> str:
        error = deviation * math.sqrt(1 / len(seeds[key]) + 1 / len(seeds[other]))
        return f"{fmean(seeds[key]) - fmean(seeds[other]):+.1f} ± {error:.1f}"

    plain = resolve(outcome.baseline)
    expected = []
    for row in sorted(outcome.rows, key=lambda row: -row.top1_mean):
        cells = [f"`{row.label}`", f"{fmean(seeds[row.key]):.1f}", str(len(seeds[row.key])), "", "", ""]
        if row.key == plain:
            cells[0] = "plain BNN"
        else:
            cells[3] = over(row.key, plain)
        if row.against not in (None, outcome.baseline):
            cells[4:] = [f"`{row.against_label}`", over(row.key, resolve(str(row.against)))]
        expected.append(cells)
    lines = [line for line in said.splitlines() if line.startswith("| ")][1:]
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines] == expected

    page = " ".join((Path(__file__).parents[2] / "README.md").read_text("utf-8").split())
    found = {row.label: over(row.key, plain).replace("+", "").split(" ± ") for row in outcome.rows}
    words = {"full": "six repairs bring {} ({}) points", "w2": "twice the width {} ({})",
             "real_shortcut": "shortcuts {} ({})", "learned_threshold": "a learned threshold {} ({})"}  # fmt: skip
    assert all(text.format(*found[label]) in page for label, text in words.items())


def test_what_is_said_of_cifar_100_follows_from_its_rows() -> None:
    text = (Path(__file__).parents[2] / "analysis" / "data" / "README.md").read_text("utf-8")
    said = text.split("<!-- cifar-100 -->")[1].split("<!-- end -->")[0]
    told = " ".join(text.split("<!-- cifar-100 -->")[1].split("### ")[0].split())
    mine = [row for row in shipped_measurements() if row.data == "cifar100"]
    assert f"All {len(mine)} runs of {len({row.design for row in mine})} designs" in said
    minutes = [(row.wall_s or 0.0) / 60 for row in mine]
    assert f"{int(min(minutes))} to {math.ceil(max(minutes))} minutes" in told

    (outcome,) = (one for one in module.shipped_outcomes() if one.plan == "resnet18-cifar100-cpu")
    assert not outcome.missing and not outcome.failed
    found = {row.label: row for row in outcome.rows}
    plain = found["baseline"]
    energies = {label: cost(row.design).energy_j for label, row in found.items()}
    share = {label: energy / energies["baseline"] for label, energy in energies.items()}
    lines = [line.split(" | ")[1:] for line in said.splitlines() if line.startswith("| ")][1:]
    assert len(lines) == len(found)
    for label, row in found.items():
        gain = "" if row is plain else f"{row.top1_mean - plain.top1_mean:+.1f}"
        digits = 0 if share[label] > 10 else 1 if share[label] > 2 else 2
        energy = f"{energies[label] * 1e6:.2f} µJ" if row is plain else f"x{share[label]:.{digits}f}"
        cells = (
            [f"{row.top1_mean:.1f}", gain, f"{energy} |"]
            if gain
            else [f"{row.top1_mean:.1f}", f"| {energy} |"]
        )
        assert cells in lines, (label, cells)

    two = [row.top1 for row in mine if resolve(row.design) == plain.key]
    assert f"lie {max(two) - min(two):.1f} points apart" in told
    second, beside = (found[f"double_residual+{others}real_shortcut"] for others in ("", "norm_before_sign+"))
    assert f"brings {second.gain_against:.1f} points here, and {beside.gain_against:.1f} where" in told
    assert f"standard error {second.gain_against_error:.1f}," in told
    six, wide, int4, fp32 = (found[label].top1_mean for label in ("full", "w1.5", "int4", "fp32"))
    assert (
        round((six - plain.top1_mean) / (wide - plain.top1_mean)) == 3 and energies["full"] < energies["w1.5"]
    )
    assert f"4 bits lack {fp32 - int4:.1f} points of fp32, and are {int4 - six:.1f} above" in told
    assert f"at {energies['int4'] / energies['full']:.1f} times their energy" in told
    page = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert f"does bring {second.gain_against:.1f} points ({second.gain_against_error:.1f})" in page
