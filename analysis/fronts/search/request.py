"""What a search asks for: the space, the chips, the costs that count, their limits, and where accuracy comes from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np

from analysis.show.axes import Axis
from costmodel import BnncostError, DesignKey
from costmodel.designs.content import content_of, content_of_methods
from costmodel.designs.settings import WIDTH_DIGITS, WIDTHS
from costmodel.errors import shortened
from costmodel.evaluate.space import Space
from costmodel.evaluate.versions import versions_of
from costmodel.hardware import HardwareProfile
from costmodel.output import number_of
from costmodel.pricing.price import TrafficModel

LARGEST = 10**10
"""Designs from which a search is refused: with a million a second, ten thousand seconds."""
MOST_CELLS = 2_000_000
"""Networks to build from which a search is refused: at a hundred a second and core, hours."""
_LIBRARIES = ("numpy", "moocore")
CELLS_TOGETHER = 128
"""Cells of a chunk: of a second or two, so that little is lost when a search is stopped."""


class Accuracy(Protocol):
    """What a search knows of accuracies: a function of sets of methods and widths, and the ends of its intervals."""

    def top1(
        self, plain: DesignKey, methods: Sequence[str], masks: np.ndarray, widths: np.ndarray
    ) -> np.ndarray:
        """Top-1 [%] of sets of methods (sets, methods) at widths: (sets, widths); nan where nothing is known."""

    def interval(self, keys: Sequence[DesignKey]) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the interval of each design [%]."""


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """A search; equal to another with the same `digest`, also where it came to a process of its own.

    `axes` are the costs that count beside accuracy, or alone where `accuracy` is None; `limits` are the most that a
    design may cost, in SI units, of area in the unit of the profiles.
    """

    space: Space
    profiles: tuple[HardwareProfile, ...]
    axes: tuple[Axis, ...]
    limits: Mapping[Axis, float]
    accuracy: Accuracy | None
    accuracy_text: str
    traffic: TrafficModel | None = None
    cells_together: int = CELLS_TOGETHER

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return ceil(self.space.cells / self.cells_together)

    @property
    def digest(self) -> str:
        """A text that stands for all that the result depends on: bnncost, network files and plugins included."""
        space = self.space
        told = [
            *map(str, space.plains), *map(str, space.methods), space.widths, [str(axis) for axis in self.axes],
            sorted((str(axis), most) for axis, most in self.limits.items()), self.accuracy_text, self.traffic,
            self.cells_together, versions_of(_LIBRARIES), *map(content_of, space.plains), content_of_methods(),
            *(profile.model_dump_json() for profile in self.profiles),
        ]  # fmt: skip
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        """Whether the other asks for the same."""
        return isinstance(other, SearchRequest) and self.digest == other.digest

    def __hash__(self) -> int:
        """By the digest."""
        return hash(self.digest)

    def check_size(self) -> None:
        """Raise BnncostError where the search is larger than what ends in a day, saying how large it is."""
        space = self.space
        if space.designs <= LARGEST and space.cells <= MOST_CELLS:
            return
        raise BnncostError(
            f"this search would look at {space.designs:,} designs, of {space.cells:,} networks to build; at most "
            f"{LARGEST:,} designs and {MOST_CELLS:,} networks are searched. Name fewer --methods (now "
            f"{len(space.costed.methods)} that leave operations behind and {len(space.free.methods)} that leave none), "
            "or fewer precisions."
        )


def read_widths(text: str) -> list[float]:
    """Read `0.25:4:0.05` (first, last, step) or `1,1.5,2`; raises BnncostError for anything else.

    >>> read_widths("0.5:1:0.25"), read_widths("1,1.5")
    ([0.5, 0.75, 1.0], [1.0, 1.5])
    """
    numbers = [number_of(part) or 0 for part in re.split("[:,]", text)]
    if ":" not in text and all(number > 0 for number in numbers):
        return _named_widths(text, numbers)
    if text.count(":") != 2 or len(numbers) != 3 or not all(number > 0 for number in numbers):
        raise BnncostError(
            f"--widths '{text}': write FIRST:LAST:STEP, as in 0.25:4:0.05, or widths with commas, all above zero."
        )
    first, last, step = numbers
    if last < first or (last - first) / step > 10_000:
        raise BnncostError(
            f"--widths '{text}': there must be 1 to 10,000 widths; the last is below the first, or the step too small."
        )
    steps = int(np.floor((last - first) / step + 1e-9))
    return _named_widths(text, [round(first + number * step, 10) for number in range(steps + 1)])


def _named_widths(text: str, widths: list[float]) -> list[float]:
    """The widths, each once; raises BnncostError for one that no design can have in its name."""
    low, high = WIDTHS
    for width in widths:
        if not low <= width <= high or width != round(width, WIDTH_DIGITS):
            raise BnncostError(
                f"--widths '{shortened(text)}': {width:.10g} is no width of a design, which lies from {low:g} to "
                f"{high:g} and has at most {WIDTH_DIGITS} digits behind the point."
            )
    return list(dict.fromkeys(widths))
