"""A plugin's method at work: what it raises, emits and returns is held against what a network can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from traceback import format_exception
from typing import Any

from costmodel.builder import Builder
from costmodel.errors import BnncostError, CodeFailed, shortened
from costmodel.graph import Tensor
from costmodel.methods.registry import Option, RepairMethod
from costmodel.methods.user_code import OF_USER_CODE, aside, raised_at, told
from costmodel.operations.sound import fault_of, fault_of_value


def emitted(
    g: Builder,
    method: RepairMethod,
    arguments: Sequence[object],
    options: Mapping[str, Option],
    kind: type,
    *,
    several: bool,
) -> Any:
    """What a plugin's method returns: one of a `kind`, or a tuple of `several`, made with sound operations.

    Raises CodeFailed, with the file and line of the method, for anything else.
    """
    before = len(g.operations)
    try:
        with aside():
            made = method.emit(g, *arguments, **options)
    except KeyboardInterrupt:
        raise
    except OF_USER_CODE as error:
        if isinstance(error, BnncostError) and type(error).__module__.startswith("costmodel."):
            raise
        raise _failure(method, error) from error
    if not (_are(made, kind) if several else isinstance(made, kind)):
        wanted = f"a tuple of {kind.__name__}s" if several else f"a {kind.__name__}"
        given = f"{method.place} returned {shortened(repr(made))}"
        raise CodeFailed(f"{given}, but a method of the hook '{method.hook}' returns {wanted}.")
    for op in g.operations[before:]:
        if fault := fault_of(op) or _fault_in(g, op.inputs):
            raise CodeFailed(f"{method.place} emits '{op.kind}' in '{op.layer}', which {fault}.")
    if fault := _fault_in(g, _values_of(made)):
        raise CodeFailed(f"{method.place}: what it returns {fault}.")
    return made


def _values_of(made: object) -> Iterator[object]:
    """The maps and parameters that something is made of, such as a tuple of maps, or binary weights."""
    for one in made if isinstance(made, tuple) else (made,):
        if isinstance(one, tuple):
            yield from one or ((),)
        elif not isinstance(one, bool) and one is not None:
            yield one


def _fault_in(g: Builder, values: Iterable[object]) -> str:
    """Half a sentence on values that are no parameters, nor maps that this network makes; empty if all are."""
    for value in values:
        if fault := fault_of_value(value):
            return fault
        if isinstance(value, Tensor) and value is not g.input and g.producer(value) is None:
            return f"has a map '{value.name}' that this network does not make"
    return ""


def _are(made: object, kind: type) -> bool:
    return isinstance(made, tuple) and bool(made) and all(isinstance(one, kind) for one in made)


def _failure(method: RepairMethod, error: BaseException) -> CodeFailed:
    """Say what a plugin's method raised, and where in its own file."""
    at = raised_at(error, method.emit.__module__)
    place = f"method '{method.name}' ('{at[0]}', line {at[1]})" if at else method.place
    failed = CodeFailed(f"{place} raised {shortened(told(error))}.")
    failed.traceback = "".join(format_exception(error)).rstrip()
    return failed
