"""The table of how gradients grow with depth: it has every gradient, and its numbers are those of the benchmark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from benchmarks.gradient_growth import POINTS, designs, gradients, measured
from costmodel.builder import Builder
from costmodel.graph import precision
from training.module.lower import lower

TEXT = (Path(__file__).parents[2] / "docs" / "study.md").read_text("utf-8")
ROW = re.compile(r"\| `([a-z_+]+)` \|" + r" ([\d.]+) a layer, ([\d.e+]+) in all \|" * len(POINTS))


def documented() -> dict[str, tuple[float, ...]]:
    """Factors a layer and in all, by the methods of a design."""
    table = TEXT.split("<!-- gradient growth -->")[1].split("<!-- end -->")[0]
    return {found[1]: tuple(map(float, found.groups()[1:])) for found in ROW.finditer(table)}


def test_every_gradient_of_the_features_is_in_the_document() -> None:
    assert list(documented()) == list(designs())


@pytest.mark.parametrize("methods", ["clipped_ste", "ede", "hardtanh+ede", "norm_before_sign+swish_ste"])
def test_the_document_has_what_is_measured(methods: str) -> None:
    told = documented()[methods]
    for index, row in enumerate(measured(methods)):
        assert told[2 * index] == pytest.approx(row.factor, rel=0.05)
        assert told[2 * index + 1] == pytest.approx(row.first / row.last, rel=0.5)


def test_what_the_words_say_is_in_the_table() -> None:
    found = documented()
    assert found["ede"][1] > 5 > 2 > found["hardtanh+ede"][1]
    assert found["swish_ste"][1] > found["norm_before_sign+swish_ste"][1] > 100
    assert min(found[name][5] for name in ("ede", "rbnn_gradient", "ie_net_gradient")) > 1000


def test_gradients_of_two_signs_by_hand() -> None:
    """A map through two signs and a classifier: each clipped sign passes the slope where its input is within 1."""
    g = Builder("toy", (4, 1, 1), precision("fp32"), precision("fp32"))
    first = g.sign(g.input)
    second = g.sign(g.scale(first, g.param("factor", (4,), "C", initial=0.5)))
    model = lower(g.finish(second)).train()
    images = torch.tensor([0.5, -0.5, 3.0, -3.0]).reshape(1, 4, 1, 1).requires_grad_()
    labels = torch.tensor([0])
    scores = torch.tensor([1.0, -1.0, 1.0, -1.0])
    slope = scores.softmax(0) - torch.tensor([1.0, 0, 0, 0])
    behind = (0.5 * slope)[:2]  # the last two channels lie beyond the window of the first sign
    assert gradients(model, images, labels) == pytest.approx([behind.norm().item(), slope.norm().item()])
