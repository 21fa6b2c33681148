"""A million design points of ResNet-18 for ImageNet: 64 method sets x 160 widths x 100 profiles.

Traffic is compulsory: the profiles are varied in throughput, so their lanes are no array that a layer could be
mapped on. `benchmarks.mapped` sweeps with mapped traffic.

Run as a process of its own, so that its peak memory is its own: `python -m benchmarks.million` prints JSON.
"""

from __future__ import annotations

import json
import os
import resource
import time
from itertools import combinations, islice

import numpy as np

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.evaluate.sweep import sweep
from costmodel.hardware import HardwareProfile, Quantity, load_profile, shipped_profiles
from costmodel.methods import METHODS, MethodUse, check_combination

REPEATS = 5


def method_sets(number: int) -> list[DesignKey]:
    """The plain network, each method that leaves something to do at inference alone, then pairs of those."""
    names = [name for name, method in METHODS.items() if not method.free_because]
    sets = [(), *((name,) for name in names), *combinations(names, 2)]
    plain = DesignKey("resnet18", "imagenet")
    return list(
        islice((plain.with_methods(uses) for uses in map(_together, sets) if uses is not None), number)
    )


def _together(names: tuple[str, ...]) -> tuple[MethodUse, ...] | None:
    uses = tuple(MethodUse.parse(name) for name in names)
    try:
        check_combination(uses)
    except BnncostError:
        return None
    return uses


def variants(number: int) -> list[HardwareProfile]:
    """The shipped profiles in turn, with other clocks, array sizes and voltages: no two price alike."""
    bases = [load_profile(name) for name in shipped_profiles()]
    return [_variant(bases[index % len(bases)], index) for index in range(number)]


def _variant(base: HardwareProfile, index: int) -> HardwareProfile:
    step = index / 100
    voltage = 0.8 + 0.4 * step
    compute = {
        label: unit.model_copy(
            update={
                "throughput": _times(unit.throughput, 1 + step),
                "energy": _times(unit.energy, voltage**2),
                "cycles": _times(unit.cycles, 1 + step),
            }
        )
        for label, unit in base.compute.items()
    }
    clock = _times(base.clock, 0.5 + step)
    return base.model_copy(update={"name": f"{base.name}-{index}", "compute": compute, "clock": clock})


def _times(figure: Quantity | None, factor: float) -> Quantity | None:
    return figure and figure.model_copy(update={"value": figure.value * factor})


def measure() -> dict[str, object]:
    """Best and median time of several sweeps from the design keys on, and the peak memory of the process."""
    designs, widths, profiles = method_sets(64), np.linspace(0.25, 4.0, 160), variants(100)
    times, cpu_times = [], []
    for _ in range(REPEATS):
        start, cpu_start = time.perf_counter(), time.process_time()
        # A copy of a profile does not remember what it looked up before.
        result = sweep(designs, widths, [profile.model_copy() for profile in profiles], traffic="compulsory")
        times.append(time.perf_counter() - start)
        cpu_times.append(time.process_time() - cpu_start)
    return {
        "designs": len(designs),
        "widths": len(widths),
        "profiles": len(profiles),
        "traffic": "compulsory",
        "points": result.points,
        "points_that_fit": int(result.fits.sum()),
        "best_s": min(times),
        "median_s": float(np.median(times)),
        "first_s": times[0],
        "cpu_s": float(np.median(cpu_times)),
        "points_per_s": result.points / float(np.median(times)),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "threads": os.cpu_count(),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
