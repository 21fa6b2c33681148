"""Small layers and machines at random, for the judge and for properties."""

from __future__ import annotations

import random

from costmodel.mapping.architecture import DIRECTIONS, Architecture, Array, Level, Port, Unrolling
from costmodel.mapping.nest import LoopNest

W, I, O = ("weights",), ("features",), ("sums",)  # noqa: E741
ALL = {"weights": ("fill", "feed"), "features": ("fill", "feed"), "sums": DIRECTIONS}


def ports_for(operands: tuple[str, ...], rng: random.Random) -> tuple[Port, ...]:
    """One port for all, or one to read and one to write."""
    uses = [(operand, direction) for operand in operands for direction in ALL[operand]]
    width, least = rng.choice([1, 3, 8, 16]), rng.choice([1, 1, 4, 8])
    if rng.random() < 0.5:
        return (Port("rw", width, frozenset(uses), least),)
    reads = frozenset(use for use in uses if use[1] in ("feed", "drain"))
    return (Port("r", width, reads, least), Port("w", rng.choice([2, 8]), frozenset(uses) - reads, least))


def level(
    name: str, size: int, operands: tuple[str, ...], serves: tuple[str, ...], rng: random.Random
) -> Level:
    return Level(
        name,
        size,
        operands,
        serves,
        rng.choice([0.5, 1.0, 7.0]),
        rng.choice([0.6, 1.0, 9.0]),
        ports_for(operands, rng),
        rng.choice([1, 8]),
        rng.random() < 0.3,
    )


def random_unrolling(rng: random.Random) -> Unrolling:
    dims = ["K", "C", "OY", "OX", "FX", "G"]
    kind = rng.random()
    if kind < 0.25:
        return ()
    if kind < 0.5:
        return (("D1", ((rng.choice(dims), rng.choice([2, 3])),)),)
    if kind < 0.75:
        return (("D1", ((rng.choice(dims), 2),)), ("D2", ((rng.choice(dims), rng.choice([2, 3])),)))
    return (("D1", ((rng.choice(dims), 2), (rng.choice(dims), 2))),)


def random_machine(rng: random.Random, tight: bool = True) -> Architecture:
    """Two or three levels; some served by axes, some shared, some that skip an operand."""
    unrolling = random_unrolling(rng)
    axes = {"D1": 4, "D2": 3}
    serves = rng.choice([(), ("D1",), ("D2",), ("D1", "D2")])
    whole = ("D1", "D2")
    sizes = [rng.choice([16, 40, 100, 300]) if tight else 10_000 for _ in range(3)]
    inner = rng.choice([W, I, O, W + I, I + O, W + O, W + I + O])
    levels = [level("inner", sizes[0], inner, serves, rng)]
    if rng.random() < 0.6:
        levels.append(level("middle", sizes[1] * 3, rng.choice([W, I + O, W + I + O, O, W + O]), whole, rng))
    levels.append(level("home", 100_000, W + I + O, whole, rng))
    holds = rng.choice([W + I, (), W, W + I + O])
    return Architecture("toy", Array(axes, (unrolling,), holds), tuple(levels), rng.choice([0.0, 0.1]))


def random_pair(
    rng: random.Random, most_steps: int, share_tight: float = 0.7
) -> tuple[LoopNest, Architecture]:
    """A layer and a machine, which is short of room in a share of all cases."""
    machine = random_machine(rng, tight=rng.random() < share_tight)
    return random_layer(rng, most_steps), machine


def random_layer(rng: random.Random, most_steps: int) -> LoopNest:
    """A layer of few iterations, edges and borders included."""
    while True:
        extents = {dim: rng.choice([1, 1, 2, 2, 3, 4, 5]) for dim in ("K", "C", "OY", "OX")}
        extents |= {dim: rng.choice([1, 1, 1, 2, 3]) for dim in ("FY", "FX")}
        extents["G"] = rng.choice([1, 1, 1, 2])
        total = 1
        for extent in extents.values():
            total *= extent
        if total > most_steps:
            continue
        pads = tuple(rng.randrange(extents[dim]) if extents[dim] > 1 else 0 for dim in ("FY", "FX"))
        strides = (rng.choice([1, 2]), rng.choice([1, 1, 2, 3]))
        dilation = (1, rng.choice([1, 1, 2]))
        whole = [
            (extents[o] - 1) * s + (extents[f] - 1) * d + 1 - 2 * p
            for o, f, s, d, p in zip(("OY", "OX"), ("FY", "FX"), strides, dilation, pads, strict=True)
        ]
        if min(whole) < 1:
            continue
        return LoopNest(
            "toy",
            **extents,
            stride=strides,
            dilation=dilation,
            padding=(pads[0], pads[1]),
            weight_bits=rng.choice([1, 2, 8]),
            feature_bits=rng.choice([1, 4]),
            partial_bits=rng.choice([6, 16]),
            output_bits=rng.choice([1, 6, 24]),
        )
