"""What a processor spends its time on besides operations: slow kernels, and waiting for weights.

Kernels keep a weight in a register over several positions and a feature over several outputs. A depthwise layer has
no outputs to share a feature, and a fully connected layer no positions to share a weight, which then waits for the
memory that weights are read from.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from costmodel.demand.arrays import Demand
from costmodel.demand.macs import codes_of
from costmodel.hardware import HardwareProfile
from costmodel.hardware.prices import mac_price
from costmodel.mapping.nest import DIMS

_CODES = ("weight_kind", "weight_bits", "feature_kind", "feature_bits")


def beside_operations(profile: HardwareProfile, demand: Demand) -> np.ndarray:
    """Cycles of each layer that its operations do not have: (layers, N)."""
    processor = profile.processor
    assert processor is not None
    beside = np.zeros(demand.repeats.shape)
    for macs in demand.macs:
        if processor.weight_wait is not None:
            beside += processor.weight_wait.si * _bits_used_once(macs)
        for operation, label in demand.operations:
            if operation == "mac":
                beside += _depthwise_surplus(profile, label) * _depthwise_macs(macs, label)
    return beside


def _bits_used_once(macs: np.ndarray) -> np.ndarray:
    """Bits of the weights of a layer that has one position [bit]; 0 for other layers."""
    single = macs["OY"].astype(np.int64) * macs["OX"] == 1
    return np.asarray(single * _product(macs, ("K", "C", "FY", "FX", "G")) * macs["weight_bits"])


def _depthwise_macs(macs: np.ndarray, label: str) -> np.ndarray:
    """MACs of precision `label` in layers in which each output reads one channel of several; 0 for other layers."""
    alone = (macs["C"] == 1) & (macs["G"] > 1)
    codes = zip(_CODES, codes_of(label), strict=True)
    return np.asarray(alone * _product(macs, DIMS) * np.logical_and.reduce([macs[n] == c for n, c in codes]))


def _depthwise_surplus(profile: HardwareProfile, label: str) -> float:
    """Cycles that a depthwise MAC takes more than one of another layer."""
    price = mac_price(profile, label)
    slow = profile.compute[price.precision].depthwise
    return 0.0 if slow is None else slow.si - price.cycles_per_operation


def _product(macs: np.ndarray, dims: tuple[str, ...]) -> np.ndarray:
    return reduce(np.multiply, (macs[dim].astype(np.int64) for dim in dims))
