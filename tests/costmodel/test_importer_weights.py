"""How few bits hold the weights of a file, told from their values."""

from __future__ import annotations

import numpy as np

from costmodel.graph import precision
from costmodel.importers.model.weights import found


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
