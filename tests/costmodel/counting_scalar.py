"""A number that tallies the arithmetic done with it: the independent judge of every count rule."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np


class CountingNumber:
    """A real number whose sums, products, quotients, comparisons and functions go into a shared tally.

    A subtraction is tallied as an addition; taking a magnitude or changing a sign is no operation.
    """

    def __init__(self, value: float, tally: Counter[str]) -> None:
        self.value = float(value)
        self.tally = tally

    def _result(self, sort: str, value: float) -> CountingNumber:
        self.tally[sort] += 1
        return CountingNumber(value, self.tally)

    def __add__(self, other: object) -> CountingNumber:
        return self._result("add", self.value + plain(other))

    __radd__ = __add__

    def __sub__(self, other: object) -> CountingNumber:
        return self._result("add", self.value - plain(other))

    def __rsub__(self, other: object) -> CountingNumber:
        return self._result("add", plain(other) - self.value)

    def __mul__(self, other: object) -> CountingNumber:
        return self._result("mul", self.value * plain(other))

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> CountingNumber:
        return self._result("divide", self.value / plain(other))

    def __rtruediv__(self, other: object) -> CountingNumber:
        return self._result("divide", plain(other) / self.value)

    def __abs__(self) -> CountingNumber:
        return CountingNumber(abs(self.value), self.tally)

    def _compared(self, outcome: bool) -> bool:
        self.tally["compare"] += 1
        return outcome

    def __ge__(self, other: object) -> bool:
        return self._compared(self.value >= plain(other))

    def __gt__(self, other: object) -> bool:
        return self._compared(self.value > plain(other))

    def __le__(self, other: object) -> bool:
        return self._compared(self.value <= plain(other))

    def __lt__(self, other: object) -> bool:
        return self._compared(self.value < plain(other))

    def rint(self) -> CountingNumber:
        """Round: what numpy calls on an array of objects."""
        return self._result("round", float(np.rint(self.value)))

    def __neg__(self) -> CountingNumber:
        return CountingNumber(-self.value, self.tally)

    def exp(self) -> CountingNumber:
        """Exponential function: what numpy calls on an array of objects."""
        return self._result("exp", math.exp(self.value))

    def sqrt(self) -> CountingNumber:
        """Square root: what numpy calls on an array of objects."""
        return self._result("root", math.sqrt(self.value))

    def __pow__(self, other: object) -> CountingNumber:
        return self._result("power", self.value ** plain(other))


def plain(number: object) -> float:
    """Value of a number, counting or not."""
    return number.value if isinstance(number, CountingNumber) else float(number)  # type: ignore[arg-type]


def counting(values: np.ndarray, tally: Counter[str]) -> np.ndarray:
    """Wrap every element, so that the arithmetic done with the array goes into `tally`."""
    wrapped = np.empty(values.shape, dtype=object)
    for place, value in np.ndenumerate(values):
        wrapped[place] = CountingNumber(value, tally)
    return wrapped


def plain_array(values: np.ndarray) -> np.ndarray:
    """Unwrap an array of counting numbers (or of plain ones)."""
    return np.array([plain(value) for value in values.ravel()]).reshape(values.shape)
