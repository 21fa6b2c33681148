"""What once failed of bent files is read or refused in the project's own words; and the fuzzer finds what is wrong."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from toy_chip import chip, toy_network

pytest.importorskip("torch", reason="readers of runs and exports need torch; install the train extra")

from costmodel.errors import BnncostError
from costmodel.evaluate.cost import cost_of_network
from tools.fuzz.__main__ import READERS
from tools.fuzz.judge import judge
from tools.fuzz.loop import Reader, fuzz, outcome
from tools.fuzz.mutate import TEXTS, of_tree, text
from tools.fuzz.readers_costs import yaml_of

CORPUS = Path(__file__).parent / "fuzz_corpus"
"""The smallest input of each kind of failure; its name begins with the reader's."""


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_what_once_failed_is_read_or_refused(path: Path, tmp_path: Path) -> None:
    reader = READERS[path.name.split("-")[0]]
    case = tmp_path / f"case{reader.suffix}"
    case.write_bytes(path.read_bytes())
    assert outcome(reader, case) in (("", "refused"), ("", "accepted"))


def reader_of(read: object) -> Reader:
    return Reader("made-up", ".json", lambda: [b'{"a": 1, "b": [2, 3]}'], of_tree(json.loads), read)  # type: ignore[arg-type]


def test_a_failure_is_found_once_and_made_small() -> None:
    def careless(path: Path) -> None:
        content = path.read_bytes()
        if b"null" in content:
            raise KeyError("b")
        if b"2" not in content:
            raise BnncostError("2 is missing")

    tallies, (failure,) = fuzz([reader_of(careless)], seconds=60, seed=0, most=400)
    assert failure.kind.startswith("KeyError") and failure.content == b"null"
    assert tallies["made-up"].inputs == 401 and tallies["made-up"].kinds[failure.kind] > 1


@pytest.mark.parametrize(
    ("does", "kind"),
    [
        ("raise BnncostError('')", "says nothing"),
        ("import warnings; warnings.warn('overflow', RuntimeWarning)", "RuntimeWarning"),
        ("assert 1 > 2", "AssertionError"),
        ("[0] * 10**17", "MemoryError"),
    ],
)
def test_what_no_reader_may_do(does: str, kind: str, tmp_path: Path) -> None:
    def read(path: Path) -> None:
        exec(does, {"BnncostError": BnncostError})

    assert outcome(reader_of(read), tmp_path)[0].startswith(kind)


def test_a_seed_gives_the_same_inputs_again() -> None:
    bent = [text(random.Random(seed), b"clock: 100 MHz") for seed in (1, 1, 2)]
    assert bent[0] == bent[1] != bent[2]
    assert "\ud800" in TEXTS


def test_the_judge_tells_a_wrong_number(tmp_path: Path) -> None:
    profile = chip(tmp_path)
    plain = yaml_of((tmp_path / "toy.yaml").read_bytes())
    cost = cost_of_network(toy_network(), profile)
    judge(cost, plain)
    first = cost.operations[0]
    wrong = [
        replace(cost, energy_j=cost.energy_j * 1.001),
        replace(cost, latency_s=cost.latency_s * 2),
        replace(cost, area={"mm2": float("inf")}),
        replace(cost, control_j=cost.control_j + 1e-12, energy_j=cost.energy_j + 1e-12),
        replace(cost, operations=(replace(first, count=-first.count), *cost.operations[1:])),
        replace(cost, memory=cost.memory[1:]),
    ]
    for one in wrong:
        with pytest.raises(AssertionError):
            judge(one, plain)
