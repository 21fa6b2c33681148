"""Training recipes: teachers, regularizers, stages and optimizers. None leaves anything in the network."""

from __future__ import annotations

from costmodel.methods.registry import repair_method

LOSS_ONLY = "only the training loss changes"
SCHEDULE_ONLY = "only the order of training changes; the same network is deployed"
UPDATE_ONLY = "only the update of the latent weights changes"


@repair_method(
    branch="training",
    category="teacher-student",
    hook="recipe",
    source="liu2020reactnet",
    free_because=LOSS_ONLY,
)
def logits_teacher() -> None:
    """Match the class distribution of a real-valued teacher."""


@repair_method(
    branch="training",
    category="teacher-student",
    hook="recipe",
    source="martinez2020",
    free_because=LOSS_ONLY,
)
def attention_teacher() -> None:
    """Match a teacher's attention maps block by block (Real-to-Binary)."""


@repair_method(
    branch="training", category="regularization", hook="recipe", source="darabi2018", free_because=LOSS_ONLY
)
def binary_regularizer() -> None:
    """Pull latent weights towards a learned distance on either side of zero (BNN+)."""


@repair_method(
    branch="training", category="regularization", hook="recipe", source="ding2019", free_because=LOSS_ONLY,
    beside={"norm_before_sign": "its bounds of mean and deviation are those of a batch norm's result"},
)  # fmt: skip
def distribution_loss() -> None:
    """Penalize degenerate, saturated and mismatched features before the sign."""


@repair_method(
    branch="training", category="regularization", hook="recipe", source="xu2022bdbnn", free_because=LOSS_ONLY
)
def kurtosis_regularizer() -> None:
    """Pull the kurtosis of latent weights to that of an even spread (BD-BNN)."""


@repair_method(
    branch="training",
    category="regularization",
    hook="recipe",
    source="liu2021adambnn",
    free_because=UPDATE_ONLY,
    exclusive="latent decay",
)
def decay_policy() -> None:
    """Decay latent weights in the first stage of training only, so that they can still flip in the second."""


@repair_method(
    branch="training", category="regularization", hook="recipe", source="lin2022", free_because=UPDATE_ONLY,
    exclusive="latent decay",
)  # fmt: skip
def no_latent_decay() -> None:
    """Leave latent weights without decay, which says nothing where only their order or sign is read (SiMaN)."""


@repair_method(
    branch="training", category="two-stage training", hook="recipe", source="martinez2020",
    free_because=SCHEDULE_ONLY, exclusive="stages",
    beside={"decay_policy": "latent weights do not decay once they are bits"},
)  # fmt: skip
def two_stage() -> None:
    """Train with binary features and real weights first, then binarize the weights too."""


@repair_method(
    branch="training", category="two-stage training", hook="recipe", source="liu2018birealnet",
    free_because=SCHEDULE_ONLY, exclusive="stages",
)  # fmt: skip
def warm_start() -> None:
    """Start from the weights of a real-valued network of the same shape."""


@repair_method(
    branch="training", category="optimizer", hook="recipe", source="hubara2016", free_because=UPDATE_ONLY,
    exclusive="optimizer",
    beside={"standardize_weights": "its published rate belongs to gradients of weights of deviation 1"},
)  # fmt: skip
def sgd() -> None:
    """Update latent weights by stochastic gradient descent with momentum."""


@repair_method(
    branch="training", category="optimizer", hook="recipe", source="liu2021adambnn", free_because=UPDATE_ONLY,
    exclusive="optimizer",
)  # fmt: skip
def adam() -> None:
    """Update latent weights by Adam, which keeps rarely activated ones moving."""


@repair_method(
    branch="training", category="optimizer", hook="recipe", source="helwegen2019", free_because=UPDATE_ONLY,
    exclusive="optimizer",
    beside={"no_latent_decay": "there is no magnitude that could decay"},
)  # fmt: skip
def bop() -> None:
    """Flip binary weights by a threshold on a running gradient, without latent weights."""
