"""One step of training, taken operation by operation or, on a GPU, as one CUDA graph that was captured from it.

A step of ResNet-20 is some two thousand small kernels. Launched one by one, the processor takes longer than the GPU;
replayed as a graph, it does not. What changes from step to step lies in tensors: the batch, the learning rates and
`progress`. What changes from epoch to epoch, the stage and the size of the images, needs a graph of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from training.data.shrink import shrunk
from training.module.lower import keep_promises
from training.run.trainee import Trainee

Step = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes a batch of images (N, C, H, W) and their labels (N,), moves all weights once, and gives the loss."""

Replay = Callable[[], None]
Record = Callable[[Callable[[], object]], Replay]
"""Runs a function once, in a way that lets what it did be replayed on the same tensors."""

WARM_UP = 3
"""Steps before a graph is captured, in which libraries choose their kernels and optimizers make their state."""


def plain_step(trainee: Trainee, stage: int, side: int | None) -> Step:
    """Make the step of a stage (1 or 2), in which the network sees the images with `side` pixels a side, if given."""
    model, optimizer = trainee.model, trainee.optimizer
    positive = any(param.positive for param in model.network.learned())

    def step(batch: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen = batch if side is None else shrunk(batch, side)
        loss = trainee.objective(model, seen, labels, stage, whole=batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if positive:
            keep_promises(model)
        return loss.detach()

    return step


def captured_step(
    step: Step, trainee: Trainee, batch: torch.Tensor, labels: torch.Tensor, record: Record
) -> Step:
    """Make a step that replays another one, as `record` has recorded it on a batch and its labels.

    Recording takes steps, so what they changed is put back. Raises what the step raises while it is recorded, such as
    RuntimeError for an operation that a graph cannot hold; everything is put back then too.
    """
    batch, labels = batch.clone(), labels.clone()
    loss = torch.zeros((), device=batch.device)
    before = _Snapshot.of(trainee)
    try:
        replay = record(lambda: loss.copy_(step(batch, labels)))
    finally:
        before.put_back(trainee)

    def replayed(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        batch.copy_(images)
        labels.copy_(targets)
        replay()
        return loss.clone()

    return replayed


def record_graph(run: Callable[[], object]) -> Replay:
    """Capture what `run` does on the GPU as one graph, after some runs for warming up."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        run()
    return graph.replay


@dataclass(frozen=True, eq=False)
class _Snapshot:
    """What a step changes, as it was: values of the network and of its losses, and the optimizer's state."""

    values: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    state: dict[torch.Tensor, dict[str, torch.Tensor]]

    @classmethod
    def of(cls, trainee: Trainee) -> _Snapshot:
        model = trainee.model
        changing = (*model.parameters(), *model.buffers(), *trainee.objective.distances.values())
        values = tuple((tensor, tensor.detach().clone()) for tensor in changing)
        state = {
            tensor: {name: entry.clone() for name, entry in entries.items() if entry is not None}
            for tensor, entries in trainee.optimizer.state.items()
        }
        return cls(values, state)

    @torch.no_grad()
    def put_back(self, trainee: Trainee) -> None:
        """Write into the same tensors, which a graph knows by their place; a state that was not there is all zeros."""
        trainee.optimizer.zero_grad(set_to_none=True)
        for tensor, before in self.values:
            tensor.copy_(before)
        for tensor, entries in trainee.optimizer.state.items():
            known = self.state.get(tensor, {})
            for name, entry in entries.items():
                if entry is not None:
                    entry.copy_(known[name]) if name in known else entry.zero_()


@dataclass(eq=False)
class Steps:
    """The steps of one phase: captured on a GPU, and captured again where the stage or the images' side changes.

    `not_captured` says why a design's step could not be captured and is taken operation by operation; it is empty
    where it was, and where there is no GPU.
    """

    trainee: Trainee
    record: Record | None = None
    not_captured: str = ""
    _of: tuple[int, int | None] | None = None
    _step: Step | None = field(default=None, repr=False)

    def take(self, batch: torch.Tensor, labels: torch.Tensor, stage: int, side: int | None) -> torch.Tensor:
        """Move all weights once on a batch (N, C, H, W) and its labels (N,); gives the loss."""
        if self._step is None or self._of != (stage, side):
            self._of, self._step = (stage, side), self._made(batch, labels, stage, side)
        return self._step(batch, labels)

    def _made(self, batch: torch.Tensor, labels: torch.Tensor, stage: int, side: int | None) -> Step:
        step = plain_step(self.trainee, stage, side)
        if self.record is None or self.not_captured:
            return step
        try:
            return captured_step(step, self.trainee, batch, labels, self.record)
        except RuntimeError as error:
            self.not_captured = (str(error).splitlines() or ["no reason given"])[0]
            return step


def steps_of(trainee: Trainee) -> Steps:
    """Make the steps of a phase, which are captured where its network lies on a CUDA GPU."""
    on_gpu = trainee.model.progress.is_cuda
    return Steps(trainee, record_graph if on_gpu else None)
