"""Files bent at random: as trees where they are YAML or JSON, else as text or bytes; a seed gives the same again."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Bend = Callable[[random.Random, bytes], bytes]

# Numbers, texts and shapes that files of people and of programs have got wrong.
NUMBERS = (
    0, -1, 1, 2, 3, 7, 0.5, 64, 255, 1e-9, 1e-21, 1e-300, 1e6, 1e9, 1e18, 1e19, 1e30, 1e300, 1e308, 2**31, 2**63,
    -(2**63), 10**39, 10**400, float("inf"), float("-inf"), float("nan"), -0.0, 1e-320,
)  # fmt: skip
TEXTS = (
    "", " ", "\0", "a\0b", "../x", "/dev/null", "\ud800", "\u202e", "é", "x" * 999, "fit", "1x1", "8x8", "int8",
    "fp32", "pJ/bit", "MHz", "resnet20", "resnet20@w1e5", "null", "~", "=1+1", "<b>", "1e999", "0x10", "1_000", "yes",
    "2026-01-01", "9" * 400, "\x1b[31m", "%s{}", "*", "&a",
)  # fmt: skip
TOKENS = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\t", b"[" * 60, b"{", b"}", b"]", b",", b":", b"'", b'"', b"#",
    b"&a ", b"*a", b"!!python/object:os.system ", b"<<: ", b"---\n", b"%YAML 9.9\n", b"1e999", b"-", b".inf",
    b".nan", b"9" * 400, b"NaN", b"Infinity", b"\\ud800", b"\xed\xa0\x80", b"\n",
    b";", b"+", b"@", b"/", b"(", b")", b"=", b"0",
    b"null",
)  # fmt: skip


def value(rng: random.Random) -> Any:
    """Draw a value that hardly fits."""
    sort = rng.randrange(9)
    if sort < 4:
        return rng.choice(NUMBERS)
    if sort < 7:
        return rng.choice(TEXTS)
    return rng.choice([None, True, False, [], {}, [[]], [1, "a"], {"a": 1}, {"value": 1}, [None] * 30])


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) of nested data."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


def tree(rng: random.Random, data: Any) -> Any:
    """Change one to four things of nested data: values, keys, and whole branches."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        spots = list(places(data))
        if not spots:
            return value(rng)
        container, key = rng.choice(spots)
        sort = rng.randrange(10)
        if sort < 4:
            container[key] = _near(rng, container[key])
        elif sort == 4:
            del container[key]
        elif sort == 5:
            other, place = rng.choice(spots)
            container[key] = copy.deepcopy(other.get(place) if isinstance(other, dict) else _at(other, place))
        elif sort == 6 and isinstance(container, dict):
            container[str(rng.choice(TEXTS))] = container.pop(key)
        elif sort == 7 and isinstance(container, list):
            container.insert(rng.randint(0, len(container)), copy.deepcopy(container[key]))
        elif sort == 8:
            container[key] = [copy.deepcopy(container[key])] * rng.choice((1, 2, 30))
        else:
            container[key] = value(rng)
    return data


def _at(container: Any, place: int) -> Any:
    return container[place] if place < len(container) else None


def _near(rng: random.Random, old: Any) -> Any:
    """Draw something of the same type, so that what is read further in is reached, too."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float):
        if abs(old) >= 2**1000 or old != old:
            return rng.choice(NUMBERS)
        near = old * rng.choice((0, 0.5, 2, 3, 10, 1000, 1e-3, -1, 1.0000001))
        return rng.choice((near, round(near), old + 1, old - 1, rng.choice(NUMBERS)))
    if isinstance(old, str) and old:
        cut = rng.randrange(len(old))
        return rng.choice(
            (old[:cut], old + old, old[:cut] + rng.choice(TEXTS) + old[cut:], old.upper(), rng.choice(TEXTS))
        )
    return value(rng)


def dumped(data: Any) -> bytes:
    """Write as JSON, which YAML reads as well; halves of characters stay as escapes."""
    return json.dumps(data, ensure_ascii=True).encode()


def of_tree(parse: Callable[[bytes], Any], dump: Callable[[Any], bytes] = dumped) -> Bend:
    """Bend files that are trees: mostly the tree, sometimes its text."""

    def bend(rng: random.Random, content: bytes) -> bytes:
        if rng.random() < 0.2:
            return text(rng, content)
        bent = dump(tree(rng, parse(content)))
        return text(rng, bent) if rng.random() < 0.05 else bent

    return bend


def text(rng: random.Random, content: bytes) -> bytes:
    """Cut, repeat, move or insert stretches of a file."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        start = rng.randint(0, len(content))
        end = min(len(content), start + rng.choice((0, 1, 2, 8, 40, 400)))
        middle = rng.choice(
            (b"", rng.choice(TOKENS), content[start:end] * 2, rng.randbytes(rng.randint(1, 4)), content[:40])
        )
        content = content[:start] + middle + content[end:]
    return content


def cells(rng: random.Random, content: bytes) -> bytes:
    """Bend a table of text: a cell, a row, the header, the separator, or the bytes."""
    if rng.random() < 0.25:
        return text(rng, content)
    rows = [row.split(",") for row in content.decode().splitlines()]
    for _ in range(rng.choice((1, 1, 2, 4))):
        row = rng.choice(rows)
        sort = rng.randrange(7)
        place = rng.randrange(len(row))
        if sort < 3:
            row[place] = str(
                rng.choice(
                    (rng.choice(NUMBERS[:24]), rng.choice(TEXTS), row[place] + "%", "83,1", "0.83", "83.1 %")
                )
            )
        elif sort == 3:
            row.insert(place, row[place])
        elif sort == 4 and len(row) > 1:
            del row[place]
        elif sort == 5:
            rows.insert(rng.randint(0, len(rows)), list(row))
        else:
            rng.shuffle(row)
    separator = rng.choice((",", ",", ",", ";", "\t", ", ", "|"))
    return (
        rng.choice(("\n", "\r\n")).join(separator.join(row) for row in rows).encode("utf-8", "surrogatepass")
    )
