"""Make or complete the table of SRAM figures with CACTI 7; see hardware_profiles/tables/README.md.

    git clone https://github.com/HewlettPackard/cacti && git -C cacti checkout 1ffd8df && make -C cacti opt
    python tools/cacti_table.py cacti --out hardware_profiles/tables/cacti7_sram.csv

Points that the file holds already are kept; `--check 30` runs that many of them again and prints how far they
are off, `--between` writes the points half-way between the table's sizes and widths, to judge interpolation.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

COLUMNS = ("node_nm", "cell", "size_kB", "width_b", "read_pJ", "write_pJ", "leak_mW", "area_mm2")
CELLS = ("itrs-hp", "itrs-lop", "itrs-lstp")
NODES = (22, 28, 32, 45, 65)
SIZES = tuple(2.0**power for power in range(-4, 12))
WIDTHS = (8, 16, 32, 64, 128, 256, 512)
# Interpolation is judged on these: nodes and cells of the shipped profiles.
BETWEEN_NODES = ((22, "itrs-lstp"), (28, "itrs-lstp"), (45, "itrs-lstp"), (65, "itrs-lop"))
SETTINGS = """\
-size (bytes) {size}
-block size (bytes) {block}
-associativity 1
-read-write port 1
-exclusive read port 0
-exclusive write port 0
-single ended read ports 0
-UCA bank count 1
-technology (u) {micron}
-page size (bits) 8192
-burst length 8
-internal prefetch width 8
-Data array cell type - "{cell}"
-Data array peripheral type - "{cell}"
-Tag array cell type - "{cell}"
-Tag array peripheral type - "{cell}"
-output/input bus width {width}
-operating temperature (K) 300
-cache type "ram"
-tag size (b) "default"
-access mode (normal, sequential, fast) - "normal"
-design objective (weight delay, dynamic power, leakage power, cycle time, area) 0:0:0:100:0
-deviate (delay, dynamic power, leakage power, cycle time, area) 20:100000:100000:100000:100000
-NUCAdesign objective (weight delay, dynamic power, leakage power, cycle time, area) 100:100:0:0:100
-NUCAdeviate (delay, dynamic power, leakage power, cycle time, area) 10:10000:10000:10000:10000
-Optimize ED or ED^2 (ED, ED^2, NONE): "ED^2"
-Cache model (NUCA, UCA)  - "UCA"
-NUCA bank count 0
-Wire signaling (fullswing, lowswing, default) - "Global_30"
-Wire inside mat - "semi-global"
-Wire outside mat - "semi-global"
-Interconnect projection - "conservative"
-Core count 8
-Cache level (L2/L3) - "L3"
-Add ECC - "false"
-Print level (DETAILED, CONCISE) - "CONCISE"
-Print input parameters - "false"
-Force cache config - "false"
-dram_type "D"
-iostate "W"
-dram_ecc "Y"
-addr_timing 1.0
-mem_density 4 Gb
-bus_freq 800 MHz
-duty_cycle 1.0
-activity_dq 1.0
-activity_ca 0.5
-num_dq 72
-num_dqs 18
-num_ca 25
-num_clk 2
-num_mem_dq 2
-mem_data_width 8
-rtt_value 10000
-ron_value 34
-tflight_value
-num_bobs 1
-capacity 80
-num_channels_per_bob 1
-first metric "Cost"
-second metric "Bandwidth"
-third metric "Energy"
-DIMM model "ALL"
-mirror_in_bob "F"
"""
_NUMBER = r"[^:\n]*: *([0-9.eE+-]+)"


class Point(NamedTuple):
    """One memory: process [nm], kind of cell and periphery, capacity [kB] and word [bit]."""

    node_nm: int
    cell: str
    size_kb: float
    width_b: int


def grid() -> list[Point]:
    """Every point of the table."""
    regular = itertools.starmap(Point, itertools.product(NODES, CELLS, SIZES, WIDTHS))
    others = itertools.starmap(Point, itertools.product((40, 90), ("itrs-lstp",), SIZES[4:], (64,)))
    return [*regular, *others]


def between() -> list[Point]:
    """Points that the table lacks: sizes half-way (x 1.5) at words of 16 and 64 bit, words half-way at 8 and 256 kB."""
    sizes = [
        Point(node, cell, 1.5 * size, width)
        for node, cell in BETWEEN_NODES
        for size in SIZES[2:-1]
        for width in (16, 64, 256)
    ]
    words = [
        Point(node, cell, size, width)
        for node, cell in BETWEEN_NODES
        for size in (8.0, 64.0, 512.0)
        for width in (24, 48, 96, 192, 384)
    ]
    return sizes + words


def figures(cacti: Path, point: Point) -> tuple[float, ...] | None:
    """Read and write [pJ], leakage [mW] and area [mm2] of one memory; None where CACTI finds no organisation."""
    settings = SETTINGS.format(
        size=round(point.size_kb * 1024), block=point.width_b // 8, micron=point.node_nm / 1000,
        cell=point.cell, width=point.width_b,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memory.cfg"
        file.write_text(settings)
        # CACTI reads its technology files relative to where it runs.
        ran = subprocess.run(
            ["./cacti", "-infile", file], cwd=cacti, capture_output=True, text=True, check=False
        )
    names = (
        "Total dynamic read energy per access",
        "Total dynamic write energy per access",
        r"Total leakage power of a bank \(",
        "Total gate leakage power of a bank",
    )
    found = [re.search(name + _NUMBER, ran.stdout) for name in names]
    sides = re.search(r"height x width \(mm\): ([0-9.eE+-]+) x ([0-9.eE+-]+)", ran.stdout)
    if sides is None or any(match is None for match in found):
        return None
    read, write, leak, gate = (float(match[1]) for match in found if match)
    return read * 1e3, write * 1e3, leak + gate, float(sides[1]) * float(sides[2])


def read_table(path: Path) -> dict[Point, tuple[float, ...]]:
    """The points of a table that exists, empty where it does not."""
    if not path.exists():
        return {}
    with path.open(newline="") as stream:
        return {
            Point(int(row["node_nm"]), row["cell"], float(row["size_kB"]), int(row["width_b"])): tuple(
                float(row[name]) for name in COLUMNS[4:]
            )
            for row in csv.DictReader(stream)
        }


def write_table(path: Path, table: dict[Point, tuple[float, ...]]) -> None:
    """Write a table in order, six digits a figure."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for point in sorted(table):
            writer.writerow(
                [point.node_nm, point.cell, f"{point.size_kb:g}", point.width_b]
                + [f"{value:.6g}" for value in table[point]]
            )


def computed(cacti: Path, points: Iterable[Point], jobs: int) -> Iterator[tuple[Point, tuple[float, ...]]]:
    """Run CACTI on points, several at a time; those without an organisation are named and left out."""
    points = list(points)
    with ThreadPoolExecutor(jobs) as pool:
        for point, found in zip(points, pool.map(lambda point: figures(cacti, point), points), strict=True):
            if found is None:
                print("no organisation:", *point, file=sys.stderr)
            else:
                yield point, found


def main() -> None:
    """Complete the table, or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cacti", type=Path, help="folder in which CACTI was built")
    parser.add_argument("--out", type=Path, required=True, help="the table, completed if it exists")
    parser.add_argument(
        "--check", type=int, default=0, help="run that many points of the table again instead"
    )
    parser.add_argument(
        "--between", action="store_true", help="write points between those of the table instead"
    )
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    table = read_table(options.out)
    if options.check:
        again = random.Random(0).sample(sorted(table), options.check)
        worst = max(
            abs(new / old - 1)
            for point, found in computed(options.cacti, again, options.jobs)
            for new, old in zip(found, table[point], strict=True)
        )
        print(f"{options.check} points again: at most {100 * worst:.3g} % off")
        return
    wanted = between() if options.between else grid()
    table |= computed(options.cacti, (point for point in wanted if point not in table), options.jobs)
    write_table(options.out, table)


if __name__ == "__main__":
    main()
