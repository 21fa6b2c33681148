"""How training is watched: a moving line on a terminal, a plain line per epoch elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from costmodel.designs.records import Measurement
from training.run.console import bars, say
from training.run.durations import words_of
from training.run.loop import Progress, Watch


@contextmanager
def watched(console: Console) -> Iterator[Watch]:
    """Give a function that shows how far training is for as long as the context lasts."""
    if not console.is_terminal:
        yield lambda state: print_epoch(console, state)
        return
    with bars(console) as progress:
        tasks: dict[str, int] = {}

        def show(state: Progress) -> None:
            epochs = state.spec.recipe.epochs
            if state.spec.name not in tasks:
                tasks[state.spec.name] = progress.add_task(str(state.spec.design), total=epochs, now="")
            task = tasks[state.spec.name]
            progress.update(task, completed=state.epoch - 1 + state.part, now=_now(state))  # type: ignore[arg-type, unused-ignore]

        yield show


def print_epoch(console: Console, state: Progress) -> None:
    """Print a line at the end of an epoch."""
    if state.part == 1:
        say(console, f"{state.spec.design}: {_now(state)}")


def _now(state: Progress) -> str:
    accuracy = "" if state.validation_top1 is None else f", validation {state.validation_top1:.1f} %"
    plain = f" (steps are not captured: {state.not_captured})" if state.not_captured else ""
    return (
        f"epoch {state.epoch}/{state.spec.recipe.epochs}, loss {state.loss:.3f}{accuracy}, "
        f"{state.images_per_s:.0f} images/s, {words_of(state.seconds_left)} left{plain}"
    )


def outcome(record: Measurement) -> str:
    """Say in two lines what a run reached, and how."""
    time = "" if record.wall_s is None else f"{words_of(record.wall_s)} "
    return (
        f"{record.design}, seed {record.seed}: top-1 {record.top1:.2f} % on {record.test_images} test images "
        f"(last epoch; validation {record.validation_top1:.2f} %)\n"
        f"{record.protocol}, {time}on {record.device}"
    )
