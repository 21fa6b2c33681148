"""What the page calculates is what the model says: its own script, run by node, against Python."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_mapping import made_up_mappings

from analysis.fronts.nondominated import on_front
from analysis.fronts.robust import robustness
from analysis.fronts.robust_candidates import candidates_of
from analysis.report.page import data as data_of_the_page
from analysis.report.page.data import Space, keys_of, page_record, space_record, spaces
from analysis.report.page.profile_prices import GROUPS
from analysis.report.page.screen import energies_j
from analysis.show.units import readable
from costmodel import BnncostError, Cost, cost, cost_range, load_profile, shipped_profiles
from costmodel.demand.arrays import joined
from costmodel.evaluate.cost import as_profile, prepared
from costmodel.evaluate.uncertain import uncertain_energies
from costmodel.hardware import HardwareProfile
from costmodel.pricing import mac_traffic
from costmodel.pricing.price import price

NODE = shutil.which("node")
SCRIPT = Path(str(resources.files("analysis").joinpath("assets/pricing.js")))
UNMOVED = dict.fromkeys([*GROUPS, "clock"], 1.0)
MOVED = {
    "binary": 3.0, "macs": 0.5, "mul16": 1.9, "side": 0.7, "sram": 2.5, "dram": 0.25, "control": 1.5, "leakage": 4.0,
    "clock": 0.4,
}  # fmt: skip

with_node = pytest.mark.skipif(NODE is None, reason="node is not installed: the page's script is not run")


def in_node(folder: Path, data: dict[str, Any], scale: dict[str, float]) -> dict[str, Any]:
    """What the page's script says of some data under some prices."""
    (folder / "data.json").write_text(json.dumps(data), "utf-8")
    (folder / "scale.json").write_text(json.dumps(scale), "utf-8")
    command = [
        NODE,
        Path(__file__).with_name("page_node.js"),
        SCRIPT,
        folder / "data.json",
        folder / "scale.json",
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def page_of(*profiles: str | HardwareProfile, only: tuple[str, ...] = ()) -> dict[str, Any]:
    chips = [as_profile(profile) for profile in profiles]
    wanted = [space for space in spaces() if not only or space.name in only]
    return page_record([space_record(space, chips) for space in wanted], chips, "test")


def by_group(priced: Cost, chip: HardwareProfile) -> dict[str, float]:
    """The energy of a cost by group of prices, summed from its own breakdown."""
    split = dict.fromkeys(GROUPS, 0.0)
    for row in priced.operations:
        if row.operation == "mac":
            split["binary" if row.precision == "1x1" else "macs"] += row.energy_j
        else:
            split["mul16" if (row.operation, row.precision) == ("mul", "int16") else "side"] += row.energy_j
    memories = chip.memories
    for moved in priced.memory:
        outside = moved.level in memories and memories[moved.level].off_chip
        split["dram" if outside else "sram"] += moved.energy_j
    split["control"] = priced.control_j
    split["leakage"] = sum(row.energy_j for row in priced.leakage)
    return split


@with_node
def test_the_page_draws_energies_as_bnncost_robust_does(tmp_path: Path) -> None:
    names = ("asic-45nm", "asic-28nm-bnn", "mcu-cortex-m33")
    page = page_of(*names, only=("resnet20/cifar10",))
    quantiles = np.random.default_rng(5).random((4, 23))
    answer = in_node(tmp_path, page | {"asked": {"quantiles": quantiles.tolist()}}, UNMOVED)
    drawn = answer["drawn"]
    keys = keys_of(Space("resnet20", "cifar10"))
    for name in names:
        chip = load_profile(name)
        demands = {key: prepared(key).demand for key in keys if f"{key},{name}" in drawn}
        demand = joined(list(demands.values()))
        model = uncertain_energies(demand, price(demand, chip))
        at = {cause: quantiles[:, number % 23] for number, cause in enumerate(model.names)}
        for key, expected in zip(demands, model.at(at), strict=True):
            assert drawn[f"{key},{name}"] == pytest.approx(expected.tolist(), rel=1e-11)
        candidates, _ = candidates_of("resnet20", "cifar10", chip)
        demand = joined([prepared(one.key).demand for one in candidates])
        found = robustness(candidates, uncertain_energies(demand, price(demand, chip)))
        for one, probability in zip(candidates, found.probability, strict=True):  # of 2,000 draws each
            assert abs(answer["survives"][name][one.label] - probability) <= 0.05, one.label


@with_node
def test_the_page_prices_every_shipped_design_on_every_profile_as_python_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mappings are made up: to both, a mapping is so many bits and cycles, whichever it is."""
    for other in ("method_records", "uncertainty_record", "_heaviest"):  # each is tested elsewhere
        monkeypatch.setattr(data_of_the_page, other, lambda *_: None)
    monkeypatch.setattr(mac_traffic, "cached_mappings", made_up_mappings)
    chips = {
        name: load_profile(name).model_copy() for name in shipped_profiles()
    }  # a profile keeps its mappings
    data = page_of(*chips.values())
    plain, moved = in_node(tmp_path, data, UNMOVED)["costs"], in_node(tmp_path, data, MOVED)["costs"]
    wanted = {str(key): key for space in spaces() for key in keys_of(space)}
    seen = 0
    for name, chip in chips.items():
        for text, key in wanted.items():
            try:
                truth = cost(key, chip)
            except BnncostError:
                assert f"{text},{name}" not in plain
                continue
            page, other = plain[f"{text},{name}"], moved[f"{text},{name}"]
            assert math.isclose(page["energy_j"], truth.energy_j, rel_tol=1e-12), (text, name)
            assert math.isclose(page["latency_s"], truth.latency_s, rel_tol=1e-12), (text, name)
            assert math.isclose(page["layers_j"], truth.energy_j, rel_tol=1e-4), (text, name)
            split = by_group(truth, chip)
            scaled = sum(split[group] * MOVED[group] for group in GROUPS if group != "leakage")
            scaled += split["leakage"] * MOVED["leakage"] / MOVED["clock"]
            assert math.isclose(other["energy_j"], scaled, rel_tol=1e-12), (text, name)
            assert math.isclose(other["latency_s"], truth.latency_s / MOVED["clock"], rel_tol=1e-12)
            seen += 1
    assert seen == len(plain) == len(moved) > 600
    for space in data["spaces"]:
        for profile in data["profiles"]:
            for number, energy in energies_j(space, profile).items():
                design = space["designs"][number]["design"]
                assert math.isclose(energy, plain[f"{design},{profile['name']}"]["energy_j"], rel_tol=1e-12)


@with_node
def test_ends_of_ranges_are_those_of_the_model_where_the_mapping_does_not_change(tmp_path: Path) -> None:
    """A processor maps nothing and its memories are free, so only cycles that have a range make a difference."""
    data = page_of("mcu-cortex-m33", only=("resnet20/cifar10",))
    low, high = in_node(tmp_path, data, UNMOVED)["costs"]["resnet20/cifar10,mcu-cortex-m33"]["ends_j"]
    ends = cost_range("resnet20/cifar10", "mcu-cortex-m33").energy_j
    assert math.isclose(low, ends.low, rel_tol=1e-3) and math.isclose(high, ends.high, rel_tol=1e-3)


@with_node
def test_fronts_widths_and_break_evens_by_hand(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    fronts = []
    for _ in range(30):
        points = rng.integers(0, 6, (12, 2))
        fronts.append([{"x": int(x), "y": int(y), "name": n} for n, (x, y) in enumerate(points)])
    one, other = {"energy_j": 5.0, "groups": {"mul16": 3.0}}, {"energy_j": 4.0, "groups": {"mul16": 1.0}}
    data = {"spaces": [], "profiles": [], "asked": {
        "fronts": fronts,
        "widths": [[2.0, [[1, 1.0], [2, 4.0]]], [9.0, [[1, 1.0], [2, 4.0]]]],
        "pairs": [[one, other, "mul16"], [other, one, "mul16"], [one, one, "mul16"]],
    }}  # fmt: skip
    answer = in_node(tmp_path, data, UNMOVED)
    for rows, front in zip(fronts, answer["fronts"], strict=True):
        marks = on_front(np.array([row["x"] for row in rows]), np.array([row["y"] for row in rows]))
        assert front == sorted((row["name"] for row, mark in zip(rows, marks, strict=True) if mark))
    assert answer["widths"] == [pytest.approx(2**0.5), None]
    assert answer["pairs"] == [0.5, 0.5, None]  # 2 + 3f = 3 + f


@with_node
def test_numbers_are_written_as_python_writes_them(tmp_path: Path) -> None:
    asked = [
        (1.46e-6, "J"),
        (0.0, "s"),
        (64 * 8192, "bit"),
        (16.24, "mm2"),
        (120, "lut"),
        (999.7e-6, "J"),
        (3, "bit"),
    ]
    data = {"spaces": [], "profiles": [], "asked": {"readable": asked}}
    said = in_node(tmp_path, data, UNMOVED)["readable"]
    assert said == [
        readable(value, unit).replace(" bit", ".00 bit" if unit == "bit" else "") for value, unit in asked
    ]


@with_node
def test_a_cell_that_a_spreadsheet_would_run_is_text(tmp_path: Path) -> None:
    cells = ["=1+1", "+a", "-b", "@c", "plain", 'a "b", c', -1.5, "a\nb"]
    data = {"spaces": [], "profiles": [], "asked": {"cells": cells}}
    assert in_node(tmp_path, data, UNMOVED)["cells"] == [
        "'=1+1", "'+a", "'-b", "'@c", "plain", '"a ""b"", c"', "-1.5", '"a\nb"',
    ]  # fmt: skip


def test_the_spaces_are_those_with_an_accuracy() -> None:
    assert Space("resnet20", "cifar10") in spaces() and Space("resnet18", "imagenet") in spaces()
    assert len(spaces()) == len(set(spaces()))
