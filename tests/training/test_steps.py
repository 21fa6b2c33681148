"""Steps of training: what a recorded step does is what the plain one does, and recording leaves no trace.

A CPU has no graphs: there a "recording" runs the same function again on the same tensors, after as many steps for
warming up as a GPU gets, so that all but the capture itself is tested. Where a GPU is found, its graphs are.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from small_runs import SHORT, small_data, small_run

from costmodel.errors import BnncostError
from training.run.folders import RunSpec
from training.run.loop import train_epoch
from training.run.phases import phases_of, teacher_of
from training.run.preparation import Prepared, prepared
from training.run.steps import WARM_UP, Record, Replay, Steps, record_graph
from training.run.trainee import Trainee, begin

FULL = "[double_residual+learned_threshold+norm_before_sign+real_shortcut+rprelu+squeeze_excitation]"
DESIGNS = {
    "plain": f"{SHORT}@w0.25/digits",
    "all six repairs": f"{SHORT}{FULL}@w0.25/digits",
    "SGD": f"{SHORT}[sgd]@w0.25/digits",
    "Bop": f"{SHORT}[bop]@w0.25/digits",
    "a gradient that changes over training": f"{SHORT}[ede+hardtanh]@w0.25/digits",
    "weights changed in the forward pass": f"{SHORT}[magnitude_aware_sign]@w0.25/digits",
    "a loss that learns": f"{SHORT}[binary_regularizer]@w0.25/digits",
    "a teacher": f"{SHORT}[logits_teacher]@w0.25/digits",
    "learned steps": f"{SHORT}@compute=int4,w0.25/digits",
    "a decay that stops": f"{SHORT}[decay_policy]@w0.25/digits",
}
EPOCHS = 2


def run_again(run: Callable[[], object]) -> Replay:
    """What a GPU does, without one: some steps to warm up, one that would be captured, then the same function."""
    for _ in range(WARM_UP + 1):
        run()
    return lambda: run() and None


def begun(spec: RunSpec, device: str = "cpu") -> tuple[Trainee, Prepared]:
    images = prepared(spec.design, spec.recipe, small_data()).to(device)
    teacher = None
    if spec.has_teacher:
        other = teacher_of(spec)
        teacher = begin(phases_of(other)[0], other, images, None).model.eval()
    return begin(phases_of(spec)[0], spec, images, teacher), images


def trained(spec: RunSpec, record: Record | None, device: str = "cpu") -> tuple[list[float], Trainee, Steps]:
    trainee, images = begun(spec, device)
    steps = Steps(trainee, record)
    losses = [loss.item() for epoch in range(EPOCHS) for loss in train_epoch(steps, spec, epoch, images)]
    return losses, trainee, steps


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_a_recorded_step_has_the_losses_and_weights_of_the_plain_one(design: str) -> None:
    spec = small_run(design, EPOCHS)
    expected, plain, _ = trained(spec, None)
    losses, recorded, steps = trained(spec, run_again)
    assert losses == expected
    assert not steps.not_captured
    assert len(losses) > WARM_UP
    for (name, mine), (_, other) in zip(
        recorded.model.state_dict().items(), plain.model.state_dict().items(), strict=True
    ):
        assert torch.equal(mine, other), name
    for name, distance in recorded.objective.distances.items():
        assert torch.equal(distance, plain.objective.distances[name]), name


def test_recording_in_the_middle_of_training_puts_the_optimizers_state_back() -> None:
    spec = small_run(DESIGNS["plain"], EPOCHS)
    expected, _, _ = trained(spec, None)
    trainee, images = begun(spec)
    losses = [loss.item() for loss in train_epoch(Steps(trainee), spec, 0, images)]
    losses += [loss.item() for loss in train_epoch(Steps(trainee, run_again), spec, 1, images)]
    assert losses == expected


def test_a_step_is_recorded_once_a_stage_and_size() -> None:
    recorded = []

    def counting(run: Callable[[], object]) -> Replay:
        recorded.append(len(recorded))
        return run_again(run)

    spec = small_run(DESIGNS["a decay that stops"], 4, switch=0.5)
    trainee, images = begun(spec)
    steps = Steps(trainee, counting)
    for epoch, expected in enumerate([1, 1, 2, 2]):
        list(train_epoch(steps, spec, epoch, images))
        assert len(recorded) == expected


def test_what_cannot_be_recorded_is_taken_plainly_and_said() -> None:
    def refusing(run: Callable[[], object]) -> Replay:
        run()
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    spec = small_run(DESIGNS["plain"], EPOCHS)
    expected, _, _ = trained(spec, None)
    losses, _, steps = trained(spec, refusing)
    assert losses == expected
    assert steps.not_captured == "operation not permitted when stream is capturing"


def test_mistakes_of_ones_own_are_not_taken_for_a_step_that_cannot_be_recorded() -> None:
    def mistaken(run: Callable[[], object]) -> Replay:
        raise BnncostError("a sentence")

    with pytest.raises(BnncostError, match="a sentence"):
        trained(small_run(DESIGNS["plain"], EPOCHS), mistaken)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU whose graphs could be tried")
@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_a_captured_graph_has_the_losses_of_the_plain_step(design: str) -> None:
    spec = small_run(design, EPOCHS)
    expected, _, _ = trained(spec, None, "cuda")
    losses, _, steps = trained(spec, record_graph, "cuda")
    assert not steps.not_captured
    assert losses == pytest.approx(expected, rel=0.02)
