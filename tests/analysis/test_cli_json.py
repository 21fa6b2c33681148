"""`docs/json.md` describes the JSON that the program writes: every key, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.cli import run

DOCUMENT = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
PAPERS = [part for name in ("ops", "bops", "ace") for part in ("--ops-convention", name)]
BUDGETS = ["--energy", "3uJ", "--latency", "1ms", "--memory", "100kB", "--area", "2mm2"]
COMMANDS = {
    "bnncost cost": [
        ["cost", "resnet20[squeeze_excitation]/cifar10"],
        ["cost", "resnet20/cifar10", "--profile", "fpga-zynq7020"],
        ["cost", "resnet20/cifar10", "--profile", "mcu-cortex-m33"],
        ["cost", "resnet20/cifar10", *PAPERS],
    ],
    "bnncost best": [
        ["best", "--network", "resnet20", *BUDGETS, "--any-network", "--profile", "asic-28nm-bnn"],
        ["best", "--network", "resnet20", *BUDGETS, "--top1", "79"],
    ],
    "bnncost compare": [["compare", "resnet20", "resnet20[prelu]"]],
    "bnncost table": [
        ["table", "--methods", "double_residual,prelu", "--profile", "fpga-zynq7020"],
        ["table", "--methods", "prelu", *PAPERS],
    ],
    "bnncost map": [["map", "resnet20/cifar10", "--layer", "stem"]],
    "bnncost sensitivity": [
        ["sensitivity", "resnet20/cifar10"],
        ["sensitivity", "resnet20[double_residual]/cifar10", "--than", "resnet20@w1.2/cifar10"],
    ],
    "bnncost methods": [["methods"]],
    "bnncost networks": [["networks"]],
    "bnncost designs": [["designs"]],
    "bnncost profiles list": [["profiles", "list"]],
    "bnncost profiles show": [["profiles", "show", "asic-65nm"]],
}
EXAMPLES = {
    "bnncost cost": ["cost", "resnet20/cifar10"],
    "bnncost table": ["table", "--methods", "double_residual"],
}


def section(command: str) -> str:
    """The part of the document under the heading of a command."""
    start = re.search(rf"^#+ `{command} ", DOCUMENT, re.MULTILINE)
    assert start, command
    rest = DOCUMENT[start.end() :]
    following = re.search(r"^#+ ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def output(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> object:
    code = run([*arguments, "--format", "json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.out.isascii()
    return json.loads(captured.out)


def paths(value: object, place: str = "") -> Iterator[str]:
    """Every key below a value, with its place as the document writes it."""
    if isinstance(value, list):
        for item in value:
            yield from paths(item, f"{place}[]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            name = "<resource>" if place.split(".")[-1] == "area" else key
            yield f"{place}.{name}" if place else name
            yield from paths(inner, f"{place}.{name}" if place else name)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_is_documented_and_no_other(capsys: pytest.CaptureFixture[str], command: str) -> None:
    documented = re.findall(r"^\| `([^`]+)` \|", section(command), re.MULTILINE)
    assert len(documented) == len(set(documented))
    written = {path for arguments in COMMANDS[command] for path in paths(output(capsys, arguments))}
    assert written == set(documented)


def cut(value: object) -> object:
    """The value with each list cut to its first entry, as in the examples."""
    if isinstance(value, list):
        return [cut(item) for item in value[:1]]
    return {key: cut(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def leaves(value: object, place: str = "") -> dict[str, object]:
    if isinstance(value, list):
        return {key: leaf for item in value for key, leaf in leaves(item, f"{place}[]").items()}
    if isinstance(value, dict):
        return {key: leaf for name in value for key, leaf in leaves(value[name], f"{place}.{name}").items()}
    return {place: value}


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_example_is_what_the_program_writes(capsys: pytest.CaptureFixture[str], command: str) -> None:
    example = re.search(r"^```json\n(.*?)^```$", section(command), re.MULTILINE | re.DOTALL)
    assert example
    fresh = cut(output(capsys, EXAMPLES[command]))
    shown, found = leaves(json.loads(example[1])), leaves(fresh)
    assert list(shown) == list(found)
    stale = [
        place
        for place, value in found.items()
        if shown[place] != (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)
    ]
    assert not stale, f"put this example into docs/json.md:\n{json.dumps(fresh, indent=2)}"


def test_columns_of_csv_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    described = DOCUMENT.partition("## CSV")[2]
    named = set(re.findall(r"`([a-z_0-9]+)`", described))
    for arguments in (
        ["cost", "resnet20/cifar10"],
        ["cost", "resnet20/cifar10", "--per-layer"],
        ["table", "--methods", "prelu"],
        ["best", "--network", "resnet20", *BUDGETS, "--top1", "79"],
        ["compare", "resnet20", "resnet20[prelu]"],
        ["sensitivity", "resnet20/cifar10"],
        ["sensitivity", "resnet20/cifar10", "--than", "resnet20@w1.2/cifar10"],
        ["map", "resnet20/cifar10"],
        ["map", "resnet20/cifar10", "--layer", "stem"],
    ):
        assert run([*arguments, "--format", "csv"]) == 0
        columns = capsys.readouterr().out.splitlines()[0].split(",")
        assert set(columns) <= named, set(columns) - named
