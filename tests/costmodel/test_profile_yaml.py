"""YAML text to plain data: lines, and every fault of the text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.hardware.text.yaml_lines import plain_value, read_yaml


def messages(text: str) -> list[str]:
    return [str(problem) for problem in read_yaml(text, "f.yaml").problems]


def test_data_and_lines() -> None:
    text = "a: 1\nb:\n  - {x: two,\n     y: 'no'}\n  - true\nc: |\n  text\nd: 1e3\n"
    document = read_yaml(text, "f.yaml")
    assert document.data == {"a": 1, "b": [{"x": "two", "y": "no"}, True], "c": "text\n", "d": 1000.0}
    assert not document.problems
    lines = {("b",): 2, ("b", 0, "x"): 3, ("b", 0, "y"): 4, ("b", 1): 5, ("c",): 6}
    assert {path: document.lines[path] for path in lines} == lines


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("- 1\n", 1, "must be a mapping"),
        ("a: 1\na: 2\n", 2, "a: is given twice; the first is on line 1"),
        ("a: {b: 1,\n  b: 2}\n", 2, "a.b: is given twice"),
        ("a: 1\nb: &x 2\n", 2, "b: the anchor '&x' is not allowed"),
        ("a: *x\n", 1, "a: the alias '*x' is not allowed"),
        ("a: !!python/object:os.system 2\n", 1, "a: the tag"),
        ("a: !local {b: 1}\n", 1, "a: the tag '!local' is not allowed"),
        ("a:\nb: 1\n", 1, "a: has no value"),
        ("a: 1\nb: [1,\nc: 2\n", 4, "is not valid YAML"),
        ("a: 1\n  b: 2\n", 2, "is not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "is not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("%YAML 1.99999999999999999999\n---\na: 1\n", 1, "directives"),
        ("a: 1\nb: \x00\n", 2, "a character that YAML does not allow"),
        ('a: "\\UFFFFFFFF"\n', 1, "is not valid YAML"),
        ("? [1, 2]\n: 3\n", 1, "a key must be plain text"),
        ("a: " + "[" * 2000, 1, "is nested more than"),
        ("{" * 2000, 1, "a key must be plain text"),
    ],
)
def test_fault_has_line_and_sentence(text: str, line: int, words: str) -> None:
    found = messages(text)
    assert len(found) == 1
    assert found[0].startswith(f"f.yaml:{line}: ") and words in found[0]


def test_every_fault_is_reported() -> None:
    found = messages("a: &one 1\nb: *one\na: !x 2\nc: ~\n")
    assert [int(message.split(":")[1]) for message in found] == [1, 2, 3, 3, 4]


def test_alias_bomb_is_not_expanded() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    document = read_yaml("\n".join(levels), "f.yaml")
    assert len(document.problems) == 30 + 29 * 10
    assert document.data["a29"] == [None] * 10


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-3", -3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("yes", "yes"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("-.inf", -math.inf),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


@given(st.text(alphabet="ab:{}[],&*!|>'\"%#- \n\t?~1.\\uU\r\x85\ufeff\ud800", max_size=60))
def test_no_text_escapes_as_another_error(text: str) -> None:
    document = read_yaml(text, "f.yaml")
    assert document.complete or document.problems
    assert all("\n" not in str(problem) for problem in document.problems)


@given(st.text(max_size=200))
def test_any_unicode_is_read_or_refused(text: str) -> None:
    document = read_yaml(text, "f.yaml")
    assert isinstance(document.data, dict) or document.problems
