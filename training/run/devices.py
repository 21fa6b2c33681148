"""The device that trains: chosen by name, and set up so that speed costs no exactness that matters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from costmodel.errors import BnncostError, unknown

MOST_THREADS = 4096
KINDS = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """Find a device by name, such as cuda:1; `auto` takes a GPU where there is one. Sets up torch for it.

    Raises BnncostError for an unknown device, and for one that this machine or this torch lacks.
    """
    kind, colon, number = name.partition(":")
    if kind not in KINDS or (colon and not (number.isascii() and number.isdecimal() and len(number) < 4)):
        raise unknown("device", name, [*KINDS, "cuda:0"])
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    _require(kind, int(number or 0))
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise BnncostError(f"training takes at least one thread and at most {MOST_THREADS}, not {threads}.")
    torch.set_num_threads(threads or _usual_threads())
    torch.set_flush_denormal(True)  # tiny gradients are slow otherwise, and change nothing
    if kind == "cuda":
        # TensorFloat-32 holds -1, +1 and 8-bit integers, so sums of their products stay exact
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    return torch.device(f"{kind}:{number}" if number else kind)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Raise BnncostError where a device runs out of memory while inside."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch has a type of its own for GPUs only
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and "allocate memory" not in str(
            error
        ):
            raise
        raise BnncostError(
            "the device has too little memory; lower 'batch_size' in the recipe, or the width of the design."
        ) from None


def _usual_threads() -> int:
    """Half of the cores: threads that wait for one that has no core to itself are slower than fewer of them."""
    return max(1, (os.cpu_count() or 1) // 2)


def _require(kind: str, number: int) -> None:
    if kind == "mps" and not torch.backends.mps.is_available():
        raise BnncostError("device 'mps' is not available here; take 'cpu'.")
    if kind != "cuda":
        return
    if not torch.cuda.is_available():
        why = "has no CUDA" if torch.version.cuda is None else "finds no GPU"
        raise BnncostError(f"device 'cuda' is not available: torch {torch.__version__} {why}; take 'cpu'.")
    if number >= torch.cuda.device_count():
        raise BnncostError(
            f"device 'cuda:{number}' is not there; this machine has cuda:0 to cuda:{torch.cuda.device_count() - 1}."
        )
