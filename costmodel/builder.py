"""Builder: appends operations to a network, with shapes inferred and origin and layer recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from costmodel.errors import BnncostError
from costmodel.graph import (
    BINARY,
    Dimension,
    Network,
    Op,
    Param,
    Precision,
    Tensor,
    Value,
    When,
    accumulator,
    everywhere,
    misfit,
)
from costmodel.operations import known
from costmodel.operations.window import (
    Around,
    Axis,
    Pair,
    around,
    axes_of,
    border_kinds,
    geometry,
    left_of,
    pair,
)

MOST_OPERATIONS = 20_000
"""Of a network; one with more is a mistake."""
_NO_ATTRIBUTES: Mapping[str, object] = MappingProxyType({})


class TooManyOperations(BnncostError):
    """A network is larger than any that is known."""


class Builder:
    """Collects operations; `features` is the precision of non-binary feature maps.

    >>> g = Builder("toy", (3, 8, 8), Precision("integer", 8), Precision("integer", 16))
    >>> g.finish(g.relu(g.input)).ops[0].kind
    'relu'
    """

    def __init__(
        self, name: str, shape: tuple[Dimension, int, int], image: Precision, features: Precision
    ) -> None:
        self.name = name
        self.features = features
        self.input = Tensor("input", shape, image)
        self._ops: list[Op] = []
        self._layers: dict[Value, str] = {self.input: "image"}
        self._layer = ""
        self._origin = "base"
        self._used: dict[str, int] = {}
        self._producers: dict[Value, Op] = {}

    # ------------------------------------------------------------------ where and who

    @contextmanager
    def layer(self, name: str) -> Iterator[None]:
        """Put the operations of the block into the layer `name`, nested under the current one."""
        before = self._layer
        self._layer = f"{before}.{name}" if before else name
        yield
        self._layer = before

    @contextmanager
    def beside(self, name: str) -> Iterator[None]:
        """Put the operations of the block into the layer `name` next to the current one."""
        before = self._layer
        self._layer = ".".join([*before.split(".")[:-1], name])
        yield
        self._layer = before

    @contextmanager
    def with_producer(self, value: Value) -> Iterator[None]:
        """Put the operations of the block into the layer that makes `value`: they run as it streams out.

        Those on the image itself make up a layer `image`.
        """
        before, self._layer = self._layer, self._layers[value]
        yield
        self._layer = before

    @contextmanager
    def origin(self, name: str) -> Iterator[None]:
        """Record the method `name` as the origin of the operations of the block."""
        before, self._origin = self._origin, name
        yield
        self._origin = before

    # ------------------------------------------------------------------ the two primitives

    def param(
        self,
        name: str,
        shape: tuple[Dimension, ...],
        axes: str,
        *,
        stored: Precision | None = None,
        initial: float | str = 0.0,
        positive: bool = False,
    ) -> Param:
        """Declare a parameter, named after the current layer; stored at feature precision unless given."""
        full = f"{self._layer}.{name}" if self._layer else name
        seen = self._used.get(full, 0)
        self._used[full] = seen + 1
        unique = full if seen == 0 else f"{full}_{seen + 1}"
        return Param(unique, shape, stored or self.features, axes, initial, positive)

    def emit(
        self,
        kind: str,
        inputs: tuple[Value, ...],
        output: Value,
        params: tuple[Param, ...] = (),
        attributes: Mapping[str, object] = _NO_ATTRIBUTES,
        when: When = "run",
    ) -> None:
        """Append one operation of a known kind."""
        known(kind)
        frozen = attributes if attributes is _NO_ATTRIBUTES else MappingProxyType(dict(attributes))
        op = Op(kind, inputs, output, params, frozen, self._layer, self._origin, when)
        if len(self._ops) == MOST_OPERATIONS:
            raise TooManyOperations(
                f"'{self.name}' has more than {MOST_OPERATIONS:,} operations, which is the most; take a smaller "
                "network, or fewer branches, bases or networks."
            )
        self._ops.append(op)
        self._producers[output] = op
        self._layers[output] = self._layer

    @property
    def operations(self) -> Sequence[Op]:
        """What was appended so far."""
        return self._ops

    def producer(self, value: Value) -> Op | None:
        """Return the operation that makes `value`, or None for the input and for learned parameters."""
        return self._producers.get(value)

    def map(
        self,
        kind: str,
        inputs: tuple[Tensor, ...],
        *,
        shape: tuple[Dimension, int, int] | None = None,
        stored: Precision | None = None,
        params: tuple[Param, ...] = (),
        attributes: Mapping[str, object] = _NO_ATTRIBUTES,
        when: When = "run",
    ) -> Tensor:
        """Append an operation whose result is a feature map, shaped like its first input unless given.

        Raises BnncostError for a parameter that does not vary with the map as it says.
        """
        output = Tensor(f"t{len(self._ops)}", shape or inputs[0].shape, stored or self.features)
        for param in params:
            if wrong := misfit(param, output):
                raise BnncostError(f"{self._place}: parameter '{param.name}' {wrong}.")
        self.emit(kind, inputs, output, params, attributes, when)
        return output

    def exported(
        self,
        kind: str,
        inputs: tuple[Param, ...],
        like: Param,
        attributes: Mapping[str, object] = _NO_ATTRIBUTES,
    ) -> Param:
        """Append an operation that runs once, at export, on parameters; the result is a parameter."""
        name = f"{like.name}.{kind}{len(self._ops)}"
        output = Param(name, like.shape, like.precision, like.axes, positive=like.positive)
        self.emit(kind, inputs, output, (), attributes, "export")
        return output

    def constant(self, name: str, value: float) -> Param:
        """Declare one number that the design fixes: export stores it, and training leaves it alone."""
        return self.exported("constant", (), self.param(name, (), ""), {"value": value})

    def finish(self, output: Tensor) -> Network:
        """Return the network that ends in `output`."""
        return Network(self.name, tuple(self._ops), self.input, output)

    # ------------------------------------------------------------------ multiply-accumulate layers

    def binary_weight(
        self, channels: Dimension, x: Tensor, kernel: Pair, *, groups: Dimension = 1, name: str = "weight"
    ) -> Param:
        """Declare latent weights (O, I/groups, kh, kw) that export binarizes: one stored bit each."""
        shape = (channels, x.shape[0] // groups, *pair(kernel))
        return self.param(name, shape, "OIKK", stored=BINARY, initial="normal")

    def sign_weight(self, latent: Param, estimator: str = "clipped") -> Param:
        """Binarize weights at export; `estimator` names the gradient that training uses."""
        return self.exported("sign_weight", (latent,), latent, {"estimator": estimator})

    def narrow_weight(
        self, channels: Dimension, x: Tensor, kernel: Pair, to: Precision, *, groups: Dimension = 1
    ) -> Param:
        """Declare weights (O, I/groups, kh, kw) that export rounds to the precision `to`; floats stay as they are."""
        shape = (channels, x.shape[0] // groups, *pair(kernel))
        latent = self.param("weight", shape, "OIKK", stored=to, initial="normal")
        if to.kind == "float":
            return latent
        return self.exported("quantize_weight", (latent,), latent, {"bits": to.bits})

    def conv(
        self,
        x: Tensor,
        weight: Param,
        *,
        stride: Pair = 1,
        padding: Around = 0,
        dilation: Pair = 1,
        pad_value: float = 0,
        replicate: bool = False,
        groups: Dimension = 1,
    ) -> Tensor:
        """Convolve (C, H, W) with weights (O, C/groups, kh, kw); the result has accumulator precision.

        Padding adds `pad_value`, or with `replicate` repeats the positions at the border.
        Zeros around a map of bits are no bits, nor is another number but -1 and +1: the chip pads with -1 and corrects
        the border outputs, by one addition each, with constants that export derives from the weights.
        Raises BnncostError where groups do not divide the channels, or no window fits the map.
        """
        for channels, what in ((weight.shape[0], "made"), (x.shape[0], "read")):
            if not everywhere((channels % groups == 0) & (channels > 0)):
                raise BnncostError(
                    f"{self._place}: {channels} channels cannot be {what} by {groups} equal groups."
                )
        kernel = (int(weight.shape[2]), int(weight.shape[3]))
        axes = axes_of((x.shape[1], x.shape[2]), kernel, stride, padding, dilation)
        height, width = left_of(axes, "kernel", self._place)
        exact = weight.precision == BINARY and x.precision == BINARY
        result = accumulator(weight.size // weight.shape[0]) if exact else _wide(x.precision)
        params: tuple[Param, ...] = (weight,)
        slid = geometry(stride, padding, dilation)
        attributes = {**slid, "pad_value": pad_value, "groups": groups}
        if replicate:
            attributes["replicate"] = True
        elif exact and any(around(padding)) and pad_value not in (-1, 1):
            params += (self._border(weight, axes, slid, pad_value),)
            attributes["pad_value"] = 0
        return self.map(
            "conv",
            (x,),
            shape=(weight.shape[0], height, width),
            stored=result,
            params=params,
            attributes=attributes,
        )

    def _border(
        self, weight: Param, axes: tuple[Axis, Axis], slid: Mapping[str, object], value: float
    ) -> Param:
        """Derive the border corrections: one value per channel and kind of border position."""
        shape = (weight.shape[0], len(border_kinds(axes)))
        like = Param(f"{weight.name}.border", shape, accumulator(1), "CB")
        sides: dict[str, object] = {"height": axes[0].length, "width": axes[1].length}
        if value:
            sides["value"] = value
        return self.exported("border_correction", (weight,), like, {**sides, **slid})

    def window(
        self,
        kind: str,
        x: Tensor,
        size: Pair,
        *,
        stride: Pair = 1,
        padding: Around = 0,
        dilation: Pair = 1,
        pad_value: Dimension | float | None = None,
        replicate: bool = False,
        stored: Precision | None = None,
    ) -> Tensor:
        """Append an operation on windows of each channel, such as a pool.

        Raises BnncostError where no window fits the map.
        """
        axes = axes_of((x.shape[1], x.shape[2]), size, stride, padding, dilation)
        height, width = left_of(axes, kind.replace("_", " "), self._place)
        attributes: dict[str, object] = {
            "size": size[0] if isinstance(size, tuple) and len(set(size)) == 1 else size
        }
        attributes |= geometry(stride, padding, dilation, replicate)
        if pad_value is not None:
            attributes["pad_value"] = pad_value
        return self.map(kind, (x,), shape=(x.shape[0], height, width), stored=stored, attributes=attributes)

    @property
    def _place(self) -> str:
        """The design and the layer, as messages name them."""
        return f"design '{self.name}': {self._layer}"

    def linear(self, x: Tensor, features: Dimension, *, weight: Precision, bias: bool = True) -> Tensor:
        """Multiply a (C, 1, 1) vector with a matrix (O, C), and add a bias to each output."""
        matrix = self.param("weight", (features, x.size), "OI", stored=weight, initial="normal")
        if weight.kind != "float":
            matrix = self.exported("quantize_weight", (matrix,), matrix, {"bits": weight.bits})
        params = (matrix, self.param("bias", (features,), "C")) if bias else (matrix,)
        return self.map("linear", (x,), shape=(features, 1, 1), stored=_wide(x.precision), params=params)

    # ------------------------------------------------------------------ element by element

    def sign(self, x: Tensor, estimator: str = "clipped") -> Tensor:
        """Binarize to -1 and +1, zero giving +1; `estimator` names the gradient that training uses."""
        return self.map("sign", (x,), stored=BINARY, attributes={"estimator": estimator})

    def quantize(self, x: Tensor, to: Precision) -> Tensor:
        """Round to a narrower precision; nothing is emitted when `x` is at least as narrow.

        Whole numbers have a grid, whose step is learned; floats have none.
        """
        whole = x.precision.kind != "float" and to.kind == "integer"
        if (x.precision.kind == to.kind or whole) and x.precision.bits <= to.bits:
            return x
        grid = () if to.kind == "float" else (self.param("step", (), "", initial=1.0, positive=True),)
        return self.map("quantize", (x,), stored=to, params=grid, attributes={"bits": to.bits})

    def batch_norm(self, x: Tensor) -> Tensor:
        """Normalize each channel with stored statistics: one multiply and one add per element."""
        channels = (x.shape[0],)
        params = (
            self.param("gamma", channels, "C", initial=1.0),
            self.param("beta", channels, "C"),
            self.param("mean", channels, "C"),
            self.param("variance", channels, "C", initial=1.0, positive=True),
        )
        return self.map("batch_norm", (x,), params=params)

    def scale(self, x: Tensor, factor: Param) -> Tensor:
        """Multiply by a parameter along its axes."""
        return self.map("scale", (x,), params=(factor,))

    def power_of_two(self, x: Tensor, exponent: Param) -> Tensor:
        """Multiply by 2 to the power of an integer parameter: a shift."""
        return self.map("power_of_two", (x,), params=(exponent,))

    def bias(self, x: Tensor, offset: Param) -> Tensor:
        """Add a parameter along its axes."""
        return self.map("bias", (x,), params=(offset,))

    def add(self, left: Tensor, right: Tensor) -> Tensor:
        """Add two feature maps of the same shape."""
        return self.map("add", self._alike(left, right))

    def logic_xnor(self, left: Tensor, right: Tensor) -> Tensor:
        """Combine two maps of bits of the same shape by XNOR."""
        return self.map("logic_xnor", self._alike(left, right), stored=BINARY)

    def logic_or(self, left: Tensor, right: Tensor) -> Tensor:
        """Combine two maps of bits of the same shape by OR."""
        return self.map("logic_or", self._alike(left, right), stored=BINARY)

    def subtract(self, left: Tensor, right: Tensor) -> Tensor:
        """Subtract `right`, a map or a per-sample (1 or C, 1, 1) value, from every element of `left`."""
        return self.map("subtract", self._alike(left, right, repeats=True))

    def multiply(self, left: Tensor, right: Tensor) -> Tensor:
        """Multiply two maps; `right` may have size 1 along an axis."""
        return self.map("multiply", self._alike(left, right, repeats=True))

    def _alike(self, left: Tensor, right: Tensor, *, repeats: bool = False) -> tuple[Tensor, Tensor]:
        """Refuse two maps of unlike shapes, which would silently be miscounted; `right` may `repeat` from size 1."""
        for side, other in zip(left.shape, right.shape, strict=True):
            if not everywhere(side == other) and not (repeats and everywhere(other == 1)):
                shapes = f"maps of shapes {left.shape} and {right.shape}"
                raise BnncostError(f"{self._place}: {shapes} cannot be combined.")
        return left, right

    def relu(self, x: Tensor) -> Tensor:
        """Keep the positive part."""
        return self.map("relu", (x,))

    def hardtanh(self, x: Tensor) -> Tensor:
        """Clamp to -1 .. +1."""
        return self.map("hardtanh", (x,))

    def prelu(self, x: Tensor, slope: Param, *, shifts: bool = False) -> Tensor:
        """Multiply negative elements by a slope per channel, or shift them where slopes are powers of two."""
        return self.map("prelu", (x,), params=(slope,), attributes={"shifts": True} if shifts else {})


def _wide(operand: Precision) -> Precision:
    """Return the precision of a sum of products of `operand`s: int32, or the float itself."""
    return operand if operand.kind == "float" else Precision("integer", 32)
