"""What convolutions and pools do in torch; see `rules`."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from costmodel.operations.window import padding_of, pair_in, replicates
from training.module.rules import Call, rule


@rule("conv", reads=1)
def _conv(call: Call) -> torch.Tensor:
    """Convolve; zeros round a map of bits are what padding with -1 and correcting the border gives.

    Padding with ones: x * w = (x - 1) * w + sum(w), and x - 1 is padded with zeros, which takes no copy of the map.
    On bits all of it is exact. An exported graph gets the padding, which readers know.
    """
    (x,), weight, op = call.inputs, call.params[0], call.op
    value, offset, attributes = op.integer("pad_value"), None, op.attributes
    above, below, left, right = padding_of(op)
    padding, sides = (above, left), (left, right, above, below)
    if any(sides) and replicates(op):
        x, padding = functional.pad(x, sides, mode="replicate"), (0, 0)
    elif any(sides) and ((value and torch.compiler.is_exporting()) or (above, left) != (below, right)):
        x, padding = functional.pad(x, sides, value=value), (0, 0)
    elif any(sides) and value:
        x, offset = x - value, weight.sum((1, 2, 3)) * value
    return functional.conv2d(
        x, weight, offset, stride=pair_in(attributes, "stride"), padding=padding,
        dilation=pair_in(attributes, "dilation"), groups=op.integer("groups"),
    )  # fmt: skip


def _around(call: Call, value: float) -> torch.Tensor:
    """Put an operation's padding round its map: a value, or what stands at the border."""
    above, below, left, right = padding_of(call.op)
    sides, x = (left, right, above, below), call.inputs[0]
    if not any(sides):
        return x
    return (
        functional.pad(x, sides, mode="replicate")
        if replicates(call.op)
        else functional.pad(x, sides, value=value)
    )


def _window_sum(call: Call, value: float) -> torch.Tensor:
    attributes, x = call.op.attributes, _around(call, value)
    size, stride, dilation = (pair_in(attributes, name) for name in ("size", "stride", "dilation"))
    if dilation == (1, 1) and torch.onnx.is_in_onnx_export():  # whose average knows no other divisor
        return functional.avg_pool2d(x, size, stride) * math.prod(size)
    if dilation == (1, 1):
        return functional.avg_pool2d(x, size, stride, divisor_override=1)
    ones = x.new_ones(x.shape[-3], 1, *size)
    return functional.conv2d(x, ones, stride=stride, dilation=dilation, groups=x.shape[-3])


@rule("average_pool")
def _average_pool(call: Call) -> torch.Tensor:
    size, stride, dilation = (pair_in(call.op.attributes, name) for name in ("size", "stride", "dilation"))
    if dilation == (1, 1) and torch.onnx.is_in_onnx_export():
        return functional.avg_pool2d(_around(call, 0.0), size, stride)
    return _window_sum(call, 0.0) * (1 / math.prod(size))


@rule("box_sum")
def _box_sum(call: Call) -> torch.Tensor:
    return _window_sum(call, call.op.integer("pad_value"))


@rule("blur_pool")
def _blur_pool(call: Call) -> torch.Tensor:
    x = _around(call, 0.0)
    taps = x.new_tensor([1.0, 2.0, 1.0]) / 4
    kernel = torch.outer(taps, taps).expand(x.shape[-3], 1, 3, 3)
    return functional.conv2d(x, kernel, stride=pair_in(call.op.attributes, "stride"), groups=x.shape[-3])


@rule("max_pool")
def _max_pool(call: Call) -> torch.Tensor:
    op, (above, below, left, right) = call.op, padding_of(call.op)
    size, stride, dilation = (pair_in(op.attributes, name) for name in ("size", "stride", "dilation"))
    if (above, left) == (below, right):
        return functional.max_pool2d(call.inputs[0], size, stride, (above, left), dilation)
    x = functional.pad(call.inputs[0], (left, right, above, below), value=-math.inf)
    return functional.max_pool2d(x, size, stride, 0, dilation)
