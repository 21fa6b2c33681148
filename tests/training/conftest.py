"""One thread for torch: several small ones only wait for each other. Without torch, the folder is left out."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    import torch

    torch.manual_seed(0)
