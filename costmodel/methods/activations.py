"""Activation functions: non-linearities on the real-valued map, after the shortcut or before it."""

from __future__ import annotations

from collections.abc import Callable

from costmodel.builder import Builder
from costmodel.errors import unknown
from costmodel.graph import Tensor, precision
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site


@repair_method(
    branch="topology",
    category="activation function",
    hook="activation",
    exclusive="activation",
    source="nair2010",
    note="Before a bare sign it would make every bit +1; meant for maps that a shortcut or norm also reads.",
    beside={"norm_before_sign": "without a norm between, every bit behind it is +1"},
)
def relu(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:
    """Keep the positive part of the map."""
    return g.relu(y)


@repair_method(
    branch="topology",
    category="activation function",
    hook="activation",
    exclusive="activation",
    source="hubara2016",
)
def hardtanh(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:
    """Clamp the map to -1 .. +1."""
    return g.hardtanh(y)


@repair_method(
    branch="topology",
    category="activation function",
    hook="activation",
    exclusive="activation",
    source="bulat2019improved",
    note="Free where a sign is the only reader.",
)
def prelu(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:
    """Multiply negative elements by a learned slope per channel."""
    return bent(g, y)


@repair_method(
    branch="topology",
    category="activation function",
    hook="activation",
    exclusive="activation",
    source="liu2020reactnet",
    note="The shift before it merges into a norm's bias, the one after it into a sign's threshold. With `power_of_two` "
    "slopes are shifts (A&B BNN, Ma 2024).",
)
def rprelu(g: Builder, y: Tensor, site: Site, *, early: bool = False, power_of_two: bool = False) -> Tensor:
    """Shift each channel, apply PReLU, shift again."""
    channels = (y.shape[0],)
    moved = g.bias(y, g.param("shift_in", channels, "C"))
    if power_of_two:
        like = g.param("slope", channels, "C", stored=precision("int8"), positive=True)
        slope = g.exported("whole_power", (g.param("exponent", channels, "C", initial=-3.0),), like)
    else:
        slope = g.param("slope", channels, "C", initial=0.25, positive=True)
    return g.bias(g.prelu(moved, slope, shifts=power_of_two), g.param("shift_out", channels, "C"))


@repair_method(
    branch="topology",
    category="activation function",
    hook="activation",
    exclusive="activation",
    source="tu2022",
)
def maxout(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:
    """Multiply elements by a learned slope per channel above zero and another below (AdaBin's Maxout)."""
    return _two_slopes(g, y)


@repair_method(
    branch="topology",
    category="activation function",
    hook="activation",
    exclusive="activation",
    source="zhang2022pokebnn",
)
def dprelu(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:
    """Shift each channel, bend with a slope on either side, shift again (PokeBNN's dynamic PReLU)."""
    return _shifted(g, y)


@repair_method(
    branch="topology",
    category="activation function",
    hook="stem",
    source="qin2020",
    note="`kind` is hardtanh, relu, prelu, dprelu or maxout; the blocks' own activation stands apart.",
)
def stem_activation(g: Builder, y: Tensor, *, kind: str = "hardtanh") -> Tensor:
    """Bend the map of the first layer, before it is pooled."""
    if kind not in _OF_THE_STEM:
        raise unknown("value of 'kind'", kind, _OF_THE_STEM, place=f"design '{g.name}', stem_activation")
    return _OF_THE_STEM[kind](g, y)


def bent(g: Builder, y: Tensor) -> Tensor:
    """Multiply negative elements by a learned slope per channel."""
    return g.prelu(y, g.param("slope", (y.shape[0],), "C", initial=0.25, positive=True))


def _two_slopes(g: Builder, y: Tensor) -> Tensor:
    """Multiply by one learned slope per channel above zero and another below."""
    channels = (y.shape[0],)
    slopes = (
        g.param("slope_above", channels, "C", initial=1.0, positive=True),
        g.param("slope_below", channels, "C", initial=0.25, positive=True),
    )
    return g.map("two_slope", (y,), params=slopes)


def _shifted(g: Builder, y: Tensor) -> Tensor:
    """Shift each channel, multiply by one slope above zero and another below, shift again."""
    channels = (y.shape[0],)
    bent = _two_slopes(g, g.bias(y, g.param("shift_in", channels, "C")))
    return g.bias(bent, g.param("shift_out", channels, "C"))


_OF_THE_STEM: dict[str, Callable[[Builder, Tensor], Tensor]] = {
    "hardtanh": Builder.hardtanh,
    "relu": Builder.relu,
    "prelu": bent,
    "dprelu": _shifted,
    "maxout": _two_slopes,
}
