"""Checkpoints: all that the next epoch depends on, in one safetensors file that is replaced whole."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from costmodel.errors import BnncostError
from costmodel.output import parse_json, write_whole
from training.run.optimizers import state_names

FORMAT = "bnncost checkpoint 1"
_PARTS = ("model/", "other/", "optimizer/")


@dataclass(frozen=True)
class Epoch:
    """What one epoch reached: mean loss of its steps, validation top-1 [%], learning rate at its end, speed."""

    epoch: int
    phase: int
    loss: float
    validation_top1: float
    rate: float
    images_per_s: float
    wall_s: float


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself: the run, the phase of training, and the epochs that are done."""

    run: str
    phase: int
    history: tuple[Epoch, ...]

    @property
    def epochs_done(self) -> int:
        """How many epochs are done, all phases together."""
        return len(self.history)


def save_checkpoint(
    path: Path,
    header: Header,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    others: Mapping[str, torch.Tensor],
) -> None:
    """Write a checkpoint in place of the last one; `others` are tensors that losses learn."""
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"other/{name}": tensor for name, tensor in others.items()}
    state = optimizer.state_dict()["state"]
    for index, entries in state.items():
        for name, tensor in entries.items():
            if tensor is not None:
                tensors[f"optimizer/{index}/{name}"] = torch.as_tensor(tensor)
    content = {"run": header.run, "phase": header.phase, "history": [asdict(item) for item in header.history]}
    metadata = {"format": FORMAT, "header": json.dumps(content)}
    kept = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_whole(path, save(kept, metadata))


def read_header(path: Path) -> Header:
    """Read what a checkpoint says of itself; raises BnncostError for a damaged or foreign file."""
    return _read(path, tensors=False)[0]


def load_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    others: Mapping[str, torch.Tensor] | None = None,
) -> Header:
    """Put a checkpoint's tensors into a model, and into the optimizer and losses if given.

    Raises BnncostError for a damaged or foreign file, and for one of another network; nothing is changed then.
    """
    header, tensors = _read(path, tensors=True)
    expected = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    expected |= {f"other/{name}": tensor for name, tensor in (others or {}).items()}
    parts = ("model/", "other/") if others is not None else ("model/",)
    own = {
        name: tensor
        for name, tensor in tensors.items()
        if name.startswith(parts) or not name.startswith(_PARTS)
    }
    wrong = sorted(set(expected) ^ set(own))
    wrong += sorted(name for name in set(expected) & set(own) if not _alike(expected[name], own[name]))
    if wrong:
        name = wrong[0].partition("/")[2]
        raise BnncostError(
            f"'{path}' is the checkpoint of another network ('{name}' differs); delete it to train again."
        )
    if optimizer is not None:
        state = _optimizer_state(path, optimizer, _part(tensors, "optimizer/"))
        try:
            optimizer.load_state_dict(state)
        except (KeyError, ValueError, TypeError) as error:
            raise BnncostError(
                f"'{path}' has a state that the optimizer has not ({error}); delete it to train again."
            ) from None
    model.load_state_dict(_part(tensors, "model/"))
    for name, tensor in (others or {}).items():
        with torch.no_grad():
            tensor.copy_(tensors[f"other/{name}"])
    return header


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _optimizer_state(
    path: Path, optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]
) -> dict[str, Any]:
    """Rebuild the state by parameter; the groups' numbers follow from the recipe and are not stored."""
    moved = [(param, group) for group in optimizer.param_groups for param in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition("/")
        if not (index.isascii() and index.isdecimal()) or int(index) >= len(moved):
            raise BnncostError(f"'{path}' has a state of no parameter ('{name}'); delete it to train again.")
        state.setdefault(int(index), {})[key] = tensor
    for place, own in state.items():
        param, group = moved[place]
        wrong = set(own) ^ state_names(optimizer, group)
        wrong |= {name for name, tensor in own.items() if tensor.ndim and tensor.shape != param.shape}
        if wrong:
            raise BnncostError(
                f"'{path}' has not the state of parameter {place} ('{min(wrong)}' is missing, too much, or of another "
                "shape); delete it to train again."
            )
    return {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}


def _read(path: Path, *, tensors: bool) -> tuple[Header, dict[str, torch.Tensor]]:
    """Read the header and, if asked, the tensors, which a header alone does not pay for."""
    refused = f"'{path}' cannot be used as a checkpoint"
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise BnncostError(f"{refused}: it is not of the form '{FORMAT}'; delete it to train again.")
            names = stream.keys() if tensors else ()
            values = {name: stream.get_tensor(name) for name in names}
        content = parse_json(metadata["header"])
        return Header(str(content["run"]), int(content["phase"]), _history(content["history"])), values
    except OSError as error:
        raise BnncostError(f"{refused}: {(error.strerror or str(error)).lower()}.") from None
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, BnncostError):
            raise
        raise BnncostError(f"{refused}: it is damaged; delete it to train again.") from None


def _history(items: list[dict[str, Any]]) -> tuple[Epoch, ...]:
    """Read what the epochs reached; raises ValueError or TypeError for figures that no epoch has."""
    history = tuple(Epoch(**item) for item in items)
    for number, one in enumerate(history, start=1):
        figures = [figure + 0 for figure in astuple(one)]  # a number, or a TypeError
        if one.epoch != number or one.validation_top1 > 100 or not all(map(math.isfinite, figures)):
            raise ValueError(f"epoch {number}")
        if min(one.phase, one.validation_top1, one.rate, one.images_per_s, one.wall_s) < 0:
            raise ValueError(f"epoch {number}")
    return history
