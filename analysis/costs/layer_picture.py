"""The energy of every layer by cause, as numbers and as stacked bars."""

from __future__ import annotations

from pathlib import Path

from analysis.show.breaking import broken
from costmodel import Cost, cost
from costmodel.evaluate.results import energy_part
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel

_TITLE = 70
"""Characters of a title; a longer name of a design is left out of it."""


def layer_causes(priced: Cost) -> list[tuple[str, dict[str, float]]]:
    """Every layer with its energy by the parts of the network's [J]; all together are the network's energy."""
    causes = {
        row.layer: {"memory": row.memory_j, "control": row.control_j, "leakage": row.leakage_j}
        for row in priced.layers
    }
    for row in priced.operations:
        parts, name = causes[row.layer], energy_part(row)
        parts[name] = parts.get(name, 0.0) + row.energy_j
    return list(causes.items())


def write_layers(design: str, chip: HardwareProfile, traffic: TrafficModel | None, out: Path) -> list[Path]:
    """Draw the energy of every layer of a design by cause to a .png, .svg or .pdf file."""
    from analysis.plots.causes import causes_info
    from analysis.plots.split import draw_split
    from analysis.plots.style import write_drawn

    priced = cost(design, chip, traffic=traffic)
    title = broken(f"{priced.design}: energy by layer", _TITLE)
    info = causes_info(layer_causes(priced), title[0] if len(title) == 1 else "Energy by layer", chip.name)
    return write_drawn(draw_split(info), out, "layers")
