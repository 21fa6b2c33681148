"""Signs, and what rises behind a max pool, go before it where something is there to fold with; and where not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from toy_networks import CHANNELS, SIDE, bits_of, builder, check, kinds, pooled, rules_of, shift, slopes

from costmodel.demand.counts import count, totals
from costmodel.graph import Tensor


@pytest.mark.parametrize("padding", [0, 1])
def test_a_max_pool_moves_behind_the_sign(padding: int) -> None:
    g = builder()
    folded = check(g.finish(g.sign(pooled(g, g.batch_norm(bits_of(g)), padding=padding))))
    assert kinds(folded) == ["sign", "conv", "threshold", "max_pool"]
    assert rules_of(folded) == {"sign before pool": 1, "threshold": 1}
    outputs = CHANNELS * (SIDE // 2 + padding) ** 2
    assert totals(count(folded))["compare", "binary"] == 3 * outputs


@pytest.mark.parametrize("case", ["average", "pool read twice", "norm read twice", "no norm"])
def test_a_pool_that_must_stay_before_the_sign(case: str) -> None:
    g = builder()
    x = g.input if case == "no norm" else g.batch_norm(bits_of(g))
    small = pooled(g, x, "average_pool" if case == "average" else "max_pool")
    y: Tensor = g.sign(small)
    if case == "pool read twice":
        y = g.add(small, y)
    if case == "norm read twice":
        y = g.add(pooled(g, x, "average_pool"), y)
    folded = check(g.finish(y), exactly=False)
    assert "sign before pool" not in rules_of(folded)


RISING = {
    "an offset": lambda g, y: g.bias(y, shift(g)),
    "a positive factor": lambda g, y: g.scale(y, g.param("factor", (CHANNELS,), "C", positive=True)),
    "a clamp": lambda g, y: g.hardtanh(y),
    "a PReLU and an offset": lambda g, y: g.bias(g.prelu(y, slopes(g)), shift(g)),
}
FALLING = {
    "a factor of any sign": lambda g, y: g.scale(y, g.param("factor", (CHANNELS,), "C")),
    "a norm": lambda g, y: g.batch_norm(y),
    "an offset along rows": lambda g, y: g.bias(y, g.param("row", (SIDE // 2,), "H")),
}


@pytest.mark.parametrize("between", RISING.values(), ids=RISING)
def test_what_rises_behind_a_pool_goes_before_it_with_the_sign(between: Callable) -> None:
    g = builder()
    folded = check(g.finish(g.sign(between(g, pooled(g, g.batch_norm(bits_of(g)))))))
    assert kinds(folded) == ["sign", "conv", "threshold", "max_pool"]


@pytest.mark.parametrize("between", FALLING.values(), ids=FALLING)
def test_what_may_fall_behind_a_pool_stays_there(between: Callable) -> None:
    g = builder()
    folded = check(g.finish(g.sign(between(g, pooled(g, g.batch_norm(bits_of(g)))))), exactly=False)
    assert kinds(folded)[:4] == ["sign", "conv", "affine", "max_pool"]
