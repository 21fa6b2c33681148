"""Maps made larger or smaller, and channels as positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import floor

import numpy as np

from costmodel.designs.backbone import LARGEST
from costmodel.importers.model.arranging import as_map
from costmodel.importers.model.document import Node
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.values import Map, NotRead, Value
from costmodel.importers.model.views import Axis, View, reshaped


@reads("Resize", "Upsample")
def resize(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Read the nearest position, or weigh two or four neighbours on each axis."""
    made = as_map(r, Map(r.plain(inputs[0])))
    (_, old_rows, old_columns), (rows, columns) = made.tensor.shape, _sizes(node, inputs, made.shape)
    (made_rows, by_rows), (made_columns, by_columns) = rows, columns
    places = _places(node, old_rows, made_rows, by_rows), _places(node, old_columns, made_columns, by_columns)
    mode = str(node.attributes.get("mode", "nearest"))
    if mode in ("linear", "bilinear"):
        kind, attributes = "interpolate", _weighed(places, (old_rows, old_columns))
    elif mode == "nearest":
        kind = "repeat_positions"
        chosen = [
            _nearest(node, one, side) for one, side in zip(places, (old_rows, old_columns), strict=True)
        ]
        attributes = {"rows": chosen[0], "columns": chosen[1]}
    elif mode == "cubic":
        kind, attributes = "weigh_neighbours", _cubic(node, places, (old_rows, old_columns))
    else:
        raise NotRead(f"resizing in the mode '{mode}'")
    shape = (int(made.tensor.shape[0]), made_rows, made_columns)
    tensor = r.emit(
        kind, (made.tensor,), shape=shape, stored=made.tensor.precision if mode == "nearest" else None,
        attributes=attributes,
    )  # fmt: skip
    result = Map(r.view(tensor, 4))
    return replace(result, view=View(tensor, result.view.stored, result.view.axes[: len(made.view.axes)]))


Side = tuple[int, float]
"""How long an axis becomes, and by which factor."""


def _sizes(node: Node, inputs: Sequence[Value], shape: Sequence[int]) -> tuple[Side, Side]:
    given = [one if isinstance(one, np.ndarray) and one.size else None for one in inputs[1:]]
    if node.kind == "Upsample":
        scales = given[0] if given else np.array(node.attributes["scales"])
        sizes = None
    else:
        scales, sizes = ([None, *given, None, None][2:4]) if len(given) > 1 else (given[0], None)
    if (
        node.attributes.get("antialias")
        or str(node.attributes.get("keep_aspect_ratio_policy", "stretch")) != "stretch"
    ):
        raise NotRead("resizing with antialiasing, or to a size by a policy")
    axes = [int(one) % len(shape) for one in node.attributes.get("axes", range(len(shape)))]
    found: dict[int, Side] = {axis: (side, 1.0) for axis, side in enumerate(shape)}
    for place, axis in enumerate(axes):
        if sizes is not None:
            found[axis] = int(sizes[place]), int(sizes[place]) / shape[axis]
        elif scales is not None:
            found[axis] = floor(shape[axis] * float(scales[place])), float(scales[place])
        else:
            raise NotRead("a size that is computed from the image")
        if not 1 <= found[axis][0] <= LARGEST:
            raise NotRead(f"resizing to {found[axis][0]} positions, but sides are 1 to {LARGEST}")
    if any(found[axis][0] != shape[axis] for axis in (0, 1)):
        raise NotRead("resizing of channels")
    return found[2], found.get(3, (1, 1.0))


def _places(node: Node, old: int, made: int, scale: float) -> np.ndarray:
    """Where in the old map each position of the new one lies."""
    new = np.arange(made, dtype=np.float64)
    default = "asymmetric" if node.kind == "Upsample" else "half_pixel"
    mode = str(node.attributes.get("coordinate_transformation_mode", default))
    if mode == "asymmetric":
        return new / scale
    if mode == "align_corners":
        return new * (old - 1) / (made - 1) if made > 1 else np.zeros(1)
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and made > 1):
        return (new + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return np.zeros(1)
    raise NotRead(f"resizing with places by '{mode}'")


def _nearest(node: Node, places: np.ndarray, side: int) -> tuple[int, ...]:
    default = "floor" if node.kind == "Upsample" else "round_prefer_floor"
    mode = str(node.attributes.get("nearest_mode", default))
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "floor": np.floor, "ceil": np.ceil, "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    }  # fmt: skip
    return tuple(int(one) for one in np.clip(ways[mode](places), 0, side - 1))


def _weighed(places: Sequence[np.ndarray], sides: Sequence[int]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, one, side in zip(("row", "column"), places, sides, strict=True):
        inside = np.clip(one, 0, side - 1)
        first = np.floor(inside).astype(int)
        shares = tuple(float(part) for part in inside - first)
        found |= {f"{name}s": tuple(int(number) for number in first), f"{name}_shares": shares}
    return found


def _cubic(node: Node, places: Sequence[np.ndarray], sides: Sequence[int]) -> dict[str, object]:
    """Four neighbours of each place, by Keys' cubic; those behind the border are the last one, or have no weight."""
    bend = float(node.attributes.get("cubic_coeff_a", -0.75))
    outside = not node.attributes.get("exclude_outside", 0)
    found: dict[str, object] = {}
    for name, one, side in zip(("row", "column"), places, sides, strict=True):
        if np.array_equal(one, np.arange(side)):
            read, weights = np.arange(side)[:, None], np.ones((side, 1))
        else:
            read = np.floor(one).astype(int)[:, None] + np.arange(-1, 3)
            away = np.abs(one[:, None] - read)
            near = ((bend + 2) * away - (bend + 3)) * away**2 + 1
            far = ((away - 5) * away + 8) * away * bend - 4 * bend
            weights = np.where(away <= 1, near, far)
            if not outside:
                weights = np.where((read >= 0) & (read < side), weights, 0)
                weights /= weights.sum(axis=1, keepdims=True)
        kept = np.clip(read, 0, side - 1)
        found |= {
            f"{name}s": tuple(map(tuple, kept.tolist())),
            f"{name}_weights": tuple(map(tuple, weights.tolist())),
        }
    return found


@reads("DepthToSpace")
def depth_to_space(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Channels as positions: addressing."""
    block = int(node.attributes["blocksize"])
    made = as_map(r, r.averaged(r.map_of(inputs[0])))
    _, channels, height, width = made.shape
    inner = channels // block**2
    last = str(node.attributes.get("mode", "DCR")) == "CRD"
    sides = (inner, block, block) if last else (block, block, inner)
    view = _apart(made, (1, *sides, height, width))
    kept, down, right = view.axes[1:4] if last else (view.axes[3], *view.axes[1:3])
    return _seen(made, view, (kept, (*view.axes[4], *down), (*view.axes[5], *right)))


@reads("SpaceToDepth")
def space_to_depth(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Positions as channels, those of a block before the channels, or behind with the mode "CRD": addressing."""
    block = int(node.attributes["blocksize"])
    made = as_map(r, r.averaged(r.map_of(inputs[0])))
    _, channels, height, width = made.shape
    view = _apart(made, (1, channels, height // block, block, width // block, block))
    _, kept, rows, down, columns, right = view.axes
    behind = str(node.attributes.get("mode", "DCR")) == "CRD"
    return _seen(made, view, ((*kept, *down, *right) if behind else (*down, *right, *kept), rows, columns))


def _apart(made: Map, sides: Sequence[int]) -> View:
    view = reshaped(made.view, sides)
    if view is None:
        raise NotRead(f"blocks that do not divide a map of shape {made.shape}")
    return view


def _seen(made: Map, view: View, axes: Sequence[Axis]) -> Map:
    """The same numbers with other axes (N, C, H, W)."""
    return replace(made, view=View(view.tensor, view.stored, ((), *axes)), mean=None)
