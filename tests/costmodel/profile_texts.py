"""Small valid profiles, one per archetype, with figures that are easy to calculate with."""

from __future__ import annotations


def figure(value: object, unit: str) -> str:
    why = ", note: made up" if value == 0 else ""  # a zero says why
    return f"{{value: {value}, unit: {unit}, source: made up, status: assumed{why}}}"


ASIC = f"""\
name: small-asic
title: A small chip
description: For tests.
archetype: asic
scope: chip
technology:
  node: {figure(45, "nm")}
  voltage: {figure(0.9, "V")}
clock: {figure(100, "MHz")}
compute:
  1x1:
    throughput: {figure(1000, "mac/cycle")}
    popcount:
      fan_in: {figure(7, "bit")}
      xnor: {{energy: {figure(1, "fJ/operation")}, area: {figure(2, "um^2")}}}
      full_adder: {{energy: {figure(7, "fJ/operation")}, area: {figure(14, "um^2")}}}
      accumulator: {{energy: {figure(70, "fJ/operation")}, area: {figure(700, "um^2")}}}
  8x8:
    throughput: {figure(10, "mac/cycle")}
    energy: {figure(0.3, "pJ/operation")}
    area: {figure(400, "um^2")}
side:
  policy: matched
  pace: {figure(16, "element/cycle")}
  operations:
    add:
      int8: {{energy: {figure(0.03, "pJ/operation")}, area: {figure(36, "um^2")}}}
      int16: {{energy: {figure(0.05, "pJ/operation")}, area: {figure(67, "um^2")}}}
    compare:
      int16: {{energy: {figure(0.05, "pJ/operation")}, area: {figure(67, "um^2")}}}
memories:
  sram:
    holds: [weights, parameters, binary_features, features]
    size: fit
    port: {figure(128, "bit/cycle")}
    banks: {{size: {figure(16.0, "kB")}, wire: {figure(0.1, "pJ/bit/mm")}}}
    macros:
      - size: {figure(1, "kB")}
        read: {figure(0.1, "pJ/bit")}
        write: {figure(0.2, "pJ/bit")}
        area: {figure(0.01, "mm^2")}
        leakage: {figure(0, "mW")}
      - size: {figure(16, "kB")}
        read: {figure(0.4, "pJ/bit")}
        write: {figure(0.2, "pJ/bit")}
        area: {figure(0.16, "mm^2")}
        leakage: {figure(4, "mW")}
control:
  energy: {figure(5, "pJ/cycle")}
  leakage: {figure(1, "mW")}
  area: {figure(0.5, "mm^2")}
"""

MCU = f"""\
name: small-mcu
title: A small microcontroller
description: For tests.
archetype: mcu
scope: chip
technology:
  node: {figure(40, "nm")}
  voltage: {figure(1.8, "V")}
clock: {figure(100, "MHz")}
processor:
  energy: {figure(100, "pJ/cycle")}
compute:
  1x1:
    cycles: {figure(0.5, "cycle/operation")}
  8x8:
    cycles: {figure(2, "cycle/operation")}
side:
  operations:
    add:
      int16: {{cycles: {figure(3, "cycle/operation")}}}
memories:
  all:
    holds: [weights, parameters, binary_features, features]
    size: {figure(64, "kB")}
    free: inside the energy of a cycle
"""

FPGA = f"""\
name: small-fpga
title: A small fabric
description: For tests.
archetype: fpga
scope: chip
technology:
  node: {figure(28, "nm")}
  voltage: {figure(1, "V")}
clock: {figure(100, "MHz")}
compute:
  1x1:
    throughput: {figure(500, "mac/cycle")}
    energy: {figure(1, "pJ/operation")}
    lut: {figure(2.5, "lut")}
  8x8:
    throughput: {figure(8, "mac/cycle")}
    energy: {figure(20, "pJ/operation")}
    lut: {figure(64, "lut")}
    dsp: {figure(1, "dsp")}
side:
  policy: fixed
  operations:
    add:
      int16:
        energy: {figure(2, "pJ/operation")}
        lut: {figure(16, "lut")}
        units: {figure(4, "operation/cycle")}
memories:
  bram:
    holds: [weights, parameters, binary_features, features]
    size: {figure(36, "kB")}
    port: {figure(64, "bit/cycle")}
    macros:
      - size: {figure(4.5, "kB")}
        read: {figure(0.3, "pJ/bit")}
        write: {figure(0.3, "pJ/bit")}
        bram: {figure(1, "bram")}
        leakage: {figure(1, "mW")}
  ddr:
    holds: [weights, features]
    size: {figure(512, "MB")}
    off_chip: true
    port: {figure(64, "bit/cycle")}
    macros:
      - read: {figure(70, "pJ/bit")}
        write: {figure(80, "pJ/bit")}
control:
  energy: {figure(250, "pJ/cycle")}
  leakage: {figure(100, "mW")}
  lut: {figure(1000, "lut")}
"""

TEXTS = {"asic": ASIC, "mcu": MCU, "fpga": FPGA}
