"""What norms, pools, paddings, curves and quantizers compute of numbers: values of random inputs pass through them."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from costmodel.importers.model.constants import Arrays, computes
from costmodel.importers.model.document import Node
from costmodel.importers.model.values import NotRead
from costmodel.operations.curves import FUNCTIONS


def _over_channels(values: np.ndarray, rank: int) -> np.ndarray:
    return values.reshape(-1, *[1] * (rank - 2))


@computes("BatchNormalization")
def _batch_norm(node: Node, arrays: Arrays) -> np.ndarray:
    x, *rest = arrays[:5]
    gamma, beta, mean, variance = (_over_channels(one, x.ndim) for one in rest)
    epsilon = np.float32(node.attributes.get("epsilon", 1e-5))
    return (x - mean) * (gamma / np.sqrt(variance + epsilon)) + beta


@computes("PRelu")
def _prelu(node: Node, arrays: Arrays) -> np.ndarray:
    x, slope = arrays
    if slope.ndim == 1 and slope.size > 1:  # torch's slopes are of axis 1
        slope = _over_channels(slope, x.ndim)
    return np.where(x >= 0, x, x * slope)


@computes("LeakyRelu")
def _leaky_relu(node: Node, arrays: Arrays) -> np.ndarray:
    return np.where(arrays[0] >= 0, arrays[0], arrays[0] * np.float32(node.attributes.get("alpha", 0.01)))


@computes("HardSigmoid")
def _hard_sigmoid(node: Node, arrays: Arrays) -> np.ndarray:
    line = arrays[0] * node.attributes.get("alpha", 0.2) + node.attributes.get("beta", 0.5)
    return np.asarray(np.clip(line, 0, 1))


@computes("HardSwish")
def _hard_swish(node: Node, arrays: Arrays) -> np.ndarray:
    return np.asarray(arrays[0] * np.clip(arrays[0] / 6 + 0.5, 0, 1))


_CURVES = {"Erf": "erf", "Softplus": "softplus", "Mish": "mish", "Swish": "silu", "Gelu": "gelu"}


@computes(*_CURVES)
def _curve(node: Node, arrays: Arrays) -> np.ndarray:
    return np.asarray(FUNCTIONS[_CURVES[node.kind]](arrays[0]))


@computes("Pad")
def _pad(node: Node, arrays: Arrays) -> np.ndarray:
    x, rank = arrays[0], arrays[0].ndim
    given = node.attributes.get("pads")
    pads = [int(one) for one in (given if given is not None else arrays[1].reshape(-1))]
    around = [(pads[axis], pads[axis + rank]) for axis in range(rank)]
    mode = str(node.attributes.get("mode", "constant"))
    if mode != "constant":
        return np.pad(x, around, mode={"edge": "edge", "reflect": "reflect", "wrap": "wrap"}[mode])  # type: ignore[call-overload]
    value = arrays[2].reshape(-1)[0] if len(arrays) > 2 else node.attributes.get("value", 0.0)
    return np.pad(x, around, constant_values=value)


@computes("MaxPool")
def _max_pool(node: Node, arrays: Arrays) -> np.ndarray:
    x = arrays[0]
    if node.attributes.get("ceil_mode", 0) or node.attributes.get("auto_pad", "NOTSET") != "NOTSET":
        raise NotRead("a pool whose padding follows from its size")
    if set(node.attributes.get("dilations", (1,))) != {1}:
        raise NotRead("a pool of windows with gaps")
    sides = tuple(node.attributes["kernel_shape"])
    rank = len(sides)
    pads = node.attributes.get("pads", (0,) * 2 * rank)
    around = [(0, 0), (0, 0), *((pads[axis], pads[axis + rank]) for axis in range(rank))]
    padded = np.pad(x, around, constant_values=-np.inf) if any(pads) else x
    axes = tuple(range(2, 2 + rank))
    steps = (
        slice(None),
        slice(None),
        *(slice(None, None, s) for s in node.attributes.get("strides", (1,) * rank)),
    )
    windows = sliding_window_view(padded, sides, axis=axes)[steps]
    return np.asarray(windows.max(axis=tuple(range(-rank, 0))))


@computes("GlobalAveragePool")
def _global_average_pool(node: Node, arrays: Arrays) -> np.ndarray:
    return np.asarray(arrays[0].mean(axis=tuple(range(2, arrays[0].ndim)), keepdims=True))


@computes("MultiThreshold")
def _multi_threshold(node: Node, arrays: Arrays) -> np.ndarray:
    x, levels = arrays
    if str(node.attributes.get("data_layout", "")).endswith("C"):
        raise NotRead("thresholds over the last axis")
    steps = levels.reshape(1, len(levels), *[1] * (x.ndim - 2), -1)
    reached = (x[..., None] >= steps).sum(axis=-1)
    return np.asarray(reached * node.attributes.get("out_scale", 1.0) + node.attributes.get("out_bias", 0.0))


@computes("QuantizeLinear")
def _quantize_linear(node: Node, arrays: Arrays) -> np.ndarray:
    x, scale = arrays[:2]
    zero = arrays[2] if len(arrays) > 2 else np.zeros((), np.uint8)
    if scale.size > 1:
        shape = [1] * x.ndim
        shape[int(node.attributes.get("axis", 1))] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero
    ends = np.iinfo(zero.dtype)
    return np.asarray(
        np.clip(np.rint(x / scale) + zero.astype(np.float64), ends.min, ends.max).astype(zero.dtype)
    )
