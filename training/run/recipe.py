"""Recipes: everything about training that is not the design, read from YAML and kept in every record.

A design's own techniques (its optimizer, teacher, regularizers, stages) go before what the recipe says of them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from costmodel.hardware.text.fields import Settings
from costmodel.hardware.text.messages import refused
from training.run.settings_file import read_settings

MOST_EPOCHS = 10**6
"""The longest published schedules have hundreds."""


class OptimizerNumbers(Settings):
    """What a recipe changes of an optimizer's published settings."""

    rate: float | None = Field(default=None, gt=0, description="learning rate at the end of the warm-up")
    decay: float | None = Field(default=None, ge=0, description="weight decay")
    latent_decay: float | None = Field(
        default=None,
        ge=0,
        description="weight decay of weights that are stored as bits; default as the others",
    )
    momentum: float | None = Field(default=None, ge=0, lt=1, description="momentum, or Adam's first beta")
    clip: bool | None = Field(
        default=None,
        description="whether latent weights are clipped to -1 .. +1 after every step; default true",
    )
    flip_rate: float | None = Field(
        default=None, gt=0, le=1, description="Bop's rate of the running gradient"
    )
    flip_threshold: float | None = Field(default=None, ge=0, description="Bop's threshold")


def _moves(numbers: OptimizerNumbers) -> OptimizerNumbers:
    """Refuse numbers that only Bop reads, which would change nothing."""
    idle = [name for name in ("flip_rate", "flip_threshold") if getattr(numbers, name) is not None]
    if idle:
        raise refused(f"has '{idle[0]}', which only 'bop' reads; move it there.")
    return numbers


def _flips(numbers: OptimizerNumbers) -> OptimizerNumbers:
    """Refuse numbers that Bop does not read: it flips latent weights and leaves their magnitudes."""
    idle = [name for name in ("latent_decay", "clip") if getattr(numbers, name) is not None]
    if idle:
        raise refused(
            f"has '{idle[0]}', which 'bop' does not read: it leaves the magnitudes of latent weights; "
            "leave it out."
        )
    return numbers


class Optimizers(Settings):
    """Numbers by optimizer, where they are not the published ones."""

    sgd: Annotated[OptimizerNumbers, AfterValidator(_moves)] = OptimizerNumbers()
    adam: Annotated[OptimizerNumbers, AfterValidator(_moves)] = OptimizerNumbers()
    bop: Annotated[OptimizerNumbers, AfterValidator(_flips)] = OptimizerNumbers()


def _by_stage(value: object) -> object:
    """Refuse what is neither a factor nor one for each of the two stages; None is the published one."""
    if value is None:
        return None
    factors = list(value) if isinstance(value, list | tuple) else [value]
    numbers = [
        item for item in factors if isinstance(item, int | float) and not isinstance(item, bool) and item >= 0
    ]
    if len(numbers) != len(factors) or len(factors) not in (1, 2) or not all(map(math.isfinite, numbers)):
        raise refused(
            f"is {factors if isinstance(value, list | tuple) else value}, but must be a number from 0 on, or two in a "
            "list: [30, 0] is 30 in the first stage and 0 in the second."
        )
    return tuple(numbers) if len(numbers) == 2 else numbers[0]


ByStage = float | tuple[float, float]
"""A factor of a loss, or one for each of the two stages of training."""
Factor = Annotated[ByStage | None, BeforeValidator(_by_stage)]


def in_stage(factor: ByStage, stage: int) -> float:
    """Give a factor in stage 1 or 2.

    >>> in_stage((30.0, 0.0), 2), in_stage(0.5, 2)
    (0.0, 0.5)
    """
    return factor[stage - 1] if isinstance(factor, tuple) else factor


class LossFactors(Settings):
    """Factors of losses, where they are not the published ones; a list of two has those of the first and second stage.

    Stages are those of `switch`, in runs of one phase too. `labels` is the factor of the cross-entropy with labels
    beside a loss that takes its place, such as `logits_teacher`; without one it is always 1.
    """

    labels: Factor = Field(
        default=None,
        description="the cross-entropy with labels beside logits_teacher, which replaces it by default",
    )
    logits_teacher: Factor = None
    attention_teacher: Factor = None
    binary_regularizer: Factor = None
    distribution_loss: Factor = None
    kurtosis_regularizer: Factor = None


class Size(Settings):
    """The side of training images up to some part of the epochs."""

    side: int = Field(description="pixels; images are averaged down to it", ge=1)
    until: float = Field(description="part of the epochs that is done when it ends", gt=0, le=1)


def _rising(sizes: tuple[Size, ...] | None) -> tuple[Size, ...] | None:
    """Refuse sizes of which one ends before it begins."""
    for first, second in itertools.pairwise(sizes or ()):
        if second.until <= first.until:
            raise refused(
                f"has side {second.side} until {second.until:g} behind side {first.side} until {first.until:g}, which "
                "must come later; write them in the order of training."
            )
    return sizes


_LATER = frozenset({"labels", "latent_decay", "clip", "kurtosis_target", "sizes"})
"""Settings that the first recipes did not have: where unset they are no part of a digest, so that runs keep theirs."""


class Recipe(Settings):
    """How designs are trained: the schedule, the optimizer and its numbers, augmentation, and what is held out."""

    name: str = Field(description="what records call the recipe", min_length=1)
    description: str = Field(default="", description="one sentence for people")
    epochs: int = Field(description="times that every training image is seen", ge=1, le=MOST_EPOCHS)
    batch_size: int = Field(description="images of one step", ge=1, le=10**9)
    optimizer: Literal["sgd", "adam", "bop"] = Field(default="adam", description="of designs that name none")
    optimizers: Optimizers = Field(default=Optimizers(), description="numbers by optimizer")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="of the learning rate"
    )
    warmup_epochs: float = Field(default=0, description="the rate grows from 0 in these epochs", ge=0)
    label_smoothing: float = Field(
        default=0, description="part of the target that all classes share", ge=0, lt=1
    )
    validation: float = Field(
        default=0.1, description="part of the training images that is kept back", gt=0, lt=1
    )
    train_images: int | None = Field(
        default=None, description="how many are used, validation included; default all", ge=2
    )
    flip: bool | None = Field(
        default=None, description="mirror half of the images; default what suits the data"
    )
    padding: int | None = Field(
        default=None, description="pixels of shift; default what suits the data", ge=0
    )
    sizes: Annotated[tuple[Size, ...] | None, AfterValidator(_rising)] = Field(
        default=None,
        description="smaller images at first: side and until; those of the data set behind the last",
    )
    switch: float = Field(default=0.5, description="part of the epochs before the second stage", gt=0, lt=1)
    kurtosis_target: float | None = Field(
        default=None,
        description="kurtosis that kurtosis_regularizer aims at; default 1.8, as published",
        ge=1,
    )
    teacher: str = Field(default="", description="design of the teacher; default the same network in fp32")
    losses: LossFactors = Field(default=LossFactors(), description="factors by loss")
    gpu: float = Field(
        default=1, description="part of a GPU that a run takes on a cluster; changes no result", gt=0, le=1
    )

    @property
    def digest(self) -> str:
        """Eight digits that stand for all settings that change results: not the name, description and part of a GPU."""
        settings = _told(self.model_dump(mode="json", exclude={"name", "description", "gpu"}))
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


def _told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out settings of `_LATER` that are unset."""
    return {
        name: _told(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if value is not None or name not in _LATER
    }


def load_recipe(name_or_path: str | os.PathLike[str]) -> Recipe:
    """Read a shipped recipe by its name, or a YAML file; raises one BnncostError with all that is wrong.

    >>> load_recipe("digits").batch_size
    64
    """
    return read_settings(name_or_path, "recipes", Recipe)
