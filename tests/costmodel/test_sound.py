"""What an operation declares of itself is true of those that are counted, and what contradicts it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from operation_case import Case
from strategies import small_designs
from test_operations import CASES, WIRING, named

from costmodel import DesignKey, build, fold
from costmodel.graph import Op, Param, Precision, precision
from costmodel.operations import counted, known
from costmodel.operations.sound import fault_of, fault_of_value

SLOPE = Case("prelu", params=(("C", (3,)),))


class Read(dict[str, object]):
    """Attributes that remember which of them were read without a default."""

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> object:
        self.names.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("case", [*CASES, *WIRING], ids=named)
def test_what_is_computed_and_counted_needs_what_is_declared(case: Case) -> None:
    read = Read(case.attributes)
    op = replace(case.op(), attributes=read)
    counted(op)
    known(case.kind).meaning(op, *case.arrays())
    assert read.names - {"pad_value"} <= set(known(case.kind).attributes) | {"low", "high"}
    repeated = case.kind == "multi_threshold" and op.params[0].shape[0] == 1
    assert repeated or fault_of(case.op()) == ""


@settings(max_examples=40, deadline=None)
@given(key=small_designs())
def test_operations_of_every_design_are_sound(key: DesignKey) -> None:
    network = build(key)
    assert not [fault for op in (*network.ops, *fold(network).ops) if (fault := fault_of(op))]


def test_channels_of_many_widths_are_sound() -> None:
    network = build(DesignKey.parse("resnet20"), np.array([0.5, 1.0, 2.0]))
    assert not [fault for op in network.ops if (fault := fault_of(op))]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"when": "never"}, "runs at 'never', but must at one of: run, export, train"),
        ({"when": "export"}, "makes a map, but runs at 'export'"),
        ({"kind": "whole_power", "params": ()}, "runs once, at export: call `exported` for it"),
        ({"params": ()}, "has 0 parameters, but must have 1"),
        ({"inputs": ()}, "has 0 inputs, but must have 1"),
        ({"inputs": (None,)}, "has None where a map or a parameter belongs"),
        ({"kind": "conv", "params": ()}, "has 0 parameters, but must have 1 or 2"),
        ({"kind": "concatenate", "inputs": ()}, "has 0 inputs, but must have 1 or more"),
        ({"kind": "clamp", "params": (), "attributes": {"low": 0.0}}, "lacks the attribute 'high'"),
        ({"attributes": {"shifts": float("nan")}}, "has an attribute 'shifts' that is no number"),
        ({"params": (Param("slope", (4,), precision("int8"), "C"),)}, "has 4 values along C, but the map has 3"),
    ],
)  # fmt: skip
def test_an_operation_that_contradicts_its_kind_is_told(changed: Any, said: str) -> None:
    op = SLOPE.op()
    assert fault_of(op) == ""
    assert said in fault_of(replace(op, **changed))


@pytest.mark.parametrize(
    "shape",
    [
        (-3, 4, 6), (0, 4, 6), (3, 2.5, 6), (3, float("nan"), 6), ("a", 4, 6), (3, 4), (3, 4, True), None,
        (np.int16(3), 4, 6), (np.array([3, 6], np.int32), 4, 6), (np.array([3, 0]), 4, 6), (2**33, 4, 6),
    ],
)  # fmt: skip
def test_sizes_that_no_map_has_are_told(shape: Any) -> None:
    output = replace(SLOPE.op().output, shape=shape)
    assert f"has sizes {shape!r}" in fault_of_value(output)


@pytest.mark.parametrize("stored", ["int8", None, Precision("integer", -8), Precision("float", 65)])
def test_precisions_that_no_number_has_are_told(stored: Any) -> None:
    output = replace(SLOPE.op().output, precision=stored)
    assert "which is no Precision" in fault_of_value(output)


def test_an_element_by_element_operation_makes_a_map_of_the_same_sizes() -> None:
    op: Op = replace(SLOPE.op(), kind="relu", params=(), attributes=MappingProxyType({}))
    assert fault_of(replace(op, output=replace(op.output, shape=(3, 1, 1)))).startswith(
        "makes a map (3, 1, 1) of"
    )
