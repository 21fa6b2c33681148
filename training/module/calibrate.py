"""Calibration: where training starts, as far as a first batch of images decides it.

Rounding steps fit the values that they round, without which small values would all round to 0; scales of bare sums
follow their weights when those become bits; and no class starts out nearly certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

from costmodel.graph import Op, Param, Value
from training.module.initial import UNIT_SUMS, bare_sums
from training.module.lower import Lowered

LARGEST_DEVIATION = 1.0
"""Standard deviation of the scores that a classifier starts with, at most: their loss is then near ln(classes)."""


def calibrate(model: Lowered, image: torch.Tensor, earlier: Lowered | None = None) -> None:
    """Prepare a network for a phase of training, by a batch; `earlier` is the one whose values it has taken over.

    Norms use the batch's statistics for it; the running ones, and the mode of the module, stay as they were.
    """
    mode, before = model.training, {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.train()
    with torch.no_grad():
        if model.real_weights:
            _scale_sums(model, image, -1)
        elif earlier is not None:
            _scale_sums(model, image, 1)
        scores = _fit_steps(model, image)
        _calm_scores(model, scores, LARGEST_DEVIATION if earlier is None else _spread(earlier, image))
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
    model.train(mode)


def _fit_steps(model: Lowered, image: torch.Tensor) -> dict[Value, torch.Tensor]:
    """Set the step of every rounding to 2 mean|x| / sqrt(largest level), x from the batch (LSQ, Esser 2020, 2.1).

    A map of zeros alone keeps its step. Each is set before it rounds: what follows reads maps of fitted steps, to the
    scores of the classifiers, which are given back.
    """

    def fit(op: Op, inputs: Sequence[torch.Tensor]) -> None:
        if op.kind == "quantize" and op.params:
            size = inputs[0].abs().mean()
            levels = 1 if op.output.precision.kind == "ternary" else 2 ** (op.integer("bits") - 1) - 1
            step = model.value(op.params[0])
            step.copy_(torch.where(size > 0, 2 * size / levels**0.5, step))

    return model.maps(image, [op.output for op in _classifiers(model)], fit)


# ------------------------------------------------------------------ scales without a norm behind


def _scale_sums(model: Lowered, image: torch.Tensor, power: int) -> None:
    """Multiply scales of bare sums by mean |w| (or one part in that, with power -1): w is then near that times its bit.

    So a layer's sums stay as large where its real weights become bits, and are as large where bits become real.
    """
    scales = list(_scales_of_sums(model))
    sources = dict.fromkeys(source for _, source in scales)
    made = [source for source in sources if source in model.network.producers]
    values = model.maps(image, made) if made else {}
    for scale, source in scales:
        weight = values[source] if source in values else model.value(source)
        size = weight.abs().flatten(1).mean(1)
        model.value(scale).mul_((size if scale.axes == "C" else size.mean()) ** power)


def _scales_of_sums(model: Lowered) -> Iterator[tuple[Param, Param]]:
    """Yield each scale of bare sums with the weights whose sign they are sums over."""
    producers = model.network.producers
    for op in model.network.ops:
        if op.kind != "scale" or op.params[0].initial != UNIT_SUMS:
            continue
        sums = bare_sums(model.network, op)
        bits = producers.get(sums.params[0]) if sums is not None else None
        while bits is not None and bits.kind == "quarter_turn":
            bits = producers.get(bits.inputs[0])
        if bits is not None and isinstance(bits.inputs[0], Param):
            yield op.params[0], bits.inputs[0]


# ------------------------------------------------------------------ the classifier


def _calm_scores(model: Lowered, scores: Mapping[Value, torch.Tensor], largest: float) -> None:
    """Divide the weights of each classifier so that its scores for a batch spread no wider than `largest`.

    Maps that no norm has behind them are as large as their sums of bits.
    """
    for op in _classifiers(model):
        made = model.network.producers.get(op.params[0])
        weight = model.value(op.params[0] if made is None else _learned(made))
        spread = scores[op.output].std().item()
        if spread > largest:
            weight.mul_(largest / spread)


def _learned(made: Op) -> Param:
    source = made.inputs[0]
    assert isinstance(source, Param)
    return source


def _classifiers(model: Lowered) -> list[Op]:
    """Find the layers that score the classes; several in an ensemble."""
    ends = [op for op in model.network.ops if op.kind == "linear"]
    return [op for op in ends if op.layer.rpartition(".")[2] == "classifier"]


def _spread(model: Lowered, image: torch.Tensor) -> float:
    """Standard deviation of a network's widest scores over a batch, at least that of a start."""
    wanted: list[Value] = [op.output for op in _classifiers(model)]
    mode = model.training
    scores = model.eval().maps(image, wanted)
    model.train(mode)
    return max([LARGEST_DEVIATION, *(scores[value].std().item() for value in wanted)])
