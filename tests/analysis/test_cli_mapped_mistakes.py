"""Mistakes about mapped traffic: a layer that fits no mapping, a level missing or too narrow, a damaged cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cli_mistakes import Captured, child, complaint

from costmodel.mapping.cache import VERSION


def figure(value: float, unit: str) -> str:
    return f"{{value: {value}, unit: {unit}, source: a test, status: assumed}}"


def buffer(name: str, text: str) -> str:
    return f"array: {{buffers: {{{name}: {{{text}}}}}}}"


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (
            buffer("feature_registers", f"words: {figure(0.5, 'word')}"),
            ["layer '", "does not fit mine/8x8", "level 'feature_registers' lacks 7 bits; it has 1"],
        ),
        (
            buffer("weight_registers", "serves: [columns, rows]"),
            ["does not fit mine/", "level 'weight_registers' lacks", " bits of weights; ", "give it fewer operands"],
        ),
        (
            buffer("accumulators", "holds: [weights]"),
            ["profile 'mine': nothing keeps the partial sums of layer '", "let a buffer of the array hold sums"],
        ),
        (
            buffer("accumulators", "holds: [sums, features], serves: []"),
            ["level 'accumulators' lies outside 'line_buffer' for features", "let it serve columns, rows too"],
        ),
        (
            f"memories: {{weight_sram: {{port: {figure(0, 'bit/cycle')}}}}}",
            ["mine.yaml:3: memories.weight_sram.port.value", "must be greater than zero"],
        ),
        (
            buffer("accumulators", f"port: {figure(0, 'bit/cycle')}"),
            ["mine.yaml:3: array.buffers.accumulators.port.value", "must be greater than zero"],
        ),
        ("memories: {weight_sram: {holds: [parameters]}}", ["mine.yaml:3: memories", "no level holds weights"]),
        (
            f"memories: {{weight_sram: {{size: {figure(1, 'kB')}}}}}",
            ["'resnet8/cifar10' does not fit on profile 'mine'", "bits find no room", "weight_sram 1 kB"],
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["cost", "map"])
def test_what_cannot_be_mapped_is_told_in_a_sentence(
    capsys: Captured, tmp_path: Path, command: str, body: str, parts: list[str]
) -> None:
    profile = child(tmp_path, body)
    text = complaint(capsys, command, "resnet8/cifar10", "--profile", str(profile))
    assert [part for part in parts if part not in text] == [], text
    assert text.count("\n") == 1


def test_a_table_that_cannot_be_mapped_writes_nothing(capsys: Captured, tmp_path: Path) -> None:
    profile = child(tmp_path, buffer("feature_registers", f"words: {figure(0.5, 'word')}"))
    out = tmp_path / "table.csv"
    text = complaint(capsys, "table", "--profile", str(profile), "--out", str(out))
    assert "level 'feature_registers' lacks 7 bits" in text
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["cost", "resnet8/cifar10"],
        ["map", "resnet8/cifar10", "--layer", "stem"],
        ["table", "--network", "resnet20", "--dataset", "cifar10"],
    ],
)
def test_a_damaged_cache_is_told_with_what_to_do(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    file = tmp_path / "cache" / f"mappings-{VERSION}.sqlite"
    file.parent.mkdir()
    file.write_text("This was a data base once. " * 100, "utf-8")
    monkeypatch.setenv("BNNCOST_CACHE", str(file.parent))
    text = complaint(capsys, *arguments, "--profile", str(child(tmp_path, "title: Unpriced so far")))
    assert f"the cache of mappings '{file}' is damaged" in text
    assert "delete the file" in text
    assert "BNNCOST_CACHE=off" in text
    assert file.read_text("utf-8").startswith("This was")
