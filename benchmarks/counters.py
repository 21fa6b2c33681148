"""Counting ResNet-18 for ImageNet: bnncost against torch's FlopCounterMode and fvcore, on the same shapes.

bnncost builds, folds and counts from the design's name; the others get a module and an input that are there
already. FlopCounterMode also runs on the `meta` device, which computes nothing: that is its best case. fvcore
traces with a batch norm that the `meta` device cannot run, so it counts on the CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.resnet18_torch import resnet18
from costmodel.demand.counts import count, totals
from costmodel.designs.key import DesignKey
from costmodel.folding import fold
from costmodel.networks.build import build

DESIGN = "resnet18/imagenet"
MACS = 1_676_279_808 + 118_013_952 + 19_267_584 + 512_000  # binary, stem, 1x1 shortcuts, classifier


def ours() -> int:
    counted = totals(count(fold(build(DesignKey.parse(DESIGN)))))
    return sum(int(number) for (operation, _), number in counted.items() if operation == "mac")


def flop_counter(device: str) -> Callable[[], int]:
    network, image = resnet18().to(device), torch.zeros(1, 3, 224, 224, device=device)

    def run() -> int:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(image)
        return counter.get_total_flops() // 2  # a product and a sum per MAC

    return run


def fvcore_counter() -> Callable[[], int]:
    network, image = resnet18(), torch.zeros(1, 3, 224, 224)

    def run() -> int:
        analysis = FlopCountAnalysis(network, image)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        counted = analysis.by_operator()  # what fvcore calls a flop is a MAC
        return int(counted["conv"] + counted["linear"])

    return run


def timed(run: Callable[[], int], repeats: int) -> dict[str, float]:
    """Median and range of the times of several runs [s], after one that warms up; all must count the same MACs."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        macs = run()
        times.append(time.perf_counter() - start)
        if macs != MACS:
            raise AssertionError(f"counted {macs:,} MACs, not {MACS:,}")
    return {"median_s": median(times[1:]), "min_s": min(times[1:]), "max_s": max(times[1:])}


def compare() -> dict[str, object]:
    """Times of each counter, and how many times as long as bnncost the others take.

    The ratio is that of the medians. `at_their_best` sets the others' shortest run against bnncost's median.
    Everything runs on one thread, as bnncost does: with several, torch's times grow tenfold and more as soon as
    anything else wants one of the cores, and the ratio says nothing.
    """
    torch.set_num_threads(1)
    own = timed(ours, 50)
    others = {
        "torch FlopCounterMode, meta device": timed(flop_counter("meta"), 15),
        "torch FlopCounterMode, CPU": timed(flop_counter("cpu"), 15),
        "fvcore, CPU": timed(fvcore_counter(), 15),
    }
    return {
        "design": DESIGN,
        "macs": MACS,
        "bnncost": own,
        "others": others,
        "times_as_long": {name: other["median_s"] / own["median_s"] for name, other in others.items()},
        "times_as_long_at_their_best": {
            name: other["min_s"] / own["median_s"] for name, other in others.items()
        },
    }
