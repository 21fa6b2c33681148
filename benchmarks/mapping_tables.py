"""The comparison of mappings as tables, with the goals beside what was reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

ENERGY_GOAL, LATENCY_GOAL = 0.01, 0.03
COLD_GOAL, CACHED_GOAL = 1_000, 100_000
_UJ = 1e-6  # of a pJ


def totals(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Energy and cycles of the network, there and in both spaces here."""
    return {
        side: {key: sum(row[side][key] for row in found["layers"]) for key in ("energy_pj", "cycles")}
        for side in ("there", "its_orders", "all_orders", "own_conventions")
    }


def times(found: dict[str, Any]) -> dict[str, float]:
    """How many times as long ZigZag took, by wall clock and by CPU time."""
    there, here = found["there"], found["here"]["times"]
    return {
        f"{name}_{clock}": there[f"{clock}_s"] / max(here[name][f"{clock}_s"], 1e-9)
        for name in ("cold", "cold_each_layer", "from_file", "from_memory")
        for clock in ("wall", "cpu")
    }


def worst(found: dict[str, Any], side: str) -> tuple[float, str]:
    """The layer whose energy lies furthest above ZigZag's, as a share, and its name."""
    return max(
        (row[side]["energy_pj"] / row["there"]["energy_pj"] - 1, row["layer"]) for row in found["layers"]
    )


def tables(figures: dict[str, Any]) -> Iterator[Table]:
    """A table a compared accelerator, a row a layer; then one row an accelerator."""
    done = {name: found for name, found in figures["accelerators"].items() if "layers" in found}
    for name, found in done.items():
        yield _layers(name, found)
    if done:
        yield _accelerators(done)


def _layers(name: str, found: dict[str, Any]) -> Table:
    table = Table(title=f"{name}: energy [uJ] and latency [cycles]; all under ZigZag's conventions")
    for head in (
        "layer",
        "there",
        "here, its orders",
        "here, all orders",
        "cycles there",
        "its orders",
        "all orders",
    ):
        table.add_column(head, justify="left" if head == "layer" else "right")
    for row in found["layers"]:
        there, its, every = row["there"], row["its_orders"], row["all_orders"]
        table.add_row(
            row["layer"], f"{there['energy_pj'] * _UJ:.3f}", *_with_ratios(its, every, there, "energy_pj", _UJ, ".3f"),
            f"{there['cycles']:,.0f}", *_with_ratios(its, every, there, "cycles", 1, ",.0f"),
        )  # fmt: skip
    return table


def _with_ratios(
    its: dict[str, float], every: dict[str, float], there: dict[str, float], key: str, scale: float, form: str
) -> list[str]:
    return [f"{side[key] * scale:{form}} ({side[key] / there[key]:.4f})" for side in (its, every)]


def _accelerators(done: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="ResNet-18, all 21 layers: here by there, and how many times as long ZigZag takes")
    heads = (
        "accelerator", "energy there [uJ]", "its orders", "all orders", "cycles there", "its orders", "all orders",
        "ZigZag [s]", "cold [s]", "times (CPU)", "from file", "from memory",
    )  # fmt: skip
    for head in heads:
        table.add_column(head, justify="left" if head == "accelerator" else "right")
    for name, found in done.items():
        both, ratios = totals(found), times(found)
        there = both["there"]
        table.add_row(
            name,
            f"{there['energy_pj'] * _UJ:.2f}",
            *(f"{both[side]['energy_pj'] / there['energy_pj']:.5f}" for side in ("its_orders", "all_orders")),
            f"{there['cycles']:,.0f}",
            *(f"{both[side]['cycles'] / there['cycles']:.4f}" for side in ("its_orders", "all_orders")),
            f"{found['there']['wall_s']:.1f}",
            f"{found['here']['times']['cold']['wall_s']:.3f}",
            f"{ratios['cold_wall']:,.0f} ({ratios['cold_cpu']:,.0f})",
            f"{ratios['from_file_wall']:,.0f}",
            f"{ratios['from_memory_wall']:,.0f}",
        )
    return table


def summary(figures: dict[str, Any]) -> Iterator[str]:
    """What was reached, what was left out and why, and under which conventions."""
    yield (
        "Conventions of ZigZag that are switched on here: partial sums are read before the first addition, come "
        "back to every lane, and leave as wide as sums (energy); tiles are exchanged behind the array's back where "
        "they fill half of a level or leave part by part (latency); idle lanes at an edge count as fractions (both)."
    )
    for name, found in figures["accelerators"].items():
        if "left_out" in found:
            yield f"{name}: left out: {found['left_out']}"
            continue
        both, ratios = totals(found), times(found)
        its, every = worst(found, "its_orders"), worst(found, "all_orders")
        latency = both["its_orders"]["cycles"] / both["there"]["cycles"] - 1
        legal = "all legal" if all(row["legal"] for row in found["layers"]) else "NOT ALL LEGAL"
        yield (
            f"{name} ({found['mapping_file']}): worst layer {its[0]:+.3%} in its orders, {every[0]:+.3%} in "
            f"all (goal: {ENERGY_GOAL:.0%} at most), mappings {legal}; total latency in its orders {latency:+.2%} "
            f"(goal: within {LATENCY_GOAL:.0%}); cold {ratios['cold_wall']:,.0f} times as fast by wall clock, "
            f"{ratios['cold_cpu']:,.0f} by CPU time (goal: {COLD_GOAL:,}), from the cache "
            f"{ratios['from_file_wall']:,.0f} (file), {ratios['from_memory_wall']:,.0f} (memory; goal: {CACHED_GOAL:,})"
        )
