"""One thread for torch: several small ones only wait for each other. Without torch, the folder is left out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def same_numbers() -> Iterator[None]:
    """Begin with the same draws, and leave the process with the numbers that training flushes to zero."""
    import torch

    torch.manual_seed(0)
    yield
    torch.set_flush_denormal(False)
