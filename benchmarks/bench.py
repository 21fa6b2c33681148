"""Run the benchmarks, print their figures beside the goals, and write them as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import doors, mapped, mapping_growth, reading, robust, search
from benchmarks.processes import in_fresh_process

TIMES_AS_LONG_GOAL = 10
NOISY = 2.0
SECONDS_GOAL, MEMORY_GOAL_MB = 2.0, 2048


def machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "processor": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def write(path: Path, figures: dict[str, Any]) -> None:
    """Write the whole file or nothing of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    os.replace(beside, path)


def lines(figures: dict[str, Any]) -> list[str]:
    """What a person wants to see, with the goal beside each figure."""
    counters, points = figures["counters"], figures["million"]
    told = [
        f"{counters['design']}: {counters['macs']:,} MACs by all counters",
        f"  bnncost builds, folds and counts in {counters['bnncost']['median_s'] * 1e3:.2f} ms",
    ]
    for name, times in counters["times_as_long"].items():
        best, other = counters["times_as_long_at_their_best"][name], counters["others"][name]
        told.append(
            f"  {name}: {times:.1f} times as long, {best:.1f} at its best (goal: {TIMES_AS_LONG_GOAL})"
        )
        if other["max_s"] > NOISY * other["min_s"]:
            told.append(
                "    its times vary more than twofold: the machine was busy, so only its best means anything"
            )
    return [
        *told,
        f"{points['points']:,} design points counted and priced, traffic compulsory, in {points['median_s']:.2f} s "
        f"(best {points['best_s']:.2f} s; goal: {SECONDS_GOAL} s; {points['cpu_s']:.2f} s CPU), "
        f"{points['points_per_s']:,.0f} a second",
        f"  peak memory {points['peak_memory_mb']:.0f} MB (goal: below {MEMORY_GOAL_MB} MB)",
        *doors.lines(figures["doors"]),
        *reading.lines(figures["reading"]),
        *robust.lines(figures["robust"]),
        *mapped.lines(figures["mapped"]),
        *search.lines(figures["search"]),
        *mapping_growth.lines(figures["mapping_growth"]),
    ]


def main() -> None:
    """Measure everything; the only argument is the file to write."""
    from benchmarks.counters import compare  # needs torch, which the sweep's process must not load

    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out/bench.json")
    grown = mapping_growth.grown()
    figures: dict[str, Any] = {
        "machine": machine(),
        "million": in_fresh_process("benchmarks.million"),
        "doors": doors.measure(),
        "reading": reading.measure(),
        "robust": robust.measure(),
        "mapped": mapped.measure(),
        "search": search.measure(),
        "mapping_growth": mapping_growth.figures(grown),
        "counters": compare(),
    }
    write(path, figures)
    drawn = mapping_growth.draw(grown, path.with_name("mapping_growth"))
    print("\n".join([*lines(figures), f"written to {', '.join(str(one) for one in (path, *drawn))}"]))


if __name__ == "__main__":
    main()
