"""Tables in their text forms, and numbers in readable units."""

from __future__ import annotations

import csv
import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.methods.branches import by_branch
from analysis.show.latex import latex
from analysis.show.tables import Column, Table, csv_text, group_ends, records
from analysis.show.text_forms import markdown, shown_cells
from analysis.show.units import common_scale, readable, significant

PREFIX = {
    "a": 1e-18,
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "µ": 1e-6,
    "m": 1e-3,
    "": 1,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
COLUMNS = (
    Column("group", "group"),
    Column("name", "name"),
    Column("energy_j", "energy", "J"),
    Column("n", "count"),
)
TABLE = Table(
    "two_groups",
    "A & B",
    COLUMNS,
    (("x", "a_1", 1.5e-6, 1), ("x", "b|2", 2.5e-9, 20_000), ("y", "c%3", None, None)),
    caption="100 % of $5 #1",
    grouped=1,
)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" "), max_size=30
)


# ---------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.46e-6, "J", "1.46 µJ"),
        (1.4649e-6, "J", "1.46 µJ"),
        (0.9996e-6, "J", "1.00 µJ"),
        (123.4e-3, "J", "123 mJ"),
        (7.24e-16, "J", "724 aJ"),
        (0.0, "J", "0 J"),
        (-2.5e-9, "J", "-2.50 nJ"),
        (45.6e-6, "s", "45.6 µs"),
        (2.0, "s", "2.00 s"),
        (4e8, "Hz", "400 MHz"),
        (16.24, "mm2", "16.2 mm²"),
        (0.0312, "mm2", "0.0312 mm²"),
        (7.8e-6, "mm2", "7.80 µm²"),
        (3, "bit", "3 bit"),
        (64 * 8192, "bit", "64.0 kB"),
        (2 * 8 * 1024**2, "bit", "2.00 MB"),
        (9231.95, "lut", "9,232 LUT"),
        (10.0, "dsp", "10 DSP"),
        (1_505_280, "operation", "1.51 M"),
        (12, "operation", "12"),
        (math.nan, "J", "– J"),
        (5.0, "furlong", "5.00 furlong"),
    ],
)
def test_values_are_readable(value: float, unit: str, text: str) -> None:
    assert readable(value, unit) == text


@given(st.floats(1e-18, 1e11), st.sampled_from(["J", "s", "W", "Hz"]))
def test_what_is_readable_is_within_half_a_digit(value: float, unit: str) -> None:
    number, label = readable(value, unit).split(" ")
    assert label.endswith(unit)
    assert float(number.replace(",", "")) * PREFIX[label.removesuffix(unit)] == pytest.approx(
        value, rel=5.001e-3
    )
    assert len(number.replace(".", "").lstrip("0")) <= 3 or value > 9e11


@given(st.lists(st.floats(1e-15, 1e3), min_size=1))
def test_the_common_unit_suits_the_largest(values: list[float]) -> None:
    size, _ = common_scale(values, "J")
    assert 0.9994 <= max(values) / size < 1000


def test_three_significant_digits() -> None:
    assert [significant(value) for value in (0.001234, 0.1, 99.95, 1e-6, -3.14159, 0)] == [
        "0.00123", "0.100", "100", "1e-06", "-3.14", "0",
    ]  # fmt: skip


# ---------------------------------------------------------------- csv and json


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_csv_gives_back_what_went_in(rows: list[tuple[str, str]]) -> None:
    table = Table("t", "t", (Column("a", "A"), Column("b", "B")), tuple(rows))
    read = list(csv.reader(io.StringIO(csv_text(table))))
    assert [
        [as_given(cell, other) for cell, other in zip(*pair, strict=True)]
        for pair in zip(read[1:], rows, strict=True)
    ] == [list(row) for row in rows]
    assert read[0] == ["a", "b"]


def as_given(cell: str, given: str) -> str:
    """A cell without the mark of text, which stands before what a spreadsheet would run and nowhere else."""
    runs = (
        given.lstrip()[:1] in ("=", "+", "-", "@")
        and re.fullmatch(r"\s*[-+]?[\d_.]+(e[-+]?\d+)?\s*", given, re.I) is None
    )
    assert cell.startswith("'") == (runs or given.startswith("'"))
    return cell[1:] if runs else cell


def test_csv_and_records_keep_numbers_as_they_are() -> None:
    assert csv_text(TABLE).splitlines()[1:] == ["x,a_1,1.5e-06,1", "x,b|2,2.5e-09,20000", "y,c%3,,"]
    assert records(TABLE)[2] == {"group": "y", "name": "c%3", "energy_j": None, "n": None}


# ---------------------------------------------------------------- for people


def test_a_terminal_shows_each_number_in_its_own_unit() -> None:
    assert shown_cells(TABLE) == [
        ["x", "a_1", "1.50 µJ", "1"],
        ["", "b|2", "2.50 nJ", "20,000"],
        ["y", "c%3", "–", "–"],
    ]
    assert group_ends(TABLE) == [False, True, False]


def test_markdown_puts_the_unit_in_the_header() -> None:
    assert markdown(TABLE).splitlines() == [
        "**A & B**",
        "",
        "| group | name | energy [µJ] | count |",
        "| :--- | :--- | ---: | ---: |",
        r"| x | a\_1 | 1.50 | 1 |",
        r"|  | b\|2 | 0.00250 | 20,000 |",
        "| y | c%3 | – | – |",
        "",
        "100 % of $5 #1",
    ]


@given(texts, texts)
def test_markdown_has_a_cell_for_each_column(one: str, other: str) -> None:
    table = Table("t", "title", (Column("a", one), Column("b", other)), ((one, other), (other, one)))
    lines = [line for line in markdown(table).split("\n") if line.startswith("|")]
    assert len(lines) == 4
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3 for line in lines)


def test_latex_is_ruled_by_booktabs() -> None:
    lines = latex(TABLE).splitlines()
    assert r"\caption{A \& B. 100 \% of \$5 \#1}" in lines
    assert r"\label{tab:two-groups-a-b}" in lines
    body = lines[lines.index(r"\toprule") : lines.index(r"\bottomrule") + 1]
    assert lines[lines.index(r"\toprule") - 1] == r"\begin{tabular}{llrr}"
    assert body == [
        r"\toprule",
        r"group & name & energy {[}\textmu{}J{]} & count \\",
        r"\midrule",
        r"x & a\_1 & 1.50 & 1 \\",
        r" & b\textbar{}2 & 0.00250 & 20,000 \\",
        r"\midrule",
        r"y & c\%3 & -- & -- \\",
        r"\bottomrule",
    ]


@given(texts, texts)
def test_latex_has_no_bare_special_characters(one: str, other: str) -> None:
    table = Table("t", one, (Column("a", one), Column("b", other)), ((one, other), (other, one)), other)
    lines = latex(table).split("\n")[1:]
    rows = [line for line in lines if line.endswith(r" \\")]
    assert len(rows) == 3
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == 1
        bare = re.sub(
            r"\\[a-z]+\{2?\}|\\[&%$#_{}]|\{[\[\]]\}|\$\\[gl]eq\$|\\\\$", "", row.replace(" & ", "", 1)
        )
        assert not re.search(r"[&%$#_{}~^\\<>|]", bare), row
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", "\n".join(lines)):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_long_texts_wrap_in_latex() -> None:
    table = Table("t", "t", (Column("a", "A"), Column("b", "B")), (("short", "long " * 40),))
    (width,) = re.findall(
        r"\\begin\{tabular\}\{l>\{\\raggedright\\arraybackslash\}p\{([\d.]+)pt\}\}", latex(table)
    )
    assert 250 < float(width) < 345 - 4 * 3


def test_a_table_of_methods_is_cut_into_its_branches() -> None:
    rows = (("topology", "prelu"), ("training", "ede"), ("topology", "relu"))
    table = Table("m", "Repair methods on x", (Column("branch", "b"), Column("method", "m")), rows, "why", 1)
    first, second = by_branch(table)
    assert (first.column(0), second.column(0)) == (["prelu", "relu"], ["ede"])
    assert (first.title, second.title) == ("Network topology changes on x", "Training techniques on x")
    assert (first.caption, second.caption) == ("", "why")


def test_a_table_without_rows_has_no_groups() -> None:
    column = Column("layer", "layer", "")
    assert group_ends(Table("none", "None", (column,), (), "", 1)) == []
