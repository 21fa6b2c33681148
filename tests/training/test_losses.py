"""Losses beside the cross-entropy: each against its formula, worked out by hand, and what it reads of a network."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from strategies import small_key

from costmodel.errors import BnncostError
from costmodel.methods import METHODS
from costmodel.networks.build import build
from training.module.lower import Lowered, keep_promises, lower
from training.run import losses
from training.run.losses import (
    LOSSES,
    LossInputs,
    added_loss,
    attention_map,
    attention_teacher,
    binary_regularizer,
    block_maps,
    degenerate,
    distribution_loss,
    kurtosis,
    kurtosis_regularizer,
    logits_teacher,
    loss_of,
    maps_to_keep,
    mismatched,
    pair_blocks,
    saturated,
    signed_maps,
    start_distances,
)
from training.run.optimizers import DECAY_POLICIES, latent_weights, learned_tensors

STUDENT = build(small_key("resnet20"))
TEACHER = build(small_key("resnet20", compute="fp32"))


def numbers(values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def gradient(loss: torch.Tensor, of: torch.Tensor) -> list[float]:
    (given,) = torch.autograd.grad(loss, of)
    return given.flatten().tolist()


def evidence(*names: str) -> tuple[LossInputs, Lowered]:
    student, teacher = (lower(network, dtype=torch.float64) for network in (STUDENT, TEACHER))
    image = torch.rand(6, 1, 8, 8, dtype=torch.float64) * 16
    mine, others = maps_to_keep(names, STUDENT, TEACHER)
    weights = learned_tensors(student)
    given = LossInputs(
        STUDENT,
        student.maps(image, mine),
        weights,
        start_distances(STUDENT, weights),
        TEACHER,
        teacher.maps(image, others),
    )
    return given, student


# ------------------------------------------------------------------ completeness


def test_every_recipe_of_teachers_and_regularizers_is_implemented() -> None:
    declared = {
        name
        for name, method in METHODS.items()
        if method.hook == "recipe" and method.category in ("teacher-student", "regularization")
    }
    assert declared == set(LOSSES) | (set(DECAY_POLICIES) - {"always"})
    for name in LOSSES:
        assert (getattr(losses, name).__doc__ or "") and LOSSES[name].factor > 0
        assert LOSSES[name].needs_teacher == (METHODS[name].category == "teacher-student")


# ------------------------------------------------------------------ teachers


def test_logits_follow_the_teachers_distribution() -> None:
    student, teacher = numbers([[0.0, 0.0], [0.0, 0.0]]), numbers([[math.log(3), 0.0], [5.0, 5.0]])
    # p_T = (3/4, 1/4) and (1/2, 1/2), p_S = (1/2, 1/2): the mean of 3/4 log 3/2 + 1/4 log 1/2, and of 0
    loss = logits_teacher(student, teacher)
    assert math.isclose(loss.item(), (0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2)
    assert np.allclose(gradient(loss, student), [(0.5 - 0.75) / 2, (0.5 - 0.25) / 2, 0, 0])  # (p_S - p_T) / N
    assert not logits_teacher(student.detach(), teacher).requires_grad
    with pytest.raises(BnncostError, match=r"logits of student and teacher differ: \(2, 2\) and \(2, 3\)"):
        logits_teacher(student, torch.zeros(2, 3))


def test_attention_is_the_mean_of_squares_by_its_largest() -> None:
    features = numbers([[[[1.0, 2.0]], [[1.0, -2.0]]], [[[0.0, 0.0]], [[0.0, 0.0]]]])  # (2, 2, 1, 2)
    assert attention_map(features).tolist() == [[1 / 4, 1], [0, 0]]
    assert attention_map(3 * features).tolist() == [[1 / 4, 1], [0, 0]]


def test_attention_compares_blocks_of_any_number_of_channels() -> None:
    mine = numbers([[[[1.0, 0.0]]], [[[2.0, 0.0]]]])  # (2, 1, 1, 2): all at the left
    other = numbers([[[[0.0, 1.0]], [[0.0, 7.0]]], [[[0.0, 0.0]], [[0.0, 0.0]]]])  # at the right, and nowhere
    loss = attention_teacher([mine, mine], [other, mine])
    assert loss.item() == ((1 + 1) + (1 + 0)) / 4 / 2  # over two images of two places, then over two pairs
    student = numbers([[[[1.0, 2.0]]]])
    loss = attention_teacher([student], [numbers([[[[2.0, 0.0]]]])])
    # Q_S = (x^2 / y^2, 1), Q_T = (1, 0): ((x^2 / y^2 - 1)^2 + 1) / 2 at x = 1, y = 2
    assert loss.item() == ((1 / 4 - 1) ** 2 + 1) / 2
    by_ratio = 1 / 4 - 1
    assert np.allclose(gradient(loss, student), [by_ratio * 2 * 1 / 4, by_ratio * -2 * 1 / 8])
    same = attention_teacher([student], [student])
    assert same.item() == 0 and gradient(same, student) == [0, 0]


def test_attention_maps_must_match() -> None:
    a, b = torch.ones(1, 2, 2, 2), torch.ones(1, 2, 1, 2)
    with pytest.raises(BnncostError, match=r"differ: \(1, 2, 2\) and \(1, 1, 2\)"):
        attention_teacher([a], [b])
    with pytest.raises(BnncostError, match="numbers of attention maps"):
        attention_teacher([a], [a, a])
    with pytest.raises(BnncostError, match="no map"):
        attention_teacher([], [])


# ------------------------------------------------------------------ regularizers


def test_weights_are_pulled_to_a_learned_distance_from_zero() -> None:
    weight, distance = numbers([[0.25, -2.0], [-1.0, 3.0]]), numbers([1.0, 2.0])
    loss = binary_regularizer(weight, distance)
    assert loss.item() == 0.75 + 1 + 1 + 1
    assert gradient(binary_regularizer(weight, distance), weight) == [-1, -1, 1, 1]
    assert gradient(binary_regularizer(weight, distance), distance) == [0, 0]
    loss = binary_regularizer(weight, distance, power=2)
    assert loss.item() == 0.5625 + 1 + 1 + 1
    assert gradient(binary_regularizer(weight, distance, 2), weight) == [-1.5, -2, 2, 2]  # 2 (|w| - a) sign w
    assert gradient(binary_regularizer(weight, distance, 2), distance) == [1.5 - 2, 2 - 2]
    with pytest.raises(BnncostError, match="power is 3"):
        binary_regularizer(weight, distance, 3)


def test_distances_start_at_the_mean_magnitude_of_each_filter() -> None:
    weights = learned_tensors(lower(STUDENT, dtype=torch.float64))
    found = start_distances(STUDENT, weights)
    assert list(found) == [param.name for param in latent_weights(STUDENT)] and len(found) == 18
    for name, distance in found.items():
        assert distance.requires_grad
        expected = [np.abs(kernel).mean() for kernel in weights[name].detach().numpy()]
        assert np.allclose(distance.detach(), expected)


def test_each_fault_of_a_distribution_is_squared_beyond_its_bound() -> None:
    mean, deviation = numbers([0.0, 3.0, -3.0, 0.5]), numbers([1.0, 1.0, 5.0, 1.0])
    assert degenerate(mean, deviation).item() == (0 + 8 + 0 + 0) / 4
    assert saturated(deviation).item() == (5 - 4) ** 2 / 4
    assert mismatched(mean, deviation).item() == (1 + 0 + 0 + 0.5**2) / 4
    assert gradient(degenerate(mean, deviation), mean) == [0, 2 * 3 / 4, 0, 0]
    assert gradient(degenerate(mean, deviation), deviation) == [0, -2 * 1 / 4, 0, 0]
    assert gradient(saturated(deviation), deviation) == [0, 0, 2 / 4, 0]
    assert gradient(mismatched(mean, deviation), mean)[3] == -2 * 0.5 / 4
    assert gradient(mismatched(mean, deviation), deviation) == [-2 / 4, 0, 0, -2 * 0.5 / 4]


def test_distributions_are_those_of_channels_over_the_batch() -> None:
    # channel 0 has mean 3 and deviation 1, channel 1 mean 0 and deviation 6; the second map mean 0 and deviation 0
    first = numbers([[[[2.0, 4.0]], [[-6.0, 6.0]]], [[[4.0, 2.0]], [[6.0, -6.0]]]])
    loss = distribution_loss([first, torch.zeros(2, 1, 1, 2, dtype=torch.float64)])
    assert math.isclose(loss.item(), ((8 + 0) / 2 + (0 + 4) / 2 + 0 + 4) / 2, rel_tol=1e-4)
    still = numbers([[[[1.0, 1.0]]]])
    assert all(map(math.isfinite, gradient(distribution_loss([still]), still)))
    with pytest.raises(BnncostError, match="no map before a sign"):
        distribution_loss([])


def test_kurtosis_of_known_distributions() -> None:
    assert kurtosis(numbers([[-2.0, 4.0], [4.0, -2.0]])).item() == 1
    assert kurtosis(numbers([1.0, -1.0, 0.0, 0.0])).item() == 2  # variance 1/2, fourth moment 1/2
    assert math.isclose(kurtosis(torch.linspace(0, 1, 10001, dtype=torch.float64)).item(), 1.8, rel_tol=1e-4)
    normal = torch.randn(200_000, dtype=torch.float64)
    assert abs(kurtosis(normal).item() - 3) < 0.1
    still = numbers([0.5, 0.5])
    assert gradient(kurtosis(still), still) == [0, 0]


def test_kurtosis_is_pulled_to_its_target_in_every_layer() -> None:
    first, second = numbers([1.0, -1.0, 0.0, 0.0]), numbers([[3.0, -3.0]])
    assert kurtosis_regularizer([first, second], 1.0).item() == ((2 - 1) ** 2 + 0) / 2
    assert math.isclose(
        kurtosis_regularizer([first, second]).item(), (0.2**2 + 0.8**2) / 2
    )  # BD-BNN's code: 1.8
    # dK/dw_i = 4 (w_i^3 - K v w_i) / (n v^2), of mean 0 and third moment 0, n = 4, v = 1/2, K = 2: zero everywhere
    assert np.allclose(gradient(kurtosis_regularizer([first], 1.0), first), 0)
    uneven = numbers([2.0, -2.0, 1.0, -1.0])  # v = 5/2, fourth moment 17/2, K = 34/25
    slopes = [4 * (w**3 - 1.36 * 2.5 * w) / (4 * 6.25) for w in (2, -2, 1, -1)]
    expected = [2 * (1.36 - 1.8) * slope for slope in slopes]
    assert np.allclose(gradient(kurtosis_regularizer([uneven]), uneven), expected)
    with pytest.raises(BnncostError, match="no latent weights"):
        kurtosis_regularizer([])


# ------------------------------------------------------------------ what they read


@pytest.mark.parametrize(
    "methods",
    [
        (),
        ("double_residual", "rprelu"),
        ("squeeze_excitation", "adaptive_centre"),
        ("branches", "norm_before_sign"),
    ],
)
def test_each_block_gives_one_real_valued_map(methods: tuple[str, ...]) -> None:
    found = block_maps(build(small_key("resnet20", *methods)))
    assert list(found) == [f"stage{stage}.block{block}" for stage in (1, 2, 3) for block in (1, 2, 3)]
    assert [value.shape[1:] for value in found.values()] == [(8, 8)] * 3 + [(4, 4)] * 3 + [(2, 2)] * 3
    assert all(value.precision.kind != "binary" for value in found.values())


@pytest.mark.parametrize(
    "method", ["", "spatial_scale", "adaptive_centre", "squeeze_excitation", "mean_subtraction"]
)
def test_the_map_of_a_block_is_its_shortcut_sum(method: str) -> None:
    network = build(small_key("resnet20", *filter(None, [method])))
    assert [network.producers[value].kind for value in block_maps(network).values()] == ["add"] * 9
    assert len(set(block_maps(network).values())) == 9


def test_the_map_of_a_block_is_behind_its_activation() -> None:
    network = build(small_key("resnet20", "prelu", "data_dependent_shift"))
    assert [network.producers[value].kind for value in block_maps(network).values()] == ["prelu"] * 9


def test_students_are_paired_with_teachers_by_block() -> None:
    assert len(pair_blocks(STUDENT, TEACHER)) == 9
    ensemble = build(small_key("resnet20", "network_ensemble"))
    pairs = pair_blocks(ensemble, TEACHER)
    assert len(pairs) == 18 and {other for _, other in pairs} == set(block_maps(TEACHER).values())
    with pytest.raises(BnncostError, match="no block in common"):
        pair_blocks(STUDENT, build(small_key("vgg_small")))


def test_signed_maps_are_what_the_signs_read() -> None:
    assert len(signed_maps(STUDENT)) == 18
    with pytest.raises(BnncostError, match="no binary features"):
        signed_maps(TEACHER)
    with pytest.raises(BnncostError, match="no binary weights"):
        start_distances(TEACHER, {})


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_each_loss_of_a_network_goes_down_in_a_few_steps(name: str) -> None:
    given, student = evidence(name)
    image = torch.rand(6, 1, 8, 8, dtype=torch.float64) * 16
    teacher = lower(TEACHER, dtype=torch.float64)
    mine, others = maps_to_keep([name], STUDENT, TEACHER)
    shown = teacher.maps(image, others)
    moved = [*student.parameters(), *given.distances.values()]
    update = torch.optim.Adam(moved, lr=3e-3)
    found = []
    for _ in range(12):
        update.zero_grad()
        now = replace(given, maps=student.maps(image, mine), teacher_maps=shown)
        loss = LOSSES[name].measure(now)
        loss.backward()
        assert all(bool(torch.isfinite(item.grad).all()) for item in moved if item.grad is not None)
        assert name != "binary_regularizer" or all(item.grad is not None for item in given.distances.values())
        assert all(item.grad is None for item in teacher.parameters())
        update.step()
        keep_promises(student)
        found.append(loss.item())
    assert 0 < found[-1] < 0.97 * found[0]


def test_losses_of_a_stack_of_models_are_those_of_its_members() -> None:
    features = [torch.randn(2, 3, 4, 2, 2, dtype=torch.float64) for _ in range(2)]
    weights, distances = torch.randn(2, 5, 4, dtype=torch.float64), torch.rand(2, 5, dtype=torch.float64)

    def all_of_them(x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        return torch.stack(
            [
                logits_teacher(x.flatten(1), y.flatten(1)),
                attention_teacher([x], [y]),
                distribution_loss([x, y]),
                binary_regularizer(w, a),
                kurtosis_regularizer([w]),
            ]
        )

    together = torch.func.vmap(all_of_them)(*features, weights, distances)
    alone = [all_of_them(*parts) for parts in zip(*features, weights, distances, strict=True)]
    assert torch.allclose(together, torch.stack(alone), rtol=1e-12)


def test_losses_are_summed_up_with_their_factors() -> None:
    names = sorted(LOSSES)
    given, _ = evidence(*names)
    alone = {name: LOSSES[name].measure(given).item() for name in names}
    assert math.isclose(added_loss(dict.fromkeys(names, 2.0), given).item(), 2 * sum(alone.values()))
    assert math.isclose(added_loss(["attention_teacher"], given).item(), 30 * alone["attention_teacher"])
    assert added_loss((), given).item() == 0
    with pytest.raises(BnncostError, match="unknown loss 'kurtosis'; did you mean 'kurtosis_regularizer'"):
        loss_of("kurtosis")
    with pytest.raises(BnncostError, match="needs a teacher"):
        maps_to_keep(["logits_teacher"], STUDENT)
