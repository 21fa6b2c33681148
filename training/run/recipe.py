"""Recipes: everything about training that is not the design, read from YAML and kept in every record.

A design's own techniques (its optimizer, teacher, regularizers, stages) go before what the recipe says of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from training.run.settings_file import read_settings, refused

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OptimizerNumbers(BaseModel):
    """What a recipe changes of an optimizer's published settings."""

    model_config = _STRICT

    rate: float | None = Field(default=None, gt=0, description="learning rate at the end of the warm-up")
    decay: float | None = Field(default=None, ge=0, description="weight decay")
    momentum: float | None = Field(default=None, ge=0, lt=1, description="momentum, or Adam's first beta")
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


class Optimizers(BaseModel):
    """Numbers by optimizer, where they are not the published ones."""

    model_config = _STRICT

    sgd: Annotated[OptimizerNumbers, AfterValidator(_moves)] = OptimizerNumbers()
    adam: Annotated[OptimizerNumbers, AfterValidator(_moves)] = OptimizerNumbers()
    bop: OptimizerNumbers = OptimizerNumbers()


class LossFactors(BaseModel):
    """Factors of added losses, where they are not the published ones."""

    model_config = _STRICT

    logits_teacher: float | None = Field(default=None, ge=0)
    attention_teacher: float | None = Field(default=None, ge=0)
    binary_regularizer: float | None = Field(default=None, ge=0)
    distribution_loss: float | None = Field(default=None, ge=0)
    kurtosis_regularizer: float | None = Field(default=None, ge=0)


class Recipe(BaseModel):
    """How designs are trained: the schedule, the optimizer and its numbers, augmentation, and what is held out."""

    model_config = _STRICT

    name: str = Field(description="what records call the recipe", min_length=1)
    description: str = Field(default="", description="one sentence for people")
    epochs: int = Field(description="times that every training image is seen", ge=1)
    batch_size: int = Field(description="images of one step", ge=1)
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
    switch: float = Field(default=0.5, description="part of the epochs before the second stage", gt=0, lt=1)
    teacher: str = Field(default="", description="design of the teacher; default the same network in fp32")
    losses: LossFactors = Field(default=LossFactors(), description="factors by added loss")
    kurtosis_target: float = Field(
        default=1.8, description="that 'kurtosis_regularizer' pulls latent weights to; 1 is two peaks", ge=1
    )

    @property
    def digest(self) -> str:
        """Eight digits that stand for all settings but the name and the description."""
        settings = self.model_dump(mode="json", exclude={"name", "description"})
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


def load_recipe(name_or_path: str | os.PathLike[str]) -> Recipe:
    """Read a shipped recipe by its name, or a YAML file; raises one BnncostError with all that is wrong.

    >>> load_recipe("digits").batch_size
    64
    """
    return read_settings(name_or_path, "recipes", Recipe)
