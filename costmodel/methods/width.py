"""Width: the repair that every other one competes with."""

from __future__ import annotations

from costmodel.methods.registry import repair_method


@repair_method(
    branch="topology",
    category="width",
    hook="width",
    exclusive="width",
    source="mishra2018",
    note="Binary work and weights grow with the square, maps and element-wise work linearly.",
)
def width(*, factor: float = 2.0) -> float:
    """Multiply every channel count of the binary part by a factor."""
    return factor
