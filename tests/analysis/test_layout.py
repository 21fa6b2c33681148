"""Tables on screens of any width: nothing is lost, nothing is wider than the screen, and no name is cut."""

from __future__ import annotations

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from analysis.show.breaking import broken, least_width
from analysis.show.document import print_table
from analysis.show.tables import Column, Table

WORDS = st.text("abz_µ09", min_size=1, max_size=12)
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)


def shown(table: Table, width: int) -> list[str]:
    stream = StringIO()
    print_table(table, Console(file=stream, width=width, highlight=False, markup=False, emoji=False))
    return stream.getvalue().splitlines()


@given(TEXTS, st.integers(1, 40))
def test_lines_are_short_and_hold_every_word(text: str, width: int) -> None:
    lines = broken(text, width)
    assert [word for line in lines for word in line.split()] == text.split()
    assert all(cell_len(line) <= max(width, least_width(text)) for line in lines)


def test_designs_are_cut_between_methods_and_numbers_are_not() -> None:
    assert broken("resnet20[prelu+real_shortcut(operands=int4,pool=false)]@w1.5/cifar10", 30) == [
        "resnet20[prelu+", "real_shortcut(operands=int4,", "pool=false)]@w1.5/cifar10",
    ]  # fmt: skip
    assert broken("it takes 6,157 % more", 8) == ["it takes", "6,157 %", "more"]
    assert broken("top-1 62.50 ± 0.50 at 3 µJ", 13) == ["top-1", "62.50 ± 0.50", "at 3 µJ"]


@given(st.lists(st.tuples(TEXTS, TEXTS, st.floats(1, 1e6)), min_size=1, max_size=5), st.integers(60, 160))
def test_a_table_is_as_wide_as_the_screen_and_has_every_word(
    rows: list[tuple[str, str, float]], width: int
) -> None:
    columns = (Column("name", "name"), Column("why", "why"), Column("energy", "energy", "J"))
    lines = shown(Table("t", "T", columns, tuple(rows)), width)
    assert all(cell_len(line) <= width for line in lines)
    words = {word for line in lines for word in line.replace("│", " ").split()}
    assert {word for name, why, _ in rows for word in f"{name} {why}".split()} <= words


def test_columns_without_room_are_named() -> None:
    columns = tuple(
        Column(name, name) for name in ("design", "first_long_name", "second_long_name", "third_long_name")
    )
    rows = (("resnet20", "a" * 15, "b" * 15, "c" * 15),)
    lines = shown(Table("t", "T", columns, rows), 50)
    assert not any("c" * 15 in line for line in lines) and any("b" * 15 in line for line in lines)
    assert "No room for: third_long_name. --format csv has" in " ".join(lines)
