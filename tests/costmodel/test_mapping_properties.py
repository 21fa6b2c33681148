"""What must hold of every best mapping: more of anything never hurts, and nothing is moved that was not there."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_cases import random_pair

from costmodel.errors import BnncostError
from costmodel.mapping import Architecture, Level, LoopNest, best_mapping

GOALS = st.sampled_from(["energy", "latency", "product"])
CASES = st.integers(0, 10**6).map(lambda seed: random_pair(random.Random(seed), 200))


def value(layer: LoopNest, machine: Architecture, goal: str) -> float:
    """What is minimised; infinite where nothing fits."""
    try:
        found = best_mapping(layer, machine, goal)
    except BnncostError:
        return float("inf")
    return {"energy": found.energy_j, "latency": found.cycles}.get(goal, found.energy_j * found.cycles)


def with_level(machine: Architecture, number: int, level: Level) -> Architecture:
    levels = (*machine.levels[:number], level, *machine.levels[number + 1 :])
    return replace(machine, levels=levels)


@settings(max_examples=40, deadline=None)
@given(CASES, GOALS, st.integers(0, 2), st.sampled_from([1, 7, 64]))
def test_more_memory_is_never_worse(
    case: tuple[LoopNest, Architecture], goal: str, number: int, more: int
) -> None:
    layer, machine = case
    number = min(number, len(machine.levels) - 1)
    level = machine.levels[number]
    larger = with_level(machine, number, replace(level, size_bits=level.size_bits + more))
    assert value(layer, larger, goal) <= value(layer, machine, goal) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(CASES, GOALS, st.integers(0, 2), st.integers(1, 20))
def test_wider_ports_are_never_worse(
    case: tuple[LoopNest, Architecture], goal: str, number: int, more: int
) -> None:
    layer, machine = case
    number = min(number, len(machine.levels) - 1)
    level = machine.levels[number]
    first, *rest = level.ports
    wider = replace(level, ports=(replace(first, width_bits=first.width_bits + more), *rest))
    assert value(layer, with_level(machine, number, wider), goal) <= value(layer, machine, goal) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(CASES, GOALS, st.sampled_from(["weight_bits", "feature_bits", "partial_bits", "output_bits"]))
def test_fewer_bits_are_never_worse(case: tuple[LoopNest, Architecture], goal: str, which: str) -> None:
    layer, machine = case
    fewer = replace(layer, **{which: 1})
    assert value(fewer, machine, goal) <= value(layer, machine, goal) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(CASES, GOALS)
def test_a_cheaper_access_is_never_worse(case: tuple[LoopNest, Architecture], goal: str) -> None:
    layer, machine = case
    level = machine.levels[0]
    cheaper = with_level(
        machine, 0, replace(level, read_energy_j=level.read_energy_j / 2, write_energy_j=0.0)
    )
    assert value(layer, cheaper, goal) <= value(layer, machine, goal) * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(CASES, GOALS)
def test_all_is_read_from_home_and_sums_are_conserved(case: tuple[LoopNest, Architecture], goal: str) -> None:
    layer, machine = case
    try:
        found = best_mapping(layer, machine, goal)
    except BnncostError:
        return
    bits = {(row.operand, row.direction): row.bits for row in found.moved if row.level == "home"}
    for operand in ("weights", "features"):
        assert bits.get((operand, "feed"), 0.0) >= layer.elements(operand) * layer.bits(operand) - 1e-6
    final = layer.elements("sums") * layer.output_bits
    assert bits["sums", "collect"] - bits.get(("sums", "feed"), 0.0) == pytest.approx(final)


@settings(max_examples=25, deadline=None)
@given(CASES)
def test_each_goal_wins_at_its_own_game(case: tuple[LoopNest, Architecture]) -> None:
    layer, machine = case
    try:
        found = {goal: best_mapping(layer, machine, goal) for goal in ("energy", "latency", "product")}
    except BnncostError:
        return
    assert found["energy"].energy_j <= min(x.energy_j for x in found.values()) * (1 + 1e-9)
    assert found["latency"].cycles <= min(x.cycles for x in found.values()) * (1 + 1e-9)
    products = {goal: x.energy_j * x.cycles for goal, x in found.items()}
    assert products["product"] <= min(products.values()) * (1 + 1e-9)
    assert all(x.cycles >= x.latency.steps for x in found.values())
