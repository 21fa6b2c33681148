"""Readers of what a stopped command goes on from: the chunks of a search, the checkpoint of a run."""

from __future__ import annotations

import json
import math
import random
import struct
import tempfile
from functools import cache
from pathlib import Path

import torch
from small_runs import small_run

from analysis.fronts.search.chunks import front_of_chunk
from analysis.fronts.search.log import _sealed, opened_log
from analysis.fronts.search.request import SearchRequest
from analysis.show.axes import Axis
from costmodel import DesignKey, build, load_profile
from costmodel.evaluate.space import Space
from tools.fuzz import mutate
from tools.fuzz.loop import Reader
from training.module.lower import lower
from training.run.checkpoints import Epoch, Header, load_checkpoint, read_header, save_checkpoint

# ---------------------------------------------------------------- searches


@cache
def search() -> SearchRequest:
    """A search of four chunks."""
    space = Space.of(
        [DesignKey.parse("resnet8/cifar10")], ["prelu", "ede", "double_residual"], [0.5, 1.0], ["int16"], ["binary"]
    )  # fmt: skip
    return SearchRequest(
        space, (load_profile("asic-45nm"),), (Axis.energy,), {}, None, "none", "compulsory", cells_together=1
    )


@cache
def chunks() -> bytes:
    """The log of that search, whole."""
    request = search()
    with tempfile.TemporaryDirectory() as folder, opened_log(request, Path(folder)) as log:
        for number in range(request.chunks):
            log.add(front_of_chunk(request, number))
        (path,) = Path(folder).iterdir()
        return path.read_bytes()


def bend_chunks(rng: random.Random, content: bytes) -> bytes:
    """Bend the bytes of a log, or one of its lines, which then is sealed again."""
    if rng.random() < 0.3:
        return mutate.text(rng, content)
    lines = content.splitlines()
    at = rng.randrange(len(lines))
    row = json.loads(lines[at].partition(b" ")[2])
    text = mutate.dumped(mutate.tree(rng, row)) if rng.random() < 0.9 else mutate.text(rng, lines[at])
    lines[at] = _sealed(search(), text) + b" " + text
    return b"\n".join(lines) + b"\n"


def read_chunks(path: Path) -> None:
    """Take up a search: each point is a design of its chunk, with costs that are no less than none."""
    request = search()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f".search-{request.digest}.jsonl").write_bytes(path.read_bytes())
        with opened_log(request, Path(folder)) as log:
            for number, front in log.done.items():
                for point in front.points:
                    assert int(point["cell"]) == number and point["energy_j"] >= 0
                    key = request.space.key(
                        request.space.cell(int(point["cell"])),
                        request.space.widths[point["width"]],
                        int(point["free"]),
                    )
                    assert DesignKey.parse(str(key)) == key
                json.dumps(front.to_row(), allow_nan=False)


# ---------------------------------------------------------------- checkpoints


@cache
def trained() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    """A small network with the state of an optimizer."""
    torch.manual_seed(0)
    model = lower(build(small_run().design))
    optimizer = torch.optim.Adam(list(model.parameters()))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return model, optimizer


def checkpoints() -> list[bytes]:
    """A checkpoint of one epoch."""
    model, optimizer = trained()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        header = Header("0" * 8, 1, (Epoch(1, 1, 2.0, 50.0, 0.1, 100.0, 1.0),))
        save_checkpoint(path, header, model, optimizer, {})  # type: ignore[arg-type]
        return [path.read_bytes()]


def bend_checkpoint(rng: random.Random, content: bytes) -> bytes:
    """Bend the header of the tensors, what it says of the run, its length, or bytes."""
    if rng.random() < 0.2:
        return mutate.text(rng, content)
    (length,) = struct.unpack("<Q", content[:8])
    head, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    if rng.random() < 0.4:
        told = json.loads(head["__metadata__"]["header"])
        head["__metadata__"]["header"] = mutate.dumped(mutate.tree(rng, told)).decode()
    else:
        names = rng.sample(sorted(head), 12)
        bent = mutate.tree(rng, {name: head[name] for name in names})
        head = {name: one for name, one in head.items() if name not in names}
        head |= bent if isinstance(bent, dict) else {"a": bent}
        if rng.random() < 0.3:
            name = rng.choice(sorted(head))
            head[mutate.text(rng, name.encode()).decode("utf-8", "replace")] = head.pop(name)
    text = mutate.dumped(head)
    told = rng.choice((len(text), len(text), len(text), 0, length, 2**40, 2**63))
    return struct.pack("<Q", told) + text + body


def read_checkpoint(path: Path) -> None:
    """Read a checkpoint, its header alone and whole; its figures are those of epochs."""
    header = read_header(path)
    assert all(math.isfinite(one.loss) and 0 <= one.validation_top1 <= 100 for one in header.history)
    assert [one.epoch for one in header.history] == list(range(1, header.epochs_done + 1))
    load_checkpoint(path, *trained(), {})


READERS = (
    Reader("search", ".jsonl", lambda: [chunks()], bend_chunks, read_chunks),
    Reader("checkpoint", ".safetensors", checkpoints, bend_checkpoint, read_checkpoint),
)
