"""A deployed network beside the trained one: the same predictions, the same bits, and what each precision costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from costmodel.graph import BINARY, Op, Tensor
from training.data.augment import Normalization, normalize
from training.data.dataset import Part, in_order
from training.export.program import BATCH, FloatRule, Program, float_conv
from training.module.lower import Lowered
from training.module.rules import Call, rule_of

SUMS = (
    "conv", "linear", "sigmoid", "global_average_pool", "average_pool", "box_sum", "absolute_sum", "channel_sum",
    "sample_mean",
)  # fmt: skip
"""Kinds whose last digit depends on the order of a sum, or on a library's exponential, and not on IEEE 754 alone."""


@dataclass(frozen=True)
class Agreement:
    """What two forms of a network agree on, over a set of images.

    `top1` [%] is that of the deployed form. `same` and `images` count predictions, `bits` and `differing` the bits
    of all binary feature maps.
    """

    top1: float
    same: int
    images: int
    bits: int
    differing: int


def compared(
    model: Lowered, program: Program, part: Part, normalization: Normalization, *, torch_sums: bool
) -> Agreement:
    """Run both on the same images and compare classes and binary feature maps.

    With `torch_sums`, sums of floats are taken by torch in both, so that all that is left to differ is what export
    made: thresholds, packed weights, folding. Without, the deployed network runs in numpy alone.
    """
    wanted = shared_bits(model, program)
    rules = sums_in_torch() if torch_sums else {}
    factors = normalization.factors("cpu")
    right = same = bits = differing = 0
    for batch in in_order(part, BATCH):
        maps = program.maps(batch.images.numpy(), [value.name for value in wanted], rules)
        with torch.no_grad():
            trained = model.maps(normalize(batch.images, *factors), wanted)
        answers = maps[program.network.output.name].reshape(len(batch), -1).argmax(1)
        expected = trained[model.network.output].flatten(1).argmax(1).numpy()
        right += int((answers == batch.labels.numpy()).sum())
        same += int((answers == expected).sum())
        for value in wanted:
            bits += maps[value.name].size
            differing += int((maps[value.name] != trained[value].numpy()).sum())
    return Agreement(100 * right / len(part), same, len(part), bits, differing)


def shared_bits(model: Lowered, program: Program) -> list[Tensor]:
    """Find the maps of bits that the trained network also has, under the same name."""
    names = set(program.binary_maps())
    outputs = (op.output for op in model.network.ops)
    return [value for value in outputs if isinstance(value, Tensor) and value.name in names]


def sums_in_torch() -> dict[str, FloatRule]:
    """Rules by which a program in floats takes sums as the trained network does; those of bits stay in numpy."""
    return {kind: _in_torch for kind in SUMS}


def _in_torch(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
    if op.kind == "conv" and op.inputs[0].precision == BINARY:
        return float_conv(op, inputs, params)
    run = rule_of(op.kind).run
    assert run is not None
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]
    held = [torch.from_numpy(np.ascontiguousarray(array)) for array in params]
    with torch.no_grad():
        return run(Call(op, tensors, held, False, torch.zeros(()))).numpy()


def top1(program: Program, part: Part) -> tuple[float, np.ndarray]:
    """Accuracy [%] of a deployed network, and its answers (N,)."""
    answers = program.classify(part.images.numpy())
    return 100 * float((answers == part.labels.numpy()).mean()), answers


def answers_of(model: Lowered, part: Part, normalization: Normalization) -> np.ndarray:
    """Classes that the trained network predicts, (N,)."""
    factors = normalization.factors("cpu")
    with torch.no_grad():
        answers = [
            model(normalize(batch.images, *factors)).flatten(1).argmax(1).numpy()
            for batch in in_order(part, BATCH)
        ]
    return np.concatenate(answers)
