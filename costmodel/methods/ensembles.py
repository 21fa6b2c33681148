"""Ensembles: several bases, branches or networks whose results are added up."""

from __future__ import annotations

from costmodel.builder import Builder
from costmodel.graph import Param, Tensor, precision
from costmodel.methods.registry import repair_method
from costmodel.methods.site import Bases, Site, signed, signed_features
from costmodel.operations.window import pair


@repair_method(
    branch="topology",
    category="ensemble",
    hook="weight_bases",
    exclusive="weight bases",
    source="lin2017",
    note="Binary work and weights times `count`.",
)
def weight_bases(g: Builder, latent: Param, site: Site, *, count: int = 3) -> Bases:
    """Approximate the weights by a scaled sum of several binary ones, made by shifting them before the sign."""
    bases = []
    for _ in range(count):
        shift = g.param("shift", (), "", stored=precision("fp32"), initial="spread")
        shifted = g.exported("shifted_weight", (latent, shift), latent)
        bases.append(signed(g, shifted, site))
    return Bases(tuple(bases), scaled=True)


@repair_method(
    branch="topology",
    category="ensemble",
    hook="features",
    exclusive="features",
    source="lin2017",
    note="Binary work times `count`, and `count` bits per feature.",
)
def activation_bases(
    g: Builder, x: Tensor, site: Site, *, count: int = 3, per_channel: bool = False
) -> tuple[Tensor, ...]:
    """Binarize the features several times, each with learned shifts of its own: one, or one for each channel."""
    shape, axes = ((x.shape[0],), "C") if per_channel else ((), "")
    shifts = (g.param("shift", shape, axes, initial="spread") for _ in range(count))
    return tuple(signed_features(g, g.bias(x, shift), site) for shift in shifts)


@repair_method(
    branch="topology",
    category="ensemble",
    hook="weight_bases",
    exclusive="weight bases",
    source="liu2019cbcn",
    note="Four times the binary work and stored bits, for one filter bank to learn.",
)
def circulant_filters(g: Builder, latent: Param, site: Site) -> Bases:
    """Convolve with each learned filter turned by 0, 90, 180 and 270 degrees (one of 1x1 once), and add the results."""
    binary = signed(g, latent, site)
    if pair(site.kernel) == (1, 1):
        return Bases((binary,), scaled=False)
    turned = [g.exported("quarter_turn", (binary,), binary, {"turns": turns}) for turns in (1, 2, 3)]
    return Bases((binary, *turned), scaled=False)


@repair_method(
    branch="topology",
    category="ensemble",
    hook="branches",
    exclusive="branches",
    source="zhuang2019",
    note="Every block `count` times, with learned soft gates between the branches.",
)
def branches(g: Builder, maps: tuple[Tensor, ...], site: None, *, count: int = 5) -> tuple[Tensor, ...]:
    """Run several copies of every block and pass each a learned mix of its own result and the mean (Group-Net)."""
    total = maps[0]
    for other in maps[1:]:
        total = g.add(total, other)
    like = g.param("share", (), "", positive=True)
    mean = g.scale(total, g.exported("constant", (), like, {"value": 1 / count}))
    mixed = []
    for one in maps:
        own = g.scale(one, g.param("gate", (), "", initial=0.5, positive=True))
        rest = g.scale(mean, g.param("gate_rest", (), "", initial=0.5, positive=True))
        mixed.append(g.add(own, rest))
    return tuple(mixed)


@repair_method(
    branch="topology",
    category="ensemble",
    hook="ensemble",
    exclusive="ensemble",
    source="zhu2019",
    note="Everything times `count`; the networks run one after the other.",
)
def network_ensemble(g: Builder, outputs: tuple[Tensor, ...], *, count: int = 3) -> Tensor:
    """Let several separately trained networks vote with learned weights (BENN)."""
    total: Tensor | None = None
    for output in outputs:
        vote = g.scale(output, g.param("vote", (), "", initial=1 / count, positive=True))
        total = vote if total is None else g.add(total, vote)
    assert total is not None
    return total
