"""Operations on parameters that run once, when a trained network is exported: free at inference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.graph import Op
from costmodel.operations.registry import operation
from costmodel.operations.window import border_kinds, windows

Arrays = Sequence[np.ndarray]

ONCE = "runs once, at export, on stored weights"


def _per_filter(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, *[1] * (weight.ndim - 1))


@operation("sign_weight", free_because=ONCE)
def sign_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Binarize latent weights; zero gives +1.

    With the estimator `siman`, the half of each filter with the largest magnitudes gives +1, the rest -1
    (SiMaN, Lin 2022); of equal magnitudes the first come first.
    """
    if op.attributes.get("estimator") != "siman":
        return np.where(inputs[0] >= 0, 1, -1)
    flat = abs(inputs[0]).reshape(len(inputs[0]), -1)
    rank = np.argsort(np.argsort(-flat, axis=1, kind="stable"), axis=1)
    return np.where(rank < flat.shape[1] // 2, 1, -1).reshape(inputs[0].shape)


@operation(
    "constant",
    inputs=0,
    attributes=("value",),
    free_because="a number that the design fixes; it is stored, and never computed",
)
def constant(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """A parameter that the design fixes and training leaves alone."""
    return np.full([int(side) for side in op.output.shape], float(str(op.attributes["value"])))


@operation("quantize_weight", attributes=("bits",), free_because=ONCE)
def quantize_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Round latent weights to `bits`, scaled by the largest magnitude of each filter."""
    weight, bits = inputs[0], op.integer("bits")
    top = 1 if op.output.precision.kind == "ternary" else 2 ** (bits - 1) - 1
    largest = _per_filter(weight, abs(weight).reshape(len(weight), -1).max(axis=1))
    step = np.where(largest == 0, 1, largest) / top
    return np.rint(weight / step) * step


@operation("centre_weight", free_because=ONCE)
def centre_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Subtract the mean of each filter."""
    weight = inputs[0]
    return weight - _per_filter(weight, weight.reshape(len(weight), -1).mean(axis=1))


@operation("standardize_weight", attributes=("deviation",), free_because=ONCE)
def standardize_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Give each filter zero mean and the standard deviation `deviation`."""
    weight, wanted = inputs[0], float(str(op.attributes["deviation"]))
    flat = weight.reshape(len(weight), -1)
    deviation = np.where(flat.std(axis=1) == 0, 1, flat.std(axis=1)) / wanted
    return (weight - _per_filter(weight, flat.mean(axis=1))) / _per_filter(weight, deviation)


@operation("clamp_weight", attributes=("quantile",), free_because=ONCE)
def clamp_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Clamp a layer's weights where the `quantile` of a Laplace distribution lies that has their mean |w| (ReCU).

    The bound is -mean|w| ln(2 - 2 quantile), one for the layer (Xu 2021); training moves it.
    """
    weight, quantile = inputs[0], float(str(op.attributes["quantile"]))
    bound = -abs(weight).mean() * np.log(2 - 2 * quantile)
    return np.clip(weight, -bound, bound)


@operation("confine_weight", free_because=ONCE)
def confine_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Keep magnitudes between two percentiles of the layer, which at the end of training are 0 and 100: all of them."""
    return inputs[0]


@operation("mean_magnitude", free_because=ONCE)
def mean_magnitude(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Mean |w| of each filter: XNOR-Net's analytic scale (Rastegari 2016, eq. 6)."""
    return abs(inputs[0]).reshape(len(inputs[0]), -1).mean(axis=1)


@operation("log2_magnitude", free_because=ONCE)
def log2_magnitude(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Rounded log2 of the mean |w| of each filter: IR-Net's shift (Qin 2020, eq. 7)."""
    mean = abs(inputs[0]).reshape(len(inputs[0]), -1).mean(axis=1)
    return np.rint(np.log2(np.where(mean == 0, 1, mean)))


@operation("mean_weight", free_because=ONCE)
def mean_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Mean of each filter: the centre of AdaBin's weight values (Tu 2022)."""
    return inputs[0].reshape(len(inputs[0]), -1).mean(axis=1)


@operation("deviation_weight", free_because=ONCE)
def deviation_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Standard deviation of each filter: the distance of AdaBin's weight values (Tu 2022)."""
    return inputs[0].reshape(len(inputs[0]), -1).std(axis=1)


@operation("shifted_weight", inputs=2, free_because=ONCE)
def shifted_weight(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Add a multiple of each filter's deviation before binarizing: one of several weight bases (ABC-Net, Lin 2017)."""
    weight, shift = inputs
    deviation = weight.reshape(len(weight), -1).std(axis=1)
    return weight - _per_filter(weight, weight.reshape(len(weight), -1).mean(axis=1) - shift * deviation)


@operation("quarter_turn", attributes=("turns",), free_because=ONCE)
def quarter_turn(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Rotate each filter by `turns` quarter turns in the plane (CBCN, Liu 2019)."""
    return np.rot90(inputs[0], op.integer("turns"), axes=(-2, -1))


@operation("outer", inputs=2, free_because=ONCE)
def outer(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Outer product of vectors over H and W: (H, W)."""
    rows, columns = inputs
    return rows[:, None] * columns


@operation("border_correction", attributes=("height", "width"), free_because=ONCE)
def border_correction(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Sum of the weights that meet padding, per filter and kind of border position: (O, kinds).

    A chip pads a map of bits with -1; adding these sums to the border outputs makes the padding zero, and a multiple of
    them another `value`.
    """
    (weight,), (height, width) = inputs, inputs[0].shape[-2:]
    axes = windows(op, (height, width), (op.integer("height"), op.integer("width")))
    sums = []
    for (above, below), (left, right) in border_kinds(axes):
        outside = np.ones((height, width), dtype=bool)
        outside[above : height - below, left : width - right] = False
        sums.append(weight[..., outside].sum(axis=(1, 2)))
    made = np.stack(sums, axis=-1)
    return made * (1 + float(str(op.attributes["value"]))) if "value" in op.attributes else made


@operation("whole_power", free_because=ONCE)
def whole_power(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """2 to the power of the nearest whole number: a factor that is a shift (A&B BNN, Ma 2024)."""
    return np.exp2(np.rint(inputs[0]))


@operation("complement", free_because=ONCE)
def complement(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """One minus a parameter."""
    return 1 - inputs[0]


@operation("ratio", inputs=2, free_because=ONCE)
def ratio(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Divide one parameter by another."""
    return inputs[0] / inputs[1]
