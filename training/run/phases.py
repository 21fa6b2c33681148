"""Phases of a run: which network trains in which epochs, and what the next one inherits.

Most runs have one. `two_stage` leaves weights real at first, `warm_start` begins with a real-valued network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from costmodel.designs.content import content_of
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.methods.registry import MethodUse
from training.module.lower import Lowered
from training.run.folders import RunSpec
from training.run.losses import LOSSES
from training.run.optimizers import DECAY_POLICIES, OPTIMIZERS
from training.run.recipe import Recipe
from training.run.sizes import require_sizes

_HOOKS_OF_BITS = ("before_sign", "features", "weight", "weight_bases", "every_shortcut")
_WITHOUT_BITS = ("sgd", "adam", "logits_teacher", "attention_teacher")
"""Techniques of training that a network without bits follows too."""


@dataclass(frozen=True)
class Phase:
    """Epochs `first` .. `end` - 1 of a run, the design that trains in them, and whether its weights stay real."""

    number: int
    first: int
    end: int
    design: DesignKey
    real_weights: bool = False


KNOWN = frozenset({*LOSSES, *OPTIMIZERS, *DECAY_POLICIES, "two_stage", "warm_start"})
"""Techniques that leave no trace in the network, neither an operation nor a gradient, and that a run follows."""


def require_trainable(design: DesignKey) -> None:
    """Raise BnncostError for a technique that training would pass over in silence.

    No run follows it yet, or the design has no bits for it to work on.
    """
    for use in design.methods:
        if use.method.hook == "recipe" and not use.method.estimator and use.name not in KNOWN:
            raise BnncostError(
                f"design '{design}' can be priced, but not trained: '{use.name}' has no rule of training yet. "
                "Leave it out; at inference it changes nothing."
            )
        if (
            design.compute != "binary"
            and use.method.hook == "recipe"
            and not _works_without_bits(use, design)
        ):
            raise BnncostError(
                f"design '{design}': '{use.name}' would change nothing in its training, since its weights and "
                "features are no bits. Leave it out."
            )


def _works_without_bits(use: MethodUse, design: DesignKey) -> bool:
    return use.name in _WITHOUT_BITS or (use.name == "warm_start" and design.compute != "fp32")


def switch_epoch(recipe: Recipe) -> int:
    """Return the epoch (from 0) that the second stage begins with; of two epochs or more, each stage has one at least.

    Phases, `decay_policy` and factors of losses by stage all change with it.
    """
    return min(max(1, round(recipe.epochs * recipe.switch)), recipe.epochs - 1)


def stage_of(epoch: int, recipe: Recipe) -> int:
    """Say whether an epoch (from 0) is of the first stage or the second, in runs of one phase too."""
    return 1 if epoch < switch_epoch(recipe) else 2


def phases_of(spec: RunSpec) -> tuple[Phase, ...]:
    """Cut a run into its phases; raises BnncostError for too few epochs, and what cannot be trained."""
    phases = _phases(spec)
    shortest = min(phase.end - phase.first for phase in phases)
    if spec.recipe.warmup_epochs > shortest:
        raise BnncostError(
            f"recipe '{spec.recipe.name}': the warm-up of {spec.recipe.warmup_epochs:g} epochs is longer than a phase "
            f"of '{spec.design}', which has {shortest}, so that the rate would never be reached; lower "
            "'warmup_epochs', or train longer."
        )
    for phase in phases:
        require_sizes(phase.design, spec.recipe)
    return phases


def _phases(spec: RunSpec) -> tuple[Phase, ...]:
    design, epochs = spec.design, spec.recipe.epochs
    require_trainable(design)
    names = {use.name for use in design.methods}
    if not names & {"two_stage", "warm_start"}:
        return (Phase(1, 0, epochs, design),)
    switch = switch_epoch(spec.recipe)
    if switch < 1:
        raise BnncostError(
            f"design '{design}' trains in two stages, so it needs at least 2 epochs, not {epochs}."
        )
    first = Phase(1, 0, switch, design, real_weights=True)
    if "warm_start" in names:
        first = Phase(1, 0, switch, real_valued(design))
    return (first, Phase(2, switch, epochs, design))


def real_valued(design: DesignKey) -> DesignKey:
    """The network of the same shape without bits: fp32 throughout, less the methods that only bits have."""
    kept = tuple(use for use in design.methods if use.method.hook != "recipe" and not _only_for_bits(use))
    kept += tuple(use for use in design.methods if use.name in ("sgd", "adam"))
    return replace(design, methods=kept, compute="fp32", features="fp32", edge="fp32", padding="one")


def _only_for_bits(use: MethodUse) -> bool:
    return use.method.hook in _HOOKS_OF_BITS or use.method.category == "weight binarizer"


def teacher_of(spec: RunSpec) -> RunSpec:
    """The run that trains a design's teacher: what the recipe names, else the plain network in fp32, with seed 0."""
    named = spec.recipe.teacher
    design = DesignKey.parse(named) if named else real_valued(spec.design.plain)
    other = replace(spec, design=design, seed=0, content=content_of(design), teacher_content="")
    if design.dataset != spec.design.dataset or other.has_teacher:
        raise BnncostError(
            f"the teacher '{design}' must be of the data set '{spec.design.dataset}' and have no teacher of its own."
        )
    return other


def optimizer_of(phase: Phase, otherwise: str) -> str:
    """Name the optimizer of a phase: the design's own, else the recipe's; Bop only flips, so real weights get Adam."""
    named = next((use.name for use in phase.design.methods if _is_optimizer(use)), otherwise)
    bits = phase.design.compute == "binary" and not phase.real_weights
    return "adam" if named == "bop" and not bits else named


def decay_of(phase: Phase) -> str:
    """Name the decay policy of a phase: that of the design, else "always"."""
    return next((use.name for use in phase.design.methods if use.name in DECAY_POLICIES), "always")


def _is_optimizer(use: MethodUse) -> bool:
    return use.method.category == "optimizer"


def inherit(model: Lowered, earlier: Lowered) -> None:
    """Take over every value of an earlier network that has the same name and shape here."""
    known = {param.name: param for param in earlier.network.learned()}
    with torch.no_grad():
        for param in model.network.learned():
            other = known.get(param.name)
            if other is not None and tuple(other.shape) == tuple(param.shape):
                model.value(param).copy_(earlier.value(other))
