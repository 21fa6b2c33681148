"""Operations that write in place, as operations that make a new value; what is then read by another name is refused.

A write to a slice is a new whole, joined of the slice and of what is round it. Other views of what was written hold the
new numbers too: where one of them is read afterwards, the call that wrote is named as one that is not understood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from training.reading.calls import Call, Ref

SLICES = ("slice", "select")
"""Views that are written by joining."""
_SAME = ("alias", "detach", "lift_fresh", "contiguous", "to")
_MAYBE_ITSELF = ("dropout", "feature_dropout", "alpha_dropout", "type_as", "_to_copy")
"""Operations that may return their argument itself, and do not say so in their schemas."""


def is_view(call: Call) -> bool:
    """Whether the results share their numbers with the first argument, or may do so."""
    return call.aliases == "view" or call.target in _MAYBE_ITSELF


def aliases_of(target: torch._ops.OpOverload) -> str:
    """What an operation's schema says of its first argument: "write" in place, "view" of it, or nothing."""
    schema = target._schema
    if any(one.alias_info is not None and one.alias_info.is_write for one in schema.arguments):
        return "write"
    return "view" if any(one.alias_info is not None for one in schema.returns) else ""


@dataclass
class _Storage:
    """Names that share numbers, and which view each of them is of which other."""

    parents: dict[str, tuple[Call, str]]
    members: list[str]


def without_writes(calls: tuple[Call, ...], output: str) -> tuple[tuple[Call, ...], str]:
    """The same calls without writes: every value that is written has a new name, by which it is read from then on."""
    rewriter = _Rewriter()
    for call in calls:
        rewriter.take(call)
    return tuple(rewriter.calls), rewriter.now_of(output)


class _Rewriter:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._now: dict[str, str] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._storage: dict[str, _Storage] = {}
        self._stale: dict[str, Call] = {}
        self._constants: dict[int, Call] = {}

    def take(self, call: Call) -> None:
        """Take up the next call."""
        read = replace(
            call, args=replaced(call.args, self._current), kwargs=replaced(call.kwargs, self._current)
        )
        self._shapes.update(dict(call.results))
        self.calls.append(read)
        first = read.args[0] if read.args else None
        if read.aliases == "write":
            self._written(read, first)
        elif is_view(read) and isinstance(first, Ref):
            storage = self._storage_of(first.name)
            for name, _ in read.results:
                storage.parents[name] = (read, first.name)
                storage.members.append(name)
                self._storage[name] = storage

    def now_of(self, name: str) -> str:
        """The name by which a value is known now; raises nothing: a value that another view wrote is an unknown one."""
        name = self._now.get(name, name)
        if name in self._stale:
            write = self._stale[name]
            made = f"{name}.{len(self.calls)}"
            self.calls.append(
                replace(
                    write, target=f"{write.target} into another view", args=(Ref(write.results[0][0]),), kwargs={},
                    results=((made, self._shapes.get(name, ())),), aliases="",
                )
            )  # fmt: skip
            return made
        return name

    def _current(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return Ref(self.now_of(value.name))
        if isinstance(value, torch.Tensor) and value.numel() and _place(value) in self._constants:
            write = self._constants[_place(value)]
            name = f"constant.{len(self.calls)}"
            self._stale[name] = write
            self._shapes[name] = tuple(value.shape)
            return Ref(self.now_of(name))
        return value

    def _storage_of(self, name: str) -> _Storage:
        if name not in self._storage:
            self._storage[name] = _Storage({}, [name])
        return self._storage[name]

    def _written(self, call: Call, first: Any) -> None:
        if isinstance(first, torch.Tensor):
            if first.numel():
                self._constants[_place(first)] = call
            return
        if not isinstance(first, Ref) or not call.results:
            return
        storage = self._storage_of(first.name)
        made = call.results[0][0]
        storage.members.append(made)
        self._storage[made] = storage
        new = {first.name: made}
        if first.name in storage.parents:
            storage.parents[made] = storage.parents[first.name]
        self._join_upwards(call, storage, first.name, new)
        for name in storage.members:
            now = self._now.get(name, name)
            if now in new:
                self._now[name] = new[now]
            elif now not in new.values():
                self._stale[now] = call

    def _join_upwards(self, call: Call, storage: _Storage, name: str, new: dict[str, str]) -> None:
        """Make the wholes that a written part belongs to anew, as far as they are known slices of each other."""
        while name in storage.parents:
            view, parent = storage.parents[name]
            parent = self._now.get(parent, parent)
            shape = self._shapes.get(parent, view.whole)
            if view.target in SLICES:
                made = f"{new[name]}.whole"
                scatter = replace(
                    view, target=f"{view.target}_scatter", args=(Ref(parent), Ref(new[name]), *view.args[1:]),
                    results=((made, shape),), aliases="", place=call.place,
                )  # fmt: skip
                self.calls.append(scatter)
            elif view.target in _SAME and shape == self._shapes.get(name):
                made = new[name]
            else:
                return
            self._shapes[made] = shape
            if made not in storage.members:
                storage.members.append(made)
                self._storage[made] = storage
            new[parent] = made
            if parent in storage.parents:
                storage.parents.setdefault(made, storage.parents[parent])
            name = parent


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def replaced(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of nested lists and dictionaries of which every item is changed."""
    if isinstance(value, dict):
        return {name: replaced(one, change) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(replaced(one, change) for one in value)
    return change(value)
