"""Gradients of the sign: the step itself has none, so training puts that of a smoother function in its place.

Every estimator is a backward rule `(gradient, x, progress) -> gradient of x` under its name; `progress` is the part
of training that is done, 0 .. 1. The forward pass is the sign, with sign(0) = +1, for all of them but `siman`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from costmodel.errors import BnncostError, unknown
from training.module.signatures import with_signature

Forward = Callable[[torch.Tensor], torch.Tensor]
Backward = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Estimator:
    """A gradient of the sign: its name, whether it changes over training, and the differentiable function."""

    name: str
    scheduled: bool
    apply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


ESTIMATORS: dict[str, Estimator] = {}


def binarize(x: torch.Tensor, estimator: str, progress: torch.Tensor | float = 0.0) -> torch.Tensor:
    """Take the sign of `x`, with the gradient that `estimator` names at `progress` (0 .. 1) of training.

    >>> x = torch.tensor([-2.0, 0.0, 0.5], requires_grad=True)
    >>> y = binarize(x, "polynomial")
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-1.0, 1.0, 1.0], [0.0, 2.0, 1.0])
    """
    if estimator not in ESTIMATORS:
        raise unknown("estimator", estimator, ESTIMATORS)
    return ESTIMATORS[estimator].apply(x, torch.as_tensor(progress, dtype=x.dtype, device=x.device))


def sign(x: torch.Tensor) -> torch.Tensor:
    """Binarize to -1 and +1; zero, of either sign, gives +1.

    On a CPU, arithmetic takes an eighth of the time of a choice; a GPU chooses between two numbers, which it need not
    make first; an exported graph gets the choice between tensors, which readers know.
    """
    if torch.compiler.is_exporting():
        return torch.where(x >= 0, x.new_ones(()), x.new_full((), -1))
    if x.device.type == "cpu":
        return x.sign().add_(0.5).sign_()
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


def large_half(weight: torch.Tensor) -> torch.Tensor:
    """Set the half of each filter with the largest magnitudes to +1, the rest to -1 (SiMaN, Lin 2022, eq. 13).

    Of an odd number, the larger part is the small half; of equal magnitudes, the first come first.

    >>> large_half(torch.tensor([[0.1, -3.0, 2.0, 0.0, 1.0]]))
    tensor([[-1.,  1.,  1., -1., -1.]])
    """
    flat = weight.abs().flatten(1)
    rank = torch.argsort(torch.argsort(flat, dim=1, descending=True, stable=True), dim=1)
    return torch.where(rank < flat.shape[1] // 2, weight.new_ones(()), weight.new_full((), -1)).view_as(
        weight
    )


def estimator(
    name: str, *, scheduled: bool = False, forward: Forward = sign
) -> Callable[[Backward], Backward]:
    """Register a backward rule as the estimator `name`; a second one of the same name raises."""

    def register(backward: Backward) -> Backward:
        if name in ESTIMATORS:
            raise BnncostError(f"estimator '{name}' is declared twice.")
        ESTIMATORS[name] = Estimator(name, scheduled, _function(name, forward, backward))
        return backward

    return register


def _function(
    name: str, take: Forward, give: Backward
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Make the differentiable function of a forward and a backward rule, in the style that `torch.func` accepts."""

    def forward(x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
        return take(x)

    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, torch.Tensor], output: torch.Tensor) -> None:
        ctx.save_for_backward(*inputs)

    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        x, progress = ctx.saved_tensors
        return give(gradient, x, progress), None

    body: dict[str, Any] = {
        "forward": staticmethod(with_signature(forward)),
        "setup_context": staticmethod(setup_context),
        "backward": staticmethod(backward),
        "generate_vmap_rule": True,
    }
    function: Any = type(f"Sign_{name}", (torch.autograd.Function,), body)
    return function.apply


def _within(gradient: torch.Tensor, x: torch.Tensor, limit: float) -> torch.Tensor:
    """Pass the gradient where |x| <= limit, in one pass over memory.

    Torch's rule for hardtanh leaves the limit itself out, where clipped latent weights would stay for ever: so the
    limit is raised by the smallest step.
    """
    edge = limit * (1 + torch.finfo(x.dtype).eps)
    return torch.ops.aten.hardtanh_backward(gradient, x, -edge, edge)


def _sharpness(progress: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Grow from `low` to `high` geometrically over training: low (high / low)^progress."""
    return low * torch.exp(progress * math.log(high / low))


@estimator("clipped")
def clipped(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """1 where |x| <= 1, else 0 (Hubara 2016, eq. 4)."""
    return _within(gradient, x, 1.0)


@estimator("wide")
def wide(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """1 where |x| <= 1.3, else 0 (Bethge 2019)."""
    return _within(gradient, x, 1.3)


@estimator("polynomial")
def polynomial(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """2 - 2|x| where |x| <= 1, else 0: the gradient of ApproxSign (Liu 2018, eq. 6)."""
    return gradient * (2 - 2 * x.abs()).clamp(min=0)


SWISH_SLOPE = 5.0


@estimator("swish")
def swish(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """b (2 - b x tanh(b x / 2)) / (1 + cosh(b x)) with b = 5: the gradient of SignSwish (Darabi 2018, eq. 4)."""
    scaled = SWISH_SLOPE * x
    return gradient * (SWISH_SLOPE * (2 - scaled * torch.tanh(scaled / 2)) / (1 + torch.cosh(scaled)))


def _ie_net(gradient: torch.Tensor, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """max(0, sqrt(3) t - 3/2 t^2 |x|): a triangle that ends at 2 / (sqrt(3) t)."""
    return gradient * torch.clamp(math.sqrt(3) * t - 1.5 * t * t * x.abs(), min=0)


@estimator("ie_net", scheduled=True)
def ie_net(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """IE-Net's triangle with t = max(1, 0.01 to 10 over training): for features (Ding 2022, authors' code)."""
    return _ie_net(gradient, x, torch.clamp(_sharpness(progress, 1e-2, 10.0), min=1))


@estimator("ie_net_weights", scheduled=True)
def ie_net_weights(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """max(1/t, 1) times IE-Net's triangle, t from 0.01 to 10: for weights (Ding 2022, authors' code)."""
    t = _sharpness(progress, 1e-2, 10.0)
    return _ie_net(gradient, x, t) / torch.clamp(t, max=1)


@estimator("ede", scheduled=True)
def ede(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """k t (1 - tanh(t x)^2), t from 0.001 to 10 over training, k = max(1/t, 1) (IR-Net, Qin 2020, eq. 9 to 11)."""
    t = _sharpness(progress, 1e-3, 10.0)
    # one pass for gradient * (1 - tanh^2); k t = max(1, t)
    return torch.ops.aten.tanh_backward(gradient, torch.tanh_(t * x)) * torch.clamp(t, min=1)


@estimator("rbnn", scheduled=True)
def rbnn(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """max(0, sqrt(2) t - t^2 |x|), t = max(1, 0.01 to 10 over training): RBNN's for features (Lin 2020, eq. 20)."""
    t = torch.clamp(_sharpness(progress, 1e-2, 10.0), min=1)
    return gradient * torch.clamp(math.sqrt(2) * t - t * t * x.abs(), min=0)


@estimator("identity")
def identity(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """1 everywhere: for weights that are normalized or clamped, whose size says nothing (ReCU, Xu 2021)."""
    return gradient


@estimator("rbnn_weights", scheduled=True)
def rbnn_weights(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """max(0, k (sqrt(2) t - t^2 |w|)), t from 0.01 to 10 over training, k = max(1/t, 1) (RBNN, Lin 2020, eq. 20)."""
    t = _sharpness(progress, 1e-2, 10.0)
    factor = torch.clamp(t, min=1)  # k t
    return gradient * factor * torch.clamp(math.sqrt(2) - t * x.abs(), min=0)


@estimator("magnitude")
def magnitude(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """1 / mean |w| of the filter where |w| <= 1, else 0: Bi-Real Net's for weights (Liu 2018).

    The authors' code (github.com/liuzechun/Bi-Real-net, birealnet.py) convolves with mean |w| sign(w) and passes the
    gradient of that product straight through to w; a sign without the factor gets mean |w| times as much.
    """
    size = x.abs().flatten(1).mean(1).reshape(-1, *[1] * (x.dim() - 1))
    return _within(gradient, x, 1.0) / torch.where(size == 0, 1, size)


@estimator("siman", forward=large_half)
def siman(gradient: torch.Tensor, x: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
    """+1 where w >= 0, else -1: straight through to the magnitude |w|, whose rank decides (Lin 2022)."""
    return gradient * sign(x)


class _Scaled(torch.autograd.Function):
    """A tensor as it is, and its gradient times a factor."""

    generate_vmap_rule = True

    @staticmethod
    @with_signature
    def forward(x: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, torch.Tensor], output: torch.Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


def with_gradient_scaled(x: torch.Tensor, factor: torch.Tensor | float) -> torch.Tensor:
    """Return `x`, whose gradient will be `factor` times what arrives.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> with_gradient_scaled(x, 0.5).backward()
    >>> x.grad.item()
    0.5
    """
    if not isinstance(factor, torch.Tensor):
        factor = x.new_full(
            (), factor
        )  # is filled where it lies: a copy could not be captured as part of a graph
    return _Scaled.apply(x, factor.to(x))


class _Round(torch.autograd.Function):
    """Rounding to the nearest whole number, half to even, with the gradient 1."""

    generate_vmap_rule = True

    @staticmethod
    @with_signature
    def forward(x: torch.Tensor) -> torch.Tensor:
        return torch.round(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


def rounded(x: torch.Tensor) -> torch.Tensor:
    """Round to the nearest whole number, half to even, passing the gradient straight through (Bengio 2013).

    >>> rounded(torch.tensor([0.5, 1.4, -1.6])).tolist()
    [0.0, 1.0, -2.0]
    """
    return _Round.apply(x)
