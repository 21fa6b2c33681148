"""How the time of a search grows with prime factors, with levels and with layers: a table and a picture.

`python -m benchmarks.mapping_growth [stem]` draws it, by default to out/mapping_growth.png and .svg.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.mapping_growth_points import STEADY, Point, slopes
from benchmarks.tpu_like import GRID, PJ, conv, resnet18, tpu_like
from costmodel.mapping import Architecture, Level, LoopNest, Port, best_mapping
from costmodel.mapping.architecture import DIRECTIONS
from costmodel.mapping.nest import OPERANDS

ROUNDS = 3
_ALL = 2**60
"""Room for all that there is [bit]."""


def searched(layers: Iterable[LoopNest], machine: Architecture, varied: int, rounds: int) -> Point:
    """Search all layers, several times."""
    asked, times, sets = list(layers), [], 0
    for _ in range(rounds):
        start = time.process_time()
        found = [best_mapping(layer, machine) for layer in asked]
        times.append(time.process_time() - start)
        sets = sum(one.prefixes for one in found)
    return Point(varied, sets, min(times))


# ------------------------------------------------------------------ what grows


def composed(factors: int) -> LoopNest:
    """A 3 x 3 layer with so many prime factors in time: two of its taps, the others 2 and 3 from loop to loop."""
    extents = dict.fromkeys(("K", "C", "OY", "OX"), 1)
    for place in range(factors - 2):
        extents[list(extents)[place % 4]] *= 2 if place % 8 < 4 else 3
    size = (extents["OY"], extents["OX"])
    return replace(conv("", 32 * extents["K"], 32 * extents["C"], 1, 3, 1), OY=size[0], OX=size[1], size=size)


def deep(memories: int, tight: bool) -> Architecture:
    """The lanes of `tpu_like` with some memories that all operands share, four times as large and twice as dear each.

    `tight` ones are so small that tiles compete for them; the last one always holds everything.
    """
    plain = tpu_like()
    every = frozenset((operand, direction) for operand in OPERANDS for direction in DIRECTIONS)
    first = 2**14 if tight else _ALL
    shared = [
        Level(
            f"memory_{number}", first * 4**number, OPERANDS, GRID, 2**number * PJ, 2**number * PJ,
            (Port("rw", 64, every),),
        )
        for number in range(memories)
    ]  # fmt: skip
    shared[-1] = replace(shared[-1], size_bits=_ALL)
    return replace(plain, levels=(*plain.levels[:2], *shared))


def grown(rounds: int = ROUNDS) -> dict[str, list[Point]]:
    """Measure every series."""
    machine = tpu_like()
    layer = resnet18()["/layer2/layer2.0/conv2/Conv"]
    best_mapping(layer, machine)  # what numpy loads when it is first used does not count
    distinct = [
        replace(nest, K=nest.K * times, C=nest.C * times)
        for times in (1, 2, 3, 5)
        for nest in dict.fromkeys(replace(nest, name="") for nest in resnet18().values())
    ]
    return {
        "factors": [searched([composed(n)], tpu_like(_ALL), n, rounds) for n in range(4, 23, 2)],
        "levels": [searched([layer], deep(n, False), n + 2, rounds) for n in range(1, 7)],
        "levels that tiles compete for": [searched([layer], deep(n, True), n + 2, 1) for n in range(1, 5)],
        "layers": [searched(distinct[:n], machine, n, rounds) for n in (3, 6, 12, 24, 48)],
    }


# ------------------------------------------------------------------ what is shown


def figures(series: dict[str, list[Point]]) -> dict[str, Any]:
    """All points and slopes, for JSON."""
    return {
        "series": {name: [vars(point) for point in points] for name, points in series.items()},
        "slopes": slopes(series),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """A table of the series, one after the other."""
    told = ["time of a search (CPU) as something grows:"]
    for name, points in found["series"].items():
        shown = ", ".join(f"{one['varied']}: {one['cpu_s'] * 1e3:.3g} ms" for one in points)
        told.append(f"  {name}: {shown}")
    exponents = ", ".join(f"{name}^{power:.2f}" for name, power in found["slopes"].items())
    return [*told, f"  grows as {exponents}; sets of prime factors from {STEADY:,} on"]


def draw(series: dict[str, list[Point]], stem: Path) -> list[Path]:
    """Draw three panels: sets of prime factors, levels, layers; both axes logarithmic."""
    from analysis.plots.style import write_figure  # matplotlib, which a search does not need
    from benchmarks.mapping_growth_plot import growth_figure

    stem.parent.mkdir(parents=True, exist_ok=True)
    return write_figure(growth_figure(series, slopes(series)), stem)


def main() -> None:
    """Measure, print and draw; the only argument is where to, without suffix."""
    stem = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out/mapping_growth")
    series = grown()
    print("\n".join(lines(figures(series))))
    print("written to", *draw(series, stem))


if __name__ == "__main__":
    main()
