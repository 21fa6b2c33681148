"""Whether the constants and attributes of a node are ones that a trained network can have: checked before rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from costmodel.importers.model.document import Node
from costmodel.importers.model.values import NotRead, Value
from costmodel.importers.model.weights import repeats_one

_STEPS = frozenset({"QuantizeLinear", "DequantizeLinear", "Quant", "IntQuant", "BipolarQuant", "Trunc"})
"""Kinds whose second input is a step."""
_BITS: Mapping[str, tuple[int, ...]] = {"Quant": (3,), "IntQuant": (3,), "Trunc": (3, -1)}
"""Inputs of quantizers that are numbers of bits."""
_MOST_BITS = 64
_WITH_ENDS = frozenset({"Clip", "HardTanh", "Max", "Min", "Pad", "MultiThreshold"})
"""Kinds whose numbers may be infinite: ends that nothing reaches, and what stands round a map before its maxima."""


def check_numbers(node: Node, inputs: Sequence[Value]) -> None:
    """Raise NotRead for a constant or an attribute that is no number, or none that its node can compute with."""
    constants = {place: one for place, one in enumerate(inputs) if isinstance(one, np.ndarray)}
    if node.kind in _STEPS and 1 in constants and not np.all(np.isfinite(constants[1]) & (constants[1] > 0)):
        raise NotRead("a step that is not above zero and finite")
    for place in _BITS.get(node.kind, ()):
        bits = constants.get(place % len(inputs), np.ones(1))
        if not np.all((bits >= 1) & (bits <= _MOST_BITS)):
            raise NotRead(
                f"rounding to {float(bits.reshape(-1)[0]):g} bits, but they must be 1 to {_MOST_BITS}"
            )
    met = any(one is not None and not isinstance(one, np.ndarray) for one in inputs)
    _check_finite(node, constants, ends=node.kind in _WITH_ENDS or not met)
    if node.kind == "MultiThreshold" and np.any(np.diff(constants.get(1, np.zeros(1))) < 0):
        raise NotRead("thresholds that fall, but they must rise along their last axis")
    _check_norm(node, constants)


def _check_finite(node: Node, constants: Mapping[int, np.ndarray], *, ends: bool) -> None:
    """Raise NotRead for what is no number, and, but for `ends`, for what is infinite.

    Constants that meet constants may be: what they make is checked where it meets a map.
    """
    for name, array in _numbers_of(node, constants):
        some = array.reshape(-1)[:1] if repeats_one(array) else array
        wrong = np.isnan(some) if ends else ~np.isfinite(some)
        if wrong.any() and not _is_mask(node, some):
            raise NotRead(f"{name} is {some[wrong][0]:g} where it must be a finite number")


def _numbers_of(node: Node, constants: Mapping[int, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Constants and attributes that have a point, by name."""
    for place, array in constants.items():
        if array.dtype.kind == "f":
            yield f"its constant '{node.inputs[place]}'", array
    for name, given in node.attributes.items():
        several = given if isinstance(given, (tuple, list)) else (given,)
        yield name, np.array([one for one in several if isinstance(one, float)], np.float64)


def _is_mask(node: Node, array: np.ndarray) -> bool:
    """Whether what is added hides some of the last axis, and not all, from a softmax: minus infinity does so."""
    hides = node.kind == "Add" and array.ndim > 1 and array.shape[-1] > 1
    return hides and bool(np.isfinite(array.max(axis=-1)).all())


def _check_norm(node: Node, constants: Mapping[int, np.ndarray]) -> None:
    """Raise NotRead for a norm that divides by the root of a number that is not above zero."""
    epsilon = float(node.attributes.get("epsilon", 1e-5))
    if epsilon < 0:
        raise NotRead(f"epsilon is {epsilon:g}, but must be from 0 on")
    if node.kind == "BatchNormalization" and 4 in constants and constants[4].size:
        least = float(constants[4].min())
        if least < 0 or least + epsilon <= 0:
            raise NotRead(
                f"a variance of {least:g} and an epsilon of {epsilon:g}: no variance is below 0, and their sum is above"
            )
