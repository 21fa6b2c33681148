"""Rounding to whole numbers between bounds: the one place that emits a quantizer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from costmodel.graph import Precision, precision
from costmodel.importers.model.reading import Reading
from costmodel.importers.model.rules_arithmetic import shifted
from costmodel.importers.model.signing import sign_of
from costmodel.importers.model.values import Clipped, Map, NotRead


def quantized(
    r: Reading, source: Map, low: float, high: float, way: str = "", stored: Precision | None = None
) -> Map:
    """Round (`way` is "", "down" or "up") to whole numbers from `low` to `high`: codes of a grid.

    Its step is one over the pending factor. Codes with a zero point are `stored` narrower than what they stand for.
    """
    width = stored or bits_of(low, high)
    if source.mean is not None:
        share = source.factor * source.mean.size
        source = Map(source.view.with_tensor(source.mean.emit())).times(share)
    factor = np.asarray(source.factor, np.float64)
    turned = low != -high and np.any(factor < 0)
    if np.any(source.offset != 0) or source.padding is not None or turned:
        source = Map(r.plain(source))
        factor = np.ones(())
    step = 1 / np.abs(factor)
    power = np.exp2(np.rint(np.log2(step)))
    exact = not np.allclose(step, power, rtol=1e-6)
    attributes: dict[str, object] = {"bits": width.bits}
    usual = (-1, 1) if width.kind == "ternary" else (-(2 ** (width.bits - 1)), 2 ** (width.bits - 1) - 1)
    if exact:
        attributes["exact"] = True
    if (low, high) != usual:
        attributes |= {"low": int(low), "high": int(high)}
    if way:
        attributes["rounding"] = way
    axes = "" if step.size == 1 else "C"
    kept = step.reshape(-1) if axes else step.reshape(())
    tensor = r.emit(
        "quantize", (source.tensor,), stored=width, constants=(("step", axes, kept),),
        attributes=attributes,
    )  # fmt: skip
    return Map(source.view.with_tensor(tensor)).times(factor)


def clipped_of(r: Reading, made: Map) -> Clipped | None:
    """The clamp that a map is a positive multiple of, with bounds multiplied alike; None of any other map."""
    tensor, factor = made.tensor, made.factor
    op = r.g.producer(tensor)
    while op is not None and op.kind == "scale" and op.params[0].axes == "" and tensor not in r.clipped:
        tensor, factor = op.inputs[0], factor * r.values[op.params[0].name]  # type: ignore[assignment]
        op = r.g.producer(tensor)
    known = r.clipped.get(tensor)
    if known is None or made.padding is not None or np.any(made.offset) or factor.size > 1 or factor <= 0:
        return None
    source = replace(known.source, view=made.view.with_tensor(known.source.tensor))
    return Clipped(source.times(factor), known.low * float(factor), known.high * float(factor))


def one_level(r: Reading, codes: Map) -> Map | None:
    """Bits of a quantizer of two levels, by a compare of what it reads; None of any other map."""
    op = r.g.producer(codes.tensor)
    if op is None or op.kind != "quantize" or "high" not in op.attributes or op.params[0].axes != "":
        return None
    low, high = (float(str(op.attributes[end])) for end in ("low", "high"))
    if high - low != 1 or codes.padding is not None or np.any(codes.offset):
        return None
    between = low + {"down": 1.0, "up": 0.0}.get(str(op.attributes.get("rounding", "")), 0.5)
    step = float(r.values[op.params[0].name])
    source = Map(codes.view.with_tensor(op.inputs[0]))  # type: ignore[arg-type]
    bits = sign_of(r, r.map_of(shifted(r, source, np.asarray(-between * step))), zero_is="one")
    return bits.times(0.5, low + 0.5).times(step).times(codes.factor)


def bits_of(low: float, high: float) -> Precision:
    """Precision of whole numbers from `low` to `high`."""
    if (low, high) == (-1, 1):
        return precision("ternary")
    levels = max(high + 1, -low if low < 0 else 0)
    bits = int(np.ceil(np.log2(levels))) + int(low < 0) if np.isfinite(levels) else 99
    if bits > 32 or bits < 1:
        raise NotRead(
            f"rounding to whole numbers from {low:g} to {high:g}, which no integer of 32 bits holds"
        )
    return Precision("integer", max(bits, 2))
