"""Map the layers of a ZigZag run on the same accelerator, in a process of its own, and print the figures as JSON.

python -m benchmarks.mapping_here ACCELERATOR.yaml MAPPING.yaml RUN.jsonl LPF_LIMIT FOLDER_FOR_A_CACHE
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.mapping_layers import nest_of, records
from costmodel.importers.zigzag import architecture_of
from costmodel.mapping import (
    OURS,
    ZIGZAG,
    Architecture,
    LoopNest,
    Mapped,
    best_mapping,
    cached_mappings,
    cost_of,
)
from costmodel.mapping.cache import opened
from costmodel.mapping.nest import DIMS


def timed(work: Callable[[], Any]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def factors(layer: LoopNest, limit: int) -> int:
    """ZigZag keeps at least one factor a loop, so its limit rises to the number of loops."""
    return max(limit, sum(layer.extent(dim) > 1 for dim in DIMS))


def legal(layer: LoopNest, machine: Architecture, found: Mapped) -> bool:
    """Priced anew as a given mapping, which refuses tiles that do not fit, it costs the same."""
    again = cost_of(layer, machine, found.mapping, ZIGZAG)
    return abs(again.energy_j - found.energy_j) <= 1e-9 * found.energy_j and again.cycles == found.cycles


def told(found: Mapped) -> dict[str, Any]:
    return {"energy_pj": found.energy_j * 1e12, "cycles": found.cycles, "factors_merged": found.merged}


def measure(machine: Architecture, layers: list[LoopNest], limit: int) -> dict[str, Any]:
    """Times first, the cold one before anything else has been mapped in this process; then the figures."""
    distinct = list(dict.fromkeys(layers))
    found: dict[LoopNest, Mapped] = {}

    def search() -> None:
        for layer in distinct:
            found[layer] = best_mapping(layer, machine, conventions=ZIGZAG)

    def ask() -> None:
        cached_mappings([(layer, machine) for layer in layers], conventions=ZIGZAG)

    times = {"cold": timed(search)}
    times["cold_each_layer"] = timed(lambda: [best_mapping(x, machine, conventions=ZIGZAG) for x in layers])
    ask()  # fills the file
    opened.cache_clear()
    times["from_file"] = timed(ask)
    rounds = [timed(ask) for _ in range(5)]
    times["from_memory"] = min(rounds, key=lambda one: one["wall_s"])
    rows = {}
    for layer in distinct:
        merged = best_mapping(layer, machine, conventions=ZIGZAG, most_factors=factors(layer, limit))
        rows[layer] = {
            "all_orders": told(found[layer]),
            "its_orders": told(merged),
            "own_conventions": told(best_mapping(layer, machine, conventions=OURS)),
            "legal": legal(layer, machine, found[layer]) and legal(layer, machine, merged),
        }
    return {"times": times, "distinct": len(distinct), "layers": [rows[layer] for layer in layers]}


def main() -> None:
    accelerator, mapping, run, limit, folder = sys.argv[1:]
    os.environ["BNNCOST_CACHE"] = folder
    machine = architecture_of(accelerator, mapping)
    layers, _ = records(Path(run))
    print(json.dumps(measure(machine, [nest_of(layer) for layer in layers], int(limit))))


if __name__ == "__main__":
    main()
