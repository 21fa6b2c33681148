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
    labels = [label for operation, label in demand.operations if operation == "mac"]
    surplus = {label: cycles for label in labels if (cycles := _depthwise_surplus(profile, label))}
    for macs in demand.macs:
        if processor.weight_wait is not None:
            beside += processor.weight_wait.si * _bits_used_once(macs)
        alone = (macs["C"] == 1) & (macs["G"] > 1)  # outputs that read one channel of several
        for label, cycles in surplus.items() if alone.any() else ():
            beside += cycles * _product_where(alone & _of_precision(macs, label), macs, DIMS)
    return beside


def _bits_used_once(macs: np.ndarray) -> np.ndarray:
    """Bits of the weights of a layer that has one position [bit]; 0 for other layers."""
    single = (macs["OY"] == 1) & (macs["OX"] == 1)
    return _product_where(single, macs, ("K", "C", "FY", "FX", "G", "weight_bits"))


def _of_precision(macs: np.ndarray, label: str) -> np.ndarray:
    """Whether the MACs of a layer are of precision `label`."""
    codes = zip(_CODES, codes_of(label), strict=True)
    return np.asarray(np.logical_and.reduce([macs[name] == code for name, code in codes]))


def _depthwise_surplus(profile: HardwareProfile, label: str) -> float:
    """Cycles that a depthwise MAC takes more than one of another layer."""
    price = mac_price(profile, label)
    slow = profile.compute[price.precision].depthwise
    return 0.0 if slow is None else slow.si - price.cycles_per_operation


def _product_where(there: np.ndarray, macs: np.ndarray, fields: tuple[str, ...]) -> np.ndarray:
    """The product of some fields of the layers that are there, which are few; 0 for the others."""
    found = np.zeros(there.shape, dtype=np.int64)
    rows = macs[there]
    found[there] = reduce(np.multiply, (rows[field].astype(np.int64) for field in fields))
    return found
