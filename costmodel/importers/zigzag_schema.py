"""ZigZag 3.9.1's accelerator and mapping files as frozen types; what the parts must agree on is in `zigzag_rules`.

Energies are pJ, sizes bits, bandwidths bits a cycle, as in the files that come with the tool.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from costmodel.hardware.text.fields import Flag, Section, Text
from costmodel.hardware.text.messages import refused
from costmodel.hardware.text.quantity import shown, unknown_name
from costmodel.mapping.nest import DIMS

MEMORY_OPERANDS = ("I1", "I2", "O")
DIRECTION_OF = {"fh": "fill", "tl": "feed", "fl": "collect", "th": "drain"}
"""ZigZag's words (from high, to low, from low, to high) and this project's."""
_MOST = 10**18 - 1
"""What is written with as many digits as files of YAML may have."""
_PAIR = re.compile(r"\s*([A-Z]+[0-9]*)\s*,\s*([0-9]+)\s*")


def _whole(raw: Any) -> Any:
    return _counted(raw, "a whole number", "")


def _bandwidth(raw: Any) -> Any:
    return _counted(raw, "a whole number of bits a cycle", ": nothing would get through")


def _counted(raw: Any, what: str, if_none: str) -> Any:
    number = raw if isinstance(raw, int | float) and not isinstance(raw, bool) else math.nan
    if not isinstance(raw, int) or not 1 <= number <= _MOST:
        why = if_none if number < 1 else ", which is too large" if number > _MOST else ""
        raise refused(f"must be {what} from 1 to {_MOST}, got {shown(raw)}{why}")
    return raw


def _cost(raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw) or raw < 0:
        raise refused(f"must be a finite number from 0 on, got {shown(raw)}")
    return float(raw)


def _named(what: str, allowed: tuple[str, ...]) -> BeforeValidator:
    def check(raw: Any) -> Any:
        if raw not in allowed:
            raise refused(unknown_name(what, raw, allowed))
        return raw

    return BeforeValidator(check)


def _allocation(raw: Any) -> Any:
    if isinstance(raw, tuple):
        return raw
    parts = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else []
    if len(parts) != 2:
        raise refused(f"must be an operand and a direction, such as 'I1, tl', got {shown(raw)}")
    for what, part, allowed in (
        ("operand", parts[0], MEMORY_OPERANDS),
        ("direction", parts[1], tuple(DIRECTION_OF)),
    ):
        if part not in allowed:
            raise refused(unknown_name(what, part, allowed))
    return tuple(parts)


def _unrolled(raw: Any) -> Any:
    if isinstance(raw, tuple):
        return raw
    match = _PAIR.fullmatch(raw) if isinstance(raw, str) else None
    if match is None or int(match[2]) < 1:
        raise refused(f"must be a loop and a factor from 1 on, such as 'K, 32', got {shown(raw)}")
    if match[1] not in DIMS:
        raise refused(unknown_name("loop", match[1], DIMS))
    return (match[1], int(match[2]))


Whole = Annotated[int, BeforeValidator(_whole)]
Bandwidth = Annotated[int, BeforeValidator(_bandwidth)]
Cost = Annotated[float, BeforeValidator(_cost)]
MemoryOperand = Annotated[str, _named("operand", MEMORY_OPERANDS)]
LoopName = Annotated[str, _named("loop", DIMS)]
Allocation = Annotated[tuple[str, str], BeforeValidator(_allocation)]
Unrolled = Annotated[tuple[str, int], BeforeValidator(_unrolled)]


class PortEntry(Section):
    """One port of a memory."""

    name: Text = Field(description="such as r_port_1")
    type: Literal["read", "write", "read_write"] = Field(description="read, write or read_write")
    bandwidth_min: Bandwidth = Field(description="smallest piece that the port moves [bit]")
    bandwidth_max: Bandwidth = Field(
        description="bits a cycle, and of the access that r_cost and w_cost price"
    )
    allocation: tuple[Allocation, ...] = Field(description="what it moves, such as 'I1, tl'")


class MemoryEntry(Section):
    """One memory; the file lists them from the lanes outwards."""

    size: Whole = Field(description="bits of one instance")
    r_cost: Cost = Field(description="energy of reading bandwidth_max bits [pJ]")
    w_cost: Cost = Field(description="energy of writing bandwidth_max bits [pJ]")
    area: Cost = Field(0.0, description="area; its unit is the file's own")
    latency: Cost = Field(1.0, description="cycles of an access; ZigZag 3.9.1 does not use it")
    mem_type: Text = Field("sram", description="kind of memory for CACTI")
    auto_cost_extraction: Flag = Field(False, description="true lets ZigZag ask CACTI for the costs")
    operands: tuple[MemoryOperand, ...] = Field(description="what it holds, of I1, I2, O")
    ports: tuple[PortEntry, ...] = Field(description="its ports")
    served_dimensions: tuple[str, ...] = Field(description="axes of the array that share one instance")
    force_double_buffering: Flag = Field(False, description="true keeps room for two tiles")


class ArrayEntry(Section):
    """The array of MAC lanes."""

    dimensions: tuple[Text, ...] = Field(description="names of the axes, D1, D2, ...")
    sizes: tuple[Whole, ...] = Field(description="lanes along each axis")
    unit_energy: Cost = Field(description="energy of one MAC [pJ]")
    unit_area: Cost = Field(0.0, description="area of one MAC; its unit is the file's own")
    systolic_dimensions: tuple[str, ...] = Field((), description="axes along which results move")
    input_precision: tuple[Whole, ...] = Field((), description="bits of the inputs; only cells use it")
    is_imc: Flag = Field(False, description="true for in-memory computing")
    imc_type: Any = Field(None, description="only for in-memory computing")
    adc_resolution: Any = Field(None, description="only for in-memory computing")
    bit_serial_precision: Any = Field(None, description="only for in-memory computing")


class AcceleratorFile(Section):
    """An accelerator."""

    name: Text = Field(description="name of the accelerator")
    memories: dict[str, MemoryEntry] = Field(description="memories from the lanes outwards")
    operational_array: ArrayEntry = Field(description="the array of MAC lanes")
    dataflows: Any = Field(None, description="ZigZag 3.9.1 reads it and does not use it")


class Links(Section):
    """Which memory operand is which operand of a layer."""

    O: MemoryOperand = Field("O", description="outputs")  # noqa: E741
    W: MemoryOperand = Field("I2", description="weights")
    I: MemoryOperand = Field("I1", description="features")  # noqa: E741


class MappingEntry(Section):
    """How layers of one name or kind lie on the array; `default` stands for all others."""

    name: Text = Field(description="a layer's name, a kind of layer, or default")
    spatial_mapping: dict[str, tuple[Unrolled, ...]] = Field({}, description="axis -> loops, such as 'K, 32'")
    spatial_mapping_hint: dict[str, tuple[LoopName, ...]] = Field({}, description="axis -> loops to try")
    temporal_ordering: tuple[Any, ...] = Field((), description="a given order of loops")
    memory_operand_links: Links = Field(Links.model_validate({}), description="O, W, I -> O, I2, I1")
