"""Readers of what is written down: accuracies, measurements, runs, outcomes, plans, recipes, exports, data."""

from __future__ import annotations

import json
import math
import random
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from small_runs import small_run

from analysis.accuracy.literature import load_accuracy
from analysis.accuracy.measurements import load_measurements
from analysis.accuracy.studies import studies
from analysis.report.manifest import MANIFEST, read_manifest
from costmodel import DesignKey, build
from costmodel.designs.outcome import read_outcome
from costmodel.designs.records import RECORD, SPEC, Measurement
from costmodel.output import read_json
from tools.fuzz import mutate
from tools.fuzz.loop import Reader
from tools.fuzz.readers_costs import as_json
from training.data.augment import Normalization
from training.export.compiling import fixed_program, float_program
from training.export.files import ARRAYS, DESCRIPTION, load_deployment, write_deployment
from training.module.lower import lower
from training.review.study import load_plan
from training.run.folders import load_spec, measurement_of
from training.run.recipe import load_recipe

ROOT = Path(__file__).parents[2]

MADE = Measurement(
    "resnet20@w0.25/digits", "fp32", 80.0, 79.5, "small", "00000000", "generated", "1x8x8", 72, 60, 3, 0, 1.5, "cpu",
    "2.13.0", "", "2026-01-01",
)  # fmt: skip
ACCURACIES = (
    b"design,top1\nresnet20,70.1\nresnet20[prelu],71.5\n",
    b"design,top1,reference,note,epochs,seeds\nreactnet,69.4,a paper,,120,1\nresnet20[prelu]@w1.5/cifar10,85,,,,\n",
    b"design,kind,top1,top1_low,top1_high,profile,energy_j\nresnet20,estimated,78.2,77,79,asic-45nm,2e-6\n"
    b"resnet20[prelu]@w1.5/cifar10,estimated,81,80.5,82,asic-45nm,3e-6\n",
)


def read_accuracies(path: Path) -> None:
    """Read accuracies; each is a percentage that stands in the file."""
    for record in load_accuracy(path):
        assert math.isfinite(record.top1) and 0 <= record.top1 <= 100
        assert all(0 <= end <= 100 for end in (record.low, record.high) if end is not None)


def measurements() -> list[bytes]:
    """A file of two measurements."""
    made = [MADE, replace(MADE, seed=1, top1=81.0)]
    rows = [
        ",".join(asdict(MADE)),
        *(",".join("" if cell is None else str(cell) for cell in asdict(one).values()) for one in made),
    ]
    return ["\n".join(rows).encode()]


def read_measurements(path: Path) -> None:
    """Read measurements, and pool them."""
    for one in load_measurements(path):
        assert 0 <= one.top1 <= 100 and one.epochs >= 0 and one.test_images >= 1
    for study in studies(load_measurements(path)):
        assert all(math.isfinite(design.mean) for design in study.designs)


# ---------------------------------------------------------------- runs and their records


@cache
def run_files() -> dict[str, bytes]:
    """The files of a run that has ended."""
    spec = small_run()
    made = replace(MADE, design=str(spec.design), recipe=spec.recipe.name, recipe_digest=spec.recipe.digest)
    return {SPEC: spec.to_json().encode(), RECORD: made.to_json().encode()}


def read_run(bent: str, path: Path) -> None:
    """Read a run's folder of which one file is bent, by the readers of both packages."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in run_files().items():
            (Path(folder) / name).write_bytes(path.read_bytes() if name == bent else content)
        made = measurement_of(Path(folder), load_spec(Path(folder)))
        assert made is not None and 0 <= made.top1 <= 100
        load_measurements(folder)


def outcomes() -> list[bytes]:
    """The outcome of a shipped study, its first designs alone."""
    content = json.loads((ROOT / "analysis" / "data" / "measured_study_cpu.json").read_text("utf-8"))
    lists = {name: value[:3] for name, value in content.items() if isinstance(value, list)}
    return [mutate.dumped(content | lists)]


def read_an_outcome(path: Path) -> None:
    """Read the outcome of a study, and write it as JSON again."""
    outcome = read_outcome(read_json(path, advice="none"), str(path))
    json.loads(outcome.to_json(), parse_constant=_no_number)


def _no_number(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def settings(folder: str) -> list[bytes]:
    """Shipped settings."""
    return [as_json(path.read_text("utf-8")) for path in sorted((ROOT / "training" / folder).glob("*.yaml"))]


def read_recipe(path: Path) -> None:
    """Read a recipe; its digest can be formed."""
    assert len(load_recipe(path).digest) == 8


def read_plan(path: Path) -> None:
    """Read the plan of a study."""
    load_plan(path)


# ---------------------------------------------------------------- exported networks


@cache
def exported() -> tuple[dict[str, bytes], ...]:
    """An untrained network as exported with real-valued and with 8-bit features, as the files of each."""
    design = DesignKey.parse("resnet20@w0.25/digits")
    torch.manual_seed(0)
    model = lower(build(design)).eval()
    images = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8), np.uint8)
    made = []
    for program in programs(model, design, images):
        with tempfile.TemporaryDirectory() as folder:
            write_deployment(program, folder)
            made.append({name: (Path(folder) / name).read_bytes() for name in (DESCRIPTION, ARRAYS)})
    return tuple(made)


def programs(model, design, images):  # type: ignore[no-untyped-def]
    """The network compiled for two precisions of features."""
    normalization = Normalization((0.5,), (0.25,))
    return float_program(model, design, normalization), fixed_program(
        model, replace(design, features="int8"), "int8", normalization, images
    )


def read_export(bent: str, path: Path) -> None:
    """Load an exported network of which one file is bent, and run it on one image where it loads."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in exported()[0].items():
            (Path(folder) / name).write_bytes(path.read_bytes() if name == bent else content)
        load_deployment(folder)


def manifests() -> list[bytes]:
    """What `explore` notes of the files that it made."""
    return [
        mutate.dumped({"jobs": {"front": {"digest": "ab", "files": {"front.csv": "cd", "front.png": "ef"}}}})
    ]


def read_a_manifest(path: Path) -> None:
    """Read what was made before; a damaged note counts as none."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / MANIFEST).write_bytes(path.read_bytes())
        read_manifest(Path(folder))


TREE = mutate.of_tree(json.loads)
CSV: Callable[[random.Random, bytes], bytes] = mutate.cells

READERS = (
    Reader("accuracies", ".csv", lambda: ACCURACIES, CSV, read_accuracies),
    Reader("measurements", ".csv", measurements, CSV, read_measurements),
    Reader("record", ".json", lambda: [run_files()[RECORD]], TREE, partial(read_run, RECORD)),
    Reader("run", ".json", lambda: [run_files()[SPEC]], TREE, partial(read_run, SPEC)),
    Reader("outcome", ".json", outcomes, TREE, read_an_outcome),
    Reader("plan", ".yaml", partial(settings, "plans"), TREE, read_plan),
    Reader("recipe", ".yaml", partial(settings, "recipes"), TREE, read_recipe),
    Reader("export", ".json", lambda: [exported()[0][DESCRIPTION]], TREE, partial(read_export, DESCRIPTION)),
    Reader(
        "arrays", ".safetensors", lambda: [exported()[0][ARRAYS]], mutate.text, partial(read_export, ARRAYS)
    ),
    Reader("manifest", ".json", manifests, TREE, read_a_manifest),
)
