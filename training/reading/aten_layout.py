"""Reshapes, transposes, cuts and joins."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.reading.calls import Call, Ref
from training.reading.writer import Writer, argument, aten

_END = 2**31 - 1


@aten("view", "reshape", "_unsafe_view", "flatten", "squeeze", "unsqueeze", "unflatten", "view_as", "_reshape_alias",
      "squeeze_copy", "unsqueeze_copy", "view_copy")  # fmt: skip
def reshaped(w: Writer, call: Call) -> None:
    """The same numbers in the same order, in the shape that the call makes."""
    w.add("Reshape", (call.args[0], w.integers(call.results[0][1])), call, {"allowzero": 1})


@aten("expand", "expand_as", "broadcast_to")
def expanded(w: Writer, call: Call) -> None:
    """Repetition that reads the same numbers."""
    w.add("Expand", (call.args[0], w.integers(call.results[0][1])), call)


@aten("permute")
def permuted(w: Writer, call: Call) -> None:
    """Another order of axes."""
    rank = len(call.results[0][1])
    w.add("Transpose", call.args[:1], call, {"perm": tuple(int(one) % rank for one in call.args[1])})


@aten("transpose", "t", "swapaxes", "swapdims")
def transposed(w: Writer, call: Call) -> None:
    """Two axes exchanged."""
    rank = len(call.results[0][1])
    first, second = (int(one) % rank for one in call.args[1:3]) if len(call.args) > 2 else (0, 1)
    order = list(range(rank))
    order[first], order[second] = order[second], order[first]
    w.add("Transpose", call.args[:1], call, {"perm": tuple(order)})


@aten("cat", "concat")
def joined(w: Writer, call: Call) -> None:
    """Tensors after each other."""
    w.add("Concat", tuple(call.args[0]), call, {"axis": int(argument(call, 1, "dim", 0))})


@aten("stack")
def stacked(w: Writer, call: Call) -> None:
    """Tensors along a new axis."""
    rank = len(call.results[0][1])
    axis = int(argument(call, 1, "dim", 0)) % rank
    parts = []
    for number, one in enumerate(call.args[0]):
        parts.append(w.add("Unsqueeze", (one, w.integers((axis,))), call, step=f"part{number}"))
    w.add("Concat", parts, call, {"axis": axis})


@aten("slice")
def cut(w: Writer, call: Call) -> None:
    """A range of an axis."""
    axis = int(argument(call, 1, "dim", 0))
    start, end = argument(call, 2, "start") or 0, argument(call, 3, "end")
    step = argument(call, 4, "step", 1)
    end = _END if end is None else min(int(end), _END)
    constants = [w.integers((int(one),)) for one in (start, end, axis, step)]
    w.add("Slice", (call.args[0], *constants), call)


@aten("select")
def selected(w: Writer, call: Call) -> None:
    """One index of an axis, which goes."""
    made = f"constant{len(w.constants)}"
    w.constants[made] = np.array(int(call.args[2]), np.int64)
    w.add("Gather", (call.args[0], made), call, {"axis": int(call.args[1])})


@aten("slice_scatter")
def cut_replaced(w: Writer, call: Call) -> None:
    """A range of an axis replaced: what is before it, the new numbers, and what is behind."""
    axis = int(argument(call, 2, "dim", 0)) % len(call.results[0][1])
    side = call.results[0][1][axis]
    start, end, step = slice(argument(call, 3, "start"), argument(call, 4, "end")).indices(side)
    if argument(call, 5, "step", 1) != step:
        w.unknown(call)
        return
    _replaced(w, call, call.args[1], axis, start, max(start, end))


@aten("select_scatter")
def index_replaced(w: Writer, call: Call) -> None:
    """One index of an axis replaced."""
    axis = int(call.args[2]) % len(call.results[0][1])
    index = int(call.args[3]) % call.results[0][1][axis]
    part = w.add("Unsqueeze", (call.args[1], w.integers((axis,))), call, step="part")
    _replaced(w, call, part, axis, index, index + 1)


def _replaced(w: Writer, call: Call, part: Any, axis: int, start: int, end: int) -> None:
    side = call.results[0][1][axis]
    parts = [part]
    for name, place, first, last in (("before", 0, 0, start), ("behind", 2, end, side)):
        if first < last:
            limits = [w.integers((one,)) for one in (first, last, axis, 1)]
            parts.insert(place, w.add("Slice", (call.args[0], *limits), call, step=name))
    w.add("Concat" if len(parts) > 1 else "Identity", parts, call, {"axis": axis} if len(parts) > 1 else {})


@aten("split", "split_with_sizes", "chunk", "tensor_split")
def split(w: Writer, call: Call) -> None:
    """Ranges of an axis."""
    axis = int(argument(call, 2, "dim", 0))
    rank = len(call.results[0][1])
    sizes = tuple(shape[axis % rank] for _, shape in call.results)
    names = tuple(name for name, _ in call.results)
    w.add("Split", call.args[:1], call, {"axis": axis, "split": sizes}, outputs=names)


@aten("unbind")
def unbound(w: Writer, call: Call) -> None:
    """Every index of an axis."""
    axis = int(argument(call, 1, "dim", 0))
    for number, (name, _) in enumerate(call.results):
        made = f"constant{len(w.constants)}"
        w.constants[made] = np.array(number, np.int64)
        w.add("Gather", (call.args[0], made), call, {"axis": axis}, outputs=(name,))


@aten("constant_pad_nd", "pad")
def padded(w: Writer, call: Call) -> None:
    """Values round a tensor; torch counts axes from the last."""
    x, sides = call.args[:2]
    mode = argument(call, 2, "mode", "constant") if call.target == "pad" else "constant"
    value = argument(call, 3, "value", 0.0) if call.target == "pad" else argument(call, 2, "value", 0.0)
    _pad(w, call, x, sides, str(mode), float(value or 0.0))


@aten("replication_pad2d")
def replicated(w: Writer, call: Call) -> None:
    """What stands at the border, repeated."""
    _pad(w, call, call.args[0], call.args[1], "edge", 0.0)


def _pad(w: Writer, call: Call, x: Any, sides: Any, mode: str, value: float) -> None:
    rank = len(call.results[0][1])
    before, after = [0] * rank, [0] * rank
    for number in range(len(sides) // 2):
        before[rank - 1 - number], after[rank - 1 - number] = (
            int(sides[2 * number]),
            int(sides[2 * number + 1]),
        )
    mode = {"replicate": "edge"}.get(mode, mode)
    w.add("Pad", (x,), call, {"pads": (*before, *after), "mode": mode, "value": value})


@aten("roll")
def rolled(w: Writer, call: Call) -> None:
    """What leaves on one side comes in on the other: two ranges of an axis, exchanged."""
    x, shifts, axes = call.args[0], argument(call, 1, "shifts"), argument(call, 2, "dims", ())
    shape = call.results[0][1]
    moves = [(int(shift) % shape[axis], int(axis)) for shift, axis in zip(shifts, axes, strict=True)]
    moves = [(shift, axis) for shift, axis in moves if shift]
    if not moves or len(axes) == 0:
        w.add("Identity", (x,), call) if len(axes) else w.unknown(call)
        return
    for number, (shift, axis) in enumerate(moves):
        parts = []
        for name, start, end in (("last", shape[axis] - shift, _END), ("first", 0, shape[axis] - shift)):
            limits = [w.integers((one,)) for one in (start, end, axis, 1)]
            parts.append(w.add("Slice", (x, *limits), call, step=f"{name}{number}"))
        x = w.add(
            "Concat", parts, call, {"axis": axis}, step="" if number == len(moves) - 1 else f"roll{number}"
        )


@aten("repeat")
def repeated(w: Writer, call: Call) -> None:
    """Copies along axes."""
    x, times = call.args[0], [int(one) for one in call.args[1]]
    several = [axis for axis, number in enumerate(times) if number > 1]
    if len(several) != 1 or not isinstance(x, Ref):
        w.unknown(call)
        return
    w.add("Concat", (x,) * times[several[0]], call, {"axis": several[0]})


@aten("pixel_shuffle")
def pixel_shuffle(w: Writer, call: Call) -> None:
    """Channels as positions."""
    w.add("DepthToSpace", call.args[:1], call, {"blocksize": int(call.args[1]), "mode": "CRD"})


@aten("pixel_unshuffle")
def pixel_unshuffle(w: Writer, call: Call) -> None:
    """Positions as channels."""
    w.add("SpaceToDepth", call.args[:1], call, {"blocksize": int(call.args[1]), "mode": "CRD"})


@aten("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(w: Writer, call: Call) -> None:
    """One channel of each group in turn."""
    shape, groups = call.results[0][1], int(call.args[1])
    apart = w.integers((shape[0], groups, shape[1] // groups, *shape[2:]))
    grouped = w.add("Reshape", (call.args[0], apart), call, step="groups")
    order = (0, 2, 1, *range(3, len(shape) + 1))
    turned = w.add("Transpose", (grouped,), call, {"perm": order}, step="turned")
    w.add("Reshape", (turned, w.integers(shape)), call)
