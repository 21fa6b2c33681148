"""Searches of 10^6 and 10^8 designs of ResNet-20: with compulsory and mapped traffic, in one process and in two.

Both look at the same 58,368 designs with a cost of their own; the others differ in training alone, which costs
nothing at inference. Accuracies are made up. Where Ray is installed, the same chunks run on two processes and on a
local cluster of two workers, too, the better of two times each.

Each part runs in a process of its own, so that its peak memory is its own: `python -m benchmarks.search PART WORKERS
FOLDER` prints JSON; FOLDER holds the file of mappings. PART `shared` takes an engine in the place of WORKERS.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from analysis.cli import OBJECTS_BEFORE_COLLECTION
from analysis.fronts.search.chunks import front_of_chunk
from analysis.fronts.search.request import SearchRequest, read_widths
from analysis.fronts.search.running import run_search
from analysis.show.axes import Axis
from benchmarks.processes import in_fresh_process
from costmodel.designs.key import DesignKey
from costmodel.evaluate.cluster import LOCAL, engine_of
from costmodel.evaluate.engine import Engine, Here, Processes
from costmodel.evaluate.space import Space
from costmodel.hardware import load_profile

COSTED = (
    "prelu", "rprelu", "hardtanh", "double_residual", "real_shortcut", "norm_before_sign", "learned_threshold",
    "squeeze_excitation",
)  # fmt: skip
FREE = ("polynomial_ste", "ede", "wide_ste", "adam", "sgd", "kurtosis_regularizer")
MORE_FREE = (
    *FREE, "two_stage", "warm_start", "logits_teacher", "attention_teacher",
    "binary_regularizer", "distribution_loss", "weight_rotation",
)  # fmt: skip
PARTS = {
    "million": (FREE, "compulsory"),
    "million_mapped": (FREE, "mapped"),
    "hundred_million": (MORE_FREE, "mapped"),
}
SHARED = "shared"
CELLS_SHARED = 8
"""Networks of a chunk where engines are compared: a tenth of a second of work, so that handing it out shows."""
GOALS_S = {"million": 1.0, "million_mapped": 10.0, "hundred_million": 600.0}


@dataclass(frozen=True)
class MadeUp:
    """An accuracy of every design: a gain of each method, five points a doubled width."""

    def top1(
        self, plain: DesignKey, methods: Sequence[str], masks: np.ndarray, widths: np.ndarray
    ) -> np.ndarray:
        gains = np.array([0.1 + 0.03 * (sum(map(ord, name)) % 70) for name in methods])
        bits = {"binary": 0.0, "int4": 9.0}[plain.compute] + {"int4": -2.0, "int8": -0.3, "int16": 0.0}[
            plain.features
        ]
        return 70 + bits + (masks @ gains)[:, None] + 5 * np.log2(widths)

    def interval(self, keys: Sequence[DesignKey]) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(keys)), np.zeros(len(keys))


def request(part: str) -> SearchRequest:
    free, traffic = PARTS[part]
    space = Space.of(
        [DesignKey.parse("resnet20/cifar10")],
        [*COSTED, *free],
        read_widths("0.25:4:0.05"),
        ["int4", "int8", "int16"],
        ["binary", "int4"],
    )
    return SearchRequest(
        space, (load_profile("asic-45nm"),), (Axis.energy,), {}, MadeUp(), "made up",
        "mapped" if traffic == "mapped" else "compulsory",
    )  # fmt: skip


def shared_out(engine: str) -> dict[str, Any]:
    """Many small chunks on two processes or on a local cluster of two workers, by the CPU time that they take.

    `cpu_s` is what the tasks and whoever hands them out take; by the clock a busy machine gives engines unlike shares.
    """
    asked = replace(request("million_mapped"), cells_together=CELLS_SHARED)
    workers = engine_of(engine if engine == LOCAL else None, 2, asked.chunks, "searches")
    began, own = time.perf_counter(), time.process_time()
    times, in_tasks = list[float](), 0.0
    for _, taken in workers.results(partial(_timed, asked), range(asked.chunks)):
        times.append(time.perf_counter() - began)
        in_tasks += taken
    return {
        "chunks": asked.chunks,
        "first_s": times[0],
        "rest_s": times[-1] - times[0],
        "cpu_s": in_tasks + time.process_time() - own,
    }


def _timed(asked: SearchRequest, number: int) -> float:
    began = time.process_time()
    front_of_chunk(asked, number)
    return time.process_time() - began


def searched(part: str, workers: int, folder: str) -> dict[str, Any]:
    asked = request(part)
    engine: Engine = Here() if workers == 1 else Processes(workers, "searches")
    wall, cpu = time.perf_counter(), time.process_time()
    found = run_search(asked, Path(folder) / f"{part}-{workers}", engine)
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "designs": asked.space.designs,
        "priced": asked.space.priced,
        "networks": asked.space.cells,
        "on_front": len(found.points),
        "wall_s": wall_s,
        "cpu_s": cpu_s + (children.ru_utime + children.ru_stime if workers > 1 else 0.0),
        "designs_per_s": asked.space.designs / wall_s,
        "priced_per_s": asked.space.priced / wall_s,
        "workers": workers,
        "peak_memory_mb": (here + (workers * children.ru_maxrss if workers > 1 else 0)) / 1024,
    }


def measure() -> dict[str, Any]:
    """All parts in two processes; the mapped ones first with no mapping known, then with those in the file."""
    with tempfile.TemporaryDirectory() as folder:

        def run(part: str) -> dict[str, Any]:
            return in_fresh_process("benchmarks.search", part, "2", folder, threads=1)

        found = {"million": run("million"), "million_cold": run("million_mapped")}
        found |= {part: run(part) for part in ("million_mapped", "hundred_million")}
        if find_spec("ray") is None:
            return found
        for engine in ("processes", LOCAL, LOCAL, "processes"):
            one = in_fresh_process("benchmarks.search", SHARED, engine, folder, threads=1)
            found[engine] = min(found.get(engine, one), one, key=lambda taken: taken["cpu_s"])
        return found


_WORDS = {
    "million": "traffic compulsory",
    "million_cold": "traffic mapped, every mapping searched",
    "million_mapped": "traffic mapped, mappings from the file",
    "hundred_million": "traffic mapped, mappings from the file",
}


def lines(figures: dict[str, Any]) -> list[str]:
    """What a person wants to see, with the goal beside each figure."""
    told = []
    for name, words in _WORDS.items():
        one = figures[name]
        goal = GOALS_S[name if name in GOALS_S else "million_mapped"]
        told += [
            f"{one['designs']:,} designs searched, {words}: {one['wall_s']:.1f} s (goal: {goal:g} s; "
            f"{one['cpu_s']:.1f} s CPU) in {one['workers']} processes, {one['designs_per_s']:,.0f} designs a second",
            f"  {one['priced']:,} of them have a cost of their own, {one['priced_per_s']:,.0f} a second; peak memory "
            f"{one['peak_memory_mb']:.0f} MB",
        ]
    rate = figures["million_mapped"]["priced_per_s"]
    return [
        *told,
        *_cluster_lines(figures),
        f"  10^8 designs with a cost of their own would take {1e8 / rate / 3600:.1f} h at that rate",
    ]


def _cluster_lines(figures: dict[str, Any]) -> list[str]:
    if LOCAL not in figures:
        return ["  no cluster is measured, as Ray is not installed: pip install 'bnncost[cluster]'"]
    here, there = figures["processes"], figures[LOCAL]
    ratio = there["cpu_s"] / here["cpu_s"]
    return [
        f"  {here['chunks']} chunks take {ratio:.2f} times the CPU on Ray that they take on processes "
        f"({there['cpu_s']:.1f} s, {here['cpu_s']:.1f} s); the first has ended after {there['first_s']:.1f} s and "
        f"{here['first_s']:.1f} s, the others {there['rest_s']:.1f} s and {here['rest_s']:.1f} s later"
    ]


if __name__ == "__main__":
    part, how, os.environ["BNNCOST_CACHE"] = sys.argv[1:]
    cache = os.environ["BNNCOST_CACHE"]
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)  # as the command does
    print(json.dumps(shared_out(how) if part == SHARED else searched(part, int(how), cache)))
