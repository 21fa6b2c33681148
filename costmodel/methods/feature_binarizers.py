"""Feature binarizers: how features become bits, and which gradient training gives to that step."""

from __future__ import annotations

from costmodel.builder import Builder
from costmodel.graph import Tensor, precision
from costmodel.methods.gating import excite, squeeze
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site

GRADIENT_ONLY = "only the gradient of the sign changes; inference takes the same sign"


@repair_method(
    branch="training", category="feature binarizer", hook="recipe", exclusive="feature gradient",
    source="hubara2016", free_because=GRADIENT_ONLY, estimator="clipped",
)  # fmt: skip
def clipped_ste() -> None:
    """Pass the gradient of the sign straight through where |x| <= 1."""


@repair_method(
    branch="training", category="feature binarizer", hook="recipe", exclusive="feature gradient",
    source="bethge2019", free_because=GRADIENT_ONLY, estimator="wide",
)  # fmt: skip
def wide_ste() -> None:
    """Pass the gradient of the sign straight through where |x| <= 1.3."""


@repair_method(
    branch="training", category="feature binarizer", hook="recipe", exclusive="feature gradient",
    source="liu2018birealnet", free_because=GRADIENT_ONLY, estimator="polynomial",
)  # fmt: skip
def polynomial_ste() -> None:
    """Use the triangular gradient 2 - 2|x| of a piecewise polynomial (Bi-Real Net's ApproxSign)."""


@repair_method(
    branch="training", category="feature binarizer", hook="recipe", exclusive="feature gradient",
    source="darabi2018", free_because=GRADIENT_ONLY, estimator="swish",
    beside={"norm_before_sign": "its gradient is 5 at zero; BNN+ has batch norm in front of each sign, no shortcuts"},
)  # fmt: skip
def swish_ste() -> None:
    """Use the gradient of SignSwish with slope 5 (BNN+)."""


@repair_method(
    branch="training", category="feature binarizer", hook="recipe", exclusive="feature gradient",
    source="ienet2022", free_because=GRADIENT_ONLY, estimator="ie_net",
    beside={
        "hardtanh": "IE-Net's blocks clamp the map in front of it",
        "sample_deviation_scale": "its window narrows to 0.12 at the end, in units of a map of deviation 1",
    },
)  # fmt: skip
def ie_net_gradient() -> None:
    """Sharpen a triangular gradient, steeper than RBNN's, over training (IE-Net)."""


@repair_method(
    branch="training", category="feature binarizer", hook="recipe", exclusive="feature gradient",
    source="qin2020", free_because=GRADIENT_ONLY, estimator="ede",
    beside={"hardtanh": "at first its gradient passes everywhere; IR-Net's blocks clamp the map in front of it"},
)  # fmt: skip
def ede() -> None:
    """Sharpen a tanh gradient from the identity to the sign over training (IR-Net's error decay estimator)."""


@repair_method(
    branch="training", category="feature binarizer", hook="recipe", exclusive="feature gradient",
    source="lin2020", free_because=GRADIENT_ONLY, estimator="rbnn",
    beside={
        "hardtanh": "RBNN's blocks clamp the map in front of it",
        "sample_standardize": "its window narrows to 0.14 at the end, in units of a map of deviation 1",
    },
)  # fmt: skip
def rbnn_gradient() -> None:
    """Sharpen a triangular gradient over training (RBNN's training-aware approximation)."""


@repair_method(
    branch="training", category="feature binarizer", hook="before_sign", source="liu2020reactnet", rank=2,
    note="The shift folds into the threshold; only its parameters stay.",
)  # fmt: skip
def learned_threshold(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Shift each channel by a learned number before the sign (ReActNet's RSign)."""
    return g.bias(x, g.param("threshold", (x.shape[0],), "C"))


@repair_method(
    branch="training", category="feature binarizer", hook="before_sign", source="xue2021",
    note="Stays at inference: pooled statistics, two small layers and one compare per element.",
)  # fmt: skip
def data_dependent_shift(g: Builder, x: Tensor, site: Site, *, reduction: int = 16) -> Tensor:
    """Shift each channel before the sign by a number computed from the whole map (SD-BNN)."""
    pooled = squeeze(g, x)
    with g.layer("shift_net"):
        shift = g.map("sigmoid", (excite(g, pooled, x.shape[0], reduction, precision("int8")),))
    with g.layer("binarize"):
        return g.subtract(x, shift)


@repair_method(
    branch="training", category="feature binarizer", hook="before_sign", source="tu2022", rank=2,
    beside={"polynomial_ste": "AdaBin's gradient round the centre is that of Bi-Real Net"},
    note="The centre folds into the threshold; the distance goes into the scale behind the convolution.",
)  # fmt: skip
def adaptive_centre(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Binarize round a learned centre per layer (the feature half of AdaBin)."""
    return g.bias(x, g.param("centre", (), "", initial=0.0))
