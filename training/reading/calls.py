"""What capturing a module gives: the ATen operations of its forward pass, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from costmodel.importers.model.weights import Stated


@dataclass(frozen=True)
class Ref:
    """The name of a value that depends on the image."""

    name: str


@dataclass(frozen=True, eq=False)
class Call:
    """One ATen operation: its name, its arguments (values that depend on the image as `Ref`), and what it makes.

    `results` are names and shapes of the tensors that it returns; `place` is the path of the module that runs it.
    `origin` names the parameter that a constant argument is made from. `aliases` says whether it is a "view" of its
    first argument, or a "write" into it, and `whole` is the shape of that argument.
    """

    target: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: tuple[tuple[str, tuple[int, ...]], ...]
    place: str
    origin: str = ""
    aliases: str = ""
    whole: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Captured:
    """Calls in order, from `input` of a shape with N = 1 to `output`, and how they were found.

    `stated` gives what a quantizer says of a constant that it made; `learned` are the module's parameters, each with
    its `place_of`.
    """

    input_shape: tuple[int, ...]
    output: str
    calls: tuple[Call, ...]
    how: str
    remarks: tuple[str, ...] = field(default=())
    stated: Callable[[torch.Tensor], Stated | None] = lambda constant: None
    learned: Mapping[str, int] = field(default_factory=dict)


def place_of(tensor: torch.Tensor) -> int:
    """What a tensor and its views have in common."""
    return tensor.untyped_storage().data_ptr()
