"""How a gradient grows on its way back through a network, by the estimator of the sign, at three points of training.

A row is a design at one part of training: the norm of the loss's gradient to what the last and the first sign read, and
the factor from one binary layer to the one before, so that first = last * factor^(layers - 1). Weights are those of a
start and images are noise, so it is the estimator's own doing; nothing is trained. A table in Markdown is printed:

    python -m benchmarks.gradient_growth --out out/gradient_growth.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import geometric_mean

import torch
from torch.nn.functional import cross_entropy

from costmodel.designs.key import DesignKey
from costmodel.methods import METHODS
from costmodel.networks.build import build
from costmodel.output import write_whole
from training.module.calibrate import calibrate
from training.module.lower import Lowered, lower, set_progress

POINTS = (0.0, 0.5, 0.95)
BOUNDS = ("", "hardtanh")
IMAGES = 64
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Growth:
    """One design at one part of training: norms at the last and first sign, and the factor from layer to layer."""

    methods: str
    progress: float
    last: float
    first: float
    factor: float


def designs() -> Iterator[str]:
    """Name the methods of each design: every gradient of the features, alone, bounded, and as studies have it."""
    for name, method in METHODS.items():
        if method.category == "feature binarizer" and method.estimator:
            for beside in dict.fromkeys((*BOUNDS, "+".join(method.beside))):
                yield "+".join(filter(None, (beside, name)))


def measured(methods: str, network: str = "resnet20", dataset: str = "cifar10-16") -> list[Growth]:
    """Measure a design at every part of training: geometric means over a few starts."""
    key = DesignKey.parse(f"{network}[{methods}]/{dataset}")
    norms = [list(_norms(key, seed)) for seed in SEEDS]
    rows = []
    for index, progress in enumerate(POINTS):
        first, last = (geometric_mean([max(found[index][end], 1e-300) for found in norms]) for end in (0, -1))
        layers = len(norms[0][index])
        rows.append(Growth(methods, progress, last, first, (first / last) ** (1 / (layers - 1))))
    return rows


def _norms(key: DesignKey, seed: int) -> Iterator[list[float]]:
    """Norms of the gradient to what every sign reads, first layer first, at every part of training."""
    drawn = torch.Generator().manual_seed(seed)
    model = lower(build(key), generator=drawn)
    images = torch.randn(IMAGES, *model.network.input.shape, generator=drawn)
    labels = torch.arange(IMAGES) % 10
    calibrate(model, images)
    for progress in POINTS:
        set_progress(model, progress)
        yield gradients(model, images, labels)


def gradients(model: Lowered, images: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """Norm of the cross-entropy's gradient to each map whose sign is taken, in the order of the network."""
    wanted = list(dict.fromkeys(op.inputs[0] for op in model.network.ops if op.kind == "sign"))
    found = model.maps(images, wanted)
    loss = cross_entropy(found[model.network.output].flatten(1), labels)
    slopes = torch.autograd.grad(loss, [found[value] for value in wanted])
    return [slope.norm().item() for slope in slopes]


def table(rows: Iterable[Growth]) -> str:
    """Write rows as a Markdown table, a line a design."""
    lines = [
        "| gradient of the features | " + " | ".join(f"{point:.0%} of training" for point in POINTS) + " |",
        "|---" * (1 + len(POINTS)) + "|",
    ]
    by_design: dict[str, list[Growth]] = {}
    for row in rows:
        by_design.setdefault(row.methods, []).append(row)
    for methods, found in by_design.items():
        cells = [f"{row.factor:.2f} a layer, {row.first / row.last:.2g} in all" for row in found]
        lines.append(f"| `{methods}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every design, print the table, and write the rows if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    asked = parser.parse_args(arguments)
    rows = [row for methods in designs() for row in measured(methods)]
    print(table(rows))
    if asked.out:
        write_whole(asked.out, json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
