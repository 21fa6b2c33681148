"""The formulas and the search against a judge that walks the loops and tries everything."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from mapping_cases import level, random_pair
from mapping_judge import OPERANDS, Case, Walk, best_of_all, judge, matters, prime_loops

from costmodel.errors import BnncostError
from costmodel.mapping import ZIGZAG, Architecture, Array, LoopNest, Temporal, best_mapping, cost_of

GIVEN = 120
SOUGHT = 30
"""Cases in each of the parametrized lots."""


def case_of(seed: int, most_steps: int, share_tight: float) -> Case:
    layer, machine = random_pair(random.Random(seed), most_steps, share_tight)
    return Case(layer, machine, machine.array.unrollings[0])


def random_mapping(case: Case, seed: int) -> Temporal:
    rng = random.Random(f"mapping {seed}")
    order = prime_loops(Walk(case.layer, case.unrolling))
    rng.shuffle(order)
    cuts = {}
    for operand in OPERANDS:
        held = 0
        if operand in case.machine.array.holds:
            while held < len(order) and not matters(operand, order[held][0]):
                held += 1
        some = sorted(rng.randrange(len(order) + 1) for _ in case.levels(operand))
        cuts[operand] = (min(some[0], rng.randrange(held + 1)), *some[1:])
    return Temporal(case.unrolling, tuple(order), cuts)


@pytest.mark.parametrize("lot", range(3))
def test_the_cost_of_a_given_mapping_is_what_a_walk_through_its_loops_sees(lot: int) -> None:
    legal = refused = 0
    for seed in range(lot * GIVEN, (lot + 1) * GIVEN):
        case = case_of(seed, 40, share_tight=0.4)
        mapping = random_mapping(case, seed)
        energy, cycles, fits = judge(case, mapping.order, dict(mapping.cuts))
        if not fits:
            refused += 1
            with pytest.raises(BnncostError, match=r"lacks \d+ bits"):
                cost_of(case.layer, case.machine, mapping)
            continue
        legal += 1
        found = cost_of(case.layer, case.machine, mapping)
        assert found.energy_j - found.mac_energy_j == pytest.approx(energy, rel=1e-9), seed
        assert found.cycles == pytest.approx(cycles, rel=1e-9), seed
    assert legal > GIVEN // 2 and refused > GIVEN // 50


@pytest.mark.parametrize("lot", range(4))
def test_no_order_and_no_allocation_is_better(lot: int) -> None:
    """All permutations of the prime factors, all allocations, priced and checked for room by the judge."""
    sought = 0
    for seed in range(lot * 1000, lot * 1000 + 1000):
        case = case_of(seed, 24, share_tight=0.7)
        loops = len(prime_loops(Walk(case.layer, case.unrolling)))
        if not 1 <= loops <= (3 if sum(len(case.levels(operand)) for operand in OPERANDS) < 7 else 2):
            continue
        sought += 1
        for goal, best in best_of_all(case).items():
            if best == math.inf:
                with pytest.raises(BnncostError, match=r"does not fit|fits no mapping"):
                    best_mapping(case.layer, case.machine, goal)
                continue
            found = best_mapping(case.layer, case.machine, goal)
            value = {"energy": found.energy_j, "latency": found.cycles}.get(
                goal, found.energy_j * found.cycles
            )
            assert value == pytest.approx(best, rel=1e-9), (seed, goal)
            assert found.exact
        if sought == SOUGHT:
            break


def test_no_random_mapping_is_better_under_the_conventions_of_zigzag() -> None:
    """Its fractions of lanes and cut windows go through the same search; the judge knows nothing of them."""
    priced = 0
    for seed in range(60):
        case = case_of(seed, 60, share_tight=0.3)
        # under these rules outputs wider than their sums are refused
        narrow = min(case.layer.output_bits, case.layer.partial_bits)
        case = replace(case, layer=replace(case.layer, output_bits=narrow))
        given = []
        for turn in range(12):
            mapping = random_mapping(case, 1000 * seed + turn)
            try:
                given.append(cost_of(case.layer, case.machine, mapping, ZIGZAG).energy_j)
            except BnncostError:
                continue  # its tiles do not fit
        if given:
            best = best_mapping(case.layer, case.machine, conventions=ZIGZAG).energy_j
            assert best <= min(given) * (1 + 1e-9), seed
            priced += len(given)
    assert priced > 350


def test_tiles_that_compete_for_a_level_are_settled_exactly() -> None:
    """A shared level just too small for what each operand alone would take."""
    settled = 0
    for seed in range(40):
        rng = random.Random(f"shared {seed}")
        layer = LoopNest("toy", K=rng.choice([2, 4]), C=rng.choice([2, 3]), OX=rng.choice([2, 3]))
        roomy, tight = (shared_machine(bits) for bits in (10_000, rng.choice([60, 90, 140])))
        case = Case(layer, tight, ())
        if len(prime_loops(Walk(layer, ()))) > 3:
            continue
        best = best_of_all(case)["energy"]
        if best == math.inf:
            continue
        found = best_mapping(layer, tight).energy_j
        assert found == pytest.approx(best, rel=1e-9), seed
        settled += found > best_mapping(layer, roomy).energy_j * 1.001
    assert settled > 5


def shared_machine(bits: int) -> Architecture:
    rng = random.Random(3)
    levels = (level("shared", bits, OPERANDS, ("D1",), rng), level("home", 100_000, OPERANDS, ("D1",), rng))
    return Architecture("toy", Array({"D1": 1}, ((),)), levels)
