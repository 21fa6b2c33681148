"""Accelerators written as ZigZag 3.9.1 reads them: a toy, and two with the figures of files that come with the tool.

The figures of `tpu_like` and `edge_tpu_like` are those of zigzag-dse 3.9.1 (MIT), zigzag/inputs/hardware.
"""

from __future__ import annotations

from pathlib import Path

TOY = """\
name: toy
memories:
  rf:
    size: 64
    r_cost: 0.5
    w_cost: 1
    area: 0
    latency: 1
    operands: [I2]
    ports:
      - {name: r_port_1, type: read, bandwidth_min: 8, bandwidth_max: 8, allocation: ["I2, tl"]}
      - {name: w_port_1, type: write, bandwidth_min: 8, bandwidth_max: 8, allocation: ["I2, fh"]}
    served_dimensions: []
  dram:
    size: 1000000
    r_cost: 60
    w_cost: 70
    area: 0
    latency: 1
    operands: [I1, I2, O]
    ports:
      - name: rw_port_1
        type: read_write
        bandwidth_min: 16
        bandwidth_max: 64
        allocation: ["I1, tl", "I2, tl", "O, tl", "O, fl"]
    served_dimensions: [D1, D2]
operational_array:
  unit_energy: 0.25
  unit_area: 1
  dimensions: [D1, D2]
  sizes: [4, 2]
"""
TOY_MAPPING = """\
- name: default
  spatial_mapping: {D1: ["K, 4"], D2: ["C, 2"]}
  memory_operand_links: {O: O, W: I2, I: I1}
"""


def port(name: str, kind: str, least: int, most: int, uses: str) -> str:
    listed = ", ".join(f'"{use}"' for use in uses.split("; "))
    widths = f"bandwidth_min: {least}, bandwidth_max: {most}"
    return f"      - {{name: {name}, type: {kind}, {widths}, allocation: [{listed}]}}\n"


def memory(name: str, size: int, read: float, write: float, operands: str, serves: str, *ports: str) -> str:
    head = f"    size: {size}\n    r_cost: {read}\n    w_cost: {write}\n    area: 0\n    latency: 1\n"
    return (
        f"  {name}:\n{head}    operands: [{operands}]\n    ports:\n{''.join(ports)}"
        f"    served_dimensions: [{serves}]\n"
    )


def weights(name: str, size: int, read: float, write: float, least: int, most: int, serves: str) -> str:
    ports = (
        port("r_port_1", "read", least, most, "I2, tl"),
        port("w_port_1", "write", least, most, "I2, fh"),
    )
    return memory(name, size, read, write, "I2", serves, *ports)


def sums(name: str, cost: float, serves: str) -> str:
    ports = (
        port("r_port_1", "read", 16, 16, "O, tl"),
        port("r_port_2", "read", 16, 16, "O, th"),
        port("w_port_1", "write", 16, 16, "O, fh"),
        port("w_port_2", "write", 16, 16, "O, fl"),
    )
    return memory(name, 16, cost, cost, "O", serves, *ports)


def maps_and_dram(axes: str) -> str:
    reads, writes = "I1, tl; O, tl; O, th", "I1, fh; O, fh; O, fl"
    every = "I1, fh; I1, tl; I2, fh; I2, tl; O, fh; O, tl; O, fl; O, th"
    sram = (port("r_port_1", "read", 64, 2048, reads), port("w_port_1", "write", 64, 2048, writes))
    dram = port("rw_port_1", "read_write", 64, 64, every)
    return memory("sram_2MB", 16_777_216, 416.16, 378.4, "I1, O", axes, *sram) + memory(
        "dram", 10_000_000_000, 700, 750, "I1, I2, O", axes, dram
    )


def array(axes: str, sizes: str, more: str = "") -> str:
    head = "operational_array:\n  unit_energy: 0.04\n  unit_area: 1\n"
    return f"{head}  dimensions: [{axes}]\n  sizes: [{sizes}]\n{more}"


TPU_LIKE = (
    "name: tpu_like\nmemories:\n"
    + weights("rf_128B", 1024, 0.095, 0.095, 8, 8, "")
    + sums("rf_2B", 0.021, "")
    + maps_and_dram("D1, D2")
    + array("D1, D2", "32, 32", "  systolic_dimensions: [D1, D2]\n")
)
TPU_LIKE_MAPPING = '- name: default\n  spatial_mapping: {D1: ["K, 32"], D2: ["C, 32"]}\n'
EDGE_TPU_LIKE = (
    "name: edge_tpu_like\nmemories:\n"
    + weights("rf_1B", 8, 0.01, 0.01, 8, 8, "D3, D4")
    + sums("rf_2B", 0.02, "D2")
    + weights("sram_32KB", 262_144, 22.9, 52.01, 64, 512, "D1, D2, D3, D4")
    + maps_and_dram("D1, D2, D3, D4")
    + array("D1, D2, D3, D4", "8, 8, 4, 4")
)
EDGE_TPU_LIKE_MAPPING = """\
- name: default
  spatial_mapping: {D1: ["K, 8"], D2: ["C, 8"], D3: ["OX, 4"], D4: ["OY, 4"]}
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path
