"""Measurements as training writes them, of figures that a test can reckon with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, fields

from costmodel.designs.records import Measurement


def measured(
    design: str,
    top1: float,
    seed: int = 0,
    features: str = "fp32",
    *,
    recipe: str = "short",
    epochs: int = 12,
    date: str = "2026-01-01",
) -> Measurement:
    """One measurement on CIFAR-10 averaged to 16x16."""
    return Measurement(
        design=design, features=features, top1=top1, validation_top1=top1, recipe=recipe,
        recipe_digest=f"{recipe[:2]}{epochs:02d}", data="cifar10", image="3x16x16", train_images=9000,
        test_images=10000, epochs=epochs, seed=seed, wall_s=60.0, device="cpu", torch="2.13.0+cpu",
        commit="0123abc", date=date,
    )  # fmt: skip


def csv_of(rows: Iterable[Measurement]) -> str:
    """A file of measurements with the command of each."""
    stream = io.StringIO()
    names = [item.name for item in fields(Measurement)]
    writer = csv.DictWriter(stream, [*names, "command"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) | {"command": f"bnncost train '{row.design}'"} for row in rows)
    return stream.getvalue()


PLAIN, PRELU = "resnet20/cifar10-16", "resnet20[prelu]/cifar10-16"
WIDE, REAL = "resnet20@w1.5/cifar10-16", "resnet20@compute=fp32/cifar10-16"
SMALL_STUDY = [
    measured(PLAIN, 58.0, 0), measured(PLAIN, 59.0, 1), measured(PLAIN, 60.0, 2),
    measured(PRELU, 61.0, 0), measured(PRELU, 63.0, 1), measured(WIDE, 61.5), measured(REAL, 75.0),
]  # fmt: skip
