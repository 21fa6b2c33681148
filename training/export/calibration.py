"""Powers of two for maps of whole numbers, chosen on training images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Network, Precision
from training.export.fixed_point import limits
from training.export.packing import StoredArray, floats
from training.export.program import BATCH, FloatRule, Program

SAMPLES = 2**16
"""How many values of a map its power of two is chosen on."""
FINER = 5
"""How many powers of two below the one that holds the largest value are tried."""
FINEST = 30


def best_exponent(values: np.ndarray, precision: Precision) -> int:
    """Choose the power of two at which rounded and saturated values have the smallest squared error.

    >>> best_exponent(np.array([0.9, -0.4, 0.1]), Precision("integer", 8))
    7
    """
    low, high = limits(precision)
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return 0
    coarsest = min(int(np.floor(np.log2(high / largest))), FINEST)
    if precision.bits > 16:
        return min(coarsest - 1, FINEST)  # rounding is no concern, and one bit is kept in reserve
    errors = []
    for exponent in range(coarsest, min(coarsest + FINER, FINEST) + 1):
        stored = np.ldexp(np.clip(np.rint(np.ldexp(values, exponent)), low, high), -exponent)
        errors.append(float(np.square(stored - values).sum()))
    return coarsest + int(np.argmin(errors))


def best_step(values: np.ndarray, step: float | None, precision: Precision) -> int:
    """Choose the power of two of a rounding: that which was trained with, if there is a learned step."""
    return best_exponent(values, precision) if step is None else int(-np.rint(np.log2(step)))


def sampled_maps(
    design: str, network: Network, values: Mapping[str, np.ndarray], pixels: StoredArray, images: np.ndarray
) -> dict[str, np.ndarray]:
    """Run a folded network in floats on images (bytes) and keep values of every map, the extremes included.

    A rounding whose step is not among the `values` passes its input on.
    """
    if not len(images):
        raise BnncostError("powers of two of feature maps are chosen on images; give at least one.")
    missing = {param.name for op in network.running() for param in op.params if param.name not in values}
    arrays = {name: floats(array) for name, array in values.items()} | {
        name: floats(np.ones(())) for name in missing
    }
    running = Network(network.name, tuple(network.running()), network.input, network.output)
    program = Program(design, "fp32", running, arrays, {}, floats(pixels.numbers()))
    quantize = _passing(missing)
    names = [op.output.name for op in running.ops]
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    share = -(-SAMPLES * BATCH // max(len(images), BATCH))
    for start in range(0, len(images), BATCH):
        for name, array in program.maps(images[start : start + BATCH], names, {"quantize": quantize}).items():
            flat = array.reshape(-1)
            parts[name].append(flat[:: -(-flat.size // share)])
            parts[name].append(np.array([flat.min(), flat.max()]))
    for op in running.ops:
        if not all(np.isfinite(part).all() for part in parts[op.output.name]):
            raise BnncostError(
                f"design '{design}': '{op.kind}' in layer '{op.layer}' gives values that are no numbers, so no "
                "power of two holds them; train it again with a lower learning rate."
            )
    return {name: np.concatenate(chunks).astype(np.float64) for name, chunks in parts.items()}


def _passing(missing: set[str]) -> FloatRule:
    from costmodel.operations import known

    meaning = known("quantize").meaning
    return lambda op, inputs, params: (
        inputs[0] if op.params[0].name in missing else meaning(op, inputs, params)
    )
