"""Calls that depend on constants alone, computed: what an author fills, masks or looks up before the image meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from training.reading.calls import Call, Ref
from training.reading.writes import replaced


def without_constant_calls(calls: Sequence[Call]) -> list[Call]:
    """The calls that depend on the image, with what the others make as constants; calls that torch refuses stay."""
    known: dict[str, Any] = {}
    left = []
    for call in calls:
        read = replace(call, args=_looked_up(call.args, known), kwargs=_looked_up(call.kwargs, known))
        made = None if _depends((read.args, read.kwargs)) else _computed(read)
        if made is None:
            left.append(read)
        else:
            known.update({name: one for (name, _), one in zip(call.results, made, strict=True)})
    return left


def _computed(call: Call) -> list[torch.Tensor] | None:
    """What a call makes of tensors, which it leaves as they are."""
    if call.target == "constant":
        return [call.args[0]]
    function = getattr(torch.ops.aten, call.target, None)
    if function is None:
        return None
    copied = replaced(call.args, lambda one: one.clone() if isinstance(one, torch.Tensor) else one)
    try:
        made = function(*copied, **call.kwargs)
    except (RuntimeError, TypeError, ValueError):
        return None
    tensors = list(made) if isinstance(made, (tuple, list)) else [made]
    shapes = [tuple(one.shape) for one in tensors if isinstance(one, torch.Tensor)]
    return tensors if shapes == [shape for _, shape in call.results] else None


def _looked_up(value: Any, known: dict[str, Any]) -> Any:
    return replaced(value, lambda one: known.get(one.name, one) if isinstance(one, Ref) else one)


def _depends(value: Any) -> bool:
    found = []
    replaced(value, lambda one: found.append(one) if isinstance(one, Ref) else None)
    return bool(found)
