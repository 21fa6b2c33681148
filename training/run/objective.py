"""What training minimizes: cross-entropy with labels, and the losses that methods add or put in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from costmodel.graph import Value
from training.module.lower import Lowered
from training.run.losses import (
    EVEN_SPREAD,
    LOSSES,
    LossInputs,
    added_loss,
    loss_of,
    maps_to_keep,
    start_distances,
)
from training.run.optimizers import learned_tensors
from training.run.phases import Phase
from training.run.recipe import ByStage, LossFactors, Recipe, in_stage

STAGES = (1, 2)


@dataclass(frozen=True)
class Terms:
    """What the loss of a stage is made of: factors of the cross-entropy with labels and of added losses, none zero."""

    labels: float
    added: Mapping[str, float]

    @property
    def need_teacher(self) -> bool:
        """True where a loss compares with a teacher."""
        return any(loss_of(name).needs_teacher for name in self.added)


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of one phase: its terms by stage, the maps that they read, the teacher, what losses learn."""

    terms: tuple[Terms, Terms]
    label_smoothing: float
    student_maps: tuple[Value, ...]
    teacher_maps: tuple[Value, ...]
    teacher: Lowered | None
    distances: Mapping[str, nn.Parameter]
    kurtosis_target: float = EVEN_SPREAD

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the losses that are added in any stage."""
        return tuple(dict.fromkeys(name for terms in self.terms for name in terms.added))

    def __call__(
        self,
        model: Lowered,
        images: torch.Tensor,
        labels: torch.Tensor,
        stage: int,
        whole: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute the loss of a batch of images (N, C, H, W) and labels (N,) in stage 1 or 2.

        `whole` are the same images as the teacher reads them, where the student gets smaller ones.
        """
        terms = self.terms[stage - 1]
        maps = model.maps(images, self.student_maps)
        logits = maps[model.network.output].flatten(1)
        loss = logits.new_zeros(())
        if terms.labels:
            smoothing = self.label_smoothing
            loss = terms.labels * functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        if not terms.added:
            return loss
        others: Mapping[Value, torch.Tensor] = {}
        if self.teacher is not None and terms.need_teacher:
            with torch.no_grad():
                others = self.teacher.maps(images if whole is None else whole, self.teacher_maps)
        evidence = LossInputs(
            model.network,
            maps,
            learned_tensors(model),
            self.distances,
            self.teacher.network if self.teacher is not None else None,
            others,
            self.kurtosis_target,
        )
        return loss + added_loss(terms.added, evidence)


def names_of_losses(phase: Phase) -> tuple[str, ...]:
    """List the losses that a phase adds: those of its design's methods."""
    return tuple(use.name for use in phase.design.methods if use.name in LOSSES)


def terms_of(names: Sequence[str], factors: LossFactors, stage: int) -> Terms:
    """Weigh the losses of a stage: published factors where the recipe has none, and those of 0 left out.

    Labels are left out where a loss takes their place, unless the recipe weighs them beside it.
    """
    given: Mapping[str, ByStage | None] = factors.model_dump()
    weighed = {name: _factor(given[name], loss_of(name).factor, stage) for name in names}
    added = {name: factor for name, factor in weighed.items() if factor}
    replaced = any(loss_of(name).replaces_labels for name in added)
    return Terms(_factor(given["labels"], 0.0, stage) if replaced else 1.0, added)


def _factor(given: ByStage | None, published: float, stage: int) -> float:
    return published if given is None else in_stage(given, stage)


def make_objective(phase: Phase, recipe: Recipe, model: Lowered, teacher: Lowered | None) -> Objective:
    """Put the loss of a phase together; raises BnncostError where a loss finds nothing to read in the network."""
    names = names_of_losses(phase)
    first, second = (terms_of(names, recipe.losses, stage) for stage in STAGES)
    guide = teacher if any(loss_of(name).needs_teacher for name in names) else None
    mine, others = maps_to_keep(names, model.network, guide.network if guide is not None else None)
    distances = {}
    if any(loss_of(name).learns_distances for name in names):
        distances = start_distances(model.network, learned_tensors(model))
    target = EVEN_SPREAD if recipe.kurtosis_target is None else recipe.kurtosis_target
    return Objective(
        (first, second), recipe.label_smoothing, tuple(mine), tuple(others), guide, distances, target
    )
