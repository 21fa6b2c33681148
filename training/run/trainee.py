"""What one phase of a run trains: the network, its loss and its optimizer, as they begin."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from costmodel.networks.build import build
from training.data.augment import normalize
from training.module.calibrate import calibrate
from training.module.lower import Lowered, lower
from training.run.folders import RunSpec
from training.run.objective import Objective, make_objective
from training.run.optimizers import learned_tensors, make_optimizer, settings_of
from training.run.phases import Phase, inherit, optimizer_of
from training.run.preparation import Prepared
from training.run.recipe import Recipe

CALIBRATION_IMAGES = 256


@dataclass(frozen=True, eq=False)
class Trainee:
    """What one phase trains: the network, its loss and its optimizer."""

    phase: Phase
    model: Lowered
    objective: Objective
    optimizer: torch.optim.Optimizer


def begin(
    phase: Phase, spec: RunSpec, images: Prepared, teacher: Lowered | None, earlier: Lowered | None = None
) -> Trainee:
    """Make what a phase trains: initial values from the seed, or those of the `earlier` phase's network."""
    device = images.train.images.device
    model = lower(build(phase.design), generator=torch.Generator().manual_seed(spec.seed)).to(device)
    model.real_weights = phase.real_weights
    if earlier is not None:
        inherit(model, earlier)
    factors = images.normalization.factors(device)
    calibrate(model, normalize(images.train.images[:CALIBRATION_IMAGES], *factors), earlier)
    objective = make_objective(phase, spec.recipe, model, teacher)
    optimizer = _optimizer(phase, spec.recipe, model, objective)
    return Trainee(phase, model, objective, optimizer)


def _optimizer(phase: Phase, recipe: Recipe, model: Lowered, objective: Objective) -> torch.optim.Optimizer:
    name = optimizer_of(phase, recipe.optimizer)
    settings = settings_of(name, getattr(recipe.optimizers, name))
    others = list(objective.distances.values())
    return make_optimizer(name, model.network, learned_tensors(model), settings, others)
