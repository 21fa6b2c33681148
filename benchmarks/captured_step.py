"""`python -m benchmarks.captured_step` times a training step on a GPU, captured as a graph and operation by operation.

Both take turns within one process; the ratio is the median of those of neighbours. Images are noise.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console

from benchmarks.training_speed import Setting, generated
from costmodel.designs.key import DesignKey
from costmodel.output import write_whole
from training.data.dataset import Dataset
from training.run.devices import choose_device
from training.run.folders import RunSpec
from training.run.loop import train_epoch
from training.run.phases import phases_of
from training.run.preparation import prepared
from training.run.recipe import load_recipe
from training.run.steps import Steps, record_graph
from training.run.trainee import begin

FULL = "double_residual+learned_threshold+norm_before_sign+real_shortcut+rprelu+squeeze_excitation"
DESIGNS = {
    "plain": "resnet20/cifar10",
    "full": f"resnet20[{FULL}]/cifar10",
    "int4": "resnet20@compute=int4/cifar10",
    "fp32": "resnet20@compute=fp32/cifar10",
}
STEPS = 60


def step_ms(steps: Steps, spec: RunSpec, images: Any, epoch: int) -> float:
    """Milliseconds of one step, its batch drawn beforehand by the epoch that it belongs to."""
    torch.cuda.synchronize()
    started = time.perf_counter()
    taken = sum(1 for _ in train_epoch(steps, spec, epoch, images))
    torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - started) / taken


def compare(design: str, batch: int, rounds: int) -> dict[str, Any]:
    """Time both kinds of step of one design in turns, after one round that warms both up."""
    recipe = load_recipe("cifar").model_copy(
        update={"batch_size": batch, "validation": 0.5, "epochs": 10_000}
    )
    part = generated(Setting(32, batch, 2 * STEPS))  # half of the images are kept back
    data = Dataset("generated", tuple("0123456789"), part, part.take(torch.arange(1)))
    spec = RunSpec(DesignKey.parse(design), recipe, "generated")
    images = prepared(spec.design, recipe, data).to("cuda")
    contestants = {
        name: Steps(begin(phases_of(spec)[0], spec, images, None), record)
        for name, record in {"plain": None, "captured": record_graph}.items()
    }
    took: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, steps in contestants.items():
            spent = step_ms(steps, spec, images, number)
            if number:
                took[name].append(spent)
    pairs = zip(took["plain"], took["captured"], strict=True)
    return {
        "step_ms": {name: median(values) for name, values in took.items()},
        "captured_is_times_as_fast": median(plain / captured for plain, captured in pairs),
        "not_captured": contestants["captured"].not_captured,
    }


def main() -> None:
    """Measure every design and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/bench_captured_step.json"))
    options = parser.parse_args()
    choose_device("cuda")  # says so where there is none
    console = Console()
    figures: dict[str, Any] = {
        "gpu": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "batch": options.batch,
    }
    for name, design in DESIGNS.items():
        figures[name] = compare(design, options.batch, options.rounds)
        told = figures[name]
        plain, captured = (told["step_ms"][kind] for kind in ("plain", "captured"))
        console.print(
            f"{name}: {plain:.2f} ms operation by operation, {captured:.2f} ms captured, "
            f"{told['captured_is_times_as_fast']:.2f} times as fast {told['not_captured']}"
        )
    write_whole(options.out, json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
