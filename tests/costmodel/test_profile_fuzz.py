"""Whatever is done to a profile, it loads or is refused in plain sentences."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profile_texts import TEXTS
from ruamel.yaml import YAML

from costmodel.errors import BnncostError
from costmodel.hardware import check_profile, load_profile
from costmodel.hardware.prices import mac_price

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["fit", "pJ/bit", "1x1"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of nested data."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("fuzz")


@given(data=st.data(), archetype=st.sampled_from(sorted(TEXTS)))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_profile_loads_or_is_refused(folder: Any, data: st.DataObject, archetype: str) -> None:
    plain = YAML(typ="safe", pure=True).load(TEXTS[archetype])
    for _ in range(data.draw(st.integers(1, 4))):
        container, key = data.draw(st.sampled_from(list(places(plain))))
        if data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = data.draw(VALUES)
        if not plain:
            break
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(plain, stream)
    path = folder / "mutated.yaml"
    path.write_text(stream.getvalue(), encoding="utf-8", errors="replace")
    problems = check_profile(path)
    assert all(problem.line > 0 and "[type=" not in str(problem) for problem in problems)
    try:
        profile = load_profile(path)
    except BnncostError as error:
        assert str(error).count("\n") == len(problems) - 1
    else:
        assert not problems
        for label in profile.compute:
            price = mac_price(profile, label)
            assert math.isfinite(price.energy_j) and price.energy_j >= 0


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_mutated_text_loads_or_is_refused(folder: Any, data: st.DataObject) -> None:
    text = TEXTS[data.draw(st.sampled_from(sorted(TEXTS)))]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    path = folder / "mutated_text.yaml"
    path.write_bytes(text[:start].encode() + data.draw(st.binary(max_size=8)) + text[end:].encode())
    assert all(str(problem).startswith(str(path)) for problem in check_profile(path))
