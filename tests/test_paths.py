"""Paths that prose mentions: CONTRIBUTING's tree, and what stands in backticks in the documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("costmodel", "training", "analysis")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "hardware_profiles/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # which also names what is gone
)
WRITTEN_BY_A_RUN = ("out/", "runs/", ".venv", "~/")
SHORT_FROM = (".", *PACKAGES, "hardware_profiles", "docs")
"""Folders from which documents may name a path."""


def tree_of(text: str) -> list[str]:
    """Paths of the drawn tree: names before two spaces or more, below the folder that is indented less."""
    drawn = next(block for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) if "costmodel/" in block)
    paths, above = [], [(-1, "")]
    for line in drawn.splitlines():
        indent = len(line) - len(line.lstrip())
        names = re.split(r" {2,}", line.strip())[0].split()
        while above[-1][0] >= indent:
            above.pop()
        paths += [above[-1][1] + name for name in names]
        above.append((indent, above[-1][1] + names[0]))
    return paths


def is_there(path: str, document: str) -> bool:
    if "/" not in path:
        return any(found for package in PACKAGES for found in (ROOT / package).rglob(path))
    folders = [ROOT / folder for folder in SHORT_FROM] + [(ROOT / document).parent]
    return any((folder / path).exists() for folder in folders)


def is_module(name: str) -> bool:
    """Whether a dotted name is a module, or a name that occurs in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        stem = ROOT.joinpath(*parts[:length])
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.exists():
                rest = parts[length:]
                return (
                    not rest or re.search(rf"\b{re.escape(rest[0])}\b", path.read_text("utf-8")) is not None
                )
    return False


def mentioned(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each path and each dotted name of a module in backticks, and whether it is a path."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", quoted) and re.search(
            r"/$|\.py$|/.*\.(md|yaml|csv)$", quoted
        ):
            yield quoted, True
        elif name := re.fullmatch(
            rf"((?:{'|'.join((*PACKAGES, 'benchmarks', 'tools'))})(?:\.\w+)+)(\(.*)?", quoted
        ):
            yield name[1], False


def test_the_tree_of_contributing_is_the_tree() -> None:
    drawn = tree_of((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert not [path for path in drawn if not (ROOT / path).exists()]
    rooms = {
        f"{package}/{path.name}/"
        for package in PACKAGES
        for path in (ROOT / package).iterdir()
        if path.is_dir() and any(path.glob("*.py"))
    }
    assert len(rooms) > 20
    assert rooms <= set(drawn)


def test_a_tree_is_read_by_its_indentation() -> None:
    text = "```\ncostmodel/   all\n  a.py b.py   two\n  c/          one\n    d/        below\nanalysis/   other\n```"
    files = ["costmodel/a.py", "costmodel/b.py"]
    assert tree_of(text) == ["costmodel/", *files, "costmodel/c/", "costmodel/c/d/", "analysis/"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_mentions_is_there(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    wrong = [
        name
        for name, is_path in mentioned(text)
        if not name.startswith(WRITTEN_BY_A_RUN)
        and not (is_there(name, document) if is_path else is_module(name))
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("`costmodel/graph.py`", True), ("`costmodel/grahp.py`", False), ("`pricing/`", True), ("`prising/`", False),
        ("`costmodel.pricing.price`", True), ("`costmodel.pricing.prize`", False), ("`costmodel.graph.Network`", True),
        ("`costmodel.graph.Netwark`", False),
    ],
)  # fmt: skip
def test_a_wrong_path_is_seen(text: str, good: bool) -> None:
    ((name, is_path),) = mentioned(text)
    assert (is_there(name, "README.md") if is_path else is_module(name)) is good
