"""Where a method acts: one binary convolution of a network, and the convolution itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

from costmodel.builder import Builder
from costmodel.errors import BnncostError
from costmodel.graph import BINARY, Dimension, Param, Precision, Tensor
from costmodel.methods.guarded import emitted
from costmodel.methods.registry import Hook, MethodUse
from costmodel.operations.window import Pair


class Bases(NamedTuple):
    """Binary weights that stand in for one, and whether each result gets a scale of its own.

    `distance` and `centre` are there where a filter's two values are not -1 and +1 but centre -+ distance.
    """

    weights: tuple[Param, ...]
    scaled: bool
    distance: Param | None = None
    centre: Param | None = None


@dataclass(frozen=True)
class Composition:
    """The repair methods of a network, by the hook that they act on."""

    uses: tuple[MethodUse, ...] = ()

    def on(self, hook: Hook) -> list[MethodUse]:
        """Methods of one hook, in the order in which they act."""
        return sorted(
            (use for use in self.uses if use.method.hook == hook), key=lambda use: (use.method.rank, use.name)
        )

    def first(self, hook: Hook) -> MethodUse | None:
        """The only method of an exclusive hook, if there is one."""
        return next(iter(self.on(hook)), None)

    @property
    def norm_behind(self) -> bool:
        """False where a norm before the sign, or a scale, stands in for the one behind the convolution."""
        return not any(use.settings().get("only") for use in self.uses)

    def estimator(self, category: str) -> str:
        """Gradient of the sign of features or weights, by the category of its methods.

        A method that is a gradient alone goes before one that also brings operations, whose gradient is that of its
        paper; where none names one, it is the clipped one.
        """
        alike = (category, category.replace("binarizer", "normalization"))
        named = [use.method for use in self.uses if use.method.category in alike and use.method.estimator]
        alone = [method for method in named if method.hook == "recipe"]
        return (alone or named)[-1].estimator if named else "clipped"


@dataclass(frozen=True)
class Site:
    """One convolution: what it reads, its geometry, its precisions, and the methods round it.

    `operands` is the precision of its own operands, `edge` that of the network's first and last layer.
    `x` is the real-valued input map (C, H, W), `bits` its binary form once made, `branch` the map at the
    start of the residual branch. `pad_value` None repeats what stands at the border of a map. The input carries
    `slices` of bits per channel, each of which feeds its own group of outputs; a `depthwise` convolution keeps each
    channel alone. `norm` is False where the network has no norm behind this convolution.
    """

    x: Tensor
    branch: Tensor
    channels: Dimension
    kernel: Pair
    stride: int
    padding: int
    pad_value: int | None
    operands: Precision
    edge: Precision
    composition: Composition
    bits: tuple[Tensor, ...] = ()
    slices: int = 1
    depthwise: bool = False
    dilation: int = 1
    norm: bool = True

    @property
    def norm_behind(self) -> bool:
        """Whether a norm follows the convolution."""
        return self.norm and self.composition.norm_behind

    @property
    def scale_start(self) -> float | str:
        """Initial value of learned scales behind a convolution; without a norm behind, sums of bits get deviation 1."""
        return 1.0 if self.norm_behind else "unit_sums"

    @property
    def groups(self) -> Dimension:
        """Groups of channels that the convolution keeps apart."""
        return self.bits[0].shape[0] if self.depthwise else self.slices


def emit(g: Builder, use: MethodUse, *arguments: Any) -> Any:
    """Let a method add its operations, recorded under its name."""
    with g.origin(use.name):
        return called(g, use, *arguments)


def called(g: Builder, use: MethodUse, *arguments: Any) -> Any:
    """Let a method add its operations; raises CodeFailed where one of a plugin fails, or adds what no network has.

    An error in a method of bnncost is a fault of bnncost, and goes on as it is.
    """
    method = use.method
    if method.own:
        return method.emit(g, *arguments, **use.settings())
    kind = _MADE.get(method.hook, Tensor)
    return emitted(g, method, arguments, use.settings(), kind, several=method.hook in _SEVERAL)


_MADE: Mapping[Hook, type] = {"weight": Param, "weight_bases": Bases}
"""What the methods of a hook return where it is no map."""
_SEVERAL = ("features", "branches")
"""Hooks whose methods return a tuple of maps."""


def chain(g: Builder, hook: Hook, x: Tensor, site: Site) -> Tensor:
    """Apply every method of a hook in turn."""
    for use in site.composition.on(hook):
        x = emit(g, use, x, site)
    return x


def narrow_features(g: Builder, site: Site) -> Site:
    """Bring the input to the operands' precision: by sign for a binary network, else by rounding.

    Every step runs in the layer that makes what it reads, so that only its result is stored.
    """
    x = site.x
    if site.operands != BINARY:
        with g.with_producer(x):
            return replace(site, bits=(g.quantize(x, site.operands),))
    if x.precision == BINARY:
        return replace(site, bits=(x,))
    x = before_sign(g, x, site)
    several = site.composition.first("features")
    with g.with_producer(x):
        bits = emit(g, several, x, site) if several else (signed_features(g, x, site),)
    return replace(site, x=x, bits=bits)


def before_sign(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Apply the methods that act before a sign, each in the layer that makes what it reads."""
    for use in site.composition.on("before_sign"):
        with g.with_producer(x):
            x = emit(g, use, x, site)
    return x


def binary_weights(g: Builder, site: Site) -> Bases:
    """Declare the convolution's latent weights and what export makes of them."""
    latent = prepared(g, g.binary_weight(site.channels, site.bits[0], site.kernel, groups=site.groups), site)
    several = site.composition.first("weight_bases")
    return emit(g, several, latent, site) if several else Bases((signed(g, latent, site),), scaled=False)


def prepared(g: Builder, latent: Param, site: Site) -> Param:
    """Apply the methods that work on latent weights before their sign."""
    for use in site.composition.on("weight"):
        latent = emit(g, use, latent, site)
    return latent


def signed(g: Builder, latent: Param, site: Site) -> Param:
    """Binarize latent weights with the gradient that the design gives them."""
    return g.sign_weight(latent, site.composition.estimator("weight binarizer"))


def signed_features(g: Builder, x: Tensor, site: Site) -> Tensor:
    """Binarize a map with the gradient that the design gives its features."""
    return g.sign(x, site.composition.estimator("feature binarizer"))


def convolve(g: Builder, site: Site) -> Tensor:
    """Convolve every feature map with every weight, and add the results up."""
    if site.operands != BINARY:
        weight = g.narrow_weight(site.channels, site.bits[0], site.kernel, site.operands, groups=site.groups)
        return g.conv(
            site.bits[0], weight, stride=site.stride, padding=site.padding, dilation=site.dilation,
            groups=site.groups,
        )  # fmt: skip
    bases = binary_weights(g, site)
    pairs = [(w, f) for w in range(len(bases.weights)) for f in range(len(site.bits))]
    terms = []
    for w, f in pairs:
        with _blame(g, site, "weight_bases" if w else "features" if f else None):
            terms.append(_binary_convolution(g, site, site.bits[f], bases.weights[w]))
    if len(terms) == 1:
        return _two_valued(g, site, terms[0], bases)
    with _blame(g, site, "features" if len(site.bits) > 1 else "weight_bases"):
        if bases.scaled or len(site.bits) > 1:
            start = site.scale_start
            kept = 1 if site.norm_behind else 0  # a norm behind takes up the scale of one of them
            terms[kept:] = [
                g.scale(t, g.param("base_scale", (), "", initial=start, positive=True)) for t in terms[kept:]
            ]
        return reduce(g.add, terms)


def _blame(g: Builder, site: Site, hook: Hook | None) -> AbstractContextManager[None]:
    """Record operations under the method of a hook; without one, under the method that added the convolution."""
    use = site.composition.first(hook) if hook else None
    return g.origin(use.name) if use else nullcontext()


def _binary_convolution(g: Builder, site: Site, bits: Tensor, weight: Param) -> Tensor:
    return g.conv(
        bits,
        weight,
        stride=site.stride,
        padding=site.padding,
        dilation=site.dilation,
        pad_value=site.pad_value or 0,
        replicate=site.pad_value is None,
        groups=site.groups,
    )


def _two_valued(g: Builder, site: Site, y: Tensor, bases: Bases) -> Tensor:
    """Turn a result of -1 and +1 into that of centre -+ distance, by the sum of the bits under each window."""
    if bases.distance is None or bases.centre is None:
        return y
    bits, alone = site.bits[0], site.depthwise
    if site.slices > 1:
        raise BnncostError(
            f"design '{g.name}': weights with a centre need one group of features, not slices."
        )
    with _blame(g, site, "weight_bases"):
        ones = bits if alone else g.map("channel_sum", (bits,), shape=(1, bits.shape[1], bits.shape[2]))
        summed = 1 if alone else bits.shape[0]  # every channel of a padded position holds the same bit
        around = g.window(
            "box_sum", ones, site.kernel, stride=site.stride, padding=site.padding, dilation=site.dilation,
            pad_value=(site.pad_value or 0) * summed, replicate=site.pad_value is None,
        )  # fmt: skip
        # distance * (y + centre / distance * around): the common factor then merges into the norm
        relative = g.exported("ratio", (bases.centre, bases.distance), bases.centre)
        spread = g.map("scale", (around,), shape=y.shape, params=(relative,))
        return g.scale(g.add(y, spread), bases.distance)


def latent_weight(g: Builder, y: Tensor) -> Param:
    """Return the real-valued weights whose sign the convolution that made `y` uses."""
    op = g.producer(y)
    while op is not None and op.kind != "conv":
        op = g.producer(op.inputs[0])
    assert op is not None, "a scale on weights is asked for where there is no convolution"
    made = g.producer(op.params[0])
    return made.inputs[0] if made and isinstance(made.inputs[0], Param) else op.params[0]
