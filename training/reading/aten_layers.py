"""Layers of MACs, norms and pools."""

from __future__ import annotations

from typing import Any

import torch

from training.reading.calls import Call, Ref
from training.reading.writer import Writer, argument, aten, pair, sides


@aten("conv1d", "conv2d")
def conv(w: Writer, call: Call) -> None:
    """A convolution along one or two axes, with padding as numbers or as a word."""
    x, weight = call.args[:2]
    axes = _axes(call)
    padding = argument(call, 4, "padding", 0)
    attributes = _geometry(
        weight,
        argument(call, 3, "stride", 1),
        argument(call, 5, "dilation", 1),
        argument(call, 6, "groups", 1),
        axes,
    )
    if isinstance(padding, str):
        attributes["auto_pad"] = "VALID" if padding == "valid" else "SAME_UPPER"
    else:
        attributes["pads"] = sides(padding, axes) * 2
    _written(w, call, "Conv", x, weight, argument(call, 2, "bias"), attributes)


@aten("convolution")
def convolution(w: Writer, call: Call) -> None:
    """Any convolution, as autograd runs it."""
    x, weight, bias, stride, padding, dilation, transposed, output_padding, groups = call.args[:9]
    axes = len(padding)
    if axes > 2:
        w.unknown(call)
        return
    attributes = _geometry(weight, stride, dilation, groups, axes) | {"pads": sides(padding, axes) * 2}
    if transposed:
        attributes["output_padding"] = tuple(output_padding)
    _written(w, call, "ConvTranspose" if transposed else "Conv", x, weight, bias, attributes)


@aten("conv_transpose1d", "conv_transpose2d")
def conv_transpose(w: Writer, call: Call) -> None:
    """A transposed convolution."""
    x, weight = call.args[:2]
    axes = _axes(call)
    attributes = _geometry(
        weight,
        argument(call, 3, "stride", 1),
        argument(call, 7, "dilation", 1),
        argument(call, 6, "groups", 1),
        axes,
    )
    attributes |= {
        "pads": sides(argument(call, 4, "padding", 0), axes) * 2,
        "output_padding": sides(argument(call, 5, "output_padding", 0), axes),
    }
    _written(w, call, "ConvTranspose", x, weight, argument(call, 2, "bias"), attributes)


def _axes(call: Call) -> int:
    """Along how many axes an operation goes whose name ends in `1d` or `2d`."""
    return 1 if "1d" in call.target else 2


def _geometry(weight: Any, stride: Any, dilation: Any, groups: int, axes: int) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "strides": sides(stride, axes), "dilations": sides(dilation, axes), "group": int(groups),
    }  # fmt: skip
    if isinstance(weight, torch.Tensor):
        attributes["kernel_shape"] = tuple(int(side) for side in weight.shape[2:])
    return attributes


def _written(
    w: Writer, call: Call, kind: str, x: Any, weight: Any, bias: Any, attributes: dict[str, Any]
) -> None:
    w.add(kind, (x, weight) if bias is None else (x, weight, bias), call, attributes)


@aten("linear")
def linear(w: Writer, call: Call) -> None:
    """A fully connected layer over the last axis."""
    x, weight = call.args[:2]
    bias = argument(call, 2, "bias")
    if isinstance(weight, Ref):
        weight = w.add("Transpose", (weight,), call, {"perm": (1, 0)}, step="turned")
    else:
        weight = weight.t()
    product = w.add("MatMul", (x, weight), call, step="" if bias is None else "product")
    if bias is not None:
        w.add("Add", (product, bias), call)


@aten("addmm")
def addmm(w: Writer, call: Call) -> None:
    """A product of matrices plus a bias."""
    bias, left, right = call.args[:3]
    if call.kwargs.get("beta", 1) != 1 or call.kwargs.get("alpha", 1) != 1:
        w.unknown(call)
        return
    if isinstance(right, Ref):
        w.add("Add", (w.add("MatMul", (left, right), call, step="product"), bias), call)
        return
    w.add("Gemm", (left, right, bias), call)


@aten("mm", "bmm", "matmul")
def matmul(w: Writer, call: Call) -> None:
    """A product of matrices."""
    w.add("MatMul", call.args[:2], call)


@aten("batch_norm")
def batch_norm(w: Writer, call: Call) -> None:
    """A norm with stored statistics, or with those of the one image, which is how torch runs instance norms."""
    x, gamma, beta, mean, variance, training = call.args[:6]
    _normed(w, call, x, gamma, beta, mean, variance, bool(training), float(call.args[7]))


@aten("native_batch_norm", "cudnn_batch_norm")
def native_batch_norm(w: Writer, call: Call) -> None:
    """The same, as autograd runs it."""
    x, gamma, beta, mean, variance, training, _, epsilon = call.args[:8]
    _normed(w, call, x, gamma, beta, mean, variance, bool(training), float(epsilon))


@aten("instance_norm")
def instance_norm(w: Writer, call: Call) -> None:
    """A norm of each channel of each sample, or with stored statistics."""
    x, gamma, beta, mean, variance, of_sample, _, epsilon = call.args[:8]
    mean, variance = (None, None) if of_sample else (mean, variance)
    _normed(w, call, x, gamma, beta, mean, variance, bool(of_sample), float(epsilon))


@aten("_native_batch_norm_legit_no_training", "_batch_norm_no_update")
def native_batch_norm_no_training(w: Writer, call: Call) -> None:
    """The same, as exported graphs run it."""
    x, gamma, beta, mean, variance, _, epsilon = call.args[:7]
    _normed(w, call, x, gamma, beta, mean, variance, False, float(epsilon))


def _normed(
    w: Writer,
    call: Call,
    x: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    variance: Any,
    training: bool,
    epsilon: float,
) -> None:
    shape = call.results[0][1]
    if training and mean is None and shape[0] == 1:
        last = gamma is None and beta is None
        normed = w.add(
            "InstanceNormalization", (x, None, None), call, {"epsilon": epsilon}, step="" if last else "norm"
        )
        _per_channel(w, call, normed, gamma, beta)
        return
    if mean is None:
        w.unknown(call)
        return
    gamma = torch.ones_like(mean) if gamma is None else gamma
    beta = torch.zeros_like(mean) if beta is None else beta
    attributes = {"epsilon": epsilon, "training_mode": int(training)}
    w.add("BatchNormalization", (x, gamma, beta, mean, variance), call, attributes)


@aten("layer_norm", "native_layer_norm")
def layer_norm(w: Writer, call: Call) -> None:
    """A norm over the last axes of each sample."""
    x, sides, weight, bias = call.args[:4]
    attributes = {"axis": -len(sides), "epsilon": float(argument(call, 4, "eps", 1e-5))}
    w.add("LayerNormalization", (x, weight, bias), call, attributes)


@aten("group_norm", "native_group_norm")
def group_norm(w: Writer, call: Call) -> None:
    """A norm of each group of channels: that of the last axis of a tensor (N, groups, rest)."""
    if call.target.startswith("native"):
        x, gain, offset, _, _, _, groups, epsilon = call.args[:8]
    else:
        x, groups = call.args[:2]
        gain, offset = argument(call, 2, "weight"), argument(call, 3, "bias")
        epsilon = argument(call, 4, "eps", 1e-5)
    shape = call.results[0][1]
    apart = w.add("Reshape", (x, w.integers((shape[0], int(groups), -1))), call, step="groups")
    normed = w.add("LayerNormalization", (apart,), call, {"axis": -1, "epsilon": float(epsilon)}, step="norm")
    plain = gain is None and offset is None
    whole = w.add("Reshape", (normed, w.integers(shape)), call, step="" if plain else "whole")
    _per_channel(w, call, whole, gain, offset)


def _per_channel(w: Writer, call: Call, normed: Ref, gain: Any, offset: Any) -> None:
    """A gain and an offset of each channel, of which either may be missing."""
    spread = (-1, *[1] * (len(call.results[0][1]) - 2))
    if gain is not None:
        normed = w.add("Mul", (normed, gain.reshape(spread)), call, step="" if offset is None else "gain")
    if offset is not None:
        w.add("Add", (normed, offset.reshape(spread)), call)


@aten("scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu")
def attention(w: Writer, call: Call) -> None:
    """Scores of queries and keys, their softmax, and the mean of the values by it."""
    query, key, value = call.args[:3]
    whole = call.target == "scaled_dot_product_attention"  # the other is what a processor runs of it
    mask = argument(call, 3, "attn_mask") if whole else call.kwargs.get("attn_mask")
    shape = w.shapes.get(query.name) if isinstance(query, Ref) else None
    drops = argument(call, 4 if whole else 3, "dropout_p", 0.0) > 0
    causal = argument(call, 5 if whole else 4, "is_causal", False)
    if shape is None or drops or causal or isinstance(mask, Ref):
        w.unknown(call)
        return
    rank = len(shape)
    order = (*range(rank - 2), rank - 1, rank - 2)
    turned = w.add("Transpose", (key,), call, {"perm": order}, step="keys")
    scores = w.add("MatMul", (query, turned), call, step="scores")
    scores = w.add("Mul", (scores, float(call.kwargs.get("scale") or shape[-1] ** -0.5)), call, step="scaled")
    if mask is not None:
        scores = w.add("Add", (scores, mask), call, step="masked")
    shares = w.add("Softmax", (scores,), call, {"axis": -1}, step="shares")
    w.add("MatMul", (shares, value), call)


# ------------------------------------------------------------------ pools


@aten("max_pool1d", "max_pool2d", "max_pool2d_with_indices")
def max_pool(w: Writer, call: Call) -> None:
    """The largest of each window."""
    attributes = _window(call) | {
        "dilations": sides(argument(call, 4, "dilation", 1), _axes(call)),
        "ceil_mode": int(argument(call, 5, "ceil_mode", False)),
    }
    w.add("MaxPool", call.args[:1], call, attributes)


def _window(call: Call) -> dict[str, Any]:
    """Size, stride and padding of a pool's windows."""
    axes = _axes(call)
    size = sides(call.args[1], axes)
    stride = sides(argument(call, 2, "stride") or size, axes)
    return {
        "kernel_shape": size, "strides": stride, "pads": sides(argument(call, 3, "padding", 0), axes) * 2,
    }  # fmt: skip


@aten("avg_pool1d", "avg_pool2d")
def avg_pool(w: Writer, call: Call) -> None:
    """The average of each window, or its sum over another divisor."""
    divisor = argument(call, 6, "divisor_override")
    attributes = _window(call) | {
        "ceil_mode": int(argument(call, 4, "ceil_mode", False)),
        "count_include_pad": int(argument(call, 5, "count_include_pad", True)),
    }
    pooled = w.add("AveragePool", call.args[:1], call, attributes, step="" if divisor is None else "mean")
    if divisor is not None:
        rows, columns = pair(call.args[1])
        w.add("Mul", (pooled, float(rows * columns / divisor)), call)


@aten(
    "adaptive_avg_pool1d", "adaptive_max_pool1d",
    "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_max_pool2d",
)  # fmt: skip
def adaptive_pool(w: Writer, call: Call) -> None:
    """An average of each map, or of equal windows that make a smaller one."""
    x, axes = call.args[0], _axes(call)
    shape = w.shapes.get(x.name) if isinstance(x, Ref) else None
    made = call.results[0][1]
    average = "avg" in call.target
    if sides(call.args[1], axes) == (1,) * axes:
        w.add("GlobalAveragePool" if average else "GlobalMaxPool", (x,), call)
    elif shape is not None and not any(a % b for a, b in zip(shape[-axes:], made[-axes:], strict=True)):
        size = tuple(a // b for a, b in zip(shape[-axes:], made[-axes:], strict=True))
        w.add("AveragePool" if average else "MaxPool", (x,), call, {"kernel_shape": size, "strides": size})
    else:
        w.unknown(call)


@aten("upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d")
def upsample(w: Writer, call: Call) -> None:
    """A larger map."""
    made = call.results[0][1]
    attributes = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
    if "nearest" not in call.target:
        corners = "align_corners" if argument(call, 2, "align_corners", False) else "half_pixel"
        mode = "cubic" if "bicubic" in call.target else "linear"
        attributes = {"mode": mode, "coordinate_transformation_mode": corners}
    w.add("Resize", (call.args[0], "", "", w.integers(made)), call, attributes)
