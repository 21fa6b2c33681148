"""Weight binarizers: how latent weights become bits. All of it happens before the weights are stored."""

from __future__ import annotations

from costmodel.builder import Builder
from costmodel.errors import BnncostError
from costmodel.graph import Param
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Bases, Site, signed

STORED_AS_BITS = "weights are stored as bits, whatever made them"


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="hubara2016", free_because=STORED_AS_BITS, estimator="clipped",
)  # fmt: skip
def clipped_weight_ste() -> None:
    """Take the sign of latent weights that are clipped to -1 .. +1, with a straight-through gradient."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="liu2018birealnet", free_because=STORED_AS_BITS, estimator="magnitude", rescales_latents=True,
)  # fmt: skip
def magnitude_aware_sign() -> None:
    """Give latent weights the gradient of their sign times the filter's mean magnitude (Bi-Real Net)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="xu2021recu", free_because=STORED_AS_BITS, estimator="identity",
)  # fmt: skip
def identity_weight_ste() -> None:
    """Pass the gradient of the weights' sign straight through, whatever their size (ReCU)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="lin2020", free_because=STORED_AS_BITS, estimator="rbnn_weights",
    beside={"standardize_weights": "its window is in units of weights of deviation 1"},
)  # fmt: skip
def rbnn_weight_gradient() -> None:
    """Sharpen a triangular gradient of the weights' sign over training, wide at first (RBNN)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="qin2020", free_because=STORED_AS_BITS, estimator="ede",
    beside={"standardize_weights": "its window narrows to 0.1 at the end, in units of weights of deviation 1"},
)  # fmt: skip
def ede_weights() -> None:
    """Sharpen the gradient of the weights' sign over training (IR-Net)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="ienet2022", free_because=STORED_AS_BITS, estimator="ie_net_weights",
    beside={"standardize_weights": "its window is in units of weights of deviation 1"},
)  # fmt: skip
def ie_net_weight_gradient() -> None:
    """Shrink a triangular gradient of the weights' sign from all weights to those near zero over training (IE-Net)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight gradient",
    source="lin2022", free_because=STORED_AS_BITS, estimator="siman",
    beside={
        "standardize_weights": "the half of large magnitudes is that of centred weights",
        "no_latent_decay": "only the order of magnitudes is read, and a decay would change none",
    },
)  # fmt: skip
def sign_to_magnitude() -> None:
    """Set the large half of each filter's weights to +1 and the small half to -1 (SiMaN)."""


@repair_method(
    branch="training", category="weight binarizer", hook="recipe", exclusive="weight rotation",
    source="lin2020", free_because="the rotated weights are stored as bits; the rotation is not stored",
    beside={"standardize_weights": "standardized weights are rotated"},
)  # fmt: skip
def weight_rotation() -> None:
    """Rotate the filter matrix towards its signs before binarizing (RBNN)."""


@repair_method(
    branch="training", category="weight binarizer", hook="weight", source="xu2021recu", rank=1,
    free_because=STORED_AS_BITS, estimator="identity",
    beside={"standardize_weights(deviation=2.828)": "weights of deviation sqrt(8) are clamped"},
)  # fmt: skip
def clamp_weights(g: Builder, latent: Param, site: Site, *, quantile: float = 0.99) -> Param:
    """Clamp weights to a quantile that grows over training, to revive those far from zero (ReCU)."""
    if not 0.5 < quantile < 1:
        raise BnncostError(f"'clamp_weights': quantile {quantile} must lie between 0.5 and 1.")
    return g.exported("clamp_weight", (latent,), latent, {"quantile": quantile})


@repair_method(
    branch="training", category="weight binarizer", hook="weight", source="lin2022", rank=-1,
    free_because=STORED_AS_BITS,
    beside={
        "sign_to_magnitude": "magnitudes say nothing where the sign of weights makes the bits",
        "standardize_weights": "as sign_to_magnitude has it",
        "no_latent_decay": "as sign_to_magnitude has it",
    },
)  # fmt: skip
def percentile_clamp(g: Builder, latent: Param, site: Site, *, percent: float = 15.0) -> Param:
    """Keep magnitudes between two percentiles of their layer, which training moves apart to 0 and 100 (SiMaN)."""
    if not percent < 50:
        raise BnncostError(f"'percentile_clamp': percent {percent:g} must lie below 50.")
    return g.exported("confine_weight", (latent,), latent, {"percent": percent})


@repair_method(
    branch="training", category="weight binarizer", hook="weight_bases", source="tu2022",
    exclusive="weight bases", conflicts=("features",), estimator="identity", rescales_latents=True,
    note="A centre that is not zero stays at inference: a window sum of bits, one multiply and one add per element.",
)  # fmt: skip
def adaptive_weights(g: Builder, latent: Param, site: Site) -> Bases:
    """Give weights two values per filter round its mean, a deviation apart (the weight half of AdaBin)."""
    bits = signed(g, g.exported("standardize_weight", (latent,), latent, {"deviation": 1.0}), site)
    channels = (latent.shape[0],)
    distance = g.exported("deviation_weight", (latent,), g.param("distance", channels, "C", positive=True))
    centre = g.exported("mean_weight", (latent,), g.param("centre", channels, "C"))
    return Bases((bits,), scaled=False, distance=distance, centre=centre)
