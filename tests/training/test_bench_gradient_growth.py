"""The table of a gradient's growth: columns against a case known by hand, and against the slopes of the papers."""

from __future__ import annotations

import pytest
import torch

from benchmarks.gradient_growth import POINTS, Growth, designs, gradients, measured, table
from costmodel.builder import Builder
from costmodel.graph import precision
from costmodel.methods import METHODS
from training.module.lower import lower


def test_gradients_are_those_of_what_each_sign_reads() -> None:
    g = Builder("toy", (2, 1, 1), precision("fp32"), precision("fp32"))
    g.sign(g.input, "clipped")
    y = g.bias(g.input, g.param("offset", (2,), "C"))
    network = g.finish(g.add(g.sign(y, "polynomial"), y))
    model = lower(network, dtype=torch.float64)
    x = torch.tensor([[0.5, -0.25]], dtype=torch.float64)[..., None, None].requires_grad_()
    (found,) = [item for item in gradients(model, x, torch.tensor([0])) if item][-1:]
    # scores 1.5 and -1.25: the loss's slope is p2 in size for both; the sign adds 2 - 2|x| to the map's 1
    p = 1 / (1 + torch.exp(torch.tensor(2.75, dtype=torch.float64))).item()
    assert found == pytest.approx(p * ((1 + 1) ** 2 + (1 + 1.5) ** 2) ** 0.5)


def test_every_gradient_of_features_has_rows_with_and_without_a_bound() -> None:
    named = {
        name: item.beside
        for name, item in METHODS.items()
        if item.category == "feature binarizer" and item.estimator
    }
    studied = {"+".join([*beside, name]) for name, beside in named.items()}
    assert set(designs()) == {*named, *(f"hardtanh+{name}" for name in named), *studied}
    assert "hardtanh+sample_standardize+rbnn_gradient" in studied  # as RBNN's own blocks


def test_sharp_gradients_grow_and_clipped_ones_do_not() -> None:
    start, half, late = measured("ede", "resnet8", "digits")
    assert [row.progress for row in (start, half, late)] == list(POINTS)
    assert late.factor > 1.3 * half.factor
    assert late.first == pytest.approx(late.last * late.factor**5, rel=1e-6)  # six binary layers
    flat = measured("hardtanh+clipped_ste", "resnet8", "digits")
    assert flat[0] == Growth("hardtanh+clipped_ste", 0.0, flat[2].last, flat[2].first, flat[2].factor)


def test_the_table_has_a_line_a_design() -> None:
    rows = [Growth("ede", point, 1.0, 8.0, 2.0) for point in POINTS]
    assert table(rows).splitlines()[2] == "| `ede` | " + " | ".join(["2.00 a layer, 8 in all"] * 3) + " |"
