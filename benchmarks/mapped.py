"""Mapped traffic: ResNet-18 from nothing and from the cache, and a sweep of 64 method sets x 16 widths x 7 profiles.

Each part runs in a process of its own, so that nothing is known before and its peak memory is its own:
`python -m benchmarks.mapped PART FOLDER` prints JSON; FOLDER holds the file of mappings.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.million import method_sets
from benchmarks.processes import in_fresh_process
from benchmarks.tpu_like import resnet18, tpu_like
from costmodel.evaluate.cost import cost
from costmodel.evaluate.sweep import sweep
from costmodel.hardware import load_profile
from costmodel.mapping import best_mapping, cached_mappings
from costmodel.mapping.cache import cache_file, opened

PROFILES = (
    "asic-22nm-bnn",
    "asic-22nm-programmable",
    "asic-28nm-bnn",
    "asic-45nm",
    "asic-65nm",
    "asic-7nm",
    "fpga-zynq7020",
)
DESIGN, PROFILE = "resnet18/imagenet", "asic-45nm"
COLD_GOAL_S = 0.1
CACHED_GOAL_S = 68.0 / 100_000  # a hundred thousand times as fast as ZigZag's shortest run
SETS, WIDTHS = 64, 16
ROUNDS = 20
Times = dict[str, float]


def timed(work: Callable[[], object]) -> Times:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def best(rounds: list[Times]) -> Times:
    """The shortest of several times; others are longer for what else the machine does."""
    return min(rounds, key=lambda one: one["wall_s"])


# ------------------------------------------------------------------ parts, each in its own process


def layers(rounds: int = ROUNDS) -> dict[str, Any]:
    """The 21 layers of ResNet-18 on `tpu_like`: searched, read from the file, and remembered."""
    machine, nests = tpu_like(), list(resnet18().values())
    pairs = [(nest, machine) for nest in nests]
    cold = timed(lambda: cached_mappings(pairs))
    each = timed(lambda: [best_mapping(nest, machine) for nest in nests])
    known = opened(cache_file())
    searched = len(known.mappings)

    def from_file() -> Times:
        known.mappings.clear()
        return timed(lambda: cached_mappings(pairs))

    return {
        "layers": len(nests),
        "searched": searched,
        "cold": cold,
        "cold_each_layer": each,
        "from_file": best([from_file() for _ in range(rounds)]),
        "from_memory": best([timed(lambda: cached_mappings(pairs)) for _ in range(rounds)]),
    }


def design() -> dict[str, Any]:
    """What a design costs, from its name on; asked a second time, its mappings are known."""
    profile = load_profile(PROFILE).model_copy()  # which remembers no mappings
    first = timed(lambda: cost(DESIGN, profile))
    searched = len(opened(cache_file()).mappings)
    again = best([timed(lambda: cost(DESIGN, profile)) for _ in range(3)])
    return {"design": DESIGN, "profile": PROFILE, "searched": searched, "first": first, "again": again}


def swept(sets: int = SETS, widths: int = WIDTHS) -> dict[str, Any]:
    """Points of a sweep on one thread, and how many distinct mappings they need."""
    designs, factors = method_sets(sets), np.linspace(0.25, 4.0, widths)
    profiles = [load_profile(name).model_copy() for name in PROFILES]  # which remember no mappings
    found = []
    times = timed(lambda: found.append(sweep(designs, factors, profiles, workers=1, traffic="mapped")))
    return times | {
        "points": found[0].points,
        "points_that_fit": int(found[0].fits.sum()),
        "points_per_s": found[0].points / times["wall_s"],
        "mappings": len(opened(cache_file()).mappings),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


PARTS: dict[str, Callable[[], dict[str, Any]]] = {"layers": layers, "design": design, "sweep": swept}


# ------------------------------------------------------------------ all of them


def measure() -> dict[str, Any]:
    """Every part with an empty file; those that last with the file that they left, too."""
    run = partial(in_fresh_process, "benchmarks.mapped", threads=1)
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = {"layers": run("layers", f"{folder}/layers")}
        for part in ("design", "sweep"):
            found[part] = {"cold": run(part, f"{folder}/{part}"), "from_file": run(part, f"{folder}/{part}")}
    return found


def lines(figures: dict[str, Any]) -> list[str]:
    """What a person wants to see, with the goal beside each figure."""
    of_layers, of_sweep = figures["layers"], figures["sweep"]
    cold, warm = figures["design"]["cold"], figures["design"]["from_file"]
    told = [
        f"ResNet-18 on tpu_like, {of_layers['layers']} layers of {of_layers['searched']} shapes: mapped in "
        f"{_both(of_layers['cold'])} (goal: {COLD_GOAL_S * 1e3:.0f} ms), {_both(of_layers['cold_each_layer'])} with "
        f"each layer searched",
        f"  read from the file in {_both(of_layers['from_file'])} (goal: {CACHED_GOAL_S * 1e3:.2f} ms), remembered in "
        f"{_both(of_layers['from_memory'])}",
        f"{cold['design']} on {cold['profile']}: costed in {_both(cold['first'])} cold, {_both(warm['first'])} from "
        f"the file, {_both(warm['again'])} again",
    ]
    for name, words in (("cold", "all mappings searched"), ("from_file", "all mappings read")):
        one = of_sweep[name]
        told.append(
            f"{one['points']:,} design points with mapped traffic, {words}: {one['wall_s']:.1f} s "
            f"({one['cpu_s']:.1f} s CPU), {one['points_per_s']:,.0f} a second; {one['mappings']:,} distinct mappings, "
            f"peak memory {one['peak_memory_mb']:.0f} MB"
        )
    return told


def _both(times: Times) -> str:
    return f"{times['wall_s'] * 1e3:.3g} ms ({times['cpu_s'] * 1e3:.3g} ms CPU)"


if __name__ == "__main__":
    part, os.environ["BNNCOST_CACHE"] = sys.argv[1:]
    print(json.dumps(PARTS[part]()))
