"""Which constants an author's code rounds, and between which bounds: the widths of weights that their values hide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, inf, log2
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from costmodel.importers.model.weights import Stated
from training.reading.calls import Call, place_of
from training.reading.writer import argument

_SAME = (
    "detach", "alias", "clone", "contiguous", "lift_fresh", "lift_fresh_copy", "type_as", "to", "_to_copy", "view",
    "reshape", "_unsafe_view", "unsqueeze", "squeeze", "expand", "permute", "transpose", "t", "flatten", "slice",
    "select",
)  # fmt: skip
"""Operations that leave every number as it is, in whichever order and shape."""
_WHOLE: Mapping[str, Callable[[float], Any]] = MappingProxyType(
    {"round": np.rint, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc}
)
_MOST_BITS = 16


@dataclass(frozen=True)
class Grid:
    """Numbers between two bounds, in steps; `rounded` says that they are whole steps.

    Without a step, each filter has one of its own.
    """

    low: float = -inf
    high: float = inf
    rounded: bool = False
    step: float | None = 1.0

    @property
    def stated(self) -> Stated | None:
        """The width that holds the whole numbers between the bounds; None of others."""
        if not self.rounded or not np.isfinite(self.high - self.low) or self.high <= self.low:
            return None
        bits = max(ceil(log2(self.high - self.low + 1)), 2)
        return Stated(bits, self.step is None) if bits <= _MOST_BITS else None


class Grids:
    """Follows constants through the operations that make others of them."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[torch.Tensor, Grid]] = {}
        self._less: dict[int, tuple[torch.Tensor, Grid, torch.Tensor]] = {}

    def stated_of(self, constant: torch.Tensor) -> Stated | None:
        """What a quantizer, or the type of whole numbers, says of a constant."""
        grid = self._of(constant)
        return None if grid is None else grid.stated

    def note(self, call: Call, result: Any) -> Any:
        """Take what a call makes of constants, and give it back."""
        made = [
            one
            for one in (result if isinstance(result, (tuple, list)) else [result])
            if isinstance(one, torch.Tensor) and one.numel()
        ]
        if not made:
            return result
        grid, less = self._made(call, made[0]), self._difference(call)
        for one in made:  # memory that is written, or used again, holds other numbers
            self._known.pop(place_of(one), None)
            self._less.pop(place_of(one), None)
        if grid is not None:
            self._known[place_of(made[0])] = made[0], grid
        if less is not None:
            self._less[place_of(made[0])] = made[0], *less
        return result

    def _of(self, value: Any) -> Grid | None:
        if not isinstance(value, torch.Tensor) or not value.numel():
            return None
        known = self._known.get(place_of(value))
        grid = None if known is None else known[1]
        if value.dtype not in (torch.int8, torch.uint8):
            return grid
        kind = torch.iinfo(value.dtype)
        return _clamped(grid or Grid(rounded=True), kind.min, kind.max)

    def _made(self, call: Call, result: torch.Tensor) -> Grid | None:
        kind = call.target.removesuffix("_")
        grid = self._of(call.args[0]) if call.args else None
        if "fake_quantize_per" in kind:
            return _fake_quantized(call)
        if kind in _WHOLE:
            return None if call.kwargs.get("decimals") else _rounded(grid or Grid(), _WHOLE[kind])
        if kind in _BOUNDS:
            return _clamped(grid or Grid(), *_BOUNDS[kind](call))
        if kind in _SAME:
            whole = result.is_floating_point() or (grid is not None and grid.rounded)
            return grid if whole and result.dtype != torch.bool else None
        if kind == "mul" and grid is None:
            return _times(self._of(call.args[1]), call.args[0], result)
        if kind in ("mul", "div") and call.kwargs.get("rounding_mode") is None:
            return _times(grid, call.args[1], result, inverse=kind == "div")
        if kind in ("add", "sub"):
            return self._sum(call, grid, 1 if kind == "add" else -1)
        return None

    def _sum(self, call: Call, grid: Grid | None, sign: int) -> Grid | None:
        """What a number shifts; or (q - w) + w, by which authors replace a gradient, which is q."""
        pairs = [call.args[:2], call.args[1::-1]] if sign > 0 else []
        for difference, other in pairs:
            known = self._less.get(place_of(difference)) if isinstance(difference, torch.Tensor) else None
            if (
                known is not None
                and isinstance(other, torch.Tensor)
                and place_of(known[2]) == place_of(other)
            ):
                return known[1]
        number = None if grid is None else _number(call.args[1])
        if grid is None or number is None or call.kwargs.get("alpha", 1) != 1 or grid.step != 1:
            return None
        if grid.rounded and number != np.rint(number):
            return None
        return replace(grid, low=grid.low + sign * number, high=grid.high + sign * number)

    def _difference(self, call: Call) -> tuple[Grid, torch.Tensor] | None:
        """The grid and the constant that a call subtracts from it, or another handle of such a difference."""
        if call.target in _SAME and isinstance(call.args[0], torch.Tensor):
            known = self._less.get(place_of(call.args[0]))
            return None if known is None else known[1:]
        if call.target != "sub" or not isinstance(call.args[1], torch.Tensor):
            return None
        grid = self._of(call.args[0])
        return None if grid is None else (grid, call.args[1])


def _number(value: Any) -> float | None:
    """The one number that an argument is, or repeats; None of any other."""
    if isinstance(value, torch.Tensor):
        first = value.reshape(-1)[:1]
        return float(first) if value.numel() and bool((value == first).all()) else None
    return float(value) if isinstance(value, (int, float)) else None


def _fake_quantized(call: Call) -> Grid | None:
    """What torch's own quantizer of weights leaves: its two bounds are its last arguments."""
    scale, low, high = call.args[1], *call.args[-2:]
    step = _number(scale)
    if step is None and "per_channel" in call.target and int(call.args[3]) != 0:
        return None
    points = torch.as_tensor(call.args[2], dtype=torch.float64)
    return Grid(low - float(points.max()), high - float(points.min()), rounded=True, step=step)


def _rounded(grid: Grid, function: Callable[[float], Any]) -> Grid | None:
    if grid.step != 1:
        return Grid(rounded=True)
    return Grid(float(function(grid.low)), float(function(grid.high)), rounded=True)


_BOUNDS: Mapping[str, Callable[[Call], tuple[Any, Any]]] = MappingProxyType(
    {
        "clamp": lambda call: (argument(call, 1, "min"), argument(call, 2, "max")),
        "clip": lambda call: (argument(call, 1, "min"), argument(call, 2, "max")),
        "hardtanh": lambda call: (argument(call, 1, "min_val", -1.0), argument(call, 2, "max_val", 1.0)),
        "clamp_min": lambda call: (argument(call, 1, "min"), None),
        "clamp_max": lambda call: (None, argument(call, 1, "max")),
        "maximum": lambda call: (call.args[1], None),
        "minimum": lambda call: (None, call.args[1]),
    }
)


def _clamped(grid: Grid, low: Any, high: Any) -> Grid | None:
    ends = [-inf if low is None else _number(low), inf if high is None else _number(high)]
    if grid.step is None or None in ends:
        return None
    steps = np.array(ends, np.float64) / grid.step
    finite = steps[np.isfinite(steps)]
    if grid.rounded and not np.allclose(finite, np.rint(finite), rtol=0, atol=1e-4):
        return None
    lowest, highest = np.clip(np.rint(steps) if grid.rounded else steps, grid.low, grid.high)
    return replace(grid, low=float(lowest), high=float(highest))


def _times(grid: Grid | None, factor: Any, result: torch.Tensor, *, inverse: bool = False) -> Grid | None:
    """Multiply steps, or what is not rounded yet; a factor per filter is a step of its own."""
    if grid is None:
        return None
    number = _number(factor)
    if number is None:
        by_filter = (
            isinstance(factor, torch.Tensor) and factor.dim() == result.dim() and factor[0].numel() == 1
        )
        return replace(grid, step=None) if grid.rounded and by_filter else None
    if not np.isfinite(number) or not number:
        return None
    number = 1 / number if inverse else number
    low, high = (grid.low, grid.high) if number > 0 else (-grid.high, -grid.low)
    if grid.rounded:
        return replace(grid, low=low, high=high, step=None if grid.step is None else grid.step * abs(number))
    return replace(grid, low=low * abs(number), high=high * abs(number))
