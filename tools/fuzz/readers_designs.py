"""A reader of methods that meet by chance: what folding leaves computes the same, and cannot be folded further."""

from __future__ import annotations

import random
from pathlib import Path

from strategies import BOTTLENECKS, MIXED, NARROW, assert_exact, compatible, emitting, small_key

from costmodel import build
from costmodel.designs.settings import COMPUTE, PADDING
from costmodel.errors import BnncostError
from costmodel.folding import fold
from tools.fuzz.loop import Reader

BACKBONES = {Path(network).stem: network for network in (*NARROW, MIXED, BOTTLENECKS)}
OPERANDS = [name for name in COMPUTE if not name.startswith("fp")]
"""What convolutions may multiply where sums are exact."""


def plain() -> list[bytes]:
    """Every small backbone without a method."""
    return [f"{name} one binary 0".encode() for name in BACKBONES]


def drawn(rng: random.Random, content: bytes) -> bytes:
    """Put up to six methods on a backbone, which may stand together on it."""
    name = content.decode().partition(" ")[0]
    methods = emitting(BACKBONES[name])
    chosen = compatible(rng.sample(methods, rng.randint(0, 6)))
    operands = rng.choice(OPERANDS) if rng.random() < 0.2 else "binary"
    return " ".join([name, rng.choice(PADDING), operands, str(rng.randrange(1000)), *chosen]).encode()


def read_composed(path: Path) -> None:
    """Build and fold a design, and run it before and behind folding on numbers whose sums are exact."""
    name, padding, operands, seed, *methods = [*path.read_bytes().decode().split(" "), "", "", "", ""]
    if name not in BACKBONES or operands not in OPERANDS or padding not in PADDING or not seed.isdecimal():
        raise BnncostError("no design")
    key = small_key(BACKBONES[name], *filter(None, methods), padding=padding, compute=operands)
    try:
        once = fold(build(key))
    except BnncostError as error:
        assert operands != "binary", f"methods that may stand together do not: {error}"
        raise  # some need bits
    assert [op.kind for op in fold(once).running()] == [op.kind for op in once.running()], "a fold is left"
    assert_exact(key, int(seed))


READERS = (Reader("composed", ".txt", plain, drawn, read_composed),)
