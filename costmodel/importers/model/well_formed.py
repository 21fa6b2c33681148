"""Whether nodes are as their operators are defined, and maps of a size that a chip can hold: checked before rules."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from costmodel.designs.backbone import LARGEST
from costmodel.importers.model.document import Node
from costmodel.importers.model.finite import check_numbers
from costmodel.importers.model.values import Map, NotRead, Value

_COUNTS = ("strides", "dilations", "kernel_shape", "group", "num_groups", "num_outputs", "blocksize")
_OF_AN_AXIS = frozenset(
    {"Softmax", "LogSoftmax", "Hardmax", "Concat", "Split", "Gather", "ArgMax", "TopK", "LayerNormalization"}
)
_ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "PRelu", "Where"})
_AUTO = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
_MOST_ELEMENTS = 2**36
"""Elements of a map: of four features for each pixel of the largest image."""


def check_node(node: Node, inputs: Sequence[Value]) -> None:
    """Raise NotRead where an attribute or a constant is none that the node's operator can have."""
    for name in _COUNTS:
        _check_whole(node, name, 1)
    if node.kind == "LRN":
        _check_whole(node, "size", 1)
    if node.kind != "Pad":
        _check_whole(node, "pads", 0)
    _check_whole(node, "output_padding", 0)
    if node.attributes.get("auto_pad", _AUTO[0]) not in _AUTO:
        raise NotRead(f"auto_pad is '{node.attributes['auto_pad']}', but must be one of {', '.join(_AUTO)}")
    shapes = [shape for shape in map(_shape_of, inputs) if shape is not None]
    if shapes:
        _check_axis(node, inputs, shapes[0])
    if node.kind in _ELEMENTWISE:
        _check_together(shapes)
    if node.kind == "Expand" and isinstance(inputs[1], np.ndarray):
        _check_together([shapes[0], tuple(int(side) if side != -1 else 1 for side in inputs[1].reshape(-1))])
    if node.kind in ("Conv", "ConvTranspose"):
        _check_kernel(node, inputs, shapes[0][1] if shapes and len(shapes[0]) > 2 else None)
    check_numbers(node, inputs)
    if _is_trained(node, inputs):
        raise NotRead(
            "it is in training mode, in which the batch or chance decides; export it after model.eval(), and functions "
            "with training=False"
        )


def check_made(made: Value | tuple[Value, ...]) -> None:
    """Raise NotRead for a map that is empty, too large for any chip, or no number times what is stored."""
    for one in made if isinstance(made, tuple) else (made,):
        if not isinstance(one, Map):
            continue
        if not (np.isfinite(one.factor).all() and np.isfinite(one.offset).all()):
            raise NotRead("it makes numbers that are not finite")
        shape = one.shape
        empty = next((sides for sides in (shape, (1, *one.tensor.shape)) if min(sides, default=1) < 1), None)
        if empty is not None:
            raise NotRead(f"it makes an empty map, {'x'.join(str(max(int(side), 0)) for side in empty)}")
        if prod(shape) > _MOST_ELEMENTS or (len(shape) == 4 and max(shape[2:]) > LARGEST):
            raise NotRead(
                f"it makes a map of {'x'.join(map(str, shape))}; {LARGEST} is the largest side of an image, and "
                f"{_MOST_ELEMENTS} elements are the most"
            )


def _check_whole(node: Node, name: str, least: int) -> None:
    given = node.attributes.get(name, ())
    for one in given if isinstance(given, (tuple, list)) else (given,):
        if not least <= int(one) <= LARGEST:
            raise NotRead(f"{name} is {one}, but must be {least} to {LARGEST}")


def _is_trained(node: Node, inputs: Sequence[Value]) -> bool:
    """Whether a node does what it does in training; before opset 14 a norm says so by what else it makes."""
    if node.kind == "BatchNormalization":
        return bool(node.attributes.get("training_mode", 0)) or len([one for one in node.outputs if one]) > 1
    told = inputs[2] if node.kind == "Dropout" and len(inputs) > 2 else None
    return isinstance(told, np.ndarray) and bool(told.any())


def _shape_of(value: Value) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, (Map, np.ndarray)) else None


def _check_axis(node: Node, inputs: Sequence[Value], shape: tuple[int, ...]) -> None:
    axis, rank = int(node.attributes.get("axis", 0)), len(shape)
    behind = node.kind == "Flatten"
    if (behind or node.kind in _OF_AN_AXIS) and not -rank <= axis < rank + behind:
        raise NotRead(f"axis {axis} of a tensor of {rank} axes")
    if node.kind == "Gather" and isinstance(inputs[1], np.ndarray) and inputs[1].size:
        first, last = int(inputs[1].min()), int(inputs[1].max())
        if not -shape[axis] <= first <= last < shape[axis]:
            raise NotRead(f"places {first} to {last} of an axis of {shape[axis]} numbers")


def _check_together(shapes: Sequence[tuple[int, ...]]) -> None:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise NotRead(f"tensors of shapes that do not go together: {', '.join(map(str, shapes))}") from None


def _check_kernel(node: Node, inputs: Sequence[Value], channels: int | None) -> None:
    weight, bias = (*inputs, None, None)[1:3]
    if not isinstance(weight, np.ndarray) or weight.ndim < 3:
        return
    kernel = node.attributes.get("kernel_shape", weight.shape[2:])
    if tuple(kernel) != weight.shape[2:]:
        raise NotRead(f"kernel_shape is {tuple(kernel)}, but its weights are for {weight.shape[2:]}")
    groups = int(node.attributes.get("group", 1))
    if node.kind == "ConvTranspose":
        if channels is not None and channels != weight.shape[0]:
            raise NotRead(f"weights for {weight.shape[0]} channels of a map of {channels}")
        rank = weight.ndim - 2
        more = node.attributes.get("output_padding", (0,) * rank)
        steps = [node.attributes.get(name, (1,) * rank) for name in ("strides", "dilations")]
        if len(more) != rank or not all(one < max(two) for one, *two in zip(more, *steps, strict=True)):
            raise NotRead(f"output_padding {tuple(more)} is not below the stride or the dilation")
    made = weight.shape[0] if node.kind == "Conv" else weight.shape[1] * groups
    if isinstance(bias, np.ndarray) and bias.shape != (made,):
        raise NotRead(f"a bias of the shape {bias.shape} for {made} channels")
