"""`python -m benchmarks.train` measures the speed of training, prints it, and writes it to out/bench_train.json."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.bench import machine
from benchmarks.training_speed import Setting, compare_loops, compare_steps
from benchmarks.training_time import Race, race
from costmodel.output import write_whole
from training.data.dataset import load

LOOP_GOAL, STEP_GOAL, TIME_GOAL = 2.0, 1.1, 3.0
LONG = Race(images=15_000, usual_epochs=6, own_epochs=(2, 3, 4, 5, 6, 8))
QUICK = Race(images=2_500, usual_epochs=2, own_epochs=(2, 4))


def measure(
    sizes: list[int], batch: int, batches: int, rounds: int, ir_net: Path | None, console: Console
) -> dict[str, Any]:
    """Everything, by the size of the images; a line tells what is being measured."""
    figures: dict[str, Any] = {
        "machine": machine(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "batch": batch,
        "rounds": rounds,
    }
    for size in sizes:
        setting = Setting(size, batch, batches * (32 // size) ** 2)
        console.print(f"{size}x{size}: this loop and others, {rounds + 1} epochs each ...")
        loops = compare_loops(setting, rounds, ir_net)
        console.print(f"{size}x{size}: whole steps and their plain passes ...")
        figures[f"{size}x{size}"] = {"loops": loops, "steps": compare_steps(setting, rounds)}
    return figures


def tables(figures: dict[str, Any]) -> list[Table]:
    """What a person wants to see, with the goal in the head of each column."""
    made = []
    for size in (name for name in figures if "x" in name):
        loops = Table(
            "loop", "images/s", f"ours is so many times as fast (goal: {LOOP_GOAL:g})", title=f"3x{size}"
        )
        for name, told in figures[size]["loops"].items():
            times = "" if name.startswith("this project") else f"{told['ours_times_as_fast']:.2f}"
            loops.add_row(name, f"{told['images_per_s']:.0f}", times)
        steps = Table(
            "design",
            "images/s",
            "plain passes alone",
            f"whole step by passes (goal: {STEP_GOAL:g})",
            title=f"3x{size}",
        )
        for name, told in figures[size]["steps"].items():
            row = (told["images_per_s"], told["passes_images_per_s"])
            steps.add_row(name, *(f"{speed:.0f}" for speed in row), f"{told['times_as_long']:.2f}")
        made += [loops, steps]
    return made


def race_table(figures: dict[str, Any]) -> Table:
    """The usual loop and this project's runs, with the goal in the head."""
    made = Table("loop", "epochs", "validation top-1 %", "CPU s", title="time to the usual loop's accuracy")
    for name in ("usual", "this project"):
        runs = figures[name] if isinstance(figures[name], list) else [figures[name]]
        for run in runs:
            made.add_row(name, str(run["epochs"]), f"{run['top1']:.1f}", f"{run['cpu_s']:.0f}")
    times = figures["times_as_fast"]
    made.caption = f"{times:.1f} times as fast (goal: {TIME_GOAL:g})" if times else "not as good yet"
    return made


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench_train.json"), help="the file to write")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[32], choices=[32, 16], help="pixels of a side"
    )
    parser.add_argument("--batch", type=int, default=64, help="images of a step")
    parser.add_argument(
        "--batches", type=int, default=8, help="steps of an epoch at 32x32; four times as many at 16x16"
    )
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="threads of torch")
    parser.add_argument("--ir-net", type=Path, default=os.environ.get("IR_NET"), help="see published_ir_net")
    parser.add_argument(
        "--to-accuracy", metavar="DATA", help="instead: time to the usual accuracy on CIFAR-10, by its path"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few images to that accuracy, in a minute or two"
    )
    given = parser.parse_args()
    console, ir_net = Console(), given.ir_net and Path(given.ir_net)
    if given.to_accuracy:
        torch.set_num_threads(1)
        raced = race(load(given.to_accuracy), QUICK if given.quick else LONG)
        write_whole(
            given.out,
            json.dumps({"machine": machine(), "torch": torch.__version__, **raced}, indent=2) + "\n",
        )
        console.print(race_table(raced))
        return
    torch.set_num_threads(given.threads)
    figures = measure(given.sizes, given.batch, given.batches, given.rounds, ir_net, console)
    write_whole(given.out, json.dumps(figures, indent=2) + "\n")
    for table in tables(figures):
        console.print(table)
    console.print(f"{figures['threads']} threads, batch {given.batch}; written to {given.out}")


if __name__ == "__main__":
    main()
