"""What products of two maps, norms of each sample, curves and resizing do in torch; see `rules`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional

from costmodel.operations.window import padding_of, pair_in
from training.module.rules import Call, rule


@rule("transposed_conv")
def _transposed_conv(call: Call) -> torch.Tensor:
    """Torch keeps the weights as (C, O/groups, kh, kw)."""
    op, weight, groups = call.op, call.params[0], call.op.integer("groups")
    turned = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    stride, dilation = (pair_in(op.attributes, name) for name in ("stride", "dilation"))
    y = functional.conv_transpose2d(call.inputs[0], turned, None, stride, 0, 0, groups, dilation)
    above, _, left, _ = padding_of(op)
    _, height, width = (int(side) for side in op.output.shape)
    missing = (max(0, left + width - y.shape[-1]), max(0, above + height - y.shape[-2]))
    y = functional.pad(y, (0, missing[0], 0, missing[1]))
    return y[..., above : above + height, left : left + width]


def _arranged(
    x: torch.Tensor, factors: Mapping[str, int], read: Sequence[str], made: Sequence[str]
) -> torch.Tensor:
    flat = "".join(read)
    apart = x.reshape(-1, *(factors[letter] for letter in flat))
    moved = apart.permute(0, *(1 + flat.index(letter) for letter in "".join(made)))
    return moved.reshape(-1, *(math.prod(factors[letter] for letter in row) for row in made))


def _rows(call: Call, name: str) -> Sequence[str]:
    rows = call.op.attributes[name]
    assert isinstance(rows, tuple)
    return rows


def _factors(call: Call) -> Mapping[str, int]:
    factors = call.op.attributes["factors"]
    assert isinstance(factors, tuple)
    return dict(factors)


@rule("rearrange")
def _rearrange(call: Call) -> torch.Tensor:
    return _arranged(call.inputs[0], _factors(call), _rows(call, "read"), _rows(call, "made"))


@rule("matrix_product")
def _matrix_product(call: Call) -> torch.Tensor:
    factors, made = _factors(call), _rows(call, "made")
    maps = [
        x.reshape(-1, *(factors[letter] for letter in "".join(_rows(call, name))))
        for x, name in zip(call.inputs, ("left", "right"), strict=True)
    ]
    first, second, result = ("".join(rows) for rows in (_rows(call, "left"), _rows(call, "right"), made))
    product = torch.einsum(f"...{first},...{second}->...{result}", *maps)
    return product.reshape(-1, *(math.prod(factors[letter] for letter in row) for row in made))


def _over(call: Call) -> list[int]:
    return ["CHW".index(letter) - 3 for letter in str(call.op.attributes["over"])]


@rule("axis_sum")
def _axis_sum(call: Call) -> torch.Tensor:
    return call.inputs[0].sum(_over(call), keepdim=True)


@rule("axis_maximum")
def _axis_maximum(call: Call) -> torch.Tensor:
    return call.inputs[0].amax(_over(call), keepdim=True)


@rule("softmax")
def _softmax(call: Call) -> torch.Tensor:
    x, axes = call.inputs[0], _over(call)
    powers = torch.exp(x - x.amax(axes, keepdim=True))
    return powers / powers.sum(axes, keepdim=True)


@rule("layer_norm")
def _layer_norm(call: Call) -> torch.Tensor:
    x, axes = call.inputs[0], _over(call)
    variance = x.var(axes, correction=0, keepdim=True)
    return (x - x.mean(axes, keepdim=True)) / torch.sqrt(variance + float(str(call.op.attributes["epsilon"])))


@rule("local_response_norm")
def _local_response_norm(call: Call) -> torch.Tensor:
    """Torch looks at more channels before than after; here, as in ONNX, it is the other way round."""
    alpha, beta, bias = (float(str(call.op.attributes[name])) for name in ("alpha", "beta", "bias"))
    size = call.op.integer("channels")
    before = (size - 1) // 2
    squares = functional.pad(call.inputs[0].square(), (0, 0, 0, 0, before, size - 1 - before))
    return call.inputs[0] / (squares.unfold(-3, size, 1).sum(-1) * (alpha / size) + bias) ** beta


@rule("top", trains=False)
def _top(call: Call) -> torch.Tensor:
    (axis,) = _over(call)
    values, places = torch.sort(call.inputs[0], dim=axis, descending=True, stable=True)
    chosen = places if call.op.attributes["numbers"] is True else values
    return chosen.narrow(axis, 0, call.op.integer("kept"))


@rule("divide")
def _divide(call: Call) -> torch.Tensor:
    return call.inputs[0] / call.inputs[1]


_FUNCTIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "reciprocal": torch.reciprocal,
    "erf": torch.erf,
    "gelu": functional.gelu,
    "gelu_by_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softplus": functional.softplus,
    "elu": functional.elu,
}


@rule("table")
def _table(call: Call) -> torch.Tensor:
    return _FUNCTIONS[str(call.op.attributes["function"])](call.inputs[0])


@rule("multi_threshold", trains=False)
def _multi_threshold(call: Call) -> torch.Tensor:
    levels = call.params[0]
    reached = call.inputs[0][..., None] >= levels[:, None, None, :]
    return reached.sum(-1).to(call.inputs[0].dtype) + call.op.integer("low")


def _numbers(call: Call, name: str) -> torch.Tensor:
    return torch.as_tensor(np.array(call.op.attributes[name]), device=call.inputs[0].device)


@rule("repeat_positions")
def _repeat_positions(call: Call) -> torch.Tensor:
    return call.inputs[0].index_select(-2, _numbers(call, "rows")).index_select(-1, _numbers(call, "columns"))


@rule("interpolate")
def _interpolate(call: Call) -> torch.Tensor:
    x = call.inputs[0]
    for axis, rows, shares in ((-2, "rows", "row_shares"), (-1, "columns", "column_shares")):
        first, part = _numbers(call, rows), _numbers(call, shares).to(x.dtype)
        low, high = (
            x.index_select(axis, places) for places in (first, (first + 1).clamp(max=x.shape[axis] - 1))
        )
        x = low + (high - low) * part.reshape([-1] + [1] * (-1 - axis))
    return x


@rule("weigh_neighbours")
def _weigh_neighbours(call: Call) -> torch.Tensor:
    x = call.inputs[0]
    for axis, name in ((-2, "row"), (-1, "column")):
        places, weights = _numbers(call, f"{name}s"), _numbers(call, f"{name}_weights").to(x.dtype)
        ones = [-1] + [1] * (-1 - axis)
        terms = [
            x.index_select(axis, places[:, tap]) * weights[:, tap].reshape(ones)
            for tap in range(places.shape[1])
        ]
        x = torch.stack(terms).sum(0)
    return x
