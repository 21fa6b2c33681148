"""Whatever is done to an array and its memories: the profile is refused, or prices and reads all that it must."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from toy_chip import arrayed, large, spilling, toy_network

from costmodel.errors import BnncostError
from costmodel.evaluate.cost import cost_of_network
from costmodel.hardware import load_profile
from costmodel.mapping.nest import DIMS

FIGURES = st.sampled_from([1e-300, 1e-9, 0.3, 1, 1.5, 2, 3, 7, 64, 1e4, 1e9, 1e19, 1e100, 1e300])
ROLES = ["weights", "parameters", "binary_features", "features"]
READ_ONCE = {"weights": 256 + 576, "features": 512, "binary_features": 128}


def figures(node: Any) -> Iterator[dict[str, Any]]:
    """Every quantity of nested data."""
    if isinstance(node, dict) and "value" in node:
        yield node
    elif isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from figures(inner)


def change(draw: Any, plain: dict[str, Any]) -> None:
    """Change one thing about the array, its buffers, or the memories."""
    array, memories = plain["array"], plain["memories"]
    buffer = draw(st.sampled_from([*array["buffers"].values()]))
    memory = draw(st.sampled_from([*memories.values()]))
    kind = draw(st.integers(0, 7))
    if kind <= 1:
        draw(st.sampled_from([*figures([array, memories, plain["clock"]])]))["value"] = draw(FIGURES)
    elif kind == 2:
        buffer["holds"] = draw(st.permutations(["weights", "features", "sums"]))[: draw(st.integers(1, 3))]
    elif kind == 3:
        buffer["serves"] = draw(st.permutations(["rows", "columns"]))[: draw(st.integers(0, 2))]
    elif kind == 4:
        orders = st.lists(st.permutations(DIMS).map(lambda order: order[:3]), min_size=1, max_size=2)
        array["loops"][draw(st.sampled_from(["rows", "columns"]))] = draw(orders)
    elif kind == 5:
        memory["holds"] = draw(st.permutations(ROLES))[: draw(st.integers(1, 4))]
    elif kind == 6:
        given = {"size": "fit", "double_buffered": True, "separate_ports": True, "loaded": "per inference"}
        name = draw(st.sampled_from([*given]))
        memory[name] = given[name]
    elif len(array["buffers"]) > 1:
        del array["buffers"][draw(st.sampled_from([*array["buffers"]]))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mapped_fuzz")


@given(data=st.data(), memory=st.sampled_from([large(), spilling(1)]))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_array_prices_or_is_refused(folder: Path, data: st.DataObject, memory: str) -> None:
    arrayed(folder, memory)
    path = folder / "toy.yaml"
    yaml = YAML(typ="safe", pure=True)
    yaml.sort_base_mapping_type_on_output = False
    plain = yaml.load(path.read_text("utf-8"))
    for _ in range(data.draw(st.integers(1, 3))):
        change(data.draw, plain)
    text = io.StringIO()
    yaml.dump(plain, text)
    path.write_text(text.getvalue(), "utf-8")
    try:
        profile = load_profile(path)
        cost = cost_of_network(toy_network(), profile)
    except BnncostError as error:
        assert str(error)
        return
    assert all(math.isfinite(figure) and figure >= 0 for figure in (cost.energy_j, cost.latency_s))
    assert sum(layer.memory_j for layer in cost.layers) == pytest.approx(cost.energy_split_j["memory"])
    for role, once in READ_ONCE.items():
        read = sum(row.read_bits for row in cost.memory if row.role == role and row.level in profile.memories)
        assert read >= once * (1 - 1e-9)
