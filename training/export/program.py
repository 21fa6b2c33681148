"""A deployed network: the operations that run, the arrays that are stored, and how both are computed.

With fp32 features it is run by the meanings of `costmodel.operations` in single precision; with integer features by
`fixed_rules`, on whole numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import training.export.fixed_rules  # noqa: F401  fills the table of rules
from costmodel.errors import BnncostError
from costmodel.graph import BINARY, Network, Op, Tensor, Value
from costmodel.operations import known
from costmodel.operations.convolution import taps
from costmodel.operations.window import replicates
from training.export.fixed_point import Fixed, Number, fixed_rule, rounded_to
from training.export.macs import convolve
from training.export.packing import StoredArray

BATCH = 50
"""Images that run together: enough for products of matrices, few enough for their maps to stay in a cache."""

FloatRule = Callable[[Op, Sequence[np.ndarray], Sequence[np.ndarray]], np.ndarray]


@dataclass(frozen=True, eq=False)
class Program:
    """What a chip stores and runs, and what its numbers mean.

    `network` holds running operations only. `arrays` are their parameters by name, and what attributes of an operation
    name besides. `exponents` says of each map of whole numbers that its values are q * 2**-exponent; it is empty with
    fp32 features. `pixels` (C, 256) turns the bytes of an image into the network's input.
    """

    design: str
    features: str
    network: Network
    arrays: Mapping[str, StoredArray]
    exponents: Mapping[str, int]
    pixels: StoredArray

    @property
    def whole(self) -> bool:
        """True where the network runs on whole numbers alone."""
        return self.features != "fp32"

    @property
    def stored_bits(self) -> int:
        """Bits of all stored arrays [bit]."""
        return sum(array.stored_bits for array in self.arrays.values())

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Compute the scores of the classes, (N, classes), for images of bytes (N, C, H, W)."""
        return np.concatenate([self.maps(part, ())[self.network.output.name] for part in _batches(images)])[
            ..., 0, 0
        ]

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Predict the class of each image, (N,): the first of those with the largest score."""
        return self.scores(images).argmax(axis=1)

    def maps(
        self, images: np.ndarray, wanted: Sequence[str], rules: Mapping[str, FloatRule] | None = None
    ) -> dict[str, np.ndarray]:
        """Compute the output and the maps named by `wanted`, all images (bytes) at once.

        `rules` replaces the meanings of some kinds in float arithmetic. Raises BnncostError for images of another
        shape.
        """
        run = self._run_fixed(images) if self.whole else self._run_float(self.input_of(images), rules or {})
        keep = {*wanted, self.network.output.name}
        return {value.name: array for value, array in run if value.name in keep}

    def input_of(self, images: np.ndarray) -> np.ndarray:
        """Turn bytes (N, C, H, W) into the network's input."""
        expected = tuple(self.network.input.shape)
        if images.dtype != np.uint8 or images.shape[1:] != expected:
            raise BnncostError(
                f"design '{self.design}' reads bytes of shape (N, {', '.join(map(str, expected))}), "
                f"not {images.dtype} {images.shape}."
            )
        channels = np.arange(len(self.pixels.values))[:, None, None]
        return self.pixels.values[channels, images]

    def _run_float(
        self, image: np.ndarray, rules: Mapping[str, FloatRule]
    ) -> Iterator[tuple[Value, np.ndarray]]:
        maps: dict[Value, np.ndarray] = {self.network.input: image.astype(np.float32)}
        for op, done in _with_last_readers(self.network):
            params = [self._float(param.name) for param in op.params]
            if "step" in op.attributes:
                steps = self._float(str(op.attributes["step"]))
                params[0] = params[0] * steps.reshape(-1, *[1] * (params[0].ndim - 1))
            rule = rules.get(op.kind) or (float_conv if op.kind == "conv" else known(op.kind).meaning)
            with np.errstate(over="ignore", invalid="ignore"):  # as torch does
                made = rule(op, [maps[item] for item in op.inputs], params)
            maps[op.output] = made.astype(np.float32, copy=False)
            yield op.output, maps[op.output]
            for value in done:
                del maps[value]

    def _float(self, name: str) -> np.ndarray:
        array = self.arrays[name]
        return array.values.astype(np.float32) if array.real else array.numbers().astype(np.float32)

    def _run_fixed(self, images: np.ndarray) -> Iterator[tuple[Value, np.ndarray]]:
        maps: dict[Value, np.ndarray] = {self.network.input: self.input_of(images)}
        for op, done in _with_last_readers(self.network):
            inputs = [Number(maps[item], self.exponents[item.name]) for item in op.inputs]
            extra = {
                key: self.arrays[str(op.attributes[key])] for key in ("step", "table") if key in op.attributes
            }
            call = Fixed(op, inputs, [self.arrays[param.name] for param in op.params], extra)
            made = fixed_rule(op.kind)(call)
            assert isinstance(op.output, Tensor)
            maps[op.output] = rounded_to(made, op.output.precision, self.exponents[op.output.name])
            yield op.output, maps[op.output]
            for value in done:
                del maps[value]

    def binary_maps(self) -> tuple[str, ...]:
        """Names of the maps of bits."""
        return tuple(op.output.name for op in self.network.ops if op.output.precision == BINARY)


def _batches(images: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, max(len(images), 1), BATCH):
        yield images[start : start + BATCH]


def _with_last_readers(network: Network) -> Iterator[tuple[Op, tuple[Value, ...]]]:
    """Yield every operation with the maps that nobody reads after it."""
    last: dict[Value, Op] = {}
    for op in network.ops:
        last.update({item: op for item in (*op.inputs, op.output)})
    last.pop(network.output, None)
    for op in network.ops:
        yield op, tuple(value for value in dict.fromkeys((*op.inputs, op.output)) if last.get(value) is op)


def float_conv(op: Op, inputs: Sequence[np.ndarray], params: Sequence[np.ndarray]) -> np.ndarray:
    """Convolve in single precision; a map of bits that is padded with zeros needs no correction here."""
    return convolve(
        inputs[0],
        params[0],
        axes=taps(op),
        pad_value=None if replicates(op) else op.integer("pad_value"),
        groups=op.integer("groups"),
        kind=np.float32,
    )
