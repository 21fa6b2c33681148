"""A profile at the ends of its ranges: every figure at the end that makes results cheaper, or more expensive."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any, Literal, get_args

from pydantic import BaseModel

from costmodel.errors import unknown
from costmodel.hardware.profile import HardwareProfile
from costmodel.hardware.text.quantity import Direction, Quantity
from costmodel.hardware.walk import with_quantities

End = Literal["best", "worst"]


def at_end(profile: HardwareProfile, end: End) -> HardwareProfile:
    """Put each quantity of a profile at the end of its range that makes results cheaper ("best") or costlier ("worst").

    The type of a field says which end that is: less of an energy, area, leakage or number of cycles, more of a
    clock or port. What would make another chip of it (arrays, units, sizes, voltage) keeps its value, as does a
    quantity without that end. The name stays. Raises BnncostError for another `end`.

    >>> from costmodel.hardware import load_profile
    >>> chip = load_profile("asic-45nm")
    >>> [at_end(chip, end).clock.value for end in ("best", "worst")], chip.clock.value
    ([1000.0, 100.0], 400.0)
    """
    if end not in get_args(End):
        raise unknown("end of a range", end, get_args(End))
    return with_quantities(profile, partial(_at_end, end))


def _at_end(end: End, section: type[BaseModel], name: str, figure: Quantity) -> Quantity:
    """Put one quantity at an end. It keeps its range, so the ends of a profile at an end are the same ones."""
    cheap_end = _cheap_end(section, name)
    if cheap_end is None:
        return figure
    low = (cheap_end == "low") is (end == "best")
    value = figure.low if low else figure.high
    return figure if value is None else figure.model_copy(update={"value": value})


@lru_cache(maxsize=1024)
def _cheap_end(section: type[BaseModel], name: str) -> str | None:
    """Which end of a field's range is the cheap one, by the mark of its type; None where it is kept."""
    field = section.model_fields[name]
    marks = [*_directions(field.metadata), *_directions((field.annotation,))]
    return marks[0].cheap_end if marks else None


def _directions(annotations: tuple[Any, ...] | list[Any]) -> Iterator[Direction]:
    """The marks within types, however deep they are nested."""
    for annotation in annotations:
        if isinstance(annotation, Direction):
            yield annotation
        else:
            yield from _directions((*get_args(annotation), *getattr(annotation, "__metadata__", ())))
