"""DesignKey: everything that makes one network, and its one text form."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from costmodel.designs.catalogue import DATASETS, NETWORKS
from costmodel.errors import BnncostError, unknown
from costmodel.graph import precision
from costmodel.methods import MethodUse, check_combination

FEATURES = ("fp32", "fp16", "int16", "int8", "int6", "int4")
COMPUTE = ("binary", "ternary", "int2", "int3", "int4", "int8", "fp16", "fp32")
PADDING = ("one", "zero", "replicate")
EDGE = ("fp32", "fp16", "int16", "int8", "int4")
_SETTINGS = {"features": FEATURES, "compute": COMPUTE, "edge": EDGE, "padding": PADDING}


@dataclass(frozen=True)
class DesignKey:
    """A network, its repairs and its settings; text form `network[method+method]@w1.5,features=int8/data`.

    `features` is the precision of non-binary maps, `compute` that of the operands of the inner
    convolutions, `edge` that of the first and last layer, `padding` what surrounds a map of bits: ones, zeros, or
    what stands at its border.
    Features and edge layers follow a floating-point `compute` unless given; a text without data set means
    the one that the network is usually trained on.

    >>> str(DesignKey.parse("resnet20[double_residual+prelu]@w1.5/cifar10"))
    'resnet20[double_residual+prelu]@w1.5/cifar10'
    """

    network: str
    dataset: str
    methods: tuple[MethodUse, ...] = ()
    width: float = 1.0
    compute: str = "binary"
    features: str = "int16"
    edge: str = "int8"
    padding: str = "one"

    def __str__(self) -> str:
        """Text form; settings at their defaults are left out."""
        methods = f"[{'+'.join(map(str, self.methods))}]" if self.methods else ""
        implied = _implied(self.compute)
        settings = [f"w{_shortest(self.width)}"] if self.width != 1 else []
        settings += [f"compute={self.compute}"] if self.compute != "binary" else []
        for name in ("features", "edge"):
            if getattr(self, name) != implied[name]:
                settings.append(f"{name}={getattr(self, name)}")
        settings += [f"padding={self.padding}"] if self.padding != "one" else []
        return f"{self.network}{methods}{'@' + ','.join(settings) if settings else ''}/{self.dataset}"

    @property
    def plain(self) -> DesignKey:
        """The same design without any repair."""
        return replace(self, methods=(), width=1.0)

    def with_methods(self, methods: tuple[MethodUse, ...]) -> DesignKey:
        """The same design with other repairs."""
        check_combination(methods)
        return replace(self, methods=methods)

    def with_features(self, features: str) -> DesignKey:
        """The same design with non-binary maps of another precision; raises BnncostError for an unknown one."""
        if features not in FEATURES:
            raise unknown("precision of features", features, FEATURES, place=f"design '{self}'")
        return replace(self, features=features)

    def without(self, name: str) -> DesignKey:
        """The same design less one method."""
        return self.with_methods(tuple(use for use in self.methods if use.name != name))

    @classmethod
    def parse(cls, text: str) -> DesignKey:
        """Read the text form; anything unknown or out of range raises a BnncostError that says what is allowed."""
        head, slash, dataset = text.strip().rpartition("/")
        head, dataset = (head, dataset.strip()) if slash else (dataset, "")
        network, methods, settings = _split(text, head)
        if network not in NETWORKS:
            raise unknown("network", network, NETWORKS, place=f"design '{text}'")
        dataset = dataset if slash else NETWORKS[network].dataset
        if dataset not in DATASETS:
            raise unknown("data set", dataset, DATASETS, place=f"design '{text}'")
        uses = tuple(MethodUse.parse(part, f"design '{text}'") for part in _split_plus(methods))
        check_combination(uses)
        values = _read_settings(text, settings)
        width = float(values.pop("w", "1"))
        compute = values.get("compute", "binary")
        return cls(network, dataset, uses, width, **{**_implied(compute), **values})


def _shortest(width: float) -> str:
    """Write a width in the fewest digits that read back as the same number."""
    return repr(float(width)).removesuffix(".0")


def _implied(compute: str) -> dict[str, str]:
    """Precision of maps and edge layers that goes with the operands', unless given."""
    if precision(compute).kind == "float":
        return {"features": compute, "edge": compute}
    return {"features": "int16", "edge": "int8"}


def _split(text: str, head: str) -> tuple[str, str, str]:
    """Cut `network[methods]@settings` into its three parts."""
    if head.count("[") != head.count("]") or head.count("[") > 1:
        raise BnncostError(
            f"design '{text}': the square brackets do not match; write network[method+method]."
        )
    if "[" not in head:
        network, _, settings = head.partition("@")
        return network.strip(), "", settings
    network, _, rest = head.partition("[")
    methods, _, settings = rest.partition("]")
    settings = settings.strip()
    if settings and not settings.startswith("@"):
        raise BnncostError(f"design '{text}': '{settings}' after the methods; settings begin with '@'.")
    return network.strip(), methods, settings[1:]


def _split_plus(methods: str) -> list[str]:
    """Cut at every `+`; an empty list has no methods, an empty part is an error."""
    parts = [part.strip() for part in methods.split("+")] if methods.strip() else []
    if "" in parts:
        raise BnncostError(f"design: a method name is missing in '[{methods}]'.")
    return parts


def _read_settings(text: str, settings: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in settings.split(","))):
        name, equals, value = part.partition("=")
        if not equals and name.startswith("w"):
            name, value = "w", _read_width(text, name[1:])
        elif name not in _SETTINGS:
            raise unknown("setting", name, ["w1.5", *_SETTINGS], place=f"design '{text}'")
        elif value not in _SETTINGS[name]:
            raise unknown(f"value of '{name}'", value, _SETTINGS[name], place=f"design '{text}'")
        if name in values:
            raise BnncostError(f"design '{text}': setting '{name}' is given twice.")
        values[name] = value
    return values


def _read_width(text: str, value: str) -> str:
    try:
        width = float(value)
    except ValueError:
        width = math.nan
    if not 0.05 <= width <= 64:
        raise BnncostError(
            f"design '{text}': width '{value}' must be a number from 0.05 to 64, as in '@w1.5'."
        )
    return value
