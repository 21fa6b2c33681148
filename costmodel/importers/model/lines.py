"""Layers and pools along one axis: those of maps of one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import wraps

import numpy as np

from costmodel.importers.model.arranging import as_map
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading, Rule
from costmodel.importers.model.values import Map, Value
from costmodel.importers.model.views import View


def along_lines(rule: Rule) -> Rule:
    """Let a rule of maps (N, C, H, W) read tensors (N, C, L) too, with weights and windows along one axis."""

    @wraps(rule)
    def read(r: Reading, node: Node, inputs: Sequence[Value]) -> Value | tuple[Value, ...]:
        x, *rest = inputs
        made = None if x is None or isinstance(x, np.ndarray) else r.averaged(r.map_of(x))
        if made is None or len(made.view.axes) != 3:
            return rule(r, node, inputs)
        made = as_map(r, made) if made.padding is None else made
        wide = [one[..., None] if isinstance(one, np.ndarray) and one.ndim == 3 else one for one in rest]
        result = rule(r, _of_two_axes(node), [_with_axes(made, (*made.view.axes, ())), *wide])
        return _with_axes(result, result.view.axes[:3]) if isinstance(result, Map) else result

    return read


def _with_axes(made: Map, axes: tuple[tuple[object, ...], ...]) -> Map:
    return replace(made, view=View(made.view.tensor, made.view.stored, axes))  # type: ignore[arg-type]


def _of_two_axes(node: Node) -> Node:
    """Windows along one axis as windows of one column."""
    widened = dict(node.attributes)
    for name, one in (("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("output_padding", 0)):
        if name in widened:
            widened[name] = (*widened[name], one)
    if "pads" in widened:
        before, after = widened["pads"]
        widened["pads"] = (before, 0, after, 0)
    return replace(node, attributes=widened)
