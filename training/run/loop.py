"""The training loop, top to bottom: one run from its folder to its record, resumed wherever it was stopped.

An epoch is the unit: what it draws follows from the seed and its number alone, and a checkpoint is written after each.
So a run that was killed continues from its last whole epoch to the very weights that it would have had (on a CPU, with
the same number of threads). The test set is read once, after the last epoch.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from io import StringIO
from pathlib import Path

import torch

from costmodel.designs.catalogue import DATASETS
from costmodel.designs.content import require_content
from costmodel.designs.records import AS_TRAINED, RECORD, Measurement
from costmodel.errors import BnncostError
from costmodel.networks.build import build
from costmodel.output import write_whole
from training.data.augment import Normalization, batches_per_epoch, generator_of, normalize, shuffled
from training.data.dataset import Dataset, Part, in_order
from training.data.pins import path_and_digest
from training.module.lower import Lowered, lower, set_progress
from training.module.statistics import settle
from training.run.checkpoints import Epoch, Header, load_checkpoint, read_header, save_checkpoint
from training.run.folders import (
    CHECKPOINT,
    CURVE,
    HISTORY,
    RunSpec,
    claimed,
    measurement_of,
    open_folder,
)
from training.run.optimizers import PUBLISHED, set_decay, set_rate
from training.run.phases import decay_of, optimizer_of, phases_of, stage_of, teacher_of
from training.run.preparation import Prepared, prepared
from training.run.provenance import commit, device_name
from training.run.sizes import side_of, work_left, work_of
from training.run.steps import Steps, steps_of
from training.run.trainee import Trainee, begin

WATCH_EVERY_S = 0.5
EVALUATION_BATCH = 500
SETTLING_IMAGES, SETTLING_BATCH = 1000, 250


@dataclass(frozen=True)
class Progress:
    """How far a run is: the epoch (from 1), the part of it done (0 .. 1), and what is known of it so far.

    `validation_top1` [%] is that of the epoch before, until this one is whole. `not_captured` says why a GPU takes the
    steps operation by operation; it is empty where it does not, and elsewhere.
    """

    spec: RunSpec
    epoch: int
    part: float
    loss: float
    validation_top1: float | None
    images_per_s: float
    seconds_left: float
    not_captured: str = ""


Watch = Callable[[Progress], None]


def train(
    spec: RunSpec,
    data: Dataset,
    runs: Path,
    *,
    device: torch.device | str = "cpu",
    watch: Watch | None = None,
    deadline_s: float | None = None,
    wait: bool = False,
) -> Measurement | None:
    """Train a run to its end, from wherever it stands, and write its record; a run that has one is only read.

    Gives None where another process trains it (unless told to `wait` for that one), and where `deadline_s`, on the
    clock of `time.monotonic`, passes: training then stops after an epoch. Raises BnncostError for a design, recipe
    and data set that do not fit together, and where the loss is no longer a number.
    """
    for one in (spec, teacher_of(spec)) if spec.has_teacher else (spec,):
        phases_of(one)  # what cannot be trained is refused before a folder is made for it
    commit()  # is asked for now, as the files may change while it trains
    folder = open_folder(spec, runs)
    with claimed(folder, wait=wait, deadline_s=deadline_s) as mine:
        finished = measurement_of(folder, spec)
        if finished is not None or not mine:
            return finished
        images = prepared(spec.design, spec.recipe, data).to(device)
        teacher = _teacher(spec, data, runs, device, watch, deadline_s)
        if teacher is None and spec.has_teacher:
            return None
        model = _train_phases(spec, folder, images, teacher, watch, deadline_s)
        return None if model is None else _finish(spec, folder, model, images)


def trained_model(folder: Path, spec: RunSpec) -> Lowered:
    """Read the network of a run as its last checkpoint has it, in eval mode; raises BnncostError without one."""
    model = lower(build(spec.design))
    if not (folder / CHECKPOINT).is_file():
        ended = (folder / RECORD).is_file()
        why = "lost its checkpoint; delete the folder and" if ended else "no checkpoint yet;"
        raise BnncostError(f"'{folder}' has {why} train it first: bnncost train.")
    header = _header(spec, folder)
    if header.epochs_done < spec.recipe.epochs:
        raise BnncostError(
            f"'{folder}' has {header.epochs_done} of {spec.recipe.epochs} epochs; train it to its end first."
        )
    load_checkpoint(folder / CHECKPOINT, model)
    return model.eval()


# ------------------------------------------------------------------ phases and epochs


def _train_phases(
    spec: RunSpec,
    folder: Path,
    images: Prepared,
    teacher: Lowered | None,
    watch: Watch | None,
    deadline_s: float | None,
) -> Lowered | None:
    """Go through the phases from the last checkpoint on; gives the network, or None where the deadline came first."""
    header = _header(spec, folder)
    model: Lowered | None = None
    for phase in phases_of(spec):
        if header.epochs_done > phase.end:
            continue
        require_content(
            spec.content, spec.design, f"run '{spec.name}'"
        )  # the file may be edited between two phases
        trainee = begin(phase, spec, images, teacher, earlier=model)
        if phase.number == header.phase:
            load_checkpoint(
                folder / CHECKPOINT, trainee.model, trainee.optimizer, trainee.objective.distances
            )
        model, steps = trainee.model, steps_of(trainee)
        for epoch in range(header.epochs_done, phase.end):
            if deadline_s is not None and time.monotonic() >= deadline_s:
                return None
            done = _epoch(steps, spec, epoch, images, header.history, watch)
            header = Header(spec.digest, phase.number, (*header.history, done))
            save_checkpoint(
                folder / CHECKPOINT, header, model, trainee.optimizer, trainee.objective.distances
            )
            _write_history(folder / HISTORY, header.history)
    return model


def _epoch(
    steps: Steps,
    spec: RunSpec,
    epoch: int,
    images: Prepared,
    history: tuple[Epoch, ...],
    watch: Watch | None,
) -> Epoch:
    """Train one epoch and validate it; `watch` is told how it goes."""
    started = told = time.monotonic()
    trainee = steps.trainee
    batches = batches_per_epoch(len(images.train), spec.recipe.batch_size)
    whole = batches * min(spec.recipe.batch_size, len(images.train))
    total = torch.zeros((), device=images.train.images.device)
    last = history[-1].validation_top1 if history else None
    later = work_left(epoch + 1, spec.recipe, spec.design)
    epochs_to_come = later / work_of(epoch, spec.recipe, spec.design)  # in the time of this one

    def tell(number: int, mean: float, top1: float | None, trained: float) -> float:
        speed = whole * number / batches / max(trained - started, 1e-9)
        left = (epochs_to_come + 1 - number / batches) * whole / speed
        if watch is not None:
            watch(Progress(spec, epoch + 1, number / batches, mean, top1, speed, left, steps.not_captured))
        return speed

    for number, loss in enumerate(train_epoch(steps, spec, epoch, images), 1):
        total += loss
        now = time.monotonic()
        if now - told >= WATCH_EVERY_S and number < batches:
            tell(number, _finite(total, number, trainee, spec, epoch), last, now)
            told = now
    mean, trained = _finite(total, batches, trainee, spec, epoch), time.monotonic()
    if spec.recipe.sizes:  # norms have seen other images than those of validation, test and export
        settle(trainee.model, whole_images(images))
    top1 = evaluate(trainee.model, images.validation, images.normalization)
    speed = tell(batches, mean, top1, trained)
    rate = float(trainee.optimizer.param_groups[0]["lr"])
    return Epoch(epoch + 1, trainee.phase.number, mean, top1, rate, speed, time.monotonic() - started)


def train_epoch(steps: Steps, spec: RunSpec, epoch: int, images: Prepared) -> Iterator[torch.Tensor]:
    """Take the steps of one epoch (from 0), giving the loss of each, still on the device."""
    trainee, recipe = steps.trainee, spec.recipe
    phase, model = trainee.phase, trainee.model
    batches = batches_per_epoch(len(images.train), recipe.batch_size)
    stage = stage_of(epoch, recipe)
    set_decay(trainee.optimizer, decay_of(phase), stage)
    warmup = recipe.warmup_epochs / (phase.end - phase.first)
    generator = generator_of(spec.seed, epoch)
    drawn = shuffled(images.train, recipe.batch_size, generator, images.augmentation, images.normalization)
    model.train()
    model.side = side = side_of(epoch, recipe)
    for number, (batch, labels) in enumerate(drawn):
        progress = (epoch - phase.first + (number + 0.5) / batches) / (phase.end - phase.first)
        set_progress(model, progress)
        set_rate(trainee.optimizer, recipe.schedule, progress, warmup)
        yield steps.take(batch, labels, stage, side)
    model.side = None


def whole_images(images: Prepared) -> Iterator[torch.Tensor]:
    """Yield training images for the statistics of norms: always the same, at full size and as they are."""
    factors = images.normalization.factors(images.train.images.device)
    for batch in images.train.images[:SETTLING_IMAGES].split(SETTLING_BATCH):
        yield normalize(batch, *factors)


@torch.no_grad()
def evaluate(model: Lowered, part: Part, normalization: Normalization) -> float:
    """Measure top-1 accuracy [%] in eval mode; the mode that the model was in is kept."""
    mode, right = model.training, 0
    model.eval()
    factors = normalization.factors(part.images.device)
    for batch in in_order(part, EVALUATION_BATCH):
        answers = model(normalize(batch.images, *factors)).flatten(1).argmax(1)
        right += int((answers == batch.labels).sum())
    model.train(mode)
    return 100 * right / len(part)


def _finite(total: torch.Tensor, steps: int, trainee: Trainee, spec: RunSpec, epoch: int) -> float:
    """Give the mean loss of an epoch's first `steps`; raises BnncostError where it is no number."""
    mean = float(total) / steps
    if not math.isfinite(mean):
        raise BnncostError(_why_not_finite(trainee, spec, epoch, steps))
    return mean


def _why_not_finite(trainee: Trainee, spec: RunSpec, epoch: int, step: int) -> str:
    """Say where the loss stopped being a number, and what most likely made it so."""
    name = optimizer_of(trainee.phase, spec.recipe.optimizer)
    rate, published = trainee.optimizer.param_groups[0]["initial_lr"], PUBLISHED[name].rate
    if name != "bop" and rate > 2 * published:
        cause = f"the learning rate of '{name}', {rate:g}, is {rate / published:.3g} times the published {published:g}"
    elif trainee.objective.added:
        cause = f"one of the added losses ({', '.join(trainee.objective.added)}) may be weighed too high"
    else:
        cause = f"the learning rate of '{name}', {rate:g}, may be too high for this design"
    return (
        f"run '{spec.name}': the loss is no longer a number in epoch {epoch + 1} of {spec.recipe.epochs}, by step "
        f"{step}; {cause}. Lower 'optimizers.{name}.rate' in the recipe, or lengthen 'warmup_epochs'."
    )


# ------------------------------------------------------------------ the teacher


def _teacher(
    spec: RunSpec,
    data: Dataset,
    runs: Path,
    device: torch.device | str,
    watch: Watch | None,
    deadline_s: float | None,
) -> Lowered | None:
    """Train the teacher as a run of its own, or read it where it is done; None where none is needed or time is up."""
    if not spec.has_teacher:
        return None
    other = teacher_of(spec)
    done = train(other, data, runs, device=device, watch=watch, deadline_s=deadline_s, wait=True)
    return None if done is None else trained_model(runs / other.name, other).to(device).eval()


# ------------------------------------------------------------------ what is written


def _header(spec: RunSpec, folder: Path) -> Header:
    """Read how far a run is; raises BnncostError for the checkpoint of another run."""
    if not (folder / CHECKPOINT).is_file():
        return Header(spec.digest, 0, ())
    header = read_header(folder / CHECKPOINT)
    if header.run != spec.digest:
        raise BnncostError(f"'{folder / CHECKPOINT}' belongs to another run; delete it to train again.")
    return header


def _write_history(path: Path, history: tuple[Epoch, ...]) -> None:
    stream = StringIO()
    writer = csv.DictWriter(stream, [item.name for item in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(item) for item in history)
    write_whole(path, stream.getvalue())


def _data_name(spec: RunSpec, images: Prepared) -> str:
    """Name the data set in a record: one that is not known by name has the digest of its content behind it."""
    _, digest = path_and_digest(spec.data)
    return images.data if images.data in DATASETS or not digest else f"{images.data} ({digest})"


def _finish(spec: RunSpec, folder: Path, model: Lowered, images: Prepared) -> Measurement:
    """Read the test set, draw the curve, and write the record, which makes the run count as done."""
    from training.run.curves import draw_curve  # a second of imports that only the end needs

    header = read_header(folder / CHECKPOINT)
    _write_history(folder / HISTORY, header.history)  # a run may have been stopped between the two
    draw_curve(folder / CURVE, spec, header.history)
    record = Measurement(
        design=str(spec.design),
        features=AS_TRAINED,
        top1=evaluate(model, images.test, images.normalization),
        validation_top1=header.history[-1].validation_top1,
        recipe=spec.recipe.name,
        recipe_digest=spec.recipe.digest,
        data=_data_name(spec, images),
        image="x".join(str(side) for side in images.test.images.shape[1:]),
        train_images=len(images.train),
        test_images=len(images.test),
        epochs=spec.recipe.epochs,
        seed=spec.seed,
        wall_s=round(sum(item.wall_s for item in header.history), 3),
        device=device_name(images.test.images.device),
        torch=torch.__version__,
        commit=commit(),
        date=date.today().isoformat(),
        content=spec.content,
    )
    write_whole(folder / RECORD, record.to_json())
    return record
