"""What training minimizes: cross-entropy with labels, and the losses that methods add or put in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from costmodel.graph import Value
from training.module.lower import Lowered
from training.run.losses import LOSSES, Evidence, added_loss, loss_of, maps_to_keep, start_distances
from training.run.optimizers import learned_tensors
from training.run.phases import Phase
from training.run.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of one phase: factors of added losses, the maps that they read, the teacher, what losses learn."""

    factors: Mapping[str, float]
    label_smoothing: float
    student_maps: tuple[Value, ...]
    teacher_maps: tuple[Value, ...]
    teacher: Lowered | None
    distances: Mapping[str, nn.Parameter]
    kurtosis_target: float

    @property
    def reads_labels(self) -> bool:
        """False where a teacher's answers stand in for the labels."""
        return not any(loss_of(name).replaces_labels for name in self.factors)

    def __call__(self, model: Lowered, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Compute the loss of a batch of images (N, C, H, W) and labels (N,)."""
        maps = model.maps(images, self.student_maps)
        logits = maps[model.network.output].flatten(1)
        loss = logits.new_zeros(())
        if self.reads_labels:
            loss = functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        if not self.factors:
            return loss
        others: Mapping[Value, torch.Tensor] = {}
        if self.teacher is not None:
            with torch.no_grad():
                others = self.teacher.maps(images, self.teacher_maps)
        evidence = Evidence(
            model.network,
            maps,
            learned_tensors(model),
            self.distances,
            self.teacher.network if self.teacher is not None else None,
            others,
            self.kurtosis_target,
        )
        return loss + added_loss(self.factors, evidence)


def names_of_losses(phase: Phase) -> tuple[str, ...]:
    """List the losses that a phase adds: those of its design's methods."""
    return tuple(use.name for use in phase.design.methods if use.name in LOSSES)


def make_objective(phase: Phase, recipe: Recipe, model: Lowered, teacher: Lowered | None) -> Objective:
    """Put the loss of a phase together; raises BnncostError where a loss finds nothing to read in the network."""
    names = names_of_losses(phase)
    told = recipe.losses.model_dump()
    factors = {name: loss_of(name).factor if told[name] is None else told[name] for name in names}
    guide = teacher if any(loss_of(name).needs_teacher for name in names) else None
    mine, others = maps_to_keep(names, model.network, guide.network if guide is not None else None)
    distances = {}
    if any(loss_of(name).learns_distances for name in names):
        distances = start_distances(model.network, learned_tensors(model))
    target = recipe.kurtosis_target
    return Objective(factors, recipe.label_smoothing, tuple(mine), tuple(others), guide, distances, target)
