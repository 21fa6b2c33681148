"""Updates: which rule moves which parameter, what decays in which stage, and how far training has come.

Parameters are found by name through the network: its binary weights are those that are stored as bits. Their latent
tensors are clipped after every step, and Bop flips them instead of moving them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from torch.optim.adam import adam as adam_update

from costmodel.errors import BnncostError, unknown
from costmodel.graph import BINARY, Network, Op, Param, Value
from training.module.lower import Lowered
from training.run.recipe import OptimizerNumbers

# ------------------------------------------------------------------ parameters by name


def latent_weights(network: Network) -> tuple[Param, ...]:
    """List the weights that are stored as bits, in the order of the network; there may be none."""
    return tuple(param for param in network.learned() if param.precision == BINARY)


def learned_tensors(model: Lowered) -> dict[str, nn.Parameter]:
    """Find what a gradient moves, by the names of the network's parameters; statistics of norms are left out."""
    tensors = {param.name: model.value(param) for param in model.network.learned()}
    return {name: tensor for name, tensor in tensors.items() if isinstance(tensor, nn.Parameter)}


def _role(param: Param) -> str:
    if param.precision == BINARY:
        return "latent"
    return "weight" if param.axes in ("OIKK", "OI") else "other"


# ------------------------------------------------------------------ Bop


class Bop(torch.optim.Optimizer):
    """Flip weights on a running gradient; other parameters follow Adam (Bop, Helwegen 2019, algorithm 1).

    A group whose `flips` is true has the rate `lr` of its running gradient, m <- (1 - lr) m + lr g, and flips the
    sign of a weight where |m| > `threshold` and m has the weight's sign. So a schedule of `lr` also slows the
    running gradient down, as the authors do. Magnitudes stay; they have no say where the clipped
    gradient is used and no method works on the weights. All other groups take
    Adam's `lr`, `betas`, `eps` and `weight_decay`.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        flips: bool = False,
        threshold: float = 1e-8,
    ) -> None:
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "flips": flips, "threshold": threshold,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            if group["flips"] and not (0 < group["lr"] <= 1 and group["threshold"] >= 0):
                raise BnncostError(
                    "bop: the rate of the running gradient must lie above 0 and up to 1, and the threshold must not be "
                    f"negative; they are {group['lr']} and {group['threshold']}."
                )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override,unused-ignore]
        """Flip and move every parameter that has a gradient; returns what `closure` does."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if group["flips"]:
                for param in params:
                    self._flip(param, group["lr"], group["threshold"])
            elif params:
                self._move(params, group)
        return loss

    def _flip(self, weight: torch.Tensor, rate: float, threshold: float) -> None:
        state = self.state[weight]
        if not state:
            state["running"] = torch.zeros_like(weight)
        running = state["running"].lerp_(weight.grad, rate)
        # a zero counts as +1, and m = 0 has no sign; a zero is flipped to the smallest number, as -0 is still +1
        agrees = torch.where(weight >= 0, running > 0, running < 0)
        flipped = torch.where(weight == 0, -torch.finfo(weight.dtype).tiny, -weight)
        weight.copy_(torch.where(agrees & (running.abs() > threshold), flipped, weight))

    def _move(self, params: list[torch.Tensor], group: dict[str, Any]) -> None:
        for param in params:
            state = self.state[param]
            if not state:
                state["step"] = torch.zeros(
                    (), dtype=torch.float32, device=param.device if param.is_cuda else "cpu"
                )
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(param), torch.zeros_like(param)
        states = [self.state[param] for param in params]
        adam_update(
            params,
            [param.grad for param in params if param.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            capturable=params[0].is_cuda,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )


# ------------------------------------------------------------------ optimizers by name


@dataclass(frozen=True)
class Settings:
    """Numbers of an optimizer: rate, momentum and decay; Bop's rate and threshold; the bound of latent weights.

    `latent_decay` is that of latent weights, None where they decay as the others do. `clip` keeps latent weights within
    -clip .. clip after every step (Hubara 2016, algorithm 1); None leaves them.
    """

    rate: float
    decay: float = 0.0
    momentum: float = 0.9
    flip_rate: float = 1e-4
    flip_threshold: float = 1e-8
    clip: float | None = 1.0
    latent_decay: float | None = None


PUBLISHED = MappingProxyType(
    {
        "sgd": Settings(rate=0.1, decay=1e-4),  # IR-Net, Qin 2020: batch 128
        "adam": Settings(rate=2.5e-3, decay=1e-5),  # ReActNet, Liu 2020: batch 512
        "bop": Settings(rate=1e-2),  # Helwegen 2019: batch 50
    }
)
"""Settings of the papers, by the method's name."""


def settings_of(name: str, numbers: OptimizerNumbers) -> Settings:
    """Change an optimizer's published settings where a recipe says so."""
    changes = numbers.model_dump(exclude_none=True)
    if not changes.pop("clip", True):
        changes["clip"] = None
    return replace(PUBLISHED[name], **changes)


Groups = list[dict[str, Any]]


def _on_gpu(groups: Groups) -> bool:
    """Say whether a step may be captured as a graph, which reads its rate from a tensor."""
    return all(tensor.is_cuda for group in groups for tensor in group["params"])


def _sgd(groups: Groups, settings: Settings) -> torch.optim.Optimizer:
    fused = True if _on_gpu(groups) else None  # the other forms take a rate as a number
    return torch.optim.SGD(groups, lr=settings.rate, momentum=settings.momentum, fused=fused)


def _adam(groups: Groups, settings: Settings) -> torch.optim.Optimizer:
    betas, capturable = (settings.momentum, 0.999), _on_gpu(groups)
    return torch.optim.Adam(groups, lr=settings.rate, betas=betas, fused=True, capturable=capturable)


def _bop(groups: Groups, settings: Settings) -> torch.optim.Optimizer:
    flipped = {
        "flips": True,
        "lr": settings.flip_rate,
        "weight_decay": 0.0,
        "threshold": settings.flip_threshold,
    }
    made = [{**group, **flipped} if group["role"] == "latent" else group for group in groups]
    return Bop(made, lr=settings.rate, betas=(settings.momentum, 0.999))


OPTIMIZERS: Mapping[str, Callable[[Groups, Settings], torch.optim.Optimizer]] = MappingProxyType(
    {"sgd": _sgd, "adam": _adam, "bop": _bop}
)


def make_optimizer(
    name: str,
    network: Network,
    tensors: Mapping[str, torch.Tensor],
    settings: Settings | None = None,
    others: Sequence[torch.Tensor] = (),
) -> torch.optim.Optimizer:
    """Make the optimizer `name` of a network's tensors, given by the names of its parameters.

    Its groups have the roles "latent", "weight" and "other"; only the first two decay. `others` are tensors that a
    loss learns. Raises BnncostError for an unknown optimizer or parameter, and for Bop where it can do nothing.

    >>> from costmodel.designs.key import DesignKey
    >>> from costmodel.networks.build import build
    >>> from training.module.lower import lower
    >>> model = lower(build(DesignKey.parse("resnet20/digits")))
    >>> update = make_optimizer("adam", model.network, learned_tensors(model))
    >>> [(group["role"], len(group["params"]), group["weight_decay"]) for group in update.param_groups]
    [('latent', 18, 1e-05), ('weight', 2, 1e-05), ('other', 40, 0.0)]
    """
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    if name == "bop":
        _check_flips(network)
    chosen = settings or PUBLISHED[name]
    groups = _groups(network, tensors, others, chosen)
    made = OPTIMIZERS[name](groups, chosen)
    for group in made.param_groups:
        group["initial_lr"], group["initial_decay"] = group["lr"], group["weight_decay"]
        if _on_gpu([group]):
            group["lr"] = torch.tensor(group["lr"], device=group["params"][0].device)
    if chosen.clip is not None:
        clip_latent(made, chosen.clip)
    return made


def state_names(optimizer: torch.optim.Optimizer, group: Mapping[str, Any]) -> frozenset[str]:
    """Name what an optimizer remembers of each tensor of a group that it has moved."""
    if isinstance(optimizer, torch.optim.SGD):
        return frozenset({"momentum_buffer"} if group["momentum"] else ())
    return frozenset({"running"} if group.get("flips") else {"step", "exp_avg", "exp_avg_sq"})


def _groups(
    network: Network, tensors: Mapping[str, torch.Tensor], others: Sequence[torch.Tensor], settings: Settings
) -> Groups:
    params = {param.name: param for param in network.learned()}
    roles: dict[str, list[torch.Tensor]] = {"latent": [], "weight": [], "other": list(others)}
    for name, tensor in tensors.items():
        if name not in params:
            raise unknown("parameter", name, params, place=f"network '{network.name}'")
        roles[_role(params[name])].append(tensor)
    missing = [param.name for param in latent_weights(network) if param.name not in tensors]
    if missing:
        raise BnncostError(
            f"network '{network.name}': no tensor is given for the binary weights '{missing[0]}'."
        )
    latent = settings.decay if settings.latent_decay is None else settings.latent_decay
    decays = {"latent": latent, "weight": settings.decay, "other": 0.0}
    return [
        {"params": members, "role": role, "weight_decay": decays[role]}
        for role, members in roles.items()
        if members
    ]


def _check_flips(network: Network) -> None:
    place = f"network '{network.name}'"
    if not latent_weights(network):
        raise BnncostError(f"{place} has no binary weights for 'bop' to flip; choose 'sgd' or 'adam'.")
    for op in network.ops:
        if op.kind != "sign_weight":
            continue
        if op.attributes.get("estimator") == "siman":
            raise BnncostError(
                f"{place}: 'bop' flips signs, but 'sign_to_magnitude' makes bits from magnitudes alone; "
                "keep one of them."
            )
        between = _changes_signs(network, op.inputs[0])
        if between is not None:
            raise BnncostError(
                f"{place}: 'bop' flips signs of latent weights, but '{between.origin}' takes those of other numbers "
                f"('{between.kind}' in layer '{between.layer}'), where single weights cannot flip; "
                "keep one of them."
            )


def _changes_signs(network: Network, weight: Value) -> Op | None:
    """Find what stands between latent weights and their sign, and is more than a clamp."""
    op = network.producers.get(weight)
    while op is not None and op.kind == "clamp_weight":
        op = network.producers.get(op.inputs[0])
    return op


def clip_latent(optimizer: torch.optim.Optimizer, limit: float = 1.0) -> None:
    """Clip the group of latent weights to -limit .. limit after each later step (Hubara 2016, algorithm 1)."""

    def clip(done: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        with torch.no_grad():
            for group in done.param_groups:
                if group["role"] == "latent":
                    for tensor in group["params"]:
                        tensor.clamp_(-limit, limit)

    optimizer.register_step_post_hook(clip)


# ------------------------------------------------------------------ stages, decay and rates


def _always(role: str, stage: int) -> bool:
    return True


def _latent_at_first(role: str, stage: int) -> bool:
    return role != "latent" or stage == 1


def _never_latent(role: str, stage: int) -> bool:
    return role != "latent"


DECAY_POLICIES: Mapping[str, Callable[[str, int], bool]] = MappingProxyType(
    {"always": _always, "decay_policy": _latent_at_first, "no_latent_decay": _never_latent}
)
"""Whether a group that may decay does, by its role and the stage.

`decay_policy` stops the decay of latent weights in stage 2, where it would pull them to zero and their signs would
flip on noise (Liu 2021, AdamBNN). The authors then stop that of the few other weights as well. `no_latent_decay` never
lets them decay.
"""


def set_decay(optimizer: torch.optim.Optimizer, policy: str, stage: int) -> None:
    """Set each group's decay to what `policy` says for stage 1 or 2; raises BnncostError for an unknown policy."""
    if policy not in DECAY_POLICIES:
        raise unknown("decay policy", policy, DECAY_POLICIES)
    for group in optimizer.param_groups:
        decays = DECAY_POLICIES[policy](group["role"], stage)
        group["weight_decay"] = group["initial_decay"] if decays else 0.0


RATES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "constant": lambda progress: 1.0,
        "linear": lambda progress: 1 - progress,  # ReActNet, Liu 2020
        "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,  # IR-Net, Qin 2020
    }
)
"""Factor of the learning rate by the part of training, or of its stage, that is done."""


def set_rate(optimizer: torch.optim.Optimizer, schedule: str, progress: float, warmup: float = 0.0) -> None:
    """Set each group's learning rate to its first one times a factor at `progress` (0 .. 1) of training.

    The factor grows from 0 to 1 in the part `warmup` of training, in proportion to progress (Goyal 2017); the schedule
    then runs over what is left.
    """
    if schedule not in RATES:
        raise unknown("schedule of the learning rate", schedule, RATES)
    if not 0 <= progress <= 1:
        raise BnncostError(f"the part of training that is done must lie from 0 to 1, not at {progress}.")
    if progress < warmup:
        factor = progress / warmup
    else:
        factor = RATES[schedule]((progress - warmup) / (1 - warmup)) if warmup < 1 else 1.0
    for group in optimizer.param_groups:
        rate = group["initial_lr"] * factor
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
