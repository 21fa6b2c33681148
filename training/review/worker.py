"""One worker of a study: a process that trains the runs it is given, and ends when the process that started it does."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from costmodel.designs.records import Measurement
from costmodel.errors import BnncostError
from costmodel.evaluate.engine import end_with_parent
from costmodel.methods.plugins import load_named_plugins
from costmodel.output import NoRoomError
from training.run.folders import RunSpec, claimed

if TYPE_CHECKING:
    from training.data.dataset import Dataset


@dataclass(frozen=True)
class Setup:
    """What all runs of a worker have in common; `deadline_s` is a time of the clock `time.monotonic`."""

    data: str
    runs: Path
    device: str = "auto"
    deadline_s: float | None = None
    data_folder: Path = Path("data")


@dataclass(frozen=True)
class Beat:
    """How far a run is: of which design, its epoch (from 1), the part of it that is done, its speed.

    `not_captured` says why a GPU takes its steps operation by operation; empty where it does not.
    """

    design: str
    epoch: int
    part: float
    images_per_s: float
    seconds_left: float
    not_captured: str = ""


@dataclass(frozen=True)
class Ended:
    """How a run ended: done, with its top-1 [%]; busy elsewhere; stopped by the deadline; or failed, and why."""

    how: Literal["ready", "refused", "done", "busy", "stopped", "failed"]
    sentence: str = ""
    top1: float | None = None


Watch = Callable[[Beat], None]
Trainer = Callable[[RunSpec, Watch], Measurement | None]
Opener = Callable[[Setup], Trainer]
"""Makes, in a worker's process, the function that trains a run; it is named by its module, so it lies at its top."""


def serve(commands: Connection, opener: Opener, setting: Setup) -> None:
    """Train every run that comes, one after the other, until None comes; tell what becomes of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    end_with_parent()
    try:
        load_named_plugins()
        trainer = opener(setting)
    except (BnncostError, OSError) as error:
        commands.send(Ended("refused", str(error)))
        return
    commands.send(Ended("ready"))
    while (spec := commands.recv()) is not None:
        commands.send(trained(trainer, spec, commands.send, setting.deadline_s))


def trained(trainer: Trainer, spec: RunSpec, watch: Watch, deadline_s: float | None) -> Ended:
    """Train a run, and say in an `Ended` what became of it, whatever that is."""
    try:
        done = trainer(spec, watch)
    except NoRoomError as error:  # which no other run will find either
        return Ended("refused", f"{error} Make room, and give the same command again: it goes on from there.")
    except BnncostError as error:
        return Ended("failed", str(error))
    except (OSError, RuntimeError, MemoryError) as error:  # such as a full disk, or a device without memory
        reason = (str(error).splitlines() or ["no reason given"])[0]
        return Ended("failed", f"{type(error).__name__}: {reason}")
    if done is not None:
        return Ended("done", top1=done.top1)
    late = deadline_s is not None and time.monotonic() >= deadline_s
    return Ended("stopped" if late else "busy")


def open_training(setting: Setup) -> Trainer:
    """Read the data set once, and train on it."""
    return trainer_on(read_data(setting), setting)


def read_data(setting: Setup) -> Dataset:
    """Read the data set of a study: of several processes one fetches what is missing, the others find it."""
    from training.data.dataset import load

    with claimed(setting.runs, wait=True):
        return load(setting.data, folder=setting.data_folder)


def trainer_on(data: Dataset, setting: Setup) -> Trainer:
    """Train on a data set with one thread: several processes only wait for each other's."""
    from training.run.devices import choose_device
    from training.run.loop import Progress, train

    device = choose_device(setting.device, threads=1)

    def trainer(spec: RunSpec, watch: Watch) -> Measurement | None:
        def tell(now: Progress) -> None:
            design = str(now.spec.design)
            watch(Beat(design, now.epoch, now.part, now.images_per_s, now.seconds_left, now.not_captured))

        return train(spec, data, setting.runs, device=device, watch=tell, deadline_s=setting.deadline_s)

    return trainer
