"""What each export operation does in torch: it runs in every forward pass, on latent weights, with gradients.

Operations that only folding makes have no gradient; numpy computes them when values are loaded.
"""

from __future__ import annotations

import math

import torch

from training.module.estimators import binarize, rounded
from training.module.rules import Call, at_load, rule


def _per_filter(weight: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return values.reshape(-1, *[1] * (weight.dim() - 1))


def _variance(weight: torch.Tensor) -> torch.Tensor:
    """In two passes, as numpy does it: torch's own takes one, and rounds otherwise."""
    flat = weight.flatten(1)
    return (flat - flat.mean(1, keepdim=True)).square().mean(1)


def _deviation(weight: torch.Tensor) -> torch.Tensor:
    """Standard deviation of each filter; zero, with a zero gradient, where all its weights are the same."""
    variance = _variance(weight)
    return torch.sqrt(torch.where(variance == 0, 1, variance)) * (variance != 0)


@rule("sign_weight")
def _sign_weight(call: Call) -> torch.Tensor:
    if call.real_weights:
        return call.inputs[0]
    return binarize(call.inputs[0], str(call.op.attributes["estimator"]), call.progress)


@rule("constant")
def _constant(call: Call) -> torch.Tensor:
    sides = [int(side) for side in call.op.output.shape]
    return call.progress.new_full(sides, float(str(call.op.attributes["value"])))


@rule("quantize_weight")
def _quantize_weight(call: Call) -> torch.Tensor:
    """Round to the grid of each filter's largest magnitude; the gradient passes straight through."""
    weight, bits = call.inputs[0], call.op.integer("bits")
    top = 1 if call.op.output.precision.kind == "ternary" else 2 ** (bits - 1) - 1
    largest = weight.detach().abs().flatten(1).amax(1)
    step = _per_filter(weight, torch.where(largest == 0, 1, largest) / top)
    return rounded(weight / step) * step


@rule("centre_weight")
def _centre_weight(call: Call) -> torch.Tensor:
    weight = call.inputs[0]
    return weight - _per_filter(weight, weight.flatten(1).mean(1))


@rule("standardize_weight")
def _standardize_weight(call: Call) -> torch.Tensor:
    weight, variance = call.inputs[0], _variance(call.inputs[0])
    deviation = torch.sqrt(torch.where(variance == 0, 1, variance)) / float(
        str(call.op.attributes["deviation"])
    )
    return (weight - _per_filter(weight, weight.flatten(1).mean(1))) / _per_filter(weight, deviation)


FIRST_QUANTILE = 0.85


@rule("clamp_weight")
def _clamp_weight(call: Call) -> torch.Tensor:
    """Clamp to a quantile that training moves from 0.85 to the one that is exported (ReCU, Xu 2021, eq. 13).

    As in the authors' code (github.com/z-hXu/ReCU, modules/binarized_modules.py), the move is linear in e^progress,
    and the bound, one for the layer, has no gradient.
    """
    weight, last = call.inputs[0], float(str(call.op.attributes["quantile"]))
    done = torch.expm1(call.progress) / (math.e - 1) if call.training else torch.ones_like(call.progress)
    quantile = last - (last - min(FIRST_QUANTILE, last)) * (1 - done)
    bound = -weight.detach().abs().mean() * torch.log(2 - 2 * quantile)
    return torch.maximum(-bound, torch.minimum(bound, weight))


@rule("confine_weight")
def _confine_weight(call: Call) -> torch.Tensor:
    """Centre each filter of the latent weights and clamp their magnitudes, in place, in every pass of training.

    The percentiles go from `percent` and 100 less that to 0 and 100, as in the authors' code (SiMaN, Lin 2022,
    github.com/lmbxmu/SiMaN, modules/binarized_modules.py): the weights themselves are changed, not what is read.
    """
    weight = call.inputs[0]
    if call.training:
        with torch.no_grad():
            share = float(str(call.op.attributes["percent"])) / 100 * (1 - call.progress)
            centred = weight - _per_filter(weight, weight.flatten(1).mean(1))
            sizes = centred.abs()
            ranked = sizes.flatten().sort().values
            low, high = _quantile(ranked, share), _quantile(ranked, 1 - share)
            weight.copy_(torch.maximum(low, torch.minimum(high, sizes)) * centred.sign())
    return weight


def _quantile(ranked: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Read a quantile from sorted numbers, between two of them in proportion; torch's own has no rule for vmap."""
    place = share * (len(ranked) - 1)
    ends = ranked.gather(0, torch.stack([place.floor(), place.ceil()]).long())
    return torch.lerp(ends[0], ends[1], place - place.floor())


@rule("mean_magnitude")
def _mean_magnitude(call: Call) -> torch.Tensor:
    """Mean |w| of each filter; 1 while the weights are real, which need no scale."""
    mean = call.inputs[0].abs().flatten(1).mean(1)
    return torch.ones_like(mean) if call.real_weights else mean


@rule("log2_magnitude")
def _log2_magnitude(call: Call) -> torch.Tensor:
    """Rounded, so without a gradient: IR-Net's shift does not train the weights that it is made from.

    While the weights are real they need no scale, and it is 0.
    """
    mean = call.inputs[0].detach().abs().flatten(1).mean(1)
    exponent = torch.round(torch.log2(torch.where(mean == 0, 1, mean)))
    return torch.zeros_like(exponent) if call.real_weights else exponent


@rule("mean_weight")
def _mean_weight(call: Call) -> torch.Tensor:
    return call.inputs[0].flatten(1).mean(1)


@rule("deviation_weight")
def _deviation_weight(call: Call) -> torch.Tensor:
    return _deviation(call.inputs[0])


@rule("shifted_weight")
def _shifted_weight(call: Call) -> torch.Tensor:
    weight, shift = call.inputs
    return weight - _per_filter(weight, weight.flatten(1).mean(1) - shift * _deviation(weight))


@rule("quarter_turn")
def _quarter_turn(call: Call) -> torch.Tensor:
    return torch.rot90(call.inputs[0], call.op.integer("turns"), (-2, -1))


@rule("outer")
def _outer(call: Call) -> torch.Tensor:
    rows, columns = call.inputs
    return rows[:, None] * columns


@rule("whole_power")
def _whole_power(call: Call) -> torch.Tensor:
    return torch.exp2(rounded(call.inputs[0]))


@rule("complement")
def _complement(call: Call) -> torch.Tensor:
    return 1 - call.inputs[0]


@rule("ratio")
def _ratio(call: Call) -> torch.Tensor:
    return call.inputs[0] / call.inputs[1]


at_load("border_correction")  # for chips; torch pads with zeros, which is the same
at_load("threshold_level")
at_load("threshold_direction")
at_load("composed_factor")
at_load("composed_offset")
at_load("scaled_weight")
