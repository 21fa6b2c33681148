"""ZigZag's record of a layer as a loop nest, and which of its figures stand for what."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from costmodel.mapping import LoopNest
from costmodel.mapping.nest import DIMS

_RELATION = re.compile(r"(\w+) = (\d+)\*\w+ \+ (\d+)\*\w+")


def records(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The layers of a run, and its last line: the totals, or why it ended before."""
    *layers, last = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return layers, last


def nest_of(record: dict[str, Any]) -> LoopNest:
    """The layer as the tool read it from its network, its name left out so that equal shapes are equal."""
    loops = {dim: record["loops"].get(dim, 1) for dim in DIMS}
    steps = {
        found[1]: (int(found[2]), int(found[3]))
        for relation in record["relations"]
        if (found := _RELATION.fullmatch(relation))
    }
    axes = [steps.get(axis, (1, 1)) for axis in ("IY", "IX")]
    bits = record["precision"]
    sizes = tuple(record["map_size"].get(axis) for axis in ("IY", "IX"))
    return LoopNest(
        "",
        *loops.values(),
        stride=(axes[0][0], axes[1][0]),
        dilation=(axes[0][1], axes[1][1]),
        padding=tuple(record["padding"].get(axis, [0])[0] for axis in ("IY", "IX")),
        size=None if None in sizes else sizes,
        weight_bits=bits["W"],
        feature_bits=bits["I"],
        partial_bits=bits["O"],
        output_bits=bits.get("O_final", bits["O"]),
    )
