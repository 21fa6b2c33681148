"""A choice of unrollings is settled as if each were searched alone, and the bounds that skip most of them hold."""

from __future__ import annotations

import random
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_cases import random_machine, random_pair

from costmodel.errors import BnncostError
from costmodel.mapping import OURS, Architecture, LoopNest, best_mapping
from costmodel.mapping.nest import DIMS, OPERANDS
from costmodel.mapping.search.choices import Choices
from costmodel.mapping.search.goals import floor_of
from costmodel.mapping.search.lattice import Lattice, factored, spread_loops
from costmodel.mapping.search.tiles import Tiling

SEEDS = st.integers(0, 10**6)
GOALS = st.sampled_from(["energy", "latency", "product"])


def drawn(seed: int, cycle_energy_j: float) -> tuple[LoopNest, Architecture]:
    """A random machine with up to four more unrollings; half of the layers are the same along y and x."""
    rng = random.Random(seed)
    layer, machine = random_pair(rng, 400)
    more = [
        tuple((axis, ((rng.choice(DIMS), lanes),)) for axis, lanes in machine.array.axes.items())
        for _ in range(rng.randint(1, 4))
    ]
    array = replace(machine.array, unrollings=(*machine.array.unrollings, *more))
    if rng.random() < 0.5:
        pairs = {name: (getattr(layer, name)[0],) * 2 for name in ("stride", "dilation", "padding")}
        layer = replace(layer, OX=layer.OY, FX=layer.FY, size=None, **pairs)
    return layer, replace(machine, array=array, cycle_energy_j=cycle_energy_j)


def score(layer: LoopNest, machine: Architecture, goal: str) -> float:
    """What is minimised over unrollings; infinite where nothing fits."""
    try:
        found = best_mapping(layer, machine, goal)
    except BnncostError:
        return inf
    if goal == "energy":
        return found.energy_j + machine.cycle_energy_j * found.cycles
    return found.cycles if goal == "latency" else found.energy_j * found.cycles


def alone(machine: Architecture) -> list[Architecture]:
    return [
        replace(machine, array=replace(machine.array, unrollings=(one,))) for one in machine.array.unrollings
    ]


@settings(max_examples=40, deadline=None)
@given(SEEDS, GOALS, st.sampled_from([0.0, 0.3]))
def test_the_best_of_several_unrollings_is_the_best_of_each_alone(
    seed: int, goal: str, cycle_energy_j: float
) -> None:
    layer, machine = drawn(seed, cycle_energy_j)
    best = min(score(layer, one, goal) for one in alone(machine))
    assert score(layer, machine, goal) == pytest.approx(best, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS, GOALS, st.sampled_from([0.0, 0.3]))
def test_no_mapping_is_better_than_the_floor_of_its_unrolling(
    seed: int, goal: str, cycle_energy_j: float
) -> None:
    layer, machine = drawn(seed, cycle_energy_j)
    for one in alone(machine):
        spreads = dict(spread_loops(layer, one.array.unrollings[0]))
        lattice = Lattice(factored(spreads, 24, 100_000)[0])
        tiling = Tiling(layer, spreads, lattice)
        choices = [Choices(one, layer, tiling, operand, OURS).all() for operand in OPERANDS]
        assert floor_of(lattice, choices, one, layer, goal) <= score(layer, one, goal) * (1 + 1e-9)


def test_of_an_unrolling_and_its_mirror_image_which_cost_alike_the_first_is_taken() -> None:
    machine = random_machine(random.Random(3), tight=False)
    layer = LoopNest("square", K=4, C=4, OY=8, OX=8, FY=3, FX=3, padding=(1, 1))
    both = tuple((("D1", ((dim, 4),)),) for dim in ("OY", "OX"))
    machine = replace(machine, array=replace(machine.array, unrollings=both))
    rows, columns = (best_mapping(layer, one) for one in alone(machine))
    assert rows.energy_j == pytest.approx(columns.energy_j, rel=1e-12)
    assert best_mapping(layer, machine).mapping.unrolling == both[0]
