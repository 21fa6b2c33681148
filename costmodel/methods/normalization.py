"""Normalization of features and of weights, beside the batch norm that every block has."""

from __future__ import annotations

from costmodel.builder import Builder
from costmodel.graph import Param, Tensor
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site

POSITIVE = "a positive divisor per sample changes no sign, so inference leaves it out"


@repair_method(
    branch="training", category="feature normalization", hook="before_sign", source="bethge2019", rank=1,
    note="Folds into the threshold of the sign behind it; with `only=true` the norm behind the convolution goes.",
)  # fmt: skip
def norm_before_sign(g: Builder, x: Tensor, site: Site, *, only: bool = False) -> Tensor:
    """Batch-normalize right before the sign, in addition to (or in place of) the norm behind each convolution."""
    return g.batch_norm(x)


@repair_method(
    branch="training", category="feature normalization", hook="head", source="qin2020",
    note="Stays at inference: one multiply and one add per feature of the classifier.",
)  # fmt: skip
def norm_before_classifier(g: Builder, x: Tensor) -> Tensor:
    """Batch-normalize what the classifier reads."""
    return g.batch_norm(x)


@repair_method(
    branch="training", category="feature normalization", hook="before_sign", source="lin2020",
    exclusive="per-sample normalization",
    note="The division vanishes, the mean of each sample stays: a sum over the map, then a compare with it.",
)  # fmt: skip
def sample_standardize(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Standardize each sample over its whole map before the sign (RBNN)."""
    return _divided_in_training(g, _centred(g, x), x)


@repair_method(
    branch="training", category="feature normalization", hook="before_sign", source="xu2021recu",
    exclusive="per-sample normalization", free_because=POSITIVE,
)  # fmt: skip
def sample_deviation_scale(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Divide each sample by its standard deviation, in training only (ReCU)."""
    return _divided_in_training(g, x, x)


@repair_method(
    branch="training", category="feature normalization", hook="before_sign", source="lin2020",
    exclusive="per-sample normalization",
    note="What inference keeps of a per-sample normalization, on its own.",
)  # fmt: skip
def mean_subtraction(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Subtract the mean of each sample before the sign."""
    return _centred(g, x)


def _centred(g: Builder, x: Tensor) -> Tensor:
    """Subtract the mean of a sample, which is only known once the whole map has streamed by."""
    with g.with_producer(x):
        mean = g.map("sample_mean", (x,), shape=(1, 1, 1))
    with g.layer("binarize"):
        return g.subtract(x, mean)


def _divided_in_training(g: Builder, x: Tensor, sample: Tensor) -> Tensor:
    """Divide by the standard deviation of a sample; inference passes `x` on."""
    with g.with_producer(x):
        deviation = g.map("sample_deviation", (sample,), shape=(1, 1, 1), when="train")
        return g.map("divide_training", (x, deviation), when="train")


STORED_AS_BITS = "weights are normalized at export, before they are stored as bits"


@repair_method(
    branch="training", category="weight normalization", hook="weight", source="rastegari2016",
    exclusive="weight normalization", free_because=STORED_AS_BITS,
)  # fmt: skip
def centre_weights(g: Builder, latent: Param, site: Site) -> Param:
    """Subtract the mean of each filter before its sign is taken."""
    return g.exported("centre_weight", (latent,), latent)


@repair_method(
    branch="training", category="weight normalization", hook="weight", source="qin2020",
    exclusive="weight normalization", free_because=STORED_AS_BITS, estimator="identity", rescales_latents=True,
)  # fmt: skip
def standardize_weights(g: Builder, latent: Param, site: Site, *, deviation: float = 1.0) -> Param:
    """Give each filter zero mean and one deviation before its sign is taken (IR-Net's Libra).

    The deviation is 1 in IR-Net and sqrt(8) in ReCU: no bit differs, but gradients are as many times as large.
    """
    return g.exported("standardize_weight", (latent,), latent, {"deviation": deviation})
