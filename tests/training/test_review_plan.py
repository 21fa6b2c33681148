"""Plans of a study: what they compare with what, in which order, and all their mistakes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.methods import METHODS
from training.review.comparisons import Comparison, comparisons_of, jobs_of, plan_problems
from training.review.fair import trains_alike
from training.review.pace import Pace, macs_of, pace_of
from training.review.plan import Plan
from training.review.study import load_plan
from training.run.durations import seconds_of
from training.run.folders import HISTORY, RunSpec, open_folder
from training.run.recipe import load_recipe
from training.run.settings_file import parse_settings, shipped

HEAD = "name: tiny\nrecipe: digits\n"
WHOLE = """
baseline: resnet20/digits
references: [fp32, int8]
first: [double_residual+real_shortcut, full]
alone: [prelu, double_residual]
pairs:
  - {method: double_residual, beside: norm_before_sign}
full: {methods: [prelu, double_residual], leave_one_out: true}
widths: [1.5]
more_seeds: {baseline: 3, double_residual+real_shortcut: 2}
"""


def plan_of(text: str) -> Plan:
    return parse_settings(HEAD + text, "tiny.yaml", Plan, plan_problems)


def compared(text: str) -> dict[str, tuple[str, str]]:
    """Design and fair pair of every comparison but the baseline's, without their data set."""
    found = comparisons_of(plan_of(text))
    return {item.label: (_short(item.design), _short(item.against)) for item in found if item.against}


def _short(design: DesignKey | None) -> str:
    return str(design).removesuffix("/digits")


def test_runs_come_in_order_each_once() -> None:
    """By hand: baseline, what is first, references, company, alone, pairs, full less one, width; then other seeds.

    The full design less double_residual is prelu alone, which is trained once.
    """
    jobs = [(job.seed, _short(job.design)) for job in jobs_of(plan_of(WHOLE))]
    assert jobs == [
        (0, "resnet20"),
        (0, "resnet20[double_residual+real_shortcut]"),
        (0, "resnet20[double_residual+prelu]"),
        (0, "resnet20@compute=fp32"),
        (0, "resnet20@compute=int8"),
        (0, "resnet20[real_shortcut]"),
        (0, "resnet20[norm_before_sign+real_shortcut]"),
        (0, "resnet20[prelu]"),
        (0, "resnet20[double_residual+norm_before_sign+real_shortcut]"),
        (0, "resnet20[double_residual]"),
        (0, "resnet20@w1.5"),
        (1, "resnet20"),
        (1, "resnet20[double_residual+real_shortcut]"),
        (2, "resnet20"),
    ]


def test_one_run_serves_every_comparison_of_its_design() -> None:
    jobs = {_short(job.design): job for job in jobs_of(plan_of(WHOLE)) if job.seed == 0}
    served = [(item.label, item.role) for item in jobs["resnet20[prelu]"].serves]
    assert served == [("prelu", "alone"), ("full - double_residual", "without")]
    assert jobs["resnet20[prelu]"].label == "prelu"
    spec = jobs["resnet20"].spec("elsewhere.npz")
    assert spec == RunSpec(DesignKey.parse("resnet20/digits"), load_recipe("digits"), "elsewhere.npz", 0)


def test_everything_has_its_fair_pair() -> None:
    assert compared(WHOLE) == {
        "fp32": ("resnet20@compute=fp32", "resnet20"),
        "int8": ("resnet20@compute=int8", "resnet20"),
        "double_residual+real_shortcut": ("resnet20[double_residual+real_shortcut]", "resnet20[real_shortcut]"),
        "full": ("resnet20[double_residual+prelu]", "resnet20"),
        "real_shortcut": ("resnet20[real_shortcut]", "resnet20"),
        "norm_before_sign+real_shortcut": ("resnet20[norm_before_sign+real_shortcut]", "resnet20"),
        "prelu": ("resnet20[prelu]", "resnet20"),
        "double_residual+norm_before_sign+real_shortcut": (
            "resnet20[double_residual+norm_before_sign+real_shortcut]", "resnet20[norm_before_sign+real_shortcut]",
        ),
        "full - prelu": ("resnet20[double_residual]", "resnet20[double_residual+prelu]"),
        "full - double_residual": ("resnet20[prelu]", "resnet20[double_residual+prelu]"),
        "w1.5": ("resnet20@w1.5", "resnet20"),
    }  # fmt: skip


def test_what_replaces_a_switch_of_the_baseline_is_compared_with_the_baseline_without_it() -> None:
    text = """
baseline: resnet20/digits
fixed: [hardtanh, polynomial_ste]
alone: [prelu, ede, channel_scale, pooled_shortcut]
pairs: [{method: relu, beside: [norm_before_sign]}]
full: {methods: [prelu, channel_scale], leave_one_out: prelu}
"""
    assert compared(text) == {
        "without hardtanh": ("resnet20[polynomial_ste]", "resnet20[hardtanh+polynomial_ste]"),
        "norm_before_sign, without hardtanh": (
            "resnet20[norm_before_sign+polynomial_ste]", "resnet20[hardtanh+polynomial_ste]",
        ),
        "prelu": ("resnet20[polynomial_ste+prelu]", "resnet20[polynomial_ste]"),
        "ede": ("resnet20[ede+hardtanh]", "resnet20[hardtanh+polynomial_ste]"),
        "channel_scale": (
            "resnet20[channel_scale+hardtanh+polynomial_ste]", "resnet20[hardtanh+polynomial_ste]",
        ),
        "pooled_shortcut": (
            "resnet20[hardtanh+polynomial_ste+pooled_shortcut]", "resnet20[hardtanh+polynomial_ste]",
        ),
        "relu+norm_before_sign": (
            "resnet20[norm_before_sign+polynomial_ste+relu]", "resnet20[norm_before_sign+polynomial_ste]",
        ),
        "full": ("resnet20[channel_scale+polynomial_ste+prelu]", "resnet20[hardtanh+polynomial_ste]"),
        "full - prelu": (
            "resnet20[channel_scale+polynomial_ste]", "resnet20[channel_scale+polynomial_ste+prelu]",
        ),
    }  # fmt: skip


def left_out(baseline: str) -> dict[str, str]:
    """Why each method that a plan may not name alone may not be named."""
    reasons = {}
    for name in METHODS:
        try:
            plan_of(f"baseline: {baseline}\nalone: [{name}]\n")
        except BnncostError as error:
            reasons[name] = str(error)
    return reasons


def test_all_methods_are_all_that_change_something() -> None:
    plan = plan_of("baseline: resnet20/digits\nalone: all\n")
    studied = {item.method for item in comparisons_of(plan) if item.role == "alone"}
    reasons = left_out("resnet20/digits")
    assert studied == set(METHODS) - set(reasons)
    assert {"clipped_ste", "clipped_weight_ste", "option_a_shortcut", "adam"} <= set(reasons)
    assert "changes nothing in the training of 'resnet20/digits'" in reasons["adam"]
    with pytest.raises(BnncostError, match="vgg_small, which has no shortcuts"):
        plan_of("baseline: vgg_small/digits\nalone: [double_residual]\n")
    assert comparisons_of(plan_of("baseline: vgg_small/digits\nalone: all\n"))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("resnet20[clipped_ste]", "resnet20", True),
        ("resnet20[polynomial_ste]", "resnet20", False),
        ("resnet20[option_a_shortcut]", "resnet20", True),
        ("resnet20[adam]", "resnet20", True),
        ("resnet20[sgd]", "resnet20", False),
        ("resnet20[logits_teacher]", "resnet20", False),
        ("resnet20[width(factor=1.5)]", "resnet20@w1.5", True),
        ("resnet20[decay_policy]", "resnet20", False),
        ("resnet20[bop+no_latent_decay]", "resnet20[bop]", True),
        ("resnet20@w1.5", "resnet20", False),
    ],
)
def test_designs_that_train_alike_are_told_from_others(one: str, other: str, alike: bool) -> None:
    designs = (DesignKey.parse(f"{text}/digits") for text in (one, other))
    assert trains_alike(*designs, load_recipe("digits")) is alike


# ------------------------------------------------------------------ what a method's paper has round it


def test_what_a_method_needs_stands_on_both_sides() -> None:
    text = "baseline: resnet20/digits\nalone: [ede, rbnn_gradient, sgd, bop, ede_weights, two_stage]\n"
    pairs = {label: sides for label, sides in compared(text).items() if "+" in label}
    assert pairs["ede+hardtanh"] == ("resnet20[ede+hardtanh]", "resnet20[hardtanh]")
    assert pairs["rbnn_gradient+hardtanh+sample_standardize"] == (
        "resnet20[hardtanh+rbnn_gradient+sample_standardize]", "resnet20[hardtanh+sample_standardize]",
    )  # fmt: skip
    assert pairs["sgd+standardize_weights"] == (
        "resnet20[sgd+standardize_weights]",
        "resnet20[standardize_weights]",
    )
    assert pairs["bop+no_latent_decay"] == ("resnet20[bop+no_latent_decay]", "resnet20[no_latent_decay]")
    assert pairs["two_stage+decay_policy"] == ("resnet20[decay_policy+two_stage]", "resnet20[decay_policy]")


def test_what_is_there_or_changes_nothing_is_not_added() -> None:
    """A recipe without decay of latent weights is what Bop asks for; a baseline may have a hardtanh already."""
    recipe = "{base: digits, optimizers: {adam: {latent_decay: 0}}}"
    text = f"name: tiny\nrecipe: {recipe}\nbaseline: resnet20[hardtanh]/digits\nalone: [bop, ede]\n"
    found = {
        item.label: item
        for item in comparisons_of(parse_settings(text, "tiny.yaml", Plan, plan_problems))
        if item.against
    }
    assert set(found) == {"bop", "ede"}
    assert _short(found["ede"].design) == "resnet20[ede+hardtanh]"
    assert all(_short(item.against) == "resnet20[hardtanh]" for item in found.values())


def test_what_a_plan_puts_beside_a_method_stays() -> None:
    """A PReLU that the plan asks for keeps the slot that EDE's hardtanh would take."""
    pairs = "[{method: ede, beside: [prelu]}, {method: ede, beside: [channel_scale]}, {method: prelu, beside: [ede]}]"
    found = compared(f"baseline: resnet20/digits\npairs: {pairs}\n")
    assert found["prelu+ede"] == ("resnet20[ede+prelu]", "resnet20[ede]")
    assert found["ede+prelu"] == ("resnet20[ede+prelu]", "resnet20[prelu]")
    assert found["ede+channel_scale+hardtanh"] == (
        "resnet20[channel_scale+ede+hardtanh]", "resnet20[channel_scale+hardtanh]",
    )  # fmt: skip


def test_sgd_and_adam_are_compared_only_where_latent_weights_move_alike() -> None:
    """The surroundings of `sgd` see to it; where a plan takes them away, or begins with SGD, it is refused."""
    with pytest.raises(BnncostError, match=r"by SGD the latent weights of .* move many times more slowly"):
        plan_of("baseline: resnet20/digits\npairs: [{method: sgd, beside: [centre_weights]}]\n")
    recipe = "name: tiny\nrecipe: {base: digits, optimizer: sgd}\nbaseline: resnet20/digits\nalone: [adam]\n"
    with pytest.raises(BnncostError, match=r"put one of .*standardize_weights.* on both sides"):
        parse_settings(recipe, "tiny.yaml", Plan, plan_problems)
    fixed = parse_settings(f"{recipe}fixed: [magnitude_aware_sign]\n", "tiny.yaml", Plan, plan_problems)
    assert {item.label for item in comparisons_of(fixed)} == {"baseline", "adam"}
    assert compared("baseline: resnet20/digits\nalone: [bop]\n")


# ------------------------------------------------------------------ what plans may say


def test_a_recipe_may_be_changed_in_the_plan() -> None:
    text = "name: a\nbaseline: resnet20/digits\nrecipe: {base: cifar, epochs: 7, optimizers: {adam: {rate: 0.5}}}\n"
    base, changed = load_recipe("cifar"), parse_settings(text, "a.yaml", Plan, plan_problems).recipe
    assert (changed.name, changed.epochs, changed.batch_size) == ("cifar", 7, base.batch_size)
    assert changed.optimizers.adam.rate == 0.5
    assert changed.optimizers.adam.decay == base.optimizers.adam.decay
    assert changed.optimizers.sgd == base.optimizers.sgd


def test_images_come_from_the_set_that_the_baselines_are_averaged_from() -> None:
    assert plan_of("baseline: resnet20/cifar10-16\n").images == "cifar10"
    assert plan_of("baseline: resnet20/digits\n").images == "digits"
    assert plan_of("baseline: resnet20/digits\ndata: mine.npz\n").images == "mine.npz"


MISTAKES = """\
name: Two words
baseline: resnet20[prelo]/digits
recipe: {base: digits, epochs: 0, epoch: 2}
fixed: [hardtan]
references: [binary]
alone: [double_residul, "squeeze_excitation(reduction=x)"]
pairs:
  - {method: relu}
full: {methods: [prelu]}
widths: [1]
seeds: 0
colour: blue
"""


def test_all_mistakes_are_told_at_once_with_their_lines() -> None:
    with pytest.raises(BnncostError) as raised:
        parse_settings(MISTAKES, "p.yaml", Plan, plan_problems)
    lines = str(raised.value).splitlines()
    starts = [line.split(": ", 2)[:2] for line in lines]
    assert sorted(starts, key=lambda item: int(item[0].rpartition(":")[2])) == [
        ["p.yaml:1", "name"],
        ["p.yaml:2", "baseline"],
        ["p.yaml:3", "recipe.epoch"],
        ["p.yaml:3", "recipe.epochs"],
        ["p.yaml:4", "fixed[0]"],
        ["p.yaml:5", "references[0]"],
        ["p.yaml:6", "alone[0]"],
        ["p.yaml:6", "alone[1]"],
        ["p.yaml:8", "pairs[0].beside"],
        ["p.yaml:9", "full.methods"],
        ["p.yaml:10", "widths[0]"],
        ["p.yaml:11", "seeds"],
        ["p.yaml:12", "colour"],
    ]
    assert any("unknown method 'prelo'; did you mean 'prelu'?" in line for line in lines)


def test_what_does_not_go_together_is_told_at_once() -> None:
    text = """
baseline: vgg_small/digits
alone: [double_residual, adam]
pairs: [{method: relu, beside: [prelu]}]
full: {methods: [prelu, channel_scale], leave_one_out: [relu]}
more_seeds: {bseline: 2}
first: [w2]
"""
    with pytest.raises(BnncostError) as raised:
        plan_of(text)
    assert sorted(line.split(": ", 1)[1][:70] for line in str(raised.value).splitlines()) == [
        "alone: 'adam' changes nothing in the training of 'vgg_small/digits'; l",
        "alone: double_residual: design 'vgg_small[double_residual]/digits': 'd",
        "first: unknown label 'w2'; did you mean 'baseline'? Known: baseline, f",
        "full: unknown method of 'full' to leave out 'relu'; did you mean 'prel",
        "more_seeds: unknown label 'bseline'; did you mean 'baseline'? Known: b",
        "pairs: relu+prelu: 'relu' takes the place of 'prelu' and cannot stand ",
    ]


def test_a_method_does_not_stand_beside_itself() -> None:
    with pytest.raises(
        BnncostError, match=r"pairs: prelu\+prelu: a method cannot stand beside itself; name "
    ):
        plan_of("baseline: vgg_small/digits\npairs: [{method: prelu, beside: prelu}]\n")


def test_a_plan_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="unknown plan 'digit'; did you mean 'digits'"):
        load_plan("digit")
    with pytest.raises(BnncostError, match="cannot be read: no such file"):
        load_plan(tmp_path / "none.yaml")


# ------------------------------------------------------------------ the shipped ones


@pytest.mark.parametrize("name", shipped("plans"))
def test_shipped_plans_are_named_after_their_files_and_can_be_run(name: str) -> None:
    plan = load_plan(name)
    jobs = jobs_of(plan)
    assert plan.name == name
    assert jobs[0].label == "baseline"
    assert len({job.spec("x").name for job in jobs}) == len(jobs)


@pytest.mark.parametrize("name", ["resnet20-cifar10", "resnet20-cifar10-cpu"])
def test_studies_of_resnet20_have_what_the_chapter_asks_for(name: str) -> None:
    plan = load_plan(name)
    found: dict[str, Comparison] = {item.label: item for item in comparisons_of(plan)}
    assert len({item.design for item in found.values()}) >= 20
    for label in (
        "baseline",
        "learned_threshold",
        "norm_before_sign",
        "double_residual+real_shortcut",
        "real_shortcut",
    ):
        assert found[label].seeds >= 2
    both = found["double_residual+norm_before_sign+real_shortcut"]
    assert both.against == found["norm_before_sign+real_shortcut"].design
    assert {"fp32", "int8", "int4", "full", "w1.5", "w2"} <= set(found)
    studied = {
        METHODS[item.method.partition("(")[0]].category for item in found.values() if item.role == "alone"
    }
    assert not set(_trainable_categories()) - studied


def _trainable_categories() -> set[str]:
    """Every category of repair but width, which a plan lists apart."""
    return {method.category for method in METHODS.values()} - {"width"}


# ------------------------------------------------------------------ time


@pytest.mark.parametrize(
    ("text", "seconds"), [("25m", 1500), ("2h", 7200), ("90s", 90), ("1h30m", 5400), ("0.5h", 1800)]
)
def test_budgets_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "25", "m", "-5m", "0s", "5 minutes"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(BnncostError, match="is not a length of time; write 25m"):
        seconds_of(text)


def test_time_is_expected_by_macs_from_what_was_measured(tmp_path: Path) -> None:
    """Twice the width is nearly four times the MACs: only the first layer and the classifier grow less."""
    recipe = load_recipe("digits").model_copy(update={"epochs": 30})
    plain, wide, other = (
        RunSpec(DesignKey.parse(text), recipe, "digits")
        for text in ("resnet20/digits", "resnet20@w2/digits", "resnet20[prelu]/digits")
    )
    assert Pace().remaining_s(plain, 0) is None
    (open_folder(plain, tmp_path) / HISTORY).write_text("epoch,wall_s\n1,2.0\n2,4.0\n")
    (open_folder(other, tmp_path) / HISTORY).write_text("epoch,wall_s\n1,damaged\n")
    pace = pace_of([plain, wide, other], tmp_path)
    assert pace.remaining_s(plain, 28) == pytest.approx(2 * 3.0)
    assert pace.remaining_s(other, 29) == pytest.approx(3.0)
    ratio = macs_of(wide.design) / macs_of(plain.design)
    assert 3.8 < ratio < 4
    assert pace.remaining_s(wide, 29) == pytest.approx(3.0 * ratio)


def test_a_technique_that_cannot_be_trained_is_no_part_of_a_plan() -> None:
    with pytest.raises(BnncostError, match="'weight_rotation' has no rule of training yet"):
        plan_of("baseline: resnet20/digits\nalone: [weight_rotation]\n")
    every = comparisons_of(plan_of("baseline: resnet20/digits\nalone: all\n"))
    assert "weight_rotation" not in {item.label for item in every}
