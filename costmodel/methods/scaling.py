"""Scaling factors: give a binary convolution's result some of the magnitude that its bits lost.

Scales over channels act last, next to the norm that they merge into; multiplications commute.
"""

from __future__ import annotations

from costmodel.builder import Builder
from costmodel.graph import Tensor, precision
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Site, latent_weight


@repair_method(
    branch="topology",
    category="scaling factor",
    hook="after_convolution",
    exclusive="channel scale",
    rank=2,
    source="rastegari2016",
    note="Merges into a batch norm that follows.",
)
def channel_scale_analytic(g: Builder, y: Tensor, site: Site) -> Tensor:
    """Multiply each output channel by the mean magnitude of its weights."""
    latent = latent_weight(g, y)
    like = g.param("alpha", (y.shape[0],), "C", positive=True)
    return g.scale(y, g.exported("mean_magnitude", (latent,), like))


@repair_method(
    branch="topology",
    category="scaling factor",
    hook="after_convolution",
    exclusive="channel scale",
    rank=2,
    source="bulat2019xnorpp",
    note="Merges into a batch norm that follows; with `only` it stands in for that norm (A&B BNN, Ma 2024).",
)
def channel_scale(g: Builder, y: Tensor, site: Site, *, only: bool = False) -> Tensor:
    """Multiply each output channel by one learned number."""
    start = site.scale_start
    return g.scale(y, g.param("alpha", (y.shape[0],), "C", initial=start, positive=True))


@repair_method(
    branch="topology",
    category="scaling factor",
    hook="after_convolution",
    exclusive="channel scale",
    rank=2,
    source="qin2020",
    note="A shift in place of a multiply where it does not fold.",
)
def shift_scale(g: Builder, y: Tensor, site: Site) -> Tensor:
    """Multiply each output channel by the power of two nearest to its weights' mean magnitude."""
    latent = latent_weight(g, y)
    like = g.param("exponent", (y.shape[0],), "C", stored=precision("int8"))
    return g.power_of_two(y, g.exported("log2_magnitude", (latent,), like))


@repair_method(
    branch="topology",
    category="scaling factor",
    hook="after_convolution",
    exclusive="spatial scale",
    rank=1,
    source="rastegari2016",
    note="Data-dependent, so it never folds; it needs the real-valued input map.",
)
def spatial_scale(g: Builder, y: Tensor, site: Site) -> Tensor:
    """Multiply each output position by the mean magnitude of the input under its window (XNOR-Net's K)."""
    with g.with_producer(site.x):
        total = g.map("absolute_sum", (site.x,), shape=(1, site.x.shape[1], site.x.shape[2]))
    summed = g.window(
        "box_sum",
        total,
        site.kernel,
        stride=site.stride,
        padding=site.padding,
        dilation=site.dilation,
        pad_value=0,
    )
    share = g.param("window_share", (), "", initial="inverse_fan_in", positive=True)
    return g.multiply(y, g.scale(summed, share))


@repair_method(
    branch="topology",
    category="scaling factor",
    hook="after_convolution",
    exclusive="spatial scale",
    rank=1,
    source="bulat2019xnorpp",
    note="The channels' part merges into a norm that follows; the map's part does not.",
)
def separable_scale(g: Builder, y: Tensor, site: Site) -> Tensor:
    """Multiply by the outer product of learned vectors over channels, rows and columns (XNOR-Net++)."""
    channels, height, width = y.shape
    rows = g.param("beta", (height,), "H", initial=1.0, positive=True)
    columns = g.param("gamma", (width,), "W", initial=1.0, positive=True)
    positions = g.param("outer", (height, width), "HW", positive=True)
    over_map = g.scale(y, g.exported("outer", (rows, columns), positions))
    start = site.scale_start
    return g.scale(over_map, g.param("alpha", (channels,), "C", initial=start, positive=True))


@repair_method(
    branch="topology",
    category="scaling factor",
    hook="after_convolution",
    exclusive="spatial scale",
    rank=1,
    source="bulat2019xnorpp",
    note="One factor per position; the second of XNOR-Net++'s four shapes.",
)
def position_scale(g: Builder, y: Tensor, site: Site) -> Tensor:
    """Multiply each output position by one learned number."""
    _, height, width = y.shape
    start = site.scale_start
    return g.scale(y, g.param("beta", (height, width), "HW", initial=start, positive=True))
