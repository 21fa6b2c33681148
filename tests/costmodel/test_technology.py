"""Scaling between processes and supplies: published factors, the shipped profiles' scaled figures, the popcount."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from costmodel.errors import BnncostError
from costmodel.hardware import Quantity, load_profile
from costmodel.hardware.memories.technology import (
    area_factor,
    delay_factor,
    energy_factor,
    power_factor,
    supply_energy_factor,
)
from costmodel.hardware.prices import full_adders_per_bit

SYNTHESIS = Path(__file__).parents[3] / "shared/research/hw/synth_gate_level.csv"
# Supplies at which the fits are used, by node [nm] of high-performance devices.
SUPPLIES = {130: (0.7, 1.3), 90: (0.7, 1.2), 65: (0.7, 1.2), 45: (0.7, 1.1), 32: (0.7, 1.0), 20: (0.7, 0.9)}
FINFETS = dict.fromkeys((16, 14, 10, 7), (0.5, 0.9))


@pytest.mark.parametrize(
    ("node", "voltage", "factor"),
    [(65, 1.2, 3.01), (65, 0.8, 1.23), (32, 0.9, 0.65), (20, 0.8, 0.22), (16, 0.8, 0.17), (7, 0.7, 0.068)],
)
def test_energy_over_45nm_at_0_9_volt(node: float, voltage: float, factor: float) -> None:
    """Factors computed from the coefficients by others than this code."""
    assert energy_factor(45, 0.9, node, voltage) == pytest.approx(factor, rel=0.02)


def test_polynomials_by_hand() -> None:
    # 65 nm: energy 3.755 V^2 - 4.398 V + 1.975, delay -53.3 V^3 + 230.4 V^2 - 333.9 V + 178.6,
    # power 12890 V^2 - 10510 V + 4362, each at 1 V and 0.8 V.
    assert energy_factor(65, 1.0, 65, 0.8) == pytest.approx(0.8598 / 1.332)
    assert delay_factor(65, 1.0, 65, 0.8) == pytest.approx(31.6464 / 21.8)
    assert power_factor(65, 1.0, 65, 0.8) == pytest.approx(4203.6 / 6742)


@pytest.mark.parametrize(
    ("node", "factor"), [(65, 1.5), (32, 0.46), (20, 0.21), (7, 0.059), (28, 0.368), (22, 0.246)]
)
def test_area_over_45nm(node: float, factor: float) -> None:
    assert area_factor(45, node) == pytest.approx(factor, rel=2e-3)


def test_between_nodes_is_a_line_on_logarithmic_axes() -> None:
    """The node whose logarithm is in the middle has the geometric mean of its neighbours."""
    middle = (32 * 20) ** 0.5
    for factor in (partial(energy_factor, 45, 0.9), area_factor):
        ends = [factor(45, node) if factor is area_factor else factor(node, 0.8) for node in (32, middle, 20)]
        assert ends[1] == pytest.approx((ends[0] * ends[2]) ** 0.5)


NODE_AND_SUPPLY = st.sampled_from(sorted(SUPPLIES | FINFETS)).flatmap(
    lambda node: st.tuples(st.just(node), st.floats(*(SUPPLIES | FINFETS)[node]))
)


@given(first=NODE_AND_SUPPLY, second=NODE_AND_SUPPLY, third=NODE_AND_SUPPLY)
def test_factors_chain(first: Any, second: Any, third: Any) -> None:
    for factor in (energy_factor, power_factor):
        there = factor(*first, *second) * factor(*second, *third)
        assert there > 0 and there == pytest.approx(factor(*first, *third))


@pytest.mark.parametrize("node", sorted(SUPPLIES | FINFETS))
def test_more_supply_is_faster_and_takes_more_energy(node: float) -> None:
    """Within its ranges no fit turns round, which is what the ranges are for."""
    low, high = (SUPPLIES | FINFETS)[node]
    energies = [energy_factor(node, low, node, supply) for supply in np.linspace(low, high, 50)]
    assert all(np.diff(energies) > 0)
    fastest = {45: 0.94, 32: 0.84}.get(node, high)
    delays = [delay_factor(node, low, node, supply) for supply in np.linspace(low, fastest, 50)]
    assert all(np.diff(delays) < 0) and delays[-1] > 0


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (
            partial(energy_factor, 45, 0.9, 65, 0.5),
            "of 65 nm HP devices is fitted from 0.7 to 1.2 V, not at 0.5",
        ),
        (partial(energy_factor, 45, 0.9, 22, 0.4), "C V"),
        (partial(delay_factor, 45, 1.0, 65, 1.0), "delay of 45 nm HP devices is fitted from 0.7 to 0.94 V"),
        (partial(energy_factor, 45, 0.9, 5, 0.7), "from 180 to 7 nm, not at 5 nm"),
        (partial(energy_factor, 45, 0.9, 18, 0.8), "between 20 nm, the last planar devices, and 16 nm"),
        (partial(energy_factor, 45, 0.9, 32, 0.8, "ULP"), "unknown family of devices 'ULP'"),
        (partial(area_factor, 45, 250), "not at 250 nm"),
        (partial(supply_energy_factor, 0.9, 0.0), "above zero"),
        (partial(supply_energy_factor, float("nan"), 1.0), "above zero"),
    ],
)
def test_outside_of_the_fits_is_refused(scale: Any, said: str) -> None:
    with pytest.raises(BnncostError) as caught:
        scale()
    assert said in str(caught.value)


def test_low_power_devices_have_their_own_coefficients() -> None:
    # 45 nm LP over HP at 0.9 V: (1.103 x 0.81 - 0.362 x 0.9 + 0.2767) over (1.018 x 0.81 - 0.3107 x 0.9 + 0.1539).
    ratio = energy_factor(90, 0.9, 45, 0.9, "LP") / energy_factor(90, 0.9, 45, 0.9, "HP")
    assert ratio == pytest.approx(0.84433 / 0.69885, rel=1e-4)


# --- the scaled figures of the shipped profiles ----------------------------------------------------------------------

ENERGY = re.compile(
    r"Stillmaker & Baas 2017, 45 to (?P<node>\d+) nm at 0.9 V x(?P<first>[\d.]+); "
    r"C V\^2 to (?P<volts>[\d.]+) V x(?P<second>[\d.]+)(?:; x(?P<own>[\d.]+), the int8 MAC of the chip .*)?"
)
TO_65NM = "Stillmaker & Baas 2017 energy polynomial: 45 nm HP 0.9 V to 65 nm 0.8 V, x1.23"
AREA = re.compile(r"Stillmaker & Baas 2017, area table,(?: 45 to \d+ nm)? x(?P<factor>[\d.]+)")
NODES = {"asic-65nm": 65, "asic-28nm-bnn": 28, "asic-22nm-bnn": 22, "asic-22nm-programmable": 22}


def quantities(section: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Quantity]]:
    if isinstance(section, Quantity):
        yield path, section
    elif isinstance(section, BaseModel):
        for name, value in section:
            yield from quantities(value, (*path, name))
    elif isinstance(section, dict):
        for name, value in section.items():
            yield from quantities(value, (*path, name))


def factor_of(law: str, node: float, own: float) -> float:
    """The factor that a law's words mean, computed; a factor written in them must be the same, rounded."""
    if area := AREA.fullmatch(law):
        assert float(area["factor"]) == pytest.approx(area_factor(45, node), rel=5e-3)
        return area_factor(45, node)
    if law == TO_65NM:
        assert energy_factor(45, 0.9, 65, 0.8) == pytest.approx(1.23, rel=5e-3)
        return energy_factor(45, 0.9, 65, 0.8)
    energy = ENERGY.fullmatch(law)
    assert energy, law
    process = energy_factor(45, 0.9, node, 0.9)
    supply = supply_energy_factor(0.9, float(energy["volts"]))
    assert (float(energy["node"]), float(energy["first"]), float(energy["second"])) == pytest.approx(
        (node, process, supply), rel=5e-3
    )
    if energy["own"] is None:
        return process * supply
    assert float(energy["own"]) == pytest.approx(own / (process * supply), rel=5e-3)
    return own


@pytest.mark.parametrize(("name", "least"), [*zip(NODES, (70, 70, 70, 30), strict=True)])
def test_scaled_figures_are_the_base_times_the_factor(name: str, least: int) -> None:
    """Every figure whose law is Stillmaker & Baas, over the figure at the same place of asic-45nm, within 3 %."""
    chip, base = load_profile(name), dict(quantities(load_profile("asic-45nm")))
    int8 = [profile.compute["8x8"].energy for profile in (chip, load_profile("asic-45nm"))]
    assert int8[0] is not None and int8[1] is not None
    own = int8[0].si / int8[1].si
    checked = 0
    for path, figure in quantities(chip):
        if figure.law is None or "Stillmaker" not in figure.law or path == ("compute", "8x8", "area"):
            continue  # that area has a basis of its own, which its note names
        expected = base[path].si * factor_of(figure.law, NODES[name], own)
        assert figure.si == pytest.approx(expected, rel=0.03), path
        checked += 1
    assert checked >= least


# --- the popcount tree -----------------------------------------------------------------------------------------------


def synthesised(library: str) -> dict[int, tuple[float, float]]:
    """Area [um2] and energy [fJ] of XNOR and popcount by number of inputs, from synthesis of one tree each."""
    if not SYNTHESIS.exists():
        pytest.skip("the gate-level table is not beside this repository")
    with SYNTHESIS.open(newline="") as stream:
        return {
            int(row["module"].removeprefix("bpop")): (float(row["area_um2"]), float(row["E_zero_delay_fJ"]))
            for row in csv.DictReader(stream)
            if row["tech"] == library and row["module"].startswith("bpop")
        }


@pytest.mark.parametrize("library", ["n45", "asap7"])
@pytest.mark.parametrize("number", [0, 1], ids=["area", "energy"])
def test_popcount_grows_with_its_inputs_as_the_law_says(library: str, number: int) -> None:
    """XNOR of one input and adders by the law, set at 1024 inputs: how far narrower trees are off."""
    table = synthesised(library)
    xnor = table[1][number]
    adder = (table[1024][number] / 1024 - xnor) / full_adders_per_bit(1024)
    errors = {
        inputs: (xnor + adder * full_adders_per_bit(inputs)) / (figures[number] / inputs) - 1
        for inputs, figures in table.items()
        if inputs >= 8
    }
    assert max(abs(error) for inputs, error in errors.items() if inputs >= 32) < 0.08
    assert abs(errors[16]) < 0.15 and abs(errors[8]) < 0.26
