"""How the energies of a space follow the figures of a profile, for the page to draw them as `bnncost robust` does."""

from __future__ import annotations

from typing import Any

from analysis.report.page.design_costs import Together
from costmodel.evaluate.uncertain import uncertain_energies

_DIGITS = 14


def uncertainty_record(together: Together, numbers: list[int]) -> dict[str, Any]:
    """Causes, and for each design, by its number, energy and what moves in it.

    `causes` names what moves together, `of` has the cause of each figure (energies and powers, then rates). A design
    has its energy [J], the energy in proportion to each energy or power [J], for each of these that to each rate [J],
    and both ends of each figure by its value.
    """
    model = uncertain_energies(together.demand, together.costs)
    return {
        "causes": list(model.names),
        "of": [model.names.index(cause) for cause in model.causes],
        "designs": {
            str(number): [
                float(model.energies_j[at]),
                [_short(part) for part in model.parts_j[at]],
                [[_short(part) for part in row] for row in model.by_rate_j[at]],
                [_short(end) for end in model.low[at]],
                [_short(end) for end in model.high[at]],
            ]
            for at, number in enumerate(numbers)
        },
    }


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
