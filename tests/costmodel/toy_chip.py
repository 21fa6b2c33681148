"""A network of two layers and chips with round figures, small enough to price with pencil and paper.

layer a: 1x1 convolution (4, 4, 4) -> (8, 4, 4) with 8-bit operands, then the sign
layer b: 3x3 binary convolution (8, 4, 4) -> (8, 4, 4), then a ReLU at 16 bits

           MACs                       compares        reads [bit]              writes [bit]
a   8 x 16 x 4     =   512 of 8x8   128 of int32   512 features, 256 weights   128 binary features
b   8 x 16 x 8 x 9 = 9,216 of 1x1   128 of int16   128 bits, 576 weights     2,048 features

kept: 832 bits of weights; maps: 512 + 128 = 640 bits while a runs, 128 + 2,048 = 2,176 while b runs
"""

from __future__ import annotations

from pathlib import Path

from costmodel import load_profile
from costmodel.builder import Builder
from costmodel.graph import Network, precision
from costmodel.hardware import HardwareProfile


def toy_network() -> Network:
    g = Builder("toy", (4, 4, 4), precision("int8"), precision("int16"))
    with g.layer("a"):
        bits = g.sign(g.conv(g.input, g.narrow_weight(8, g.input, 1, precision("int8"))))
    with g.layer("b"):
        weight = g.sign_weight(g.binary_weight(8, bits, 3))
        return g.finish(g.relu(g.conv(bits, weight, padding=1, pad_value=1)))


def figure(value: float, unit: str) -> str:
    why = ", note: made up" if value == 0 else ""  # a zero says why
    return f"{{value: {value}, unit: {unit}, source: made up, status: assumed{why}}}"


def macro(size: float, read: float, write: float, area: float, leakage: float) -> str:
    parts = {
        "size": figure(size, "kB"), "read": figure(read, "pJ/bit"), "write": figure(write, "pJ/bit"),
        "area": figure(area, "mm^2"), "leakage": figure(leakage, "mW"),
    }  # fmt: skip
    return "{" + ", ".join(f"{name}: {text}" for name, text in parts.items()) + "}"


ALL = "[weights, parameters, binary_features, features]"

# Between 1024 and 4096 bit, reading and area grow with the size, writing with its square root.
FITTED = f"""
  sram:
    holds: {ALL}
    size: fit
    port: {figure(24, "bit/cycle")}
    banks: {{size: {figure(0.5, "kB")}, wire: {figure(10, "pJ/bit/mm")}}}
    macros:
      - {macro(0.125, 0.1, 0.2, 0.01, 1)}
      - {macro(0.5, 0.4, 0.4, 0.04, 1)}
"""


def spilling(dram_kb: float) -> str:
    """2,304 bits on chip: the maps' 2,176 and 128 of the 832 bits of weights; 704 spill, 11 of every 13."""
    return f"""
  sram:
    holds: {ALL}
    size: {figure(0.28125, "kB")}
    port: {figure(24, "bit/cycle")}
    macros:
      - {macro(0.28125, 0.2, 0.3, 0.02, 1)}
  dram:
    holds: [weights]
    size: {figure(dram_kb, "kB")}
    port: {figure(4, "bit/cycle")}
    off_chip: true
    macros:
      - {{read: {figure(5, "pJ/bit")}, write: {figure(7, "pJ/bit")}}}
"""


def chip(
    folder: Path,
    *,
    memories: str = FITTED,
    units: tuple[float, float] | None = None,
    narrow_compare: bool = True,
    operation: str = "compare",
) -> HardwareProfile:
    """An ASIC whose side units keep 4 elements a cycle; with `units`, a fixed number of compares at 16 and 32 bits."""
    counts = [f", units: {figure(number, 'operation/cycle')}" for number in units] if units else ["", ""]
    side = f"""
      int32: {{energy: {figure(3, "pJ/operation")}, area: {figure(30, "um^2")}{counts[1]}}}"""
    if narrow_compare:
        side = f"""
      int16: {{energy: {figure(1, "pJ/operation")}, area: {figure(10, "um^2")}{counts[0]}}}{side}"""
    text = f"""
name: toy
title: A toy
description: For tests.
archetype: asic
scope: chip
technology: {{node: {figure(45, "nm")}, voltage: {figure(1, "V")}}}
clock: {figure(100, "MHz")}
compute:
  1x1:
    throughput: {figure(64, "mac/cycle")}
    popcount:
      fan_in: {figure(7, "bit")}
      xnor: {{energy: {figure(0.1, "pJ/operation")}, area: {figure(7, "um^2")}}}
      full_adder: {{energy: {figure(0.7, "pJ/operation")}, area: {figure(7, "um^2")}}}
      accumulator: {{energy: {figure(0.7, "pJ/operation")}, area: {figure(7, "um^2")}}}
  8x8:
    throughput: {figure(16, "mac/cycle")}
    energy: {figure(2, "pJ/operation")}
    area: {figure(100, "um^2")}
side:
  policy: {"fixed" if units else f"matched{chr(10)}  pace: {figure(4, 'element/cycle')}"}
  operations:
    {operation}:{side}
memories:{memories}
control:
  energy: {figure(4, "pJ/cycle")}
  leakage: {figure(2, "mW")}
  area: {figure(0.001, "mm^2")}
"""
    path = folder / "toy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


def processor(folder: Path, flash_port: float) -> HardwareProfile:
    """A microcontroller: 10 pJ and 10 ns a cycle, free memories inside, a flash outside."""
    path = folder / "toy_processor.yaml"
    path.write_text(f"""
name: toy-processor
title: A toy
description: For tests.
archetype: mcu
scope: chip
technology: {{node: {figure(45, "nm")}, voltage: {figure(1, "V")}}}
clock: {figure(100, "MHz")}
processor: {{energy: {figure(10, "pJ/cycle")}}}
compute:
  1x1: {{cycles: {figure(0.25, "cycle/operation")}}}
  8x8: {{cycles: {figure(2, "cycle/operation")}}}
side:
  operations:
    compare:
      int32: {{cycles: {figure(3, "cycle/operation")}}}
memories:
  ram:
    holds: [parameters, binary_features, features]
    size: {figure(1, "kB")}
    free: inside the energy per cycle
  flash:
    holds: [weights]
    size: {figure(1, "kB")}
    port: {figure(flash_port, "bit/cycle")}
    off_chip: true
    macros:
      - {{read: {figure(6, "pJ/bit")}, write: {figure(7, "pJ/bit")}}}
""", encoding="utf-8")  # fmt: skip
    return load_profile(path)


def arrayed(folder: Path, memory: str, *, sums: int = 16) -> HardwareProfile:
    """The ASIC with an array of 8 x 8 binary or 4 x 4 int8 lanes, K by C, whose partial sums cost 1 pJ a bit."""
    chip(folder, memories=memory)
    path = folder / "toy.yaml"
    text = path.read_text(encoding="utf-8")
    for label, lanes in (("1x1", 8), ("8x8", 4)):
        text = text.replace(f"  {label}:\n", f"  {label}:\n    lanes: {{columns: {lanes}, rows: {lanes}}}\n")
    text += f"""
array:
  loops: {{columns: [[K]], rows: [[C]]}}
  buffers:
    weight_registers: {{holds: [weights], words: {figure(1, "word")}, free: for the test}}
    feature_registers: {{holds: [features], serves: [columns], words: {figure(1, "word")}, free: for the test}}
    accumulators:
      holds: [sums]
      serves: [rows]
      words: {figure(sums, "word")}
      read: {figure(1, "pJ/bit")}
      write: {figure(1, "pJ/bit")}
"""
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


def large(kilobytes: float = 64) -> str:
    """One memory of fixed size for everything, at 2 and 3 pJ a bit, with a wide port for each operand."""
    return f"""
  sram:
    holds: {ALL}
    size: {figure(kilobytes, "kB")}
    port: {figure(1024, "bit/cycle")}
    separate_ports: true
    macros:
      - {macro(kilobytes, 2, 3, 0.02, 1)}
"""
