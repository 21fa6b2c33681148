"""Pickles of plain data and arrays of bytes, read and not run: a small machine that calls nothing.

What a pickle asks to be called is noted as a `Made` and looked at; `array_of` gives the bytes of the one kind that is
wanted. numpy's own makers are not called, since what they are given can make them read memory that is not theirs.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import setitem
from typing import Any

import numpy as np

from costmodel.errors import BnncostError


class NotPlain(BnncostError):
    """A pickle that plain data and arrays have no need of; half a sentence says why."""


@dataclass(frozen=True)
class Name:
    """A name that a pickle asks for: one of those that an array is made of."""

    name: str


@dataclass(eq=False)
class Made:
    """What a name is to be called with, and the state that is to be given to it."""

    name: Name
    arguments: Any
    state: Any = None


RECONSTRUCT, NDARRAY, DTYPE = Name("_reconstruct"), Name("ndarray"), Name("dtype")
NAMES = {
    "numpy.core.multiarray _reconstruct": RECONSTRUCT,
    "numpy._core.multiarray _reconstruct": RECONSTRUCT,
    "numpy ndarray": NDARRAY,
    "numpy dtype": DTYPE,
}
BYTES = ("u1", "|u1", "uint8", "B")
"""How the type of bytes is written."""
_MARK = object()


def plain(content: bytes) -> Any:
    """Read a pickle: plain values, with `Made` where it calls something; raises NotPlain for any other pickle.

    >>> import pickle
    >>> plain(pickle.dumps({"labels": [1, 2]}))
    {'labels': [1, 2]}
    """
    machine = _Machine([], {})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in texts that mean nothing
            for instruction, argument, _ in pickletools.genops(content):
                machine.follow(instruction.name, argument)
        (value,) = machine.stack
    except NotPlain:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise NotPlain(str(error).splitlines()[0] if str(error) else "it is cut or bent") from None
    return value


def array_of(made: Any) -> np.ndarray | None:
    """The bytes of an array that has two axes; None for anything else."""
    try:
        _, shape, kind, by_columns, held = made.state
        rows, width = shape
        named = made.name == RECONSTRUCT and kind.name == DTYPE and kind.arguments[0] in BYTES
    except (AttributeError, TypeError, ValueError, LookupError):
        return None
    content = held.encode("latin-1", "replace") if isinstance(held, str) else held
    if not named or by_columns or not isinstance(content, bytes):
        return None
    if type(rows) is not int or type(width) is not int or rows < 0 or rows * width != len(content):
        return None
    return np.frombuffer(content, np.uint8).reshape(rows, width)


@dataclass(frozen=True)
class _Machine:
    stack: list[Any]
    memo: dict[int, Any]

    def follow(self, instruction: str, argument: Any) -> None:
        """Do one instruction of those that plain data needs."""
        stack = self.stack
        if instruction in _VALUES:
            stack.append(argument)
        elif instruction in _CONSTANTS:
            stack.append(_CONSTANTS[instruction]())
        elif instruction in _GATHERED:
            stack.append(_GATHERED[instruction](self._behind_mark()))
        elif instruction in _TUPLES:
            stack[len(stack) - _TUPLES[instruction] :] = [tuple(stack[-_TUPLES[instruction] :])]
        elif instruction in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if argument is None else int(argument)] = stack[-1]
        elif instruction in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[int(argument)])
        elif instruction in _STEPS:
            _STEPS[instruction](self)
        elif instruction == "GLOBAL":
            stack.append(_named(argument))
        elif instruction not in ("PROTO", "FRAME", "STOP"):
            raise NotPlain(f"it has the instruction {instruction}, which arrays do not need")

    def _behind_mark(self) -> list[Any]:
        place = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def append(self) -> None:
        """Put the last value into the list before it."""
        value = self.stack.pop()
        _checked(self.stack[-1], list).append(value)

    def appends(self) -> None:
        """Put all values since the mark into the list before it."""
        values = self._behind_mark()
        _checked(self.stack[-1], list).extend(values)

    def set_item(self) -> None:
        """Put the last two values, a key and what it has, into the dict before them."""
        value, key = self.stack.pop(), self.stack.pop()
        setitem(_checked(self.stack[-1], dict), key, value)

    def set_items(self) -> None:
        """Put all keys and values since the mark into the dict before it."""
        values = self._behind_mark()
        _checked(self.stack[-1], dict).update(zip(values[::2], values[1::2], strict=True))

    def name(self) -> None:
        """Take a module and a name for the name."""
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_named(f"{module} {name}"))

    def call(self) -> None:
        """Note what a name is to be called with."""
        arguments, name = self.stack.pop(), self.stack.pop()
        self.stack.append(Made(_checked(name, Name), _checked(arguments, tuple)))

    def build(self) -> None:
        """Note the state that is to be given to what was called."""
        state = self.stack.pop()
        _checked(self.stack[-1], Made).state = state


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise NotPlain(f"it has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _named(text: str) -> Name:
    if text not in NAMES:
        raise NotPlain(f"it asks for '{text.replace(' ', '.', 1)}', which arrays do not need")
    return NAMES[text]


_VALUES = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    }
)
_CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: _MARK,
}
_GATHERED: Mapping[str, Callable[[list[Any]], Any]] = {
    "LIST": list,
    "TUPLE": tuple,
    "DICT": lambda values: dict(zip(values[::2], values[1::2], strict=True)),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_STEPS: Mapping[str, Callable[[_Machine], Any]] = {
    "POP": lambda machine: machine.stack.pop(),
    "POP_MARK": _Machine._behind_mark,
    "DUP": lambda machine: machine.stack.append(machine.stack[-1]),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "STACK_GLOBAL": _Machine.name,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
}
