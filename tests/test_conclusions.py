"""Tables of the documentation that say what the prices changed: what holds now is calculated."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import costmodel as cm
from analysis.show.units import readable
from benchmarks import ranks
from costmodel.evaluate.results import Cost

ROOT = Path(__file__).parents[1]
REACTNET, BI_REAL = "reactnet/resnet18/imagenet", "bi-real-net/resnet18/imagenet"
ON_CHIP = ("asic-45nm", "asic-7nm", "asic-28nm-bnn", "asic-22nm-programmable")


def over(design: str, base: str, profile: str) -> float:
    """Energy of one design over that of another."""
    return cm.cost(design, profile).energy_j / cm.cost(base, profile).energy_j


def added(method: str, profile: str) -> str:
    return f"{100 * (over(f'resnet20[{method}]', 'resnet20', profile) - 1):+.1f} %"


def stem_percent(profile: str) -> float:
    """With its cycles of control and of the clock of its array, and its time of leakage."""
    priced = cm.cost("resnet18/imagenet", profile)
    stem = next(row for row in priced.layers if row.layer == "stem")
    time = stem.cycles / sum(row.cycles for row in priced.layers)
    clocks = {row.array: row.energy_j for row in priced.clocks}
    clock = next(row for row in priced.clocks if row.array == "8x8")
    rest = (priced.control_j - sum(clocks.values()) + sum(row.energy_j for row in priced.leakage)) * time
    of_the_array = clock.energy_j * stem.cycles / clock.cycles
    return 100 * (stem.operation_j + stem.memory_j + rest + of_the_array) / priced.energy_j


def energies(design: str, profiles: tuple[str, ...]) -> list[str]:
    return [readable(cm.cost(design, profile).energy_j, "J") for profile in profiles]


def times_of_boolnet() -> str:
    names = ("basenet-k1", "basenet-k4", "boolnet-k4")
    found = [f"{over(f'{name}/resnet18/imagenet', BI_REAL, 'asic-45nm'):.2f}" for name in names]
    return f"BaseNet {found[0]} and {found[1]}, BoolNet {found[2]} times"


def control_percent() -> str:
    split = cm.cost("resnet20@compute=int8", "asic-28nm-bnn").energy_split_j
    return f"{100 * split['control'] / sum(split.values()):.0f} %"


def areas() -> str:
    before, after = (cm.cost(name).area["mm2"] for name in (BI_REAL, REACTNET))
    return f"{before:.2f} -> {after:.2f} mm² ({100 * (after / before - 1):+.1f} %)"


def span() -> str:
    found = sorted(cm.cost("resnet18/imagenet", profile).energy_j for profile in ON_CHIP)
    return f"{readable(found[0], 'J')} to {readable(found[-1], 'J')}"


def tau(design: str) -> str:
    tables = {profile: ranks.shares_alone(design, profile) for profile in ranks.asics()}
    methods = ranks.of_work(tables)
    found = [ranks.agreement(one, other, methods) for one, other in combinations(tables.values(), 2)]
    return f"{sum(found) / len(found):.2f} ({min(found):.2f})"


CONCLUSIONS = (
    ("ReActNet's area over Bi-Real Net's, ResNet-18, `asic-45nm`", "9.23 -> 15.73 mm² (+70 %)", areas),
    ("`double_residual` alone, ResNet-20, `asic-28nm-bnn`", "+56 %", lambda: added("double_residual", "asic-28nm-bnn")),
    ("the stem's share of ResNet-18, `asic-45nm`, `asic-7nm`", "57 %, 65 %",
     lambda: f"{stem_percent('asic-45nm'):.0f} %, {stem_percent('asic-7nm'):.0f} %"),
    ("control's share of an int8 ResNet-20, `asic-28nm-bnn`", "70 %", control_percent),
    ("binary networks of BoolNet over Bi-Real Net, `asic-45nm`", "1.44 times (BoolNet)", times_of_boolnet),
    ("int8 over binary, ResNet-20, `asic-22nm-programmable` (11.6 as published peaks)", "43 times",
     lambda: f"{over('resnet20@compute=int8', 'resnet20', 'asic-22nm-programmable'):.1f} times"),
    ("fp32 ResNet-18, `asic-7nm`, `asic-45nm`", "127 mJ, 75.6 mJ",
     lambda: ", ".join(energies("resnet18@compute=fp32", ("asic-7nm", "asic-45nm")))),
    ("plain ResNet-18 on the four chips that keep all inside", "0.13 to 5.1 mJ", span),
    ("Kendall's tau of the ASICs' orders of methods, ResNet-20: mean (least)", "0.92 (0.85)",
     lambda: tau(ranks.DESIGNS[0])),
    ("the same, ResNet-18", "0.95 (0.88)", lambda: tau(ranks.DESIGNS[1])),
)  # fmt: skip


@pytest.mark.parametrize(("what", "before", "now"), CONCLUSIONS)
def test_what_a_conclusion_is_now_is_calculated(what, before, now) -> None:  # type: ignore[no-untyped-def]
    line = f"| {what} | {before} | {now()} |"
    assert line in (ROOT / "docs" / "cost.md").read_text("utf-8"), f"docs/cost.md needs: {line}"


MAPPED = ("asic-45nm", "asic-7nm", "asic-65nm", "asic-28nm-bnn", "asic-22nm-bnn", "asic-22nm-programmable")
NETWORKS = ("resnet20/cifar10", "resnet18/imagenet", "resnet18@compute=int8/imagenet")


def shown(priced: Cost) -> str:
    return f"{readable(priced.energy_j, 'J')}, {readable(priced.latency_s, 's')}"


def test_the_example_of_a_mapping_runs_and_what_is_given_costs_what_was_found() -> None:
    text = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert example
    scope: dict[str, Any] = {}
    exec(compile(example.group(1), "docs/mapping.md", "exec"), scope)
    again = scope["cost_of"](scope["layer"], scope["architecture"], scope["found"].mapping)
    assert (again.energy_j, again.cycles) == (scope["found"].energy_j, scope["found"].cycles)
    assert scope["found"].exact


def test_what_a_narrow_port_does_is_calculated() -> None:
    narrow = cm.load_profile("asic-22nm-programmable", ["memories.feature_sram.port=32bit/cycle"])
    as_it_is, at_low = (
        readable(cm.cost("resnet20", chip).energy_j, "J") for chip in ("asic-22nm-programmable", narrow)
    )
    line = f"takes {as_it_is}, and {at_low} with a feature memory of 32 bit/cycle in place of 128."
    assert line in (ROOT / "docs" / "cost.md").read_text("utf-8"), f"docs/cost.md needs: {line}"


def percent(figure: Callable[[Cost], float], design: str, base: str) -> str:
    return f"({100 * (figure(cm.cost(design)) / figure(cm.cost(base)) - 1):+.1f} %"


def test_where_a_repair_takes_less_than_the_plain_network_is_calculated() -> None:
    cost, search = ((ROOT / "docs" / name).read_text("utf-8") for name in ("cost.md", "search.md"))
    repaired, plain = "resnet20[double_residual]@features=int8", "resnet20@features=int8"
    centred = "reactnet_a[mean_subtraction]"
    assert percent(lambda one: one.area["mm2"], repaired, plain) in cost
    assert percent(lambda one: one.area["mm2"], centred, "reactnet_a") in cost
    delayed = 64 * 112 * 112 - 16  # the bits of the widest map, for one mean of 16 bits
    peaks = [cm.cost(name).memory_bits["peak_features"] for name in ("reactnet_a", centred)]
    assert peaks[0] - peaks[1] == delayed and f"{delayed:,} bits" in cost
    for name in ("position_scale", "separable_scale"):
        less = percent(lambda one: one.energy_j, f"cnv[{name}]@features=int8", "cnv@features=int8")
        assert f"`{name}`" in search and f"{less} energy" in search
    bits = [cm.cost(name).memory_bits["parameters"] for name in (repaired, plain)]
    assert bits[0] - bits[1] == -3 * (16 + 32 + 64), (
        "a direction for each channel of three first convolutions"
    )
    assert f"({bits[0] - bits[1]:.0f} bits on ResNet-20)" in search


def test_side_operations_take_no_time_unless_they_wait_for_a_whole_map() -> None:
    plain = cm.cost("resnet20").latency_s
    assert all(
        cm.cost(f"resnet20[{name}]").latency_s == plain
        for name in ("double_residual", "prelu", "channel_scale")
    )
    assert cm.cost("resnet20[mean_subtraction]").latency_s > plain


@pytest.mark.parametrize("profile", MAPPED)
def test_what_mapping_adds_to_compulsory_traffic_is_calculated(profile: str) -> None:
    cells = [
        shown(cm.cost(design, profile, traffic=traffic))
        for design in NETWORKS
        for traffic in ("compulsory", "mapped")
    ]
    line = f"| `{profile}` | {' | '.join(cells)} |"
    assert line in (ROOT / "docs" / "mapping.md").read_text("utf-8"), f"docs/mapping.md needs: {line}"
