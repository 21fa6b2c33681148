"""What designs and methods were held against: the page that is made of the records, and the lists of the commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.catalogue.designs import designs_document
from analysis.catalogue.fidelity import designs_table, fidelity_page, held_text, methods_table
from analysis.catalogue.methods import methods_document
from analysis.show.tables import Cell, csv_text, records
from costmodel.designs.evidence import Evidence
from costmodel.methods import METHODS
from costmodel.validation.fidelity import EVIDENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def held() -> list[dict[str, Cell]]:
    """What each design was held against; all of them are counted for it."""
    return records(designs_table())


def test_the_page_is_what_the_records_give() -> None:
    written = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    assert written == fidelity_page(), "docs/fidelity.md is old; make it again: python -m tools.fidelity"


def test_every_design_and_method_has_a_line(held: list[dict[str, Cell]]) -> None:
    methods = records(methods_table())
    assert len(held) == len(EVIDENCE) and {row["method"] for row in methods} == set(METHODS)
    for row in held:
        counted = str(row["equal"]).endswith("MACs")
        assert (
            counted
            or "read, not run" in str(row["difference"]).lower()
            or "not checked" in str(row["held_against"])
        )


def test_a_design_that_departs_from_the_released_counts_says_so(held: list[dict[str, Cell]]) -> None:
    assert "not the MACs" not in {row["equal"] for row in held}


def test_lists_say_what_an_entry_was_held_against() -> None:
    designs = {row["name"]: row["held_against"] for row in records(designs_document().tidy)}
    assert designs["ir-net/resnet20/cifar10"] == "htqin/IR-Net@f63a590"
    assert designs["bnn/resnet20/cifar10"] == "ShuaiZ1037/bnn-xnor-bireal@a828667 (by others)"
    assert str(designs["cbcn/resnet18/imagenet"]).startswith("not checked: No code of the authors")
    methods = {row["method"]: row["held_against"] for row in records(methods_document().tidy)}
    assert methods["ede"] == "htqin/IR-Net@f63a590"
    assert methods["circulant_filters"] == "not checked: No code of the authors could be had."
    header, first = csv_text(designs_document().tidy).splitlines()[:2]
    assert header.endswith(",held_against") and first.endswith("lmbxmu/RBNN@0b5e73b (by others)")
    assert "held against" in {column.title for column in methods_document().screen[0].columns}


def test_a_record_without_code_gives_its_reason() -> None:
    record = Evidence("toy", "resnet20/cifar10", "", "", "", None, None, None, "Nobody released it.")
    assert held_text(record) == held_text(record, with_file=True) == "not checked: Nobody released it."
