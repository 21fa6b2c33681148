"""`bnncost export`: a finished run as files for a chip, and its accuracy at every precision of features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from costmodel.demand.compulsory import compulsory_traffic
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError, unknown
from costmodel.folding import fold
from costmodel.networks.build import build
from costmodel.output import write_whole
from training.data.augment import Normalization
from training.data.dataset import Dataset, Part, load
from training.export.checking import Agreement, answers_of, compared, top1
from training.export.compiling import fixed_program, float_program
from training.export.files import write_deployment
from training.export.onnx_file import onnx_answers, write_onnx
from training.export.program import Program
from training.module.lower import Lowered
from training.run.console import Tell, untold
from training.run.folders import load_spec, measurement_of
from training.run.loop import trained_model
from training.run.preparation import prepared

PRECISIONS = ("fp32", "int16", "int8", "int6", "int4")
CALIBRATION_IMAGES = 256
RECORDS = "export"
"""Folder inside a run's for the records of its exported networks."""


@dataclass(frozen=True)
class Exported:
    """A run at one precision of features: top-1 [%] on the test set, and of how many images the class is torch's.

    `stored_bits` is what the files keep, `counted_bits` what the cost model counts for the design with these features.
    """

    features: str
    top1: float
    same: int
    images: int
    stored_bits: int
    counted_bits: int


@dataclass(frozen=True)
class ExportReport:
    """The files and the results of an export, on all test images.

    `torch_sums` compares the fp32 network with torch's where torch takes the sums of floats for both, `numpy_sums`
    where numpy takes them: it may round a last digit otherwise. `onnx_same` counts images of the same class in
    onnxruntime (None: not checked). `notes` are sentences on what was left out, and why.
    """

    design: str
    files: tuple[Path, ...]
    precisions: tuple[Exported, ...]
    torch_sums: Agreement | None
    numpy_sums: Agreement | None
    onnx_same: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Images:
    """What an export reads: images to choose powers of two on, images to judge by, and how bytes become numbers."""

    calibration: Part
    test: Part
    normalization: Normalization


def export_run(
    run: Path,
    out: Path,
    data: Dataset | None = None,
    *,
    precisions: Sequence[str] = PRECISIONS,
    onnx: bool = True,
    tell: Tell = untold,
) -> ExportReport:
    """Export a finished run into a folder, and write a record of its accuracy at every integer precision.

    Without `data` the run's own data set is read; `tell` hears what is at work. Raises BnncostError for a run that is
    not finished, an unknown precision, and where no precision can be exported.
    """
    spec = load_spec(run)
    record = measurement_of(run, spec)
    if record is None:
        raise BnncostError(
            f"run '{run}' has not ended, so there is no network to export; train it to its end first."
        )
    split = prepared(spec.design, spec.recipe, data if data is not None else load(spec.data))
    images = Images(split.train, split.test, split.normalization)
    model = trained_model(run, spec)
    tell(f"{spec.design}: folding to integers")
    programs, notes = _programs(model, spec.design, images, precisions)
    report = export_model(model, spec.design, images, out, programs, onnx=onnx, notes=notes, tell=tell)
    for features, program in programs.items():
        if features != "fp32":
            measured = next(item.top1 for item in report.precisions if item.features == features)
            tell(f"{spec.design}: {features} on {len(split.validation):,} validation images")
            kept = top1(program, split.validation)[0]
            made = replace(record, features=features, top1=measured, validation_top1=kept)
            write_whole(run / RECORDS / f"{features}.json", made.to_json())
    return report


def export_model(
    model: Lowered,
    design: DesignKey,
    images: Images,
    out: Path,
    programs: dict[str, Program],
    *,
    onnx: bool = True,
    notes: Sequence[str] = (),
    tell: Tell = untold,
) -> ExportReport:
    """Write a trained network at each precision, and judge it on the test images; `tell` hears what is at work."""
    exact, part, normalization = programs.get("fp32"), images.test, images.normalization
    tell(f"{design}: checking against torch on {len(part):,} test images")
    by_torch, by_numpy = (
        compared(model, exact, part, normalization, torch_sums=sums) if exact else None
        for sums in (True, False)
    )
    expected = answers_of(model, part, normalization)
    files: list[Path] = []
    rows = []
    for number, (features, program) in enumerate(programs.items(), start=1):
        tell(f"{design}: {features} on {len(part):,} test images ({number} of {len(programs)} precisions)")
        files.extend(write_deployment(program, out / features))
        if program is exact and by_numpy is not None:
            accuracy, same = by_numpy.top1, by_numpy.same
        else:
            accuracy, answers = top1(program, part)
            same = int((answers == expected).sum())
        counted = counted_bits(design, features)
        rows.append(Exported(features, accuracy, same, len(part), program.stored_bits, counted))
    said, onnx_same = list(notes), None
    if onnx:
        tell(f"{design}: ONNX")
        try:
            files.append(write_onnx(model, out / "network.onnx"))
            onnx_classes = onnx_answers(out / "network.onnx", part, normalization)
            onnx_same = None if onnx_classes is None else int((onnx_classes == expected).sum())
        except BnncostError as error:
            said.append(str(error))
    return ExportReport(str(design), tuple(files), tuple(rows), by_torch, by_numpy, onnx_same, tuple(said))


def _programs(
    model: Lowered, design: DesignKey, images: Images, precisions: Sequence[str]
) -> tuple[dict[str, Program], list[str]]:
    """Compile a network for every precision that it can have; the sentences say why others are left out."""
    made: dict[str, Program] = {}
    refused: dict[str, list[str]] = {}
    for features in dict.fromkeys(precisions):
        if features not in PRECISIONS:
            raise unknown("precision to export", features, PRECISIONS)
        try:
            made[features] = compiled(model, design, features, images)
        except BnncostError as error:
            refused.setdefault(str(error), []).append(features)
    notes = [f"no network with features {' or '.join(left)}: {why}" for why, left in refused.items()]
    if not made:
        raise BnncostError(notes[0] if notes else "name at least one precision to export.")
    return made, notes


def compiled(model: Lowered, design: DesignKey, features: str, images: Images) -> Program:
    """Compile a trained network for one precision of features."""
    if features == "fp32":
        return float_program(model, design, images.normalization)
    every = max(
        1, len(images.calibration) // CALIBRATION_IMAGES
    )  # spread out, since sets may be sorted by class
    chosen: np.ndarray = images.calibration.images[::every][:CALIBRATION_IMAGES].numpy()
    return fixed_program(model, design, features, images.normalization, chosen)


def counted_bits(design: DesignKey, features: str) -> int:
    """Bits of weights and parameters that the cost model counts for a design with these features [bit]."""
    storage = compulsory_traffic(fold(build(replace(design, features=features)))).storage
    return int(np.max(storage.weights)) + int(np.max(storage.parameters))
