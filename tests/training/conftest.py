"""One thread for torch: several small ones only wait for each other. Without torch, the folder is left out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from training.run.folders import RunSpec


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def same_numbers() -> Iterator[None]:
    """Begin with the same draws, and leave the process with the numbers that training flushes to zero."""
    import torch

    torch.default_generator.manual_seed(0)  # torch.manual_seed writes a stack trace for a GPU to come
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def small_runs_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Train a run on small data, the first time that it is asked for; gives its folder, which is for reading."""
    from small_runs import small_data

    from training.run.loop import train

    runs = tmp_path_factory.mktemp("runs")

    def trained(spec: RunSpec, images: int = 96) -> Path:
        train(spec, small_data(images), runs / str(images))
        return runs / str(images) / spec.name

    return trained


@pytest.fixture
def finished(small_runs_once: Callable[..., Path], tmp_path: Path) -> Callable[[RunSpec], Path]:
    """Copy a run that was trained on small data into the test's own folder; gives the copy."""
    return lambda spec: shutil.copytree(small_runs_once(spec), tmp_path / spec.name)
