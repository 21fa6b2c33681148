"""Every legal combination is there once, and a cell costs what each of its designs costs alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel.evaluate.cells import price_cells
from costmodel.evaluate.space import Combinations, Space
from costmodel.methods import METHODS, MethodUse, check_combination

SLOTS = ["relu", "prelu", "rprelu", "double_residual", "boolean_shortcut", "ede", "wide_ste", "adam"]
PLAIN = cm.DesignKey.parse("resnet20/cifar10")


def legal(names: list[str]) -> set[frozenset[str]]:
    """By trying every subset."""
    found = set()
    for chosen in chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)):
        try:
            check_combination(tuple(map(MethodUse.parse, chosen)))
        except cm.BnncostError:
            continue
        found.add(frozenset(chosen))
    return found


@given(st.lists(st.sampled_from(sorted(METHODS)), unique=True, max_size=9))
@settings(max_examples=60, deadline=None)
def test_every_legal_set_has_one_number(names: list[str]) -> None:
    sets = Combinations.of(names)
    found = [frozenset(map(str, sets.at(number))) for number in range(sets.count)]
    assert len(set(found)) == len(found)
    assert set(found) == legal(names)
    assert found[0] == frozenset()


@given(st.lists(st.sampled_from(sorted(METHODS)), unique=True, min_size=1, max_size=9), st.data())
@settings(max_examples=40, deadline=None)
def test_masks_are_the_sets_with_those_numbers(names: list[str], data: st.DataObject) -> None:
    sets = Combinations.of(names)
    first = data.draw(st.integers(0, sets.count - 1))
    last = data.draw(st.integers(first + 1, min(sets.count, first + 40)))
    for number, mask in zip(range(first, last), sets.masks(first, last), strict=True):
        assert tuple(np.flatnonzero(mask)) == sets.chosen(number)


def test_the_same_method_with_two_options_is_a_choice() -> None:
    sets = Combinations.of(["squeeze_excitation", "squeeze_excitation(reduction=4)", "prelu"])
    assert sets.count == 3 * 2


def test_a_space_counts_its_designs() -> None:
    """2 networks x 3 precisions x (4 activations x 3 inner shortcuts) x 2 widths, x (3 gradients x 2 optimizers)."""
    other = cm.DesignKey.parse("vgg_small/cifar10")
    space = Space.of([PLAIN, other], SLOTS, [2.0, 1.0, 2.0], ["int8", "int16"], ["binary", "fp32"])
    assert (space.cells, space.priced, space.designs) == (2 * 3 * 12, 2 * 3 * 12 * 2, 2 * 3 * 12 * 2 * 6)
    keys = {
        space.key(space.cell(cell), width, free)
        for cell in range(space.cells)
        for width in space.widths
        for free in range(space.free.count)
    }
    assert len(keys) == space.designs
    assert {(key.compute, key.features) for key in keys} == {
        ("binary", "int8"),
        ("binary", "int16"),
        ("fp32", "fp32"),
    }


def test_all_methods_are_those_of_the_registry_but_width() -> None:
    space = Space.of([PLAIN], None, [1.0], ["int16"], ["binary"])
    assert {use.name for use in space.methods} == set(METHODS) - {"width"}
    assert all(use.method.free_because for use in space.free.methods)


@pytest.mark.parametrize("place", range(4))
def test_an_empty_space_is_refused(place: int) -> None:
    parts: list[list[object]] = [[PLAIN], [1.0], ["int16"], ["binary"]]
    parts[place] = []
    networks, widths, features, compute = parts
    with pytest.raises(cm.BnncostError, match="a search is empty without"):
        Space.of(networks, None, widths, features, compute)  # type: ignore[arg-type]


def test_the_method_width_is_refused() -> None:
    with pytest.raises(cm.BnncostError, match="leave the method 'width' out"):
        Space.of([PLAIN], ["width"], [1.0], ["int16"], ["binary"])


SOME = [
    "double_residual",
    "prelu",
    "hardtanh",
    "channel_scale",
    "norm_before_sign",
    "squeeze_excitation",
    "ede",
]


@given(
    st.sampled_from(["asic-45nm", "fpga-zynq7020", "mcu-cortex-m33"]),
    st.sampled_from(["mapped", "compulsory"]),
    st.lists(st.sampled_from([0.25, 0.7, 1.0, 1.35, 2.0]), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(["binary", "int4"]), min_size=1, unique=True),
    st.lists(st.sampled_from(["int16", "int8", "int4"]), min_size=1, max_size=2, unique=True),
    st.data(),
)
@settings(max_examples=12, deadline=None)
def test_searched_designs_cost_what_cost_says(
    name: str, traffic: str, widths: list[float], compute: list[str], features: list[str], data: st.DataObject
) -> None:
    profile = cm.load_profile(name)
    model = traffic if profile.array else "compulsory"
    space = Space.of([PLAIN], SOME, widths, features, compute)
    numbers = data.draw(st.lists(st.integers(0, space.cells - 1), min_size=1, max_size=4, unique=True))
    cells = [space.cell(number) for number in numbers]
    pricing = price_cells(space, cells, [profile], model)  # type: ignore[arg-type]
    (priced,) = pricing.profiles
    for row, place in enumerate(priced.places if priced else ()):
        assert priced is not None
        for at, width in enumerate(space.widths):
            key = space.key(cells[place], width, data.draw(st.integers(0, space.free.count - 1)))
            alone = cm.cost(key, profile, traffic=model)  # type: ignore[arg-type]
            assert priced.energy_j[row, at] == pytest.approx(alone.energy_j, rel=1e-12)
            assert priced.latency_s[row, at] == pytest.approx(alone.latency_s, rel=1e-12)
            area = {name: values[row, at] for name, values in priced.area.items()}
            assert {name: value for name, value in area.items() if not np.isnan(value)} == pytest.approx(
                dict(alone.area), rel=1e-12
            )
            assert priced.memory_bits[row, at] == sum(alone.memory_bits.values())
    for place, _ in pricing.refused:
        with pytest.raises(cm.BnncostError):
            cm.cost(replace(space.key(cells[place]), width=1.0), profile)


def test_what_cannot_be_built_is_refused_on_every_profile() -> None:
    """A learned threshold needs bits; everything else runs on both profiles."""
    space = Space.of([PLAIN], ["learned_threshold"], [1.0], ["int16"], ["binary", "int4"])
    cells = [space.cell(number) for number in range(space.cells)]
    pricing = price_cells(space, cells, [cm.load_profile("asic-45nm"), cm.load_profile("mcu-cortex-m33")])
    refused = [place for place, cell in enumerate(cells) if cell.plain.compute == "int4" and cell.number]
    assert sorted(pricing.refused) == [(place, at) for place in refused for at in (0, 1)]
    assert "needs binary operands" in next(iter(pricing.refused.values()))
