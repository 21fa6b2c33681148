"""Write down the scale of common units and of all that shipped figures have: python -m tools.unit_scales."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import costmodel as cm
from costmodel.hardware.text import units
from costmodel.hardware.text.units import UnitScale
from costmodel.output import write_whole
from costmodel.validation.predictions import validate

TABLE = Path(units.__file__).with_name("unit_scales.csv")


def used_scales() -> dict[str, UnitScale]:
    """Price on every profile and predict every system without the table, and note what the registry is asked for."""
    used: dict[str, UnitScale] = {}
    registered = units.registered_scale

    def noted(unit: str) -> UnitScale:
        return used.setdefault(unit, registered(unit))

    with patch.object(units, "shipped_scales", dict), patch.object(units, "registered_scale", noted):
        units.scale_of.cache_clear()
        for profile in cm.shipped_profiles():
            cm.cost("resnet20/cifar10", profile)
        validate(ranges=True)
        for unit in units.COMMON:
            units.scale_of(unit)
    return used


def table_of(scales: Mapping[str, UnitScale]) -> str:
    """The file's text, by unit."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("unit", "factor to SI", "dimension"))
    for unit, scale in sorted(scales.items()):
        writer.writerow(
            (unit, repr(scale.factor), " ".join(f"{base}^{power:g}" for base, power in scale.dimension))
        )
    return stream.getvalue()


if __name__ == "__main__":
    write_whole(TABLE, table_of(used_scales()))
