"""How few bits hold the weights of a file, told from their values."""

from __future__ import annotations

import numpy as np

from costmodel.graph import precision
from costmodel.importers.model.weights import found, without_centre


def test_filters_with_steps_of_their_own_are_not_taken_for_one_step_of_the_layer() -> None:
    """Sevenths of 1 and of 1/2: 4 bits by filter, though fourteenths, 5 bits, hold the whole layer."""
    pairs = [(7, 3), (-7, 5), (3, 7), (7, -5)]
    whole = np.array(pairs * 4) / 7
    weight = np.concatenate([whole, whole / 2])
    assert found(weight, precision("fp32")).precision.label == "int4"


def test_a_step_of_the_whole_layer_needs_no_filter_that_reaches_its_end() -> None:
    """Whole numbers from -8 to 7 are 4 bits, whatever the largest of each filter is."""
    levels = np.random.default_rng(0).integers(-8, 8, (8, 32)) * 0.25
    assert found(levels, precision("fp32")).precision.label == "int4"


def test_filters_on_grids_of_their_own_need_not_reach_its_end() -> None:
    """Whole numbers from -4 to 3 in front of steps that no single number divides."""
    levels = np.random.default_rng(0).integers(-4, 4, (8, 32)) * np.sqrt(np.arange(2.0, 10.0))[:, None]
    kind = found(levels, precision("fp32"))
    assert kind.precision.label == "int3"
    assert kind.stepped


def test_real_numbers_are_no_codes_though_many_are_zero() -> None:
    generator = np.random.default_rng(0)
    pruned = generator.standard_normal((8, 36)) * (generator.random((8, 36)) < 0.2)
    assert found(pruned, precision("fp32")).precision.label == "fp32"


def test_odd_multiples_are_codes_beside_a_half_step() -> None:
    """Fifteenths -15, -13, ..., 15 are 4 bits of two fifteenths, and one fifteenth; with it in them, 5 bits."""
    weight = np.arange(-15, 16, 2).reshape(2, 8).repeat(2, axis=1) / 15
    kind = found(weight, precision("fp32"))
    assert kind.precision.label == "int4"
    assert np.allclose(kind.values * 7.5, np.rint(kind.values * 7.5))
    assert np.allclose(kind.centre, 1 / 15)
    whole = without_centre(kind)
    assert whole.precision.label == "int5"
    assert np.allclose(whole.values, weight)


def test_few_odd_multiples_may_be_odd_by_chance() -> None:
    assert found(np.array([[7, 3, -5, 1], [1, -7, 5, 3]]) / 7, precision("fp32")).precision.label == "int4"
