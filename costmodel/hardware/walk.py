"""Walking a profile: every quantity in it with its place, and the profile with its quantities replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel

from costmodel.hardware.text.problem import Path, place_of
from costmodel.hardware.text.quantity import Quantity

AnySection = TypeVar("AnySection", bound=BaseModel)
# Replaces the quantity of a field, given the section's type, the field's name and what it holds.
Replace = Callable[[type[BaseModel], str, Quantity], Quantity]


def quantities(node: object, path: Path = ()) -> Iterator[tuple[Path, Quantity]]:
    """Yield every quantity in a section of a profile, or below it, with its path, in the order of the fields.

    >>> from costmodel.hardware import load_profile
    >>> [place_of(path) for path, _ in quantities(load_profile("asic-45nm"))][:3]
    ['technology.node', 'technology.voltage', 'clock']
    """
    if isinstance(node, Quantity):
        yield path, node
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from quantities(getattr(node, name), (*path, name))
    elif isinstance(node, Mapping):
        for key, inner in node.items():
            yield from quantities(inner, (*path, key))
    elif isinstance(node, tuple):
        for number, inner in enumerate(node):
            yield from quantities(inner, (*path, number))


def own_quantities(section: BaseModel) -> dict[str, Quantity]:
    """Quantities that are fields of a section itself, by name."""
    fields = ((name, getattr(section, name)) for name in type(section).model_fields)
    return {name: value for name, value in fields if isinstance(value, Quantity)}


def quantity_at(section: BaseModel, place: str) -> Quantity | None:
    """Look up the quantity at a place, such as `control.energy`; None if there is none."""
    return next((figure for path, figure in quantities(section) if place_of(path) == place), None)


def with_quantities(section: AnySection, replace: Replace) -> AnySection:
    """Copy a section with every quantity in it, or below it, replaced; what does not change is kept, not copied."""
    changed = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        new = _replaced(value, partial(replace, type(section), name), replace)
        if new is not value:
            changed[name] = new
    return section.model_copy(update=changed) if changed else section


def with_quantity_at(node: Any, path: Path, figure: Quantity) -> Any:
    """Copy a section, or what a field of one holds, with the quantity at a path replaced."""
    if not path:
        return figure
    head, rest = path[0], path[1:]
    if isinstance(node, BaseModel):
        name = str(head)
        return node.model_copy(update={name: with_quantity_at(getattr(node, name), rest, figure)})
    if isinstance(node, Mapping):
        return {**node, head: with_quantity_at(node[head], rest, figure)}
    assert isinstance(node, tuple) and isinstance(head, int)
    return (*node[:head], with_quantity_at(node[head], rest, figure), *node[head + 1 :])


def _replaced(value: Any, here: Callable[[Quantity], Quantity], replace: Replace) -> Any:
    """What a field holds, its own quantities replaced by `here` and those of sections below by `replace`."""
    if isinstance(value, Quantity):
        return here(value)
    if isinstance(value, BaseModel):
        return with_quantities(value, replace)
    if isinstance(value, Mapping):
        items = {key: _replaced(item, here, replace) for key, item in value.items()}
        return items if any(items[key] is not item for key, item in value.items()) else value
    if isinstance(value, tuple):
        parts = tuple(_replaced(item, here, replace) for item in value)
        return parts if any(new is not old for new, old in zip(parts, value, strict=True)) else value
    return value
