"""The units that figures may have, as a registry of pint's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pint

# A registry of our own: the default one knows thousands of units, in which a slip such as "mj" still
# has a meaning. Energy is a base dimension here, so that messages say energy and not kg m^2 / s^2.
_DEFINITIONS = (
    "femto- = 1e-15 = f-",
    "pico- = 1e-12 = p-",
    "nano- = 1e-9 = n-",
    "micro- = 1e-6 = u- = µ- = μ-",
    "milli- = 1e-3 = m-",
    "kilo- = 1e3 = k-",
    "mega- = 1e6 = M-",
    "giga- = 1e9 = G-",
    "tera- = 1e12 = T-",
    "joule = [energy] = J",
    "second = [time] = s",
    "metre = [length] = m = meter",
    "volt = [voltage] = V",
    "watt = joule / second = W",
    "hertz = 1 / second = Hz",
    "bit = [information]",
    "byte = 8 bit = B",
    "kilobyte = 1024 byte = kB = KB = KiB = kbyte",
    "megabyte = 1048576 byte = MB = MiB = Mbyte",
    "gigabyte = 1073741824 byte = GB = GiB = Gbyte",
    "kilobit = 1024 bit = kbit = Kbit",
    "megabit = 1048576 bit = Mbit",
    "cycle = [cycle]",
    "operation = [operation] = OP = op",
    "mac = [mac] = MAC",
    "lut = [lut] = LUT",
    "dsp = [dsp] = DSP",
    "bram = [bram] = BRAM",
    "word = [word]",
    "element = [element]",
)


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:
    registry: pint.UnitRegistry = pint.UnitRegistry(None, cache_folder=None)
    for line in _DEFINITIONS:
        registry.define(line)
    return registry


def is_known(name: str) -> bool:
    """Say whether a name is that of one unit, with a prefix or without."""
    try:
        return name in _registry()
    except ValueError:  # pint reads "NaN" as a number
        return False


def to_si(unit: str) -> tuple[float, dict[str, float]]:
    """The factor of a product of known units to SI, and the powers of its base dimensions.

    >>> to_si("kB/cycle")
    (8192.0, {'information': 1.0, 'cycle': -1.0})
    """
    quantity: Any = _registry().Quantity(1.0, _registry().parse_units(unit)).to_base_units()
    powers = {base.strip("[]"): float(power) for base, power in quantity.dimensionality.items()}
    return float(quantity.magnitude), powers
