"""What several tests share: designs drawn at random, exact values for their parameters, a plain interpreter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from costmodel.demand.counts import count, totals
from costmodel.designs.catalogue import DATASETS
from costmodel.designs.key import DesignKey, in_one_order
from costmodel.designs.network_files import NETWORKS, backbone_of, one_spelling
from costmodel.designs.settings import COMPUTE, FEATURES, PADDING
from costmodel.folding import fold
from costmodel.graph import BINARY, Network, Param, Tensor, Value
from costmodel.methods import METHODS, MethodUse
from costmodel.networks.build import build
from costmodel.operations import known

EPSILON = 1e-5
"""What batch norm adds to the variance; written out here, so that a changed constant is noticed."""
FILES = Path(__file__).parent / "networks"
MIXED, BOTTLENECKS = (one_spelling(str(FILES / f"{name}.yaml")) for name in ("mixed", "bottlenecks"))
NARROW = {
    "resnet20": 0.25, "resnet18": 0.0625, "resnet34": 0.0625, "vgg_small": 0.0625, "resnet8": 0.125, "cnv": 0.0625,
    "binareye": 0.0625, MIXED: 1.0, BOTTLENECKS: 1.0,
}  # fmt: skip
"""Widths at which every stage has an even number of channels, and few of them."""
SMALL_IMAGES = {"cnv": "cifar10", "binareye": "cifar10"}
"""Data sets of networks that leave nothing of an image of 8x8 pixels."""
FEW = {"branches": "branches(count=2)", "network_ensemble": "network_ensemble(count=2)"}
"""Methods that multiply the whole network, kept small."""


def small_use(name: str) -> MethodUse:
    """A method with options that keep its network small."""
    return MethodUse.parse(FEW.get(name, name))


def small_key(network: str, *names: str, **settings: str) -> DesignKey:
    """A narrow design on 8x8 images, or on the smallest that a network without padding takes."""
    return DesignKey(
        network, small_images(network), tuple(map(small_use, names)), NARROW[network], **settings
    )  # type: ignore[arg-type]


def small_images(network: str) -> str:
    """The data set of the smallest images that a network takes."""
    return SMALL_IMAGES.get(network, "digits")


def compatible(names: list[str]) -> list[str]:
    """Keep the first method of every slot, less those that conflict with one of them."""
    slots: dict[str, str] = {}
    for name in names:
        slots.setdefault(METHODS[name].exclusive or name, name)
    return [name for name in slots.values() if not set(METHODS[name].conflicts) & set(slots)]


def emitting(network: str) -> list[str]:
    """Methods that may add operations to a network, in alphabetical order."""
    offers = backbone_of(network).offers
    return sorted(
        name for name, item in METHODS.items() if item.hook not in ("recipe", "width") and offers(item.hook)
    )


@st.composite
def small_designs(draw: st.DrawFn) -> DesignKey:
    """A narrow network with up to five methods that may stand together."""
    network = draw(st.sampled_from(sorted(NARROW)))
    names = draw(st.lists(st.sampled_from(emitting(network)), max_size=5, unique=True))
    return small_key(network, *compatible(names), padding=draw(st.sampled_from(PADDING)))


@st.composite
def method_uses(draw: st.DrawFn, name: str) -> MethodUse:
    """A method with some options away from their defaults, within what its text form allows."""
    given_options = {}
    for option, default in METHODS[name].options.items():
        if isinstance(default, bool):
            value = draw(st.booleans())
        elif isinstance(default, int):
            value = draw(st.integers(1, 64))
        elif isinstance(default, float):
            value = draw(st.floats(0, 64, exclude_min=True))
        else:
            value = draw(st.sampled_from(["edge", "int8", "fp16"]))
        if value != default:
            given_options[option] = value
    return MethodUse(name, tuple(given_options.items()))


@st.composite
def design_keys(draw: st.DrawFn) -> DesignKey:
    """Any design key whose methods may stand together; all fields vary, and `width` is one of them, no method."""
    methods = sorted(set(METHODS) - {"width"})
    names = compatible(draw(st.lists(st.sampled_from(methods), max_size=6, unique=True)))
    side, channels = st.integers(1, 999), st.sampled_from([1, 3, 12])
    dataset = draw(st.sampled_from(sorted(DATASETS)))
    image = draw(st.none() | st.tuples(channels, side, side))
    classes = draw(st.none() | st.integers(1, 9999))
    return DesignKey(
        network=draw(st.sampled_from([*sorted(NETWORKS), MIXED])),
        dataset=dataset,
        image=None if image == DATASETS[dataset].image else image,
        classes=None if classes == DATASETS[dataset].classes else classes,
        methods=in_one_order(draw(method_uses(name)) for name in names),
        width=draw(st.integers(500, 640_000).map(lambda steps: steps / 10_000)),
        compute=draw(st.sampled_from(COMPUTE)),
        features=draw(st.sampled_from(FEATURES)),
        edge=draw(st.sampled_from(("fp32", "fp16", "int16", "int8", "int4"))),
        padding=draw(st.sampled_from(PADDING)),
    )


# ------------------------------------------------------------------ values on which arithmetic is exact


def images(network: Network, rng: np.random.Generator, count: int = 2) -> np.ndarray:
    """Draw images of whole numbers from 0 to 16, as in the digits data set."""
    return rng.integers(0, 17, (count, *(int(side) for side in network.input.shape))).astype(float)


def dyadic_values(network: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw every learned parameter such that sums and products are exact in double precision.

    Norm factors are powers of two of either sign, or zero. Filters take two values a power of two apart, half
    the filter each, so that their mean, deviation and mean magnitude are exact as well. The last layer of a
    gate is non-negative and coarse, so that a sigmoid gives exactly one half or one.
    """
    norm_roles = {
        param: role
        for op in network.ops
        if op.kind == "batch_norm"
        for param, role in zip(op.params, ("gamma", "beta", "mean", "variance"), strict=True)
    }
    quantized = {op.inputs[0]: op for op in network.ops if op.kind == "quantize_weight"}
    values = {}
    for param in network.learned():
        shape = tuple(int(side) for side in param.shape)
        if param in norm_roles:
            value = _norm_value(norm_roles[param], shape, rng)
        elif param in quantized:
            bits = quantized[param].integer("bits")
            top = 1 if param.precision.kind == "ternary" else 2 ** (bits - 1) - 1
            value = _whole_weights(
                shape,
                top,
                rng,
                last_of_gate=param.name.endswith((".gate.weight_2", ".recouple.weight_2", ".shift.weight_2")),
            )
        elif param.axes == "OIKK" and param.precision == BINARY:
            value = _two_valued(shape, rng)
        elif param.name.rsplit(".", 1)[-1].startswith("step"):
            value = rng.choice([1.0, 4.0, 16.0], shape)
        elif param.positive:
            value = rng.choice([0.5, 1.0], shape)
        else:
            value = rng.integers(-16, 17, shape) / 4
        values[param.name] = np.asarray(value, dtype=float)
    return values


def _norm_value(role: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if role == "variance":
        value = rng.choice([0.25, 1.0, 4.0], shape)
        assert np.array_equal((value - EPSILON) + EPSILON, value), (
            "the square root would not be a power of two"
        )
        return value - EPSILON
    if role == "gamma":
        return rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0], shape)
    return rng.integers(-16, 17, shape) / (4 if role == "beta" else 1)


def _whole_weights(
    shape: tuple[int, ...], top: int, rng: np.random.Generator, *, last_of_gate: bool
) -> np.ndarray:
    """Whole numbers whose largest magnitude is `top` in every filter, so that rounding to `top` leaves them alone."""
    value = rng.integers(-top, top + 1, shape).astype(float)
    value.reshape(shape[0], -1)[:, 0] = top
    return abs(value) * 64 if last_of_gate else value


def _two_valued(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    filters, size = shape[0], int(np.prod(shape[1:]))
    if size % 2:  # of a first layer with binary weights, which no method standardizes
        return rng.choice([-1.0, -0.5, 0.5, 1.0], shape)
    signs = rng.permuted(np.tile(np.repeat([-1.0, 1.0], size // 2), (filters, 1)), axis=1)
    centre = rng.choice([-0.25, 0.0, 0.25], (filters, 1))
    return (centre + signs * rng.choice([0.5, 1.0], (filters, 1))).reshape(shape)


def any_values(network: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw every learned parameter as an arbitrary double: positive where that is promised, norms of either sign."""
    values = {}
    for param in network.learned():
        value = rng.normal(size=tuple(int(side) for side in param.shape))
        values[param.name] = abs(value) + 0.1 if param.positive else value
    return values


# ------------------------------------------------------------------ a plain interpreter


def evaluate(network: Network, values: dict[str, np.ndarray], image: np.ndarray) -> dict[Value, np.ndarray]:
    """Compute every map of a network; operations of training pass their first input on."""
    found: dict[Value, np.ndarray] = {network.input: image}
    for op in network.ops:
        read = [[_value(found, values, item) for item in items] for items in (op.inputs, op.params)]
        found[op.output] = read[0][0] if op.when == "train" else known(op.kind).meaning(op, *read)
    return {value: array for value, array in found.items() if isinstance(value, Tensor)}


def _value(found: dict[Value, np.ndarray], values: dict[str, np.ndarray], item: Value) -> np.ndarray:
    if item in found:
        return found[item]
    assert isinstance(item, Param), f"{item.name} is read before it is made"
    return values[item.name]


# ------------------------------------------------------------------ before folding and behind it


LARGEST = 2.0**40
"""Beyond it a double has few bits left for fractions, and sums of maps begin to depend on their order."""


def exactly_computed(network: Network, maps: Mapping[Tensor, np.ndarray]) -> set[Tensor]:
    """The maps up to the first that outgrows exact arithmetic, as they do in deep networks of random scales."""
    exact: set[Tensor] = set()
    for op in network.ops:
        if op.output in maps:
            if np.abs(maps[op.output]).max() > LARGEST:
                break
            exact.add(op.output)
    return exact


def assert_exact(key: DesignKey, seed: int) -> None:
    """Every map that both networks have is the same, bit for bit, on values whose arithmetic is exact.

    Maps that a fold moved something across (a norm before a shortcut's sum) keep their place in the folded network
    with another value, so only bits and the output are compared.
    """
    network = build(key)
    folded = fold(network)
    rng = np.random.default_rng(seed)
    values, image = dyadic_values(network, rng), images(network, rng)
    expected = evaluate(network, values, image)
    found = evaluate(folded, values, image)
    assert np.all(np.isfinite(expected[network.output]))
    exact = exactly_computed(network, expected)
    if network.output in exact:
        assert np.array_equal(found[folded.output], expected[network.output])
    shared = [tensor for tensor in found if tensor.precision == BINARY and tensor in exact]
    assert shared or key.compute != "binary"
    for tensor in shared:
        assert np.array_equal(found[tensor], expected[tensor]), tensor.name


# ------------------------------------------------------------------ counts


def folded_totals(network: Network) -> Counter[tuple[str, str]]:
    """Count a network after folding, by operation and precision."""
    return Counter({key: int(number) for key, number in totals(count(fold(network))).items()})


def difference(more: Counter[tuple[str, str]], less: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """What one count has more (or less) than another, zeros left out."""
    keys = {**more, **less}
    return {key: more[key] - less[key] for key in keys if more[key] != less[key]}
