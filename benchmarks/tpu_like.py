"""ZigZag's accelerator `tpu_like` and the layers of ResNet-18, as the tool describes them.

Source: zigzag-dse 3.9.1 (MIT), zigzag/inputs/hardware/tpu_like.yaml and zigzag/inputs/mapping/tpu_like.yaml as in
the wheel; its repository has the same figures but no systolic axes. Energies there are pJ.
"""

from __future__ import annotations

from costmodel.mapping import Architecture, Array, Level, LoopNest, Port
from costmodel.mapping.architecture import DIRECTIONS
from costmodel.mapping.nest import FEATURES, OPERANDS, SUMS, WEIGHTS

PJ = 1e-12
GRID = ("D1", "D2")


def port(name: str, bits: int, least: int, *uses: tuple[str, str]) -> Port:
    return Port(name, bits, frozenset(uses), least)


def tpu_like(sram_bits: int = 16_777_216) -> Architecture:
    weights = Level(
        "rf_128B",
        1024,
        (WEIGHTS,),
        (),
        0.095 * PJ,
        0.095 * PJ,
        (port("r", 8, 8, (WEIGHTS, "feed")), port("w", 8, 8, (WEIGHTS, "fill"))),
        8,
    )
    sums = Level(
        "rf_2B",
        16,
        (SUMS,),
        (),
        0.021 * PJ,
        0.021 * PJ,
        tuple(port(direction, 16, 16, (SUMS, direction)) for direction in DIRECTIONS),
        16,
    )
    sram = Level(
        "sram_2MB",
        sram_bits,
        (FEATURES, SUMS),
        GRID,
        416.16 * PJ,
        378.4 * PJ,
        (
            port("r", 2048, 64, (FEATURES, "feed"), (SUMS, "feed"), (SUMS, "drain")),
            port("w", 2048, 64, (FEATURES, "fill"), (SUMS, "fill"), (SUMS, "collect")),
        ),
        2048,
    )
    every = [(operand, direction) for operand in OPERANDS for direction in DIRECTIONS]
    dram = Level(
        "dram", 10_000_000_000, OPERANDS, GRID, 700 * PJ, 750 * PJ, (port("rw", 64, 64, *every),), 64
    )
    unrolling = (("D1", (("K", 32),)), ("D2", (("C", 32),)))
    array = Array({"D1": 32, "D2": 32}, (unrolling,), systolic=GRID)
    return Architecture("tpu_like", array, (weights, sums, sram, dram), 0.04 * PJ)


def conv(name: str, k: int, c: int, out: int, kernel: int, stride: int) -> LoopNest:
    return LoopNest(
        name,
        K=k,
        C=c,
        OY=out,
        OX=out,
        FY=kernel,
        FX=kernel,
        stride=(stride, stride),
        padding=(kernel // 2, kernel // 2),
        size=(out * stride, out * stride),
    )


def resnet18() -> dict[str, LoopNest]:
    """Twenty-one layers by the name that ZigZag's shipped network gives them; 8-bit operands, 16-bit sums."""
    layers = {"/conv1/Conv": conv("conv1", 64, 3, 112, 7, 2)}
    before = 64
    for stage, (k, out) in enumerate([(64, 56), (128, 28), (256, 14), (512, 7)], 1):
        for block in (0, 1):
            down = stage > 1 and block == 0
            place = f"/layer{stage}/layer{stage}.{block}"
            layers[f"{place}/conv1/Conv"] = conv(f"{stage}.{block}.1", k, before, out, 3, 2 if down else 1)
            if down:
                layers[f"{place}/downsample/downsample.0/Conv"] = conv(f"{stage}.down", k, before, out, 1, 2)
            layers[f"{place}/conv2/Conv"] = conv(f"{stage}.{block}.2", k, k, out, 3, 1)
            before = k
    return layers | {"/fc/Gemm": LoopNest("fc", K=1000, C=512)}
