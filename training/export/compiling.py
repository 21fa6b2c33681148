"""From a trained network to the program of a chip: what is stored, at which widths and powers of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import torch

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.folding import fold
from costmodel.graph import BINARY, Network, Op, Param, Tensor, Value
from costmodel.networks.build import build
from training.data.augment import Normalization, normalize
from training.export.calibration import best_exponent, best_step, sampled_maps
from training.export.fixed_point import EXACT, fixed_rule
from training.export.fixed_rules import TABLE_BITS, TABLE_EXPONENT
from training.export.packing import StoredArray, bits_of, floats, mantissas, whole
from training.export.program import Program
from training.export.stored import fold_exactly, integer_weights, stored_values
from training.module.lower import Lowered

MACS = ("conv", "linear")
ABSORB = ("affine", "threshold")
"""Kinds whose parameters take up the step of the weights before them."""
STEP_BITS = 16
GUARD = 30
"""Products are kept to 2**-30 of what their result counts: finer parts change nothing, and 64 bits hold all of it."""
MAC_GUARD = 16
"""The same for biases of sums, which have 32 bits."""


def float_program(model: Lowered, key: DesignKey, normalization: Normalization) -> Program:
    """Fold a trained network for fp32 features such that every value is rounded as torch rounds it."""
    check_values(model, key)
    folded = fold_exactly(model.network)
    values = stored_values(model, folded)
    arrays: dict[str, StoredArray] = {}
    ops = []
    for op in folded.running():
        attributes = dict(op.attributes)
        for param in op.params:
            arrays[param.name] = _as_trained(param, values[param.name])
        if op.kind in MACS:
            stepped = _split_weight(model, folded, op, values)
            if stepped is not None:
                arrays[op.params[0].name] = whole(stepped[0], op.params[0].precision.bits)
                attributes["step"] = f"{op.params[0].name}.step"
                arrays[f"{op.params[0].name}.step"] = floats(stepped[1])
        ops.append(replace(op, attributes=MappingProxyType(attributes)))
    network = Network(folded.name, tuple(ops), folded.input, folded.output)
    return Program(str(key), "fp32", network, arrays, {}, floats(_pixel_values(model.network, normalization)))


def _as_trained(param: Param, values: np.ndarray) -> StoredArray:
    """Store bits as bits, whole thresholds and border corrections as integers, all else as floats."""
    if param.precision == BINARY:
        return bits_of(values)
    counted = param.axes == "CB" or param.name.endswith(".threshold")
    if counted and np.all(np.isfinite(values)) and np.array_equal(np.rint(values), values):
        return (
            whole(values, max(param.precision.bits, 16))
            if param.precision.kind == "integer"
            else floats(values)
        )
    return floats(values)


def _split_weight(
    model: Lowered, network: Network, op: Op, values: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Whole weights and the step of each filter; None where weights are bits or floats."""
    weight = op.params[0]
    maker = network.producers.get(weight)
    if maker is None or maker.kind != "quantize_weight":
        return None
    latent = maker.inputs[0]
    assert isinstance(latent, Param)
    return integer_weights(maker, model.value(latent).detach().numpy(), values[weight.name])


def _pixel_values(network: Network, normalization: Normalization) -> np.ndarray:
    """Say what each byte becomes, (C, 256), as in training."""
    channels = int(network.input.shape[0])
    scale, offset = normalization.factors("cpu")
    table = torch.arange(256, dtype=torch.uint8).expand(1, channels, 1, 256)
    return normalize(table, scale, offset)[0, :, 0].numpy()


# ------------------------------------------------------------------ fixed point


@dataclass(frozen=True, eq=False)
class _Draft:
    """A fixed-point program in the making: the power of two of each map, and what its numbers count besides."""

    model: Lowered
    network: Network
    values: Mapping[str, np.ndarray]
    samples: Mapping[str, np.ndarray]
    exponents: dict[str, int] = field(default_factory=dict)
    units: dict[Value, np.ndarray] = field(default_factory=dict)
    arrays: dict[str, StoredArray] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)

    def absorbed(self, value: Value) -> bool:
        """Say whether all readers of sums can take up a factor per channel."""
        readers = [op for op in self.network.running() if value in op.inputs]
        return value is not self.network.output and all(
            op.kind in ABSORB or (op.kind == "max_pool" and self.absorbed(op.output)) for op in readers
        )


def fixed_program(
    model: Lowered, key: DesignKey, features: str, normalization: Normalization, images: np.ndarray
) -> Program:
    """Fold a trained network for features of whole numbers; powers of two are chosen on training `images` (bytes).

    The network is the one that `key` has with these features, so that what runs is what is priced. Raises BnncostError
    where it computes with floats, or has an operation without a fixed-point rule.
    """
    network = fold(build(replace(key, features=features)))
    _refuse_floats(network, key)
    check_values(model, key)
    values = stored_values(model, network)
    pixels = _whole_pixels(_pixel_values(network, normalization))
    samples = sampled_maps(str(key), network, values, pixels, images)
    draft = _Draft(model, network, values, samples)
    draft.exponents[network.input.name] = int(pixels.exponent)
    for op in network.running():
        _compile(draft, op)
    running = Network(network.name, tuple(draft.ops), network.input, network.output)
    return Program(str(key), features, running, draft.arrays, draft.exponents, pixels)


def check_values(model: Lowered, key: DesignKey) -> None:
    """Raise BnncostError where training left something that is no number, or a checkpoint has a variance below zero."""
    for param in model.network.learned():
        if not bool(torch.isfinite(model.value(param)).all()):
            raise BnncostError(
                f"design '{key}': the trained parameter '{param.name}' holds values that are no numbers; train it "
                "again with a lower learning rate."
            )
    variances = [op.params[3] for op in model.network.ops if op.kind == "batch_norm"]
    below = next((param.name for param in variances if bool((model.value(param) < 0).any())), None)
    if below is not None:
        raise BnncostError(
            f"design '{key}': the variances '{below}' are below zero, so the checkpoint is not as training left it; "
            "delete the folder and train again."
        )


def _refuse_floats(network: Network, key: DesignKey) -> None:
    for op in network.running():
        fixed_rule(op.kind)
        for value in (*op.inputs, op.output, *op.params):
            if value.precision.kind == "float":
                raise BnncostError(
                    f"design '{key}': '{op.kind}' in layer '{op.layer}' computes in {value.precision.label}, so it "
                    "cannot run on whole numbers; export it with features fp32 alone, or train it with integers."
                )


def _whole_pixels(table: np.ndarray) -> StoredArray:
    """Round what bytes become to 8 bits, at the finest power of two that holds all of it."""
    exponent = 20
    while (
        not -128
        <= np.rint(np.ldexp(table.min(), exponent))
        <= np.rint(np.ldexp(table.max(), exponent))
        <= 127
    ):
        exponent -= 1
    return whole(np.rint(np.ldexp(table, exponent)), 8, np.array(exponent))


def _compile(draft: _Draft, op: Op) -> None:
    """Choose the power of two of an operation's result, and store its parameters accordingly."""
    assert isinstance(op.output, Tensor)
    attributes = dict(op.attributes)
    if op.kind in MACS:
        _compile_mac(draft, op, attributes)
        params: tuple[Param, ...] = op.params
    else:
        draft.exponents[op.output.name] = _exponent(draft, op)
        if op.kind == "sigmoid":
            exponent = draft.exponents[op.output.name]
            attributes["table"] = f"sigmoid.{op.output.precision.label}.{exponent}"  # shared by equal ones
            draft.arrays[str(attributes["table"])] = _sigmoid_table(op, exponent)
        params = _compile_params(draft, op)
    draft.ops.append(replace(op, params=params, attributes=MappingProxyType(attributes)))


def _exponent(draft: _Draft, op: Op) -> int:
    source, output = op.inputs[0], op.output
    unit = draft.units.get(source)
    if unit is not None and op.kind == "max_pool":
        draft.units[output] = unit
    if output.precision == BINARY:
        return 0
    if op.kind in EXACT:
        return draft.exponents[source.name]
    if op.kind == "quantize":
        learned = draft.values.get(op.params[0].name)
        step = None if learned is None else float(learned)
        return best_step(draft.samples[source.name], step, output.precision)
    return best_exponent(draft.samples[output.name], output.precision)


def _compile_mac(draft: _Draft, op: Op, attributes: dict[str, object]) -> None:
    weight, output, arrays = op.params[0], op.output, draft.arrays
    stepped = _split_weight(draft.model, draft.network, op, draft.values)
    exponent = draft.exponents[op.inputs[0].name]
    if stepped is None:
        arrays[weight.name] = bits_of(draft.values[weight.name])
    else:
        numbers, steps = stepped
        arrays[weight.name] = whole(numbers, weight.precision.bits)
        if draft.absorbed(output):
            draft.units[output] = steps.astype(np.float64)
        else:
            attributes["step"] = f"{weight.name}.step"
            arrays[f"{weight.name}.step"] = mantissas(steps, STEP_BITS, apart=True)
            exponent = best_exponent(draft.samples[output.name], output.precision)
    draft.exponents[output.name] = exponent
    for param in op.params[1:]:
        values = draft.values[param.name]
        if param.axes == "CB":
            arrays[param.name] = whole(values, param.precision.bits)
        else:
            finest = exponent + MAC_GUARD
            arrays[param.name] = mantissas(values, param.precision.bits, apart=False, finest=finest)


def _sigmoid_table(op: Op, exponent: int) -> StoredArray:
    """One entry for each sixteenth from -8 to +7.9375, never rounded to zero, so that a gate stays positive."""
    half = 2 ** (TABLE_BITS - 1)
    points = np.arange(-half, half) / 2**TABLE_EXPONENT
    entries = np.clip(
        np.rint(np.ldexp(1 / (1 + np.exp(-points)), exponent)), 1, 2 ** (op.output.precision.bits - 1) - 1
    )
    return whole(entries, op.output.precision.bits, np.array(exponent))


def _compile_params(draft: _Draft, op: Op) -> tuple[Param, ...]:
    unit = draft.units.get(op.inputs[0])
    if op.kind == "threshold":
        return _compile_threshold(draft, op, unit)
    if op.kind == "quantize":
        return ()  # its step is the power of two of its result
    finest = draft.exponents[op.output.name] + GUARD
    kept = []
    for index, param in enumerate(op.params):
        values, bits = draft.values[param.name].astype(np.float64), param.precision.bits
        factor = op.kind in ("scale", "prelu", "two_slope") or (op.kind == "affine" and index == 0)
        if factor and unit is not None:
            values = values * unit
            param = replace(param, shape=values.shape, axes="C")
        if op.kind == "power_of_two":
            draft.arrays[param.name] = whole(np.rint(values), 8)
        elif factor:
            limit = finest - draft.exponents[op.inputs[0].name]
            draft.arrays[param.name] = mantissas(values, bits, apart=param.axes == "C", finest=limit)
        else:
            draft.arrays[param.name] = mantissas(values, bits, apart=False, finest=finest)
        kept.append(param)
    return tuple(kept)


def _compile_threshold(draft: _Draft, op: Op, unit: np.ndarray | None) -> tuple[Param, ...]:
    """Round thresholds to whole numbers so that no number of the map changes sides: up where a channel rises."""
    level, direction = op.params
    rises = draft.values[direction.name] > 0
    exact = np.ldexp(draft.values[level.name].astype(np.float64), draft.exponents[op.inputs[0].name])
    exact = exact if unit is None else exact / unit
    numbers = np.where(rises, np.ceil(exact), np.floor(exact))
    bits = op.inputs[0].precision.bits
    beyond = 2 ** (bits - 1)  # the first number above the range, and its negative less one the first below
    numbers = np.clip(numbers, -beyond - 1, beyond)
    draft.arrays[level.name] = whole(numbers, bits + 1)
    draft.arrays[direction.name] = bits_of(draft.values[direction.name])
    return op.params
