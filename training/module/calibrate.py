"""Calibration: rounding steps that fit the values of a first batch, without which small values would all round to 0."""

from __future__ import annotations

import torch

from training.module.lower import Lowered


def fit_steps(model: Lowered, image: torch.Tensor) -> None:
    """Set the step of every rounding to 2 mean|x| / sqrt(largest level), x from one batch (LSQ, Esser 2020, 2.1).

    Norms use the batch's statistics for it; the running ones, and the mode of the module, stay as they were. A map
    of zeros alone keeps its step.
    """
    mode, before = model.training, {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.train()
    with torch.no_grad():
        for op in model.network.ops:
            if op.kind != "quantize":
                continue
            value = op.inputs[0]
            size = model.maps(image, [value])[value].abs().mean()  # earlier steps are fitted already
            levels = 1 if op.output.precision.kind == "ternary" else 2 ** (op.integer("bits") - 1) - 1
            step = model.value(op.params[0])
            step.copy_(torch.where(size > 0, 2 * size / levels**0.5, step))
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
    model.train(mode)
