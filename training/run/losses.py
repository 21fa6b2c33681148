"""Losses beside the cross-entropy: teachers and regularizers, each a pure function of maps, logits or weights.

`LOSSES` names them as the methods are named, and says what each reads. Cross-entropy is torch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import nn

from costmodel.errors import BnncostError, unknown
from costmodel.graph import BINARY, Network, Op, Tensor, Value
from costmodel.methods import METHODS
from training.run.optimizers import latent_weights

# ------------------------------------------------------------------ teachers


def logits_teacher(logits: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Distance of the classes' distribution from a teacher's: mean over images of sum p_T log(p_T / p_S).

    Both are (N, classes); the teacher gets no gradient. ReActNet's distributional loss (Liu 2020), which
    takes the place of the cross-entropy with labels there. The authors' code (github.com/liuzechun/ReActNet,
    utils/KD_loss.py) leaves out the sum of p_T log p_T, which has no gradient.

    >>> round(logits_teacher(torch.tensor([[0.0, 0.0]]), torch.tensor([[40.0, 0.0]])).item(), 4)
    0.6931
    """
    _check_same("logits", logits.shape, teacher.shape)
    student, expected = logits.log_softmax(1), teacher.detach().log_softmax(1)
    # torch's kl_div has no rule for vmap
    return (expected.exp() * (expected - student)).sum(1).mean()


def attention_map(features: torch.Tensor) -> torch.Tensor:
    """Where a map (N, C, H, W) is large: the mean over channels of its squares, by the largest of each image.

    The result is (N, H W) and at most 1; a map of zeros gives zeros.
    """
    energy = features.square().mean(1).flatten(1)
    largest = energy.amax(1, keepdim=True)
    return energy / torch.where(largest == 0, 1, largest)


def attention_teacher(maps: Sequence[torch.Tensor], teacher: Sequence[torch.Tensor]) -> torch.Tensor:
    """Distance of attention maps from a teacher's: mean over pairs of maps, images and places of (Q_S - Q_T)^2.

    Maps are (N, C, H, W), of equal H and W in a pair; Q is the `attention_map`, and the teacher's gets no gradient.
    Real-to-Binary (Martinez 2020, section 4.2) as larq's zoo has it (training/knowledge_distillation), the code that
    the authors point to, whose factor 30 belongs to this form; the paper scales Q to length 1 and sums up lengths,
    which is some eighty times as large. Raises BnncostError for pairs that do not match.
    """
    _check_same("numbers of attention maps", (len(maps),), (len(teacher),))
    if not maps:
        raise BnncostError("attention_teacher: there is no map to compare.")
    total = maps[0].new_zeros(())
    for student, expected in zip(maps, teacher, strict=True):
        _check_same("attention maps (N, H, W)", _without_channels(student), _without_channels(expected))
        total = total + (attention_map(student) - attention_map(expected.detach())).square().mean()
    return total / len(maps)


def _without_channels(features: torch.Tensor) -> tuple[int, ...]:
    return (features.shape[0], *features.shape[2:])


def _check_same(what: str, student: Sequence[int], teacher: Sequence[int]) -> None:
    if tuple(student) != tuple(teacher):
        raise BnncostError(f"{what} of student and teacher differ: {tuple(student)} and {tuple(teacher)}.")


# ------------------------------------------------------------------ regularizers


def binary_regularizer(weight: torch.Tensor, distance: torch.Tensor, power: int = 1) -> torch.Tensor:
    """Sum over weights (O, ...) of |a - |w||^power, with a learned `distance` a of each filter (O,).

    BNN+ (Darabi 2018) has power 1, the Manhattan form, and power 2, the Euclidean one; others raise a BnncostError.

    >>> binary_regularizer(torch.tensor([[0.5, -2.0]]), torch.tensor([1.0])).item()
    1.5
    """
    if power not in (1, 2):
        raise BnncostError(f"binary_regularizer: the power is {power}, but must be 1 or 2.")
    gap = distance.reshape(-1, *[1] * (weight.dim() - 1)) - weight.abs()
    return gap.abs().sum() if power == 1 else gap.square().sum()


def start_distances(network: Network, weights: Mapping[str, torch.Tensor]) -> dict[str, nn.Parameter]:
    """Make the distances that `binary_regularizer` learns, each filter's mean magnitude, by the weights' names."""
    return {
        param.name: nn.Parameter(weights[param.name].detach().abs().flatten(1).mean(1))
        for param in _weights_to_regularize(network)
    }


SMALLEST_VARIANCE = 1e-10
"""Added to the variance of a channel, as the authors of the distribution loss do: a constant one has a gradient too."""


def degenerate(mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """Penalize channels of nearly one sign: max(0, m^2 - s^2), both (C,); the mean over channels."""
    return (mean.square() - deviation.square()).clamp(min=0).mean()


def saturated(deviation: torch.Tensor) -> torch.Tensor:
    """Penalize channels that lie mostly where no gradient passes: max(0, s - 4)^2, s (C,); the mean over channels."""
    return (deviation - 4).clamp(min=0).square().mean()


def mismatched(mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """Penalize channels near zero, where the sign is unlike its gradient: max(0, 2 - |m| - s)^2, both (C,)."""
    return (2 - mean.abs() - deviation).clamp(min=0).square().mean()


def distribution_loss(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean over maps (N, C, H, W) before a sign of how degenerate, saturated and mismatched their channels are.

    Each channel's mean m and standard deviation s are over N, H and W (BNN-DL, Ding 2019, with the constants of the
    authors' code, github.com/ruizhoud/DistributionLoss, which drops this loss for the last epochs). Raises
    BnncostError without maps.
    """
    if not maps:
        raise BnncostError("distribution_loss: there is no map before a sign.")
    total = maps[0].new_zeros(())
    for features in maps:
        variance, mean = torch.var_mean(features, dim=(0, 2, 3), correction=0)
        deviation = torch.sqrt(variance + SMALLEST_VARIANCE)
        total = total + degenerate(mean, deviation) + saturated(deviation) + mismatched(mean, deviation)
    return total / len(maps)


def kurtosis(weight: torch.Tensor) -> torch.Tensor:
    """Fourth moment of a tensor's entries by the square of their variance: two peaks 1, evenly spread 1.8, normal 3.

    >>> kurtosis(torch.tensor([-1.0, -1.0, 1.0, 1.0])).item()
    1.0
    """
    variance, mean = torch.var_mean(weight, correction=0)
    spread = torch.where(variance == 0, 1, variance)
    return (weight - mean).pow(4).mean() / spread.square()


EVEN_SPREAD = 1.8
"""Kurtosis of evenly spread numbers: the default target of the authors of the kurtosis regularizer."""


def kurtosis_regularizer(weights: Sequence[torch.Tensor], target: float = EVEN_SPREAD) -> torch.Tensor:
    """Mean over layers of (kurtosis - target)^2; each entry is one layer's latent weights, of any shape.

    BD-BNN (Xu 2022), whose code has targets from 1.2 to 1.8 by layer; at 1, two peaks, hardly a sign flips any more.
    It also divides by the unbiased deviation, which differs only in small layers. Raises BnncostError without weights.
    """
    if not weights:
        raise BnncostError("kurtosis_regularizer: there are no latent weights.")
    return torch.stack([(kurtosis(weight) - target).square() for weight in weights]).mean()


# ------------------------------------------------------------------ what a network offers them


def block_maps(network: Network) -> dict[str, Tensor]:
    """Find what each residual block, or layer outside one, of a stage gives, by its name.

    It is the last real-valued map of more than one place, which alone has an attention map, before what prepares it
    for the next convolution.
    """
    last_maps: dict[str, Tensor] = {}
    for op in network.running():
        name = _block(op.layer)
        if name and isinstance(op.output, Tensor) and not _prepares_bits(op) and _places(op.output) > 1:
            last_maps[name] = op.output
    return last_maps


def _block(layer: str) -> str:
    """Name the block that a layer is in; "" outside the stages.

    >>> _block("stage1.block2.branch1.conv1"), _block("stage1.conv1"), _block("stem")
    ('stage1.block2', 'stage1.conv1', '')
    """
    parts = layer.split(".")
    if not any(part.startswith("stage") for part in parts):
        return ""
    ends = [index for index, part in enumerate(parts) if part.startswith("block")]
    return ".".join(parts[: ends[0] + 1] if ends else parts)


def _places(value: Tensor) -> int:
    return value.shape[1] * value.shape[2]


def _prepares_bits(op: Op) -> bool:
    """Say whether an op is for the next convolution; a spatial scale of that one also reads this layer's map."""
    hook = METHODS[op.origin].hook if op.origin in METHODS else ""
    return op.output.precision == BINARY or hook in ("before_sign", "features", "after_convolution")


def pair_blocks(student: Network, teacher: Network) -> list[tuple[Tensor, Tensor]]:
    """Pair the maps of blocks of the same name; each network of an ensemble is paired with the one teacher.

    Raises BnncostError where no block has its like.
    """
    known = block_maps(teacher)
    pairs = []
    for name, value in block_maps(student).items():
        first, _, rest = name.partition(".")
        other = known.get(name) or (known.get(rest) if first.startswith("net") else None)
        if other is not None:
            pairs.append((value, other))
    if not pairs:
        raise BnncostError(
            f"attention_teacher: networks '{student.name}' and '{teacher.name}' have no block in common; "
            "take a teacher of the same backbone."
        )
    return pairs


def signed_maps(network: Network) -> list[Value]:
    """List the maps whose sign is taken, each once; raises BnncostError where there are none."""
    maps = list(dict.fromkeys(op.inputs[0] for op in network.ops if op.kind == "sign"))
    if not maps:
        raise BnncostError(f"distribution_loss: network '{network.name}' has no binary features.")
    return maps


def _weights_to_regularize(network: Network) -> tuple[Value, ...]:
    latents = latent_weights(network)
    if not latents:
        raise BnncostError(f"network '{network.name}' has no binary weights, so none can be regularized.")
    return latents


# ------------------------------------------------------------------ losses by name


@dataclass(frozen=True, eq=False)
class LossInputs:
    """What the losses of one step read: maps by their values, latent weights and distances by parameter name.

    `kurtosis_target` is what `kurtosis_regularizer` aims at.
    """

    network: Network
    maps: Mapping[Value, torch.Tensor] = field(default_factory=dict)
    weights: Mapping[str, torch.Tensor] = field(default_factory=dict)
    distances: Mapping[str, torch.Tensor] = field(default_factory=dict)
    teacher: Network | None = None
    teacher_maps: Mapping[Value, torch.Tensor] = field(default_factory=dict)
    kurtosis_target: float = EVEN_SPREAD


@dataclass(frozen=True)
class AddedLoss:
    """A loss by its method's name: its published factor, how it is measured, and what it needs.

    `reads` lists the maps of the student and of the teacher. `replaces_labels` says that the paper leaves the
    cross-entropy with labels out; `learns_distances`, that it needs `start_distances`.
    """

    factor: float
    measure: Callable[[LossInputs], torch.Tensor]
    reads: Callable[[Network, Network | None], tuple[list[Value], list[Value]]]
    needs_teacher: bool = False
    replaces_labels: bool = False
    learns_distances: bool = False


def _teacher_of(teacher: Network | None) -> Network:
    if teacher is None:
        raise BnncostError("a loss of the category 'teacher-student' needs a teacher; name its network.")
    return teacher


def _no_maps(network: Network, teacher: Network | None) -> tuple[list[Value], list[Value]]:
    return [], []


def _read_signed(network: Network, teacher: Network | None) -> tuple[list[Value], list[Value]]:
    return signed_maps(network), []


def _read_logits(network: Network, teacher: Network | None) -> tuple[list[Value], list[Value]]:
    return [network.output], [_teacher_of(teacher).output]


def _read_blocks(network: Network, teacher: Network | None) -> tuple[list[Value], list[Value]]:
    pairs = pair_blocks(network, _teacher_of(teacher))
    return [mine for mine, _ in pairs], [other for _, other in pairs]


def _logits(given: LossInputs) -> torch.Tensor:
    other = given.teacher_maps[_teacher_of(given.teacher).output]
    return logits_teacher(given.maps[given.network.output].flatten(1), other.flatten(1))


def _attention(given: LossInputs) -> torch.Tensor:
    mine, others = _read_blocks(given.network, given.teacher)
    return attention_teacher(
        [given.maps[value] for value in mine], [given.teacher_maps[value] for value in others]
    )


def _binary(given: LossInputs) -> torch.Tensor:
    names = [param.name for param in _weights_to_regularize(given.network)]
    return torch.stack(
        [binary_regularizer(given.weights[name], given.distances[name]) for name in names]
    ).sum()


def _distribution(given: LossInputs) -> torch.Tensor:
    return distribution_loss([given.maps[value] for value in signed_maps(given.network)])


def _kurtosis(given: LossInputs) -> torch.Tensor:
    weights = [given.weights[param.name] for param in _weights_to_regularize(given.network)]
    return kurtosis_regularizer(weights, given.kurtosis_target)


LOSSES: Mapping[str, AddedLoss] = MappingProxyType(
    {
        "logits_teacher": AddedLoss(1.0, _logits, _read_logits, needs_teacher=True, replaces_labels=True),
        "attention_teacher": AddedLoss(
            30.0, _attention, _read_blocks, needs_teacher=True
        ),  # as in larq's zoo
        "binary_regularizer": AddedLoss(1e-6, _binary, _no_maps, learns_distances=True),  # chosen here
        "distribution_loss": AddedLoss(2.0, _distribution, _read_signed),  # the authors' ImageNet command
        "kurtosis_regularizer": AddedLoss(1.0, _kurtosis, _no_maps),  # the default of the authors' code
    }
)


def loss_of(name: str) -> AddedLoss:
    """Look up a loss by its method's name; an unknown one raises with the closest known one."""
    if name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    return LOSSES[name]


def maps_to_keep(
    names: Iterable[str], network: Network, teacher: Network | None = None
) -> tuple[list[Value], list[Value]]:
    """List the maps that `Lowered.maps` has to keep for the losses, of the student and of the teacher."""
    reads = [loss_of(name).reads(network, teacher) for name in names]
    return (
        list(dict.fromkeys(value for mine, _ in reads for value in mine)),
        list(dict.fromkeys(value for _, others in reads for value in others)),
    )


def added_loss(factors: Mapping[str, float] | Collection[str], given: LossInputs) -> torch.Tensor:
    """Sum up losses times their factors; names alone take the published ones. No name gives zero."""
    chosen = factors if isinstance(factors, Mapping) else {name: loss_of(name).factor for name in factors}
    terms = [factor * loss_of(name).measure(given) for name, factor in chosen.items()]
    return torch.stack(terms).sum() if terms else torch.zeros(())
