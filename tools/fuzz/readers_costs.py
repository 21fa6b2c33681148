"""Readers of what is priced and what prices it: profiles, systems, accelerators, networks, designs, cache."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from profile_texts import ASIC, FPGA, MCU
from ruamel.yaml import YAML
from toy_chip import FITTED, arrayed, chip, large, processor, spilling, toy_network
from tpu_like import conv, tpu_like
from zigzag_files import TOY

from costmodel import DesignKey, build, cost, resolve
from costmodel.demand.counts import count
from costmodel.errors import BnncostError
from costmodel.evaluate.cost import cost_of_network
from costmodel.folding import fold
from costmodel.hardware import check_profile, load_profile
from costmodel.importers.zigzag_profile import profile_text
from costmodel.mapping import Architecture, LoopNest, best_mapping
from costmodel.mapping.cache import cache_file, cached_mappings, opened
from costmodel.validation.systems import load_system
from tools.fuzz import mutate
from tools.fuzz.judge import judge
from tools.fuzz.loop import Reader

ROOT = Path(__file__).parents[2]


def yaml_of(content: bytes) -> Any:
    """Plain data of YAML."""
    return YAML(typ="safe", pure=True).load(content.decode())


def as_json(text: str) -> bytes:
    """A file of YAML as JSON, which the same reader takes and which bends faster."""
    return mutate.dumped(yaml_of(text.encode()))


def in_folder(make: Any, *arguments: Any, **named: Any) -> str:
    """The text of a profile that a helper of the tests writes."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), *arguments, **named)
        (path,) = Path(folder).iterdir()
        return path.read_text("utf-8")


# ---------------------------------------------------------------- profiles and what describes chips


def profiles() -> list[bytes]:
    """Small profiles of each archetype."""
    toys = [
        in_folder(chip, memories=FITTED), in_folder(chip, memories=spilling(1), units=(1, 2)), in_folder(processor, 8),
        in_folder(arrayed, large()), in_folder(arrayed, spilling(1)),
    ]  # fmt: skip
    return [as_json(text) for text in (*toys, ASIC, FPGA, MCU)]


def read_profile(path: Path) -> None:
    """Check a profile, and price the toy network on it."""
    problems = check_profile(path)
    assert all(problem.line >= 0 and "[type=" not in str(problem) for problem in problems)
    profile = load_profile(path)
    assert not problems
    try:
        priced = cost_of_network(toy_network(), profile)
    except BnncostError:
        return  # an operation without a price, or no room
    judge(priced, yaml_of(path.read_bytes()))
    json.dumps(priced.to_dict(), allow_nan=False)


SYSTEM = """
name: a-board
title: A board
profile: mcu-cortex-m4
operation: two operations per MAC
lacks: nothing
figures:
  - what: energy of a network
    metric: energy
    use: held out
    design: resnet20
    value: {value: 1, unit: mJ, source: a paper, status: measured}
    conditions: none
  - what: another energy
    metric: energy
    use: informed
    informed: its clock
    macs: {8x8: 1000000}
    value: {value: 2, unit: mJ, source: a paper, status: measured}
    conditions: none
  - what: energy of a MAC
    metric: energy_per_mac
    use: input
    calibrates: processor.energy
    precision: 8x8
    value: {value: 100, unit: pJ/mac, source: a paper, status: measured}
    tolerance_percent: 5
    conditions: none
"""


def read_system(path: Path) -> None:
    """Read a published system."""
    load_system(path)


def read_accelerator(path: Path) -> None:
    """Import an accelerator of ZigZag; what comes of it is a sound profile."""
    text = profile_text(path)
    beside = path.with_name(path.stem + ".profile.yaml")
    beside.write_text(text, "utf-8")
    try:
        assert check_profile(beside) == (), check_profile(beside)
    finally:
        beside.unlink()


# ---------------------------------------------------------------- networks


NETWORK = """
summary: "A small network"
dataset: digits
stem: [{layer: conv, channels: 4, kernel: 3}, {layer: norm}]
stages:
  - {block: basic, channels: 4, blocks: 1}
  - {block: bottleneck, channels: 8, blocks: 1, stride: 2}
  - {block: plain, channels: 8, blocks: 1}
head: [{layer: global_average_pool}]
"""


def networks() -> list[bytes]:
    """A small network, and those of the tests."""
    folder = ROOT / "tests" / "costmodel" / "networks"
    return [as_json(NETWORK), *(as_json(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml")))]


def read_network(path: Path) -> None:
    """Build a network; folding neither adds nor loses a MAC, and every count is a positive whole number."""
    folded = fold(build(DesignKey.parse(str(path))))
    for row in count(folded):
        counts = np.asarray(row.count)
        assert (counts >= 0).all() and np.issubdtype(counts.dtype, np.integer), row
    for op in folded.running():
        if op.kind == "conv":
            _, inner, high, wide = op.params[0].shape
            macs = int(np.prod(op.output.shape)) * inner * high * wide  # type: ignore[union-attr]
            told = sum(
                int(row.count) for row in count(folded) if row.layer == op.layer and row.operation == "mac"
            )
            assert told >= macs, f"{op.layer} has {told} MACs, not {macs}"


DESIGNS = (
    b"resnet20",
    b"resnet20[double_residual+prelu]@w1.5,features=int8/cifar10",
    b"vgg_small@compute=int4",
    b"ir-net/resnet20/cifar10",
    b"resnet20[branches(count=2)]@w0.5",
    b"resnet20@input=64x64,classes=2,w2",
    b"reactnet",
    b"resnet18[channel_scale]/imagenet",
)


def bend_design(rng: random.Random, content: bytes) -> bytes:
    """Bend a design by its parts, or as text."""
    if rng.random() < 0.4:
        return mutate.text(rng, content)
    parts = re.findall(rb"[A-Za-z0-9_.]+|[^A-Za-z0-9_.]", content)
    other = re.findall(rb"[A-Za-z0-9_.]+|[^A-Za-z0-9_.]", rng.choice(DESIGNS))
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(parts))
        told = str(rng.choice(mutate.NUMBERS[:26])).encode()
        parts[at] = rng.choice(
            (rng.choice(other), told, parts[at] + told, parts[at].upper(), b"", b"w" + told)
        )
    return b"".join(parts)


def read_design(path: Path) -> None:
    """Read a design, whose text is read again as the same one; small ones are priced, with counts by hand."""
    text = path.read_bytes().decode("utf-8", "replace")
    key = resolve(text)
    assert DesignKey.parse(str(key)) == key, str(key)
    if key.network == "resnet20" and key.width <= 4 and "input" not in text:
        priced = cost(key, "asic-45nm", traffic="compulsory")
        assert priced.energy_j > 0 and priced.latency_s > 0
        json.dumps(priced.to_dict(), allow_nan=False)


# ---------------------------------------------------------------- cache


@cache
def layer_and_machine() -> tuple[LoopNest, Architecture, float]:
    """A layer on a machine, and the energy of its best mapping."""
    machine = tpu_like()
    layer = conv("a", 4, 4, 4, 3, 1)
    return layer, machine, best_mapping(layer, machine).energy_j


def caches() -> list[bytes]:
    """A cache with one mapping, in one file."""
    layer, machine, _ = layer_and_machine()
    with tempfile.TemporaryDirectory() as folder:
        with cache_in(Path(folder)) as file:
            cached_mappings([(layer, machine)])
        with closing(sqlite3.connect(file)) as base:
            base.execute("VACUUM INTO ?", (f"{folder}/whole",))  # in one file, whatever waits beside it
        return [(Path(folder) / "whole").read_bytes()]


@contextmanager
def cache_in(folder: Path) -> Iterator[Path]:
    """Let mappings be kept in a folder; nothing is remembered from before."""
    before = os.environ.get("BNNCOST_CACHE")
    os.environ["BNNCOST_CACHE"] = str(folder)
    opened.cache_clear()
    try:
        file = cache_file()
        assert file is not None
        yield file
    finally:
        opened.cache_clear()
        del os.environ["BNNCOST_CACHE"]
        os.environ |= {} if before is None else {"BNNCOST_CACHE": before}


def bend_cache(rng: random.Random, content: bytes) -> bytes:
    """Bend what an entry of the cache says, or the bytes of its file."""
    if rng.random() < 0.5:
        return mutate.text(rng, content)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cache"
        file.write_bytes(content)
        with closing(sqlite3.connect(file)) as base, base:
            ((found, seal),) = base.execute("SELECT found, seal FROM mappings").fetchall()
            bent: Any = mutate.text(rng, found.encode()).decode("utf-8", "replace")
            changes = (
                ("found", bent),
                ("found", rng.choice(mutate.TEXTS[:3])),
                ("found", None),
                ("seal", mutate.text(rng, seal)),
            )
            column, value = rng.choice(changes)
            base.execute(f"UPDATE mappings SET {column} = ?", (value,))
        return file.read_bytes()


def read_cache(path: Path) -> None:
    """Ask a bent cache: the answer is that of the search."""
    layer, machine, energy_j = layer_and_machine()
    with tempfile.TemporaryDirectory() as folder, cache_in(Path(folder)) as file:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(path.read_bytes())
        (found,) = cached_mappings([(layer, machine)])
    assert found.energy_j == energy_j


READERS = (
    Reader("profile", ".yaml", profiles, mutate.of_tree(json.loads), read_profile),
    Reader("system", ".yaml", lambda: [as_json(SYSTEM)], mutate.of_tree(json.loads), read_system),
    Reader("accelerator", ".yaml", lambda: [as_json(TOY)], mutate.of_tree(json.loads), read_accelerator),
    Reader("network", ".yaml", networks, mutate.of_tree(json.loads), read_network),
    Reader("design", ".txt", lambda: DESIGNS, bend_design, read_design),
    Reader("cache", ".sqlite", caches, bend_cache, read_cache),
)
