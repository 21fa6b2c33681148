"""Weight binarizers: how latent weights become bits. All of it happens before the weights are stored."""

from __future__ import annotations

from costmodel.builder import Builder
from costmodel.errors import BnncostError
from costmodel.graph import BINARY, Param, Tensor
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site, latent_weight

STORED_AS_BITS = "weights are stored as bits, whatever made them"


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="hubara2016", free_because=STORED_AS_BITS, estimator="clipped",
)  # fmt: skip
def clipped_weight_ste() -> None:
    """Take the sign of latent weights that are clipped to -1 .. +1, with a straight-through gradient."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="liu2018birealnet", free_because=STORED_AS_BITS, estimator="magnitude",
)  # fmt: skip
def magnitude_aware_sign() -> None:
    """Scale the gradient of each filter's sign by the filter's mean magnitude (Bi-Real Net)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="qin2020", free_because=STORED_AS_BITS, estimator="ede",
)  # fmt: skip
def ede_weights() -> None:
    """Sharpen the gradient of the weights' sign over training (IR-Net)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="ienet2022", free_because=STORED_AS_BITS, estimator="ie_net_weights",
)  # fmt: skip
def ie_net_weight_gradient() -> None:
    """Shrink a triangular gradient of the weights' sign from all weights to those near zero over training (IE-Net)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="lin2022", free_because=STORED_AS_BITS, estimator="siman",
)  # fmt: skip
def sign_to_magnitude() -> None:
    """Set the large half of each filter's weights to +1 and the small half to -1 (SiMaN)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight rotation",
    source="lin2020", free_because="the rotated weights are stored as bits; the rotation is not stored",
)  # fmt: skip
def weight_rotation() -> None:
    """Rotate the filter matrix towards its signs before binarizing (RBNN)."""


@repair_method(
    branch="training", category="weight binarizer", hook="weight", source="xu2021recu", rank=1,
    free_because=STORED_AS_BITS,
)  # fmt: skip
def clamp_weights(g: Builder, latent: Param, site: Site, *, quantile: float = 0.99) -> Param:
    """Clamp weights to a quantile that grows over training, to revive those far from zero (ReCU)."""
    if not 0.5 <= quantile <= 1:
        raise BnncostError(f"'clamp_weights': quantile {quantile} must lie from 0.5 to 1.")
    return g.exported("clamp_weight", (latent,), latent, {"quantile": quantile})


@repair_method(
    branch="training", category="weight binarizer", hook="after_convolution", source="tu2022",
    exclusive="weight bases", conflicts=("features",),
    note="A centre that is not zero stays at inference: a window sum of bits, one multiply and one add per element.",
)  # fmt: skip
def adaptive_weights(g: Builder, y: Tensor, site: Site) -> Tensor:
    """Give weights two values per filter round its mean, a deviation apart (the weight half of AdaBin)."""
    if site.operands != BINARY:
        raise BnncostError(
            f"design '{g.name}': 'adaptive_weights' needs binary operands, not {site.operands.label}."
        )
    latent = latent_weight(g, y)
    channels = (y.shape[0],)
    distance = g.exported("deviation_weight", (latent,), g.param("distance", channels, "C", positive=True))
    centre = g.exported("mean_weight", (latent,), g.param("centre", channels, "C"))
    bits = site.bits[0]
    ones = g.map("channel_sum", (bits,), shape=(1, bits.shape[1], bits.shape[2]))
    border = site.pad_value * bits.shape[0]  # every channel of a padded position holds the same bit
    window = {"size": site.kernel, "stride": site.stride, "padding": site.padding, "pad_value": border}
    around = g.map("box_sum", (ones,), shape=(1, y.shape[1], y.shape[2]), attributes=window)
    # distance * (y + centre / distance * around): the common factor then merges into the norm
    relative = g.exported("ratio", (centre, distance), centre)
    spread = g.map("scale", (around,), shape=y.shape, params=(relative,))
    return g.scale(g.add(y, spread), distance)
