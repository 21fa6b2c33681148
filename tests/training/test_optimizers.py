"""Updates: each against its rule, worked out by hand; which parameters take part; what a saved state brings back."""

from __future__ import annotations

import copy

import pytest
import torch
from strategies import small_key

from costmodel.errors import BnncostError
from costmodel.methods import METHODS
from costmodel.networks.build import build
from training.module.lower import Lowered, keep_promises, lower
from training.run.optimizers import (
    OPTIMIZERS,
    PUBLISHED,
    Bop,
    Settings,
    latent_weights,
    learned_tensors,
    make_optimizer,
    set_decay,
    set_rate,
    settings_of,
)
from training.run.recipe import OptimizerNumbers

NETWORK = build(small_key("resnet20"))
REAL = build(small_key("resnet20", compute="fp32"))


def number(*values: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values, dtype=torch.float64))


def push(update: torch.optim.Optimizer, *gradients: tuple[torch.nn.Parameter, list[float]]) -> None:
    for param, values in gradients:
        param.grad = torch.tensor(values, dtype=param.dtype)
    update.step()


def roles(update: torch.optim.Optimizer) -> dict[str, dict[str, object]]:
    return {group["role"]: group for group in update.param_groups}


# ------------------------------------------------------------------ parameters


def test_every_optimizer_of_the_methods_exists() -> None:
    declared = {name for name, method in METHODS.items() if method.category == "optimizer"}
    assert declared == set(OPTIMIZERS) == set(PUBLISHED)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_parameters_take_part_by_what_they_are(name: str) -> None:
    model = lower(NETWORK)
    tensors = learned_tensors(model)
    distance = number(1.0)
    groups = roles(make_optimizer(name, NETWORK, tensors, Settings(0.1, decay=0.5), [distance]))
    names = {id(tensor): key for key, tensor in tensors.items()}
    found = {role: {names.get(id(item)) for item in group["params"]} for role, group in groups.items()}  # type: ignore[attr-defined]
    convolutions = {key for key in tensors if ".conv" in key and key.endswith(".weight")}
    assert len(convolutions) == 18 and found["latent"] == convolutions
    assert found["weight"] == {"stem.weight", "classifier.weight"}
    assert found["other"] == (set(tensors) - found["latent"] - found["weight"]) | {None}
    assert not any(key.endswith((".mean", ".variance")) for key in tensors)
    decays = {role: group["weight_decay"] for role, group in groups.items()}
    assert decays == {"latent": 0.0 if name == "bop" else 0.5, "weight": 0.5, "other": 0.0}


def test_weights_of_more_bits_are_not_latent() -> None:
    assert latent_weights(REAL) == ()
    model = lower(REAL)
    groups = roles(make_optimizer("sgd", REAL, learned_tensors(model)))
    assert set(groups) == {"weight", "other"} and len(groups["weight"]["params"]) == 20  # type: ignore[arg-type]


def test_mistakes_are_named() -> None:
    tensors = learned_tensors(lower(NETWORK))
    with pytest.raises(BnncostError, match="unknown optimizer 'adm'; did you mean 'adam'"):
        make_optimizer("adm", NETWORK, tensors)
    with pytest.raises(BnncostError, match=r"unknown parameter 'stem\.weigth'; did you mean 'stem\.weight'"):
        make_optimizer("adam", NETWORK, {**tensors, "stem.weigth": number(1.0)})
    with pytest.raises(
        BnncostError, match=r"no tensor is given for the binary weights 'stage1\.block1\.conv1"
    ):
        make_optimizer("adam", NETWORK, {"stem.weight": tensors["stem.weight"]})
    with pytest.raises(BnncostError, match="no binary weights for 'bop'"):
        make_optimizer("bop", REAL, learned_tensors(lower(REAL)))
    siman = build(small_key("resnet20", "sign_to_magnitude"))
    with pytest.raises(BnncostError, match="'sign_to_magnitude' makes bits from magnitudes alone"):
        make_optimizer("bop", siman, learned_tensors(lower(siman)))
    for wrong in (0.0, 1.5):
        with pytest.raises(BnncostError, match="must lie above 0 and up to 1"):
            Bop([{"params": [number(1.0)], "flips": True, "lr": wrong}])


# ------------------------------------------------------------------ updates


def test_bop_flips_where_the_running_gradient_agrees_and_is_large() -> None:
    w = number(0.5, -0.5, 0.5, -0.5, 0.5, 0.0)
    update = Bop([{"params": [w], "flips": True, "lr": 0.25, "threshold": 0.5}])
    push(update, (w, [4.0, -4.0, -4.0, 4.0, 2.0, 4.0]))  # m = 1, -1, -1, 1, 1/2 (not above 1/2), 1
    assert update.state[w]["running"].tolist() == [1, -1, -1, 1, 0.5, 1]
    assert w[:5].tolist() == [-0.5, 0.5, 0.5, -0.5, 0.5] and -1e-300 < w[5].item() < 0
    push(update, (w, [0.0, -4.0, 8.0, 0.0, 4.0, -7.0]))  # m = 3/4, -7/4, 5/4, 3/4, 11/8, -1
    assert update.state[w]["running"].tolist() == [0.75, -1.75, 1.25, 0.75, 1.375, -1]
    assert w[:5].tolist() == [-0.5, 0.5, -0.5, -0.5, -0.5] and 0 < w[5].item() < 1e-300


def test_bop_without_a_gradient_flips_nothing() -> None:
    w = number(1.0, -1.0, 0.0)
    update = Bop([{"params": [w], "flips": True, "lr": 0.5, "threshold": 0.0}])
    update.step()
    push(update, (w, [0.0, 0.0, 0.0]))
    assert w.tolist() == [1, -1, 0]


def test_bop_moves_the_rest_as_torchs_adam_does() -> None:
    mine, theirs, flipped = number(1.0, 2.0), number(1.0, 2.0), number(1.0)
    update = Bop(
        [{"params": [flipped], "flips": True, "lr": 0.1}, {"params": [mine]}], lr=0.01, weight_decay=0.1
    )
    judge = torch.optim.Adam([theirs], lr=0.01, weight_decay=0.1)
    for step in range(4):
        push(update, (mine, [1.0 - step, 0.25]), (flipped, [0.0]))
        push(judge, (theirs, [1.0 - step, 0.25]))
        assert mine.tolist() == theirs.tolist()
    assert abs(mine[1].item() - 1.96) < 1e-3  # four steps of about the rate, as Adam's first ones are


def toy(name: str, settings: Settings) -> tuple[dict[str, torch.nn.Parameter], torch.optim.Optimizer]:
    tensors = learned_tensors(lower(NETWORK, dtype=torch.float64))
    return tensors, make_optimizer(name, NETWORK, tensors, settings)


def test_latent_weights_alone_are_clipped_after_a_step() -> None:
    for clip, expected in ((1.0, 1.0), (0.25, 0.25), (None, 4.0)):
        tensors, update = toy("sgd", Settings(rate=1.0, clip=clip))
        latent, gamma = tensors["stage1.block1.conv1.weight"], tensors["stem.gamma"]
        with torch.no_grad():
            latent.fill_(0.0)
        latent.grad, gamma.grad = torch.full_like(latent, -4.0), torch.full_like(gamma, -4.0)
        update.step()
        assert set(latent.flatten().tolist()) == {expected}
        assert set(gamma.tolist()) == {5.0}


def test_sgd_and_adam_take_their_first_steps_by_the_book() -> None:
    for name, expected in (("sgd", [0.5 - 0.1 * 2, 0.3 - 0.1 * (0.9 * 2 + 2)]), ("adam", [0.4, 0.3])):
        tensors, update = toy(name, Settings(rate=0.1))
        weight = tensors["stage1.block1.conv1.weight"]
        with torch.no_grad():
            weight.fill_(0.5)
        for value in expected:
            weight.grad = torch.full_like(weight, 2.0)
            update.step()
            assert torch.allclose(weight, torch.full_like(weight, value), atol=1e-7)


def test_a_stack_of_models_is_updated_as_its_members_are() -> None:
    members = [torch.randn(3, 2, dtype=torch.float64) for _ in range(2)]
    gradients = [torch.randn(3, 2, dtype=torch.float64) for _ in range(2)]
    stack = torch.nn.Parameter(torch.stack(members))
    alone = [torch.nn.Parameter(member.clone()) for member in members]
    groups = {"flips": True, "lr": 0.5, "threshold": 0.3}
    push(Bop([{"params": [stack], **groups}]), (stack, torch.stack(gradients).tolist()))
    push(
        Bop([{"params": alone, **groups}]),
        *((one, g.tolist()) for one, g in zip(alone, gradients, strict=True)),
    )
    assert torch.equal(stack, torch.stack(list(alone))) and not torch.equal(stack, torch.stack(members))


# ------------------------------------------------------------------ training and states


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(16, 1, 8, 8, dtype=torch.float64) * 16, torch.arange(16) % 10


def train(
    model: Lowered, update: torch.optim.Optimizer, data: tuple[torch.Tensor, torch.Tensor], steps: int
) -> float:
    loss = torch.zeros(())
    for _ in range(steps):
        update.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(data[0]).flatten(1), data[1])
        loss.backward()
        update.step()
        keep_promises(model)
    return loss.item()


SHORT = {
    "sgd": Settings(0.05),
    "adam": Settings(0.01),
    "bop": Settings(0.01, flip_rate=0.05, flip_threshold=1e-3),
}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_few_steps_go_down(name: str) -> None:
    model, data = lower(NETWORK, dtype=torch.float64), batch()
    update = make_optimizer(name, NETWORK, learned_tensors(model), SHORT[name])
    before = {param.name: model.value(param).detach().clone() for param in latent_weights(NETWORK)}
    first = train(model, update, data, 1)
    assert train(model, update, data, 24) < 0.8 * first
    after = {param.name: model.value(param).detach() for param in latent_weights(NETWORK)}
    assert any(bool((before[key].sign() != after[key].sign()).any()) for key in after)
    if name == "bop":
        assert all(torch.equal(before[key].clamp(-1, 1).abs(), after[key].abs()) for key in after)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_saved_state_goes_on_to_the_same_weights(name: str) -> None:
    model, data = lower(NETWORK, dtype=torch.float64), batch()
    update = make_optimizer(name, NETWORK, learned_tensors(model), SHORT[name])
    set_rate(update, "cosine", 0.5)
    train(model, update, data, 3)
    twin, state = copy.deepcopy(model), copy.deepcopy(update.state_dict())
    again = make_optimizer(name, NETWORK, learned_tensors(twin), SHORT[name])
    again.load_state_dict(state)
    assert train(model, update, data, 3) == train(twin, again, data, 3)
    for mine, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine, other)
    assert [group["lr"] for group in again.param_groups] == [group["lr"] for group in update.param_groups]


# ------------------------------------------------------------------ stages, decay and rates


def test_latent_weights_decay_in_the_first_stage_only() -> None:
    _, update = toy("sgd", Settings(rate=0.1, decay=0.5))

    def decays() -> list[float]:
        return [group["weight_decay"] for group in update.param_groups]

    assert [group["role"] for group in update.param_groups] == ["latent", "weight", "other"]
    for stage, expected in ((1, [0.5, 0.5, 0]), (2, [0, 0.5, 0]), (1, [0.5, 0.5, 0])):
        set_decay(update, "decay_policy", stage)
        assert decays() == expected
        set_decay(update, "no_latent_decay", stage)
        assert decays() == [0, 0.5, 0]
        set_decay(update, "always", stage)
        assert decays() == [0.5, 0.5, 0]
    with pytest.raises(BnncostError, match="unknown decay policy 'decay'; did you mean 'decay_policy'"):
        set_decay(update, "decay", 1)


def test_latent_weights_decay_apart_where_that_is_said() -> None:
    for latent, expected in ((None, 0.5), (0.0, 0.0), (0.125, 0.125)):
        _, update = toy("adam", Settings(rate=0.1, decay=0.5, latent_decay=latent))
        decays = {role: group["weight_decay"] for role, group in roles(update).items()}
        assert decays == {"latent": expected, "weight": 0.5, "other": 0}


def test_a_recipe_changes_what_it_says_of_the_published_settings() -> None:
    assert settings_of("sgd", OptimizerNumbers()) == Settings(rate=0.1, decay=1e-4, momentum=0.9, clip=1.0)
    told = OptimizerNumbers(rate=0.5, clip=False, latent_decay=0)
    assert settings_of("sgd", told) == Settings(0.5, 1e-4, 0.9, clip=None, latent_decay=0)
    assert settings_of("adam", OptimizerNumbers(clip=True)) == PUBLISHED["adam"]


def test_decay_pulls_to_zero_by_rate_times_decay() -> None:
    tensors, update = toy("sgd", Settings(rate=0.1, decay=0.5))
    latent, gamma = tensors["stage1.block1.conv1.weight"], tensors["stem.gamma"]
    with torch.no_grad():
        latent.fill_(1.0)
    latent.grad, gamma.grad = torch.zeros_like(latent), torch.zeros_like(gamma)
    update.step()
    assert torch.allclose(latent, torch.full_like(latent, 0.95)) and set(gamma.tolist()) == {1.0}


def test_rates_follow_their_schedule_from_the_first_rate() -> None:
    _, update = toy("bop", Settings(rate=0.4, flip_rate=0.2))
    for schedule, progress, factor in (
        ("linear", 0.25, 0.75), ("linear", 1.0, 0.0), ("cosine", 0.5, 0.5), ("cosine", 1 / 3, 0.75),
        ("constant", 0.9, 1.0),
    ):  # fmt: skip
        set_rate(update, schedule, progress)
        found = {role: group["lr"] for role, group in roles(update).items()}
        assert found == pytest.approx({"latent": 0.2 * factor, "weight": 0.4 * factor, "other": 0.4 * factor})
    with pytest.raises(BnncostError, match="unknown schedule of the learning rate 'cosin'"):
        set_rate(update, "cosin", 0.5)
    with pytest.raises(BnncostError, match="must lie from 0 to 1"):
        set_rate(update, "linear", 1.5)


def test_the_rate_is_reached_at_the_end_of_the_warm_up_and_falls_from_there() -> None:
    """By hand: with a fifth of warm-up, 0.6 of training is half of what is left."""
    _, update = toy("sgd", Settings(rate=0.4))
    for schedule, progress, warmup, factor in (
        ("cosine", 0.05, 0.2, 0.25), ("cosine", 0.2, 0.2, 1.0), ("cosine", 0.6, 0.2, 0.5), ("linear", 0.4, 0.2, 0.75),
        ("linear", 1.0, 0.2, 0.0), ("cosine", 0.75, 1.0, 0.75), ("cosine", 1.0, 1.0, 1.0),
    ):  # fmt: skip
        set_rate(update, schedule, progress, warmup)
        assert update.param_groups[0]["lr"] == pytest.approx(0.4 * factor)
