"""Phases, objectives and optimizers that a design's methods ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_runs import SHORT, small_data, small_run

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.methods import METHODS
from costmodel.networks.build import build
from training.run.loop import train, train_epoch
from training.run.objective import Terms, names_of_losses, terms_of
from training.run.optimizers import Bop, latent_weights
from training.run.phases import optimizer_of, phases_of, real_valued, stage_of, switch_epoch, teacher_of
from training.run.preparation import prepared
from training.run.steps import steps_of
from training.run.trainee import Trainee, begin


def begun(design: str, **changes: object) -> tuple[Trainee, list[torch.Tensor]]:
    """Begin the first phase of a design and train one epoch."""
    spec = small_run(design, **changes)
    images = prepared(spec.design, spec.recipe, small_data())
    trainee = begin(phases_of(spec)[0], spec, images, None)
    return trainee, list(train_epoch(steps_of(trainee), spec, 0, images))


def test_most_designs_have_one_phase() -> None:
    (phase,) = phases_of(small_run(epochs=5))
    assert (phase.first, phase.end, phase.real_weights) == (0, 5, False)


@pytest.mark.parametrize(
    ("epochs", "switch", "expected"), [(10, 0.5, 5), (2, 0.9, 1), (10, 0.01, 1), (7, 0.3, 2)]
)
def test_two_stages_share_the_epochs(epochs: int, switch: float, expected: int) -> None:
    first, second = phases_of(small_run("resnet20[two_stage]@w0.25/digits", epochs, switch=switch))
    assert (first.first, first.end, second.first, second.end) == (0, expected, expected, epochs)
    assert first.real_weights
    assert not second.real_weights


def test_two_stages_need_two_epochs() -> None:
    with pytest.raises(BnncostError, match="at least 2 epochs, not 1"):
        phases_of(small_run("resnet20[two_stage]@w0.25/digits", 1))


def test_the_first_stage_computes_with_real_weights_and_binary_features() -> None:
    trainee, _ = begun("resnet20[two_stage]@w0.25/digits")
    model = trainee.model.eval()
    made = model.network.producers
    conv = next(
        op
        for op in model.network.ops
        if op.kind == "conv" and op.params[0] in made and made[op.params[0]].kind == "sign_weight"
    )
    latent = made[conv.params[0]].inputs[0]
    image = torch.randn(2, 1, 8, 8)
    found = model.maps(image, [conv.inputs[0], conv.output])
    bits, result = found[conv.inputs[0]], found[conv.output]
    assert set(bits.unique().tolist()) <= {-1.0, 1.0}
    padded = torch.nn.functional.pad(bits, (1,) * 4, value=1.0)
    torch.testing.assert_close(result, torch.nn.functional.conv2d(padded, model.value(latent)))
    model.real_weights = False
    assert not torch.equal(result, model.maps(image, [conv.output])[conv.output])


def test_warm_start_begins_with_a_real_valued_network() -> None:
    spec = small_run("resnet20[warm_start+double_residual+norm_before_sign+sgd]@w0.25/digits", 4)
    first, second = phases_of(spec)
    assert str(first.design) == "resnet20[double_residual+sgd]@w0.25,compute=fp32/digits"
    assert second.design == spec.design
    images = prepared(spec.design, spec.recipe, small_data())
    earlier = begin(first, spec, images, None)
    list(train_epoch(steps_of(earlier), spec, 0, images))
    later = begin(second, spec, images, None, earlier.model)
    weight = latent_weights(later.model.network)[0]
    named = {param.name: param for param in earlier.model.network.learned()}
    assert torch.equal(later.model.value(weight), earlier.model.value(named[weight.name]))


def test_bop_flips_only_where_weights_are_bits() -> None:
    spec = small_run("resnet20[bop+two_stage]@w0.25/digits")
    assert [optimizer_of(phase, "sgd") for phase in phases_of(spec)] == ["adam", "bop"]
    assert optimizer_of(phases_of(small_run())[0], "sgd") == "sgd"
    trainee, _ = begun("resnet20[bop]@w0.25/digits")
    assert isinstance(trainee.optimizer, Bop)


def test_a_teacher_is_of_the_same_data_and_has_none_itself() -> None:
    assert str(teacher_of(small_run("resnet20[logits_teacher+prelu]@w0.25/digits")).design) == (
        "resnet20@compute=fp32/digits"
    )
    with pytest.raises(BnncostError, match="must be of the data set 'digits'"):
        teacher_of(small_run(teacher="resnet20@compute=fp32/cifar10"))
    with pytest.raises(BnncostError, match="no teacher of its own"):
        teacher_of(small_run(teacher="resnet20[logits_teacher]/digits"))


NOT_TRAINED = {"weight_rotation"}
TECHNIQUES = sorted(
    name
    for name, method in METHODS.items()
    if method.branch == "training" and method.category != "teacher-student" and name not in NOT_TRAINED
)


@pytest.mark.parametrize("name", sorted(NOT_TRAINED))
def test_a_technique_without_a_rule_is_refused_not_passed_over(name: str, tmp_path: Path) -> None:
    spec = small_run(f"resnet20[{name}]@w0.25/digits")
    with pytest.raises(
        BnncostError, match=f"can be priced, but not trained: '{name}' has no rule of training yet"
    ):
        train(spec, small_data(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", ["[ede]@compute=fp32", "[bop]@compute=fp32", "[two_stage]@compute=int8", "[warm_start]@compute=fp32",
             "[decay_policy]@compute=int4", "[kurtosis_regularizer]@compute=ternary"],
)  # fmt: skip
def test_a_technique_for_bits_is_refused_where_there_are_none(text: str) -> None:
    with pytest.raises(BnncostError, match="would change nothing in its training"):
        phases_of(small_run(f"resnet20{text}/digits"))


@pytest.mark.parametrize(
    "text", ["[sgd]@compute=fp32", "[warm_start]@compute=int4", "[logits_teacher+adam]@compute=int8"]
)
def test_other_techniques_suit_every_network(text: str) -> None:
    assert phases_of(small_run(f"resnet20{text}/digits"))[-1].end == 3


def test_a_bad_teacher_is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    spec = small_run("resnet20[logits_teacher]/digits", teacher="resnet20[two_stage]/digits", epochs=1)
    with pytest.raises(BnncostError, match="at least 2 epochs, not 1"):
        train(spec, small_data(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"warm_start", "two_stage", *NOT_TRAINED}))
def test_every_method_leaves_a_network_that_can_begin_without_bits(name: str) -> None:
    design = DesignKey.parse(f"resnet20[{name}]/digits")
    assert build(real_valued(design)).running()


@pytest.mark.parametrize("name", TECHNIQUES)
def test_every_technique_trains_every_part_of_the_network(name: str) -> None:
    design = f"{SHORT}[{name}]@w0.25/digits"
    trainee, losses = begun(design, epochs=2)
    assert len(losses) == 2
    assert all(torch.isfinite(loss) for loss in losses)
    spec = small_run(design, epochs=2)
    fresh = begin(trainee.phase, spec, prepared(trainee.phase.design, small_run().recipe, small_data()), None)
    moved = [
        not torch.equal(trainee.model.value(param), fresh.model.value(param))
        for param in trainee.model.network.learned()
        if isinstance(trainee.model.value(param), torch.nn.Parameter)
    ]
    assert sum(moved) > 0.6 * len(moved)


def test_added_losses_change_what_is_learned() -> None:
    plain = [loss.item() for loss in begun("resnet20@w0.25/digits")[1]]
    added = [loss.item() for loss in begun("resnet20[kurtosis_regularizer]@w0.25/digits")[1]]
    none = [
        loss.item()
        for loss in begun("resnet20[kurtosis_regularizer]@w0.25/digits", losses={"kurtosis_regularizer": 0})[
            1
        ]
    ]
    assert added[0] > plain[0]
    assert none == pytest.approx(plain)


def test_losses_of_bits_wait_until_there_are_bits() -> None:
    first, second = phases_of(small_run("resnet20[warm_start+kurtosis_regularizer]@w0.25/digits"))
    assert names_of_losses(first) == ()
    assert names_of_losses(second) == ("kurtosis_regularizer",)


# ------------------------------------------------------------------ what a stage minimizes, and how it is decayed


@pytest.mark.parametrize(("epochs", "switch"), [(5, 0.5), (8, 0.3), (7, 0.9), (2, 0.5)])
def test_stages_change_with_the_epoch_that_phases_change_with(epochs: int, switch: float) -> None:
    """5 epochs cut at one half change with epoch 2, not in the middle of it."""
    first, second = phases_of(small_run("resnet20[two_stage]@w0.25/digits", epochs, switch=switch))
    recipe = small_run(epochs=epochs, switch=switch).recipe
    assert switch_epoch(recipe) == first.end
    assert [stage_of(epoch, recipe) for epoch in range(epochs)] == (
        [1] * (first.end - first.first) + [2] * (second.end - second.first)
    )


def test_latent_weights_decay_until_the_switch_and_whole_epochs_long() -> None:
    spec = small_run("resnet20[decay_policy]@w0.25/digits", 5, optimizers={"adam": {"decay": 0.5}})
    images = prepared(spec.design, spec.recipe, small_data())
    trainee = begin(phases_of(spec)[0], spec, images, None)
    decays = []
    for epoch in range(5):
        for _ in train_epoch(steps_of(trainee), spec, epoch, images):
            decays.append((epoch, trainee.optimizer.param_groups[0]["weight_decay"]))
    assert set(decays) == {(0, 0.5), (1, 0.5), (2, 0.0), (3, 0.0), (4, 0.0)}


def test_what_larqs_zoo_trains_real_to_binary_with_can_be_said() -> None:
    """Cross-entropy, 30 attention and 3 logits while weights are real; attention stops when they become bits."""
    factors = small_run(losses={"labels": 1, "logits_teacher": 3, "attention_teacher": [30, 0]}).recipe.losses
    both = ("logits_teacher", "attention_teacher")
    assert terms_of(both, factors, 1) == Terms(1.0, {"logits_teacher": 3.0, "attention_teacher": 30.0})
    assert terms_of(both, factors, 2) == Terms(1.0, {"logits_teacher": 3.0})
    assert terms_of(("attention_teacher",), factors, 2) == Terms(1.0, {})


def test_labels_are_read_unless_a_teacher_answers_in_their_place() -> None:
    published = small_run().recipe.losses
    assert terms_of(("logits_teacher",), published, 1) == Terms(0.0, {"logits_teacher": 1.0})
    assert terms_of(("attention_teacher",), published, 1) == Terms(1.0, {"attention_teacher": 30.0})
    late = small_run(losses={"logits_teacher": [0, 2], "labels": [0.5, 0.25]}).recipe.losses
    assert terms_of(("logits_teacher",), late, 1) == Terms(1.0, {})
    assert terms_of(("logits_teacher",), late, 2) == Terms(0.25, {"logits_teacher": 2.0})


def test_the_loss_is_the_sum_of_its_terms() -> None:
    """Twice the labels and half the distance from the teacher, in the second stage alone."""
    changes = {"losses": {"labels": 2, "logits_teacher": [1, 0.5]}}
    spec = small_run("resnet20[logits_teacher]@w0.25/digits", **changes)
    images = prepared(spec.design, spec.recipe, small_data())
    teacher = begin(
        phases_of(small_run("resnet20@w0.25,compute=fp32/digits"))[0], spec, images, None
    ).model.eval()
    trainee = begin(phases_of(spec)[0], spec, images, teacher)
    batch, labels = torch.randn(4, 1, 8, 8), torch.tensor([1, 2, 3, 4])
    model = trainee.model.eval()
    logits, guide = model(batch).flatten(1), teacher(batch).flatten(1)
    right = torch.nn.functional.cross_entropy(logits, labels).item()
    apart = torch.nn.functional.kl_div(
        logits.log_softmax(1), guide.log_softmax(1), log_target=True, reduction="batchmean"
    ).item()
    found = [trainee.objective(model, batch, labels, stage).item() for stage in (1, 2)]
    assert found == pytest.approx([2 * right + apart, 2 * right + 0.5 * apart], rel=1e-5)


def test_the_kurtosis_aimed_at_is_the_recipes() -> None:
    """Of a kurtosis K in every layer, targets t and t' give losses that differ by (K - t)^2 - (K - t')^2."""
    name = "resnet20[kurtosis_regularizer]@w0.25/digits"
    losses = {}
    for target in (1.0, 1.8, None):
        spec = small_run(name, kurtosis_target=target)
        trainee = begin(phases_of(spec)[0], spec, prepared(spec.design, spec.recipe, small_data()), None)
        spread = torch.tensor([1.0, -1.0, 0.0, 0.0])  # kurtosis 2
        with torch.no_grad():
            for param in latent_weights(trainee.model.network):
                value = trainee.model.value(param)
                value.copy_(spread.repeat(value.numel() // 4).view_as(value))
        batch, labels = torch.zeros(2, 1, 8, 8), torch.tensor([1, 2])
        losses[target] = trainee.objective(trainee.model.eval(), batch, labels, 1).item()
    assert losses[1.0] - losses[1.8] == pytest.approx(1 - 0.2**2, rel=1e-4)
    assert losses[None] == losses[1.8]


def test_a_recipe_may_leave_latent_weights_unclipped() -> None:
    wide = {"rate": 0.5, "decay": 0}
    largest = []
    for clip in (True, False):
        trainee, _ = begun("resnet20@w0.25/digits", optimizers={"adam": {**wide, "clip": clip}})
        weights = [trainee.model.value(param) for param in latent_weights(trainee.model.network)]
        largest.append(max(float(weight.detach().abs().max()) for weight in weights))
    assert largest[0] == 1.0
    assert largest[1] > 1.2


def test_a_warm_up_longer_than_a_phase_is_refused() -> None:
    assert phases_of(small_run("resnet20[two_stage]@w0.25/digits", 4, warmup_epochs=2))
    with pytest.raises(BnncostError, match=r"warm-up of 2.5 epochs is longer than a phase of .* which has 2"):
        phases_of(small_run("resnet20[two_stage]@w0.25/digits", 4, warmup_epochs=2.5))
    assert phases_of(small_run(epochs=4, warmup_epochs=2.5))


def test_parameters_promised_positive_stay_so() -> None:
    spec = small_run("resnet20[prelu]@w0.25/digits", 2, optimizers={"sgd": {"rate": 5.0}}, optimizer="sgd")
    images = prepared(spec.design, spec.recipe, small_data())
    trainee = begin(phases_of(spec)[0], spec, images, None)
    list(train_epoch(steps_of(trainee), spec, 0, images))
    positive = [param for param in trainee.model.network.learned() if param.positive]
    assert positive
    assert all((trainee.model.value(param) > 0).all() for param in positive)
