"""DesignKey: everything that makes one network, and its one text form."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from costmodel.designs.catalogue import DATASETS, OWN, DatasetShape
from costmodel.designs.network_files import backbone_of, end_of_path, one_spelling
from costmodel.designs.settings import (
    COMPUTE,
    EDGE,
    FEATURES,
    PADDING,
    SETTINGS,
    Image,
    classes_of,
    image_of,
    read_classes,
    read_image,
    read_width,
    require_listed,
    shortest,
    width_of,
)
from costmodel.errors import BnncostError, shortened, unknown
from costmodel.graph import precision
from costmodel.methods import MethodUse, check_combination
from costmodel.output import require_utf8

_DATASETS = (*DATASETS, OWN)


@dataclass(frozen=True)
class DesignKey:
    """A network, its repairs and its settings; text form `network[method+method]@w1.5,features=int8/data`.

    `network` is the name of a shipped network or the path of a network file, which ends in .yaml, in its one spelling.
    `features` is the precision of non-binary maps, `compute` that of the operands of the inner
    convolutions, `edge` that of the first and last layer, `padding` what surrounds a map of bits: ones, zeros, or
    what stands at its border.
    Features and edge layers follow a floating-point `compute` unless given; a text without data set means
    the one that the network is usually trained on. `image` (C, H, W) and `classes` stand where they are not the data
    set's: `@input=64x64,classes=2`. The data set `own` has no shape but these, or the network file's.

    However it is made, one design is one key: numbers are Python's own, methods stand in one order, and the method
    `width` is the setting. What no text form could say raises BnncostError.

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
    image: Image | None = None
    classes: int | None = None

    def __post_init__(self) -> None:
        """Bring the values into the one form that they have; raises BnncostError where that is none."""
        place = f"design '{self.network}'"
        if not isinstance(self.network, str):
            raise BnncostError(f"{place}: a network is a name, or the path of its file.")
        if not self.network.isidentifier():  # as shipped ones are
            object.__setattr__(self, "network", one_spelling(self.network))
        require_listed(place, "data set", self.dataset, _DATASETS)
        require_listed(place, "value of 'compute'", self.compute, COMPUTE)
        require_listed(place, "value of 'features'", self.features, FEATURES)
        require_listed(place, "value of 'edge'", self.edge, EDGE)
        require_listed(place, "value of 'padding'", self.padding, PADDING)
        width = width_of(place, self.width)
        if self.methods != ():
            methods, width = _in_one_form(place, self.methods, width)
            object.__setattr__(self, "methods", methods)
        object.__setattr__(self, "width", width)
        given = DATASETS.get(self.dataset)
        if self.image is not None:
            image = image_of(place, self.image)
            object.__setattr__(self, "image", None if given and image == given.image else image)
        if self.classes is not None:
            classes = classes_of(place, self.classes)
            object.__setattr__(self, "classes", None if given and classes == given.classes else classes)

    def __str__(self) -> str:
        """Text form; settings at their defaults are left out."""
        methods = f"[{'+'.join(map(str, self.methods))}]" if self.methods else ""
        implied = _implied(self.compute)
        settings = [f"w{shortest(self.width)}"] if self.width != 1 else []
        settings += [f"compute={self.compute}"] if self.compute != "binary" else []
        for name in ("features", "edge"):
            if getattr(self, name) != implied[name]:
                settings.append(f"{name}={getattr(self, name)}")
        settings += [f"padding={self.padding}"] if self.padding != "one" else []
        settings += [f"input={_sides_text(self.image, self._given)}"] if self.image else []
        settings += [f"classes={self.classes}"] if self.classes else []
        return f"{self.network}{methods}{'@' + ','.join(settings) if settings else ''}/{self.dataset}"

    @property
    def _given(self) -> DatasetShape | None:
        """Images and classes of the data set or the network file, None where neither says them."""
        return _shape_given(self.network, self.dataset)

    @property
    def shape(self) -> DatasetShape:
        """What the network is built for: images and classes of its data set, unless the design says others.

        Raises BnncostError where nothing says them.
        """
        given = self._given
        image = self.image or (given.image if given else None)
        classes = self.classes or (given.classes if given else None)
        if image is None or classes is None:
            raise BnncostError(
                f"design '{self}': nothing says what the images of '{OWN}' are; write @input=3x64x64,classes=2, or "
                f"name a data set: {', '.join(DATASETS)}."
            )
        halves = given.halves if given and image == given.image else ""
        return DatasetShape(self.dataset, image, classes, halves)

    @property
    def plain(self) -> DesignKey:
        """The same design without any repair."""
        return replace(self, methods=(), width=1.0)

    def with_methods(self, methods: tuple[MethodUse, ...]) -> DesignKey:
        """The same design with other repairs; raises BnncostError for those that cannot stand together."""
        return replace(self, methods=methods)

    def with_features(self, features: str) -> DesignKey:
        """The same design with non-binary maps of another precision; raises BnncostError for an unknown one."""
        return replace(self, features=features)

    def without(self, name: str) -> DesignKey:
        """The same design less one method."""
        return self.with_methods(tuple(use for use in self.methods if use.name != name))

    def as_run(self) -> DesignKey:
        """The design that costs the same at inference, without the methods that act on its recipe alone.

        >>> str(DesignKey.parse("resnet20[prelu+sgd]").as_run())
        'resnet20[prelu]/cifar10'
        """
        return replace(self, methods=tuple(use for use in self.methods if use.method.hook != "recipe"))

    @classmethod
    def parse(cls, text: str) -> DesignKey:
        """Read the text form, in any case; what is unknown or out of range raises a BnncostError with what may be."""
        place = place_of(text)
        head, slash, dataset = _without_dataset(in_lower_case(text.strip()))
        network, methods, settings = _split(place, head)
        network = one_spelling(network)
        backbone = backbone_of(network, place)
        dataset = dataset if slash else backbone.dataset or OWN
        require_listed(place, "data set", dataset, _DATASETS)
        uses = tuple(MethodUse.parse(part, place) for part in _split_plus(methods))
        values = _read_settings(place, settings)
        width = read_width(place, values.pop("w")) if "w" in values else 1.0
        compute = values.get("compute", "binary")
        given = _shape_given(network, dataset)
        sides, number = values.pop("input", None), values.pop("classes", None)
        image = None if sides is None else read_image(place, sides, given.image if given else None)
        classes = None if number is None else read_classes(place, number)
        return cls(
            network, dataset, uses, width, **{**_implied(compute), **values},
            image=None if given and image == given.image else image,
            classes=None if given and classes == given.classes else classes,
        )  # fmt: skip


def require_key(design: object) -> None:
    """Raise BnncostError for what is no DesignKey."""
    if not isinstance(design, DesignKey):
        raise BnncostError(
            f"a DesignKey is asked for, such as resolve('resnet20'), not {shortened(repr(design))}."
        )


LONGEST = 4096
"""Characters of a design's text, which may have the path of a file in it."""


_NO_TEXT = ("Cc", "Cs")
"""Categories of characters that no name has: controls, and halves of others."""


def place_of(text: str, what: str = "design") -> str:
    """What messages call a design; raises BnncostError for a text that no design has: too long, or with odd characters.

    >>> place_of("resnet20")
    "design 'resnet20'"
    """
    if not isinstance(text, str):
        raise BnncostError(f"a {what} is a text, not {shortened(repr(text))}.")
    place = f"{what} '{shortened(text)}'"
    if len(text) > LONGEST:
        raise BnncostError(f"{place}: a {what} has at most {LONGEST} characters.")
    if text.isprintable():  # as most are
        return place
    require_utf8(text, place)
    strange = next((sign for sign in text.strip() if unicodedata.category(sign) in _NO_TEXT), "")
    if strange:
        raise BnncostError(f"{place}: the character U+{ord(strange):04X} stands in no {what}.")
    return place


def in_one_order(methods: Iterable[MethodUse]) -> tuple[MethodUse, ...]:
    """Sort methods by name: each acts where its hook and rank say, not where it is written.

    >>> str(DesignKey.parse("resnet20[prelu+double_residual]"))
    'resnet20[double_residual+prelu]/cifar10'
    """
    return tuple(sorted(methods, key=str))


def _in_one_form(place: str, methods: object, width: float) -> tuple[tuple[MethodUse, ...], float]:
    """Order methods that may stand together, and take the method `width` as the setting that it is."""
    if not isinstance(methods, tuple | list) or not all(isinstance(use, MethodUse) for use in methods):
        raise BnncostError(
            f"{place}: its methods are a tuple such as (MethodUse('prelu'),), not {shortened(repr(methods))}."
        )
    uses = tuple(methods)
    check_combination(uses)
    factors = [float(use.option("factor")) for use in uses if use.method.hook == "width"]
    if not factors:
        return in_one_order(uses), width
    others = in_one_order(use for use in uses if use.method.hook != "width")
    return others, width_of(place, round(width * factors[0], 10))


def in_lower_case(text: str) -> str:
    """A design as names are written; the path of a file stays as it is.

    >>> in_lower_case("ResNet20[PReLU]/CIFAR10"), in_lower_case("Mine.YAML[PReLU]@W1.5")
    ('resnet20[prelu]/cifar10', 'Mine.YAML[prelu]@w1.5')
    """
    end = end_of_path(text)
    return text[:end] + text[end:].lower()


def _implied(compute: str) -> dict[str, str]:
    """Precision of maps and edge layers that goes with the operands', unless given."""
    if precision(compute).kind == "float":
        return {"features": compute, "edge": compute}
    return {"features": "int16", "edge": "int8"}


def _shape_given(network: str, dataset: str) -> DatasetShape | None:
    """Images and classes that a data set, or a network file without one, brings along."""
    if dataset in DATASETS:
        return DATASETS[dataset]
    backbone = backbone_of(network)
    if backbone.image is None or backbone.classes is None:
        return None
    return DatasetShape(OWN, backbone.image, backbone.classes)


def _without_dataset(text: str) -> tuple[str, str, str]:
    """Cut `network.../data` at the slash in front of the data set; those in the path of a file stay."""
    head, slash, dataset = text.rpartition("/")
    if not slash or end_of_path(dataset):
        return text, "", ""
    return head, slash, dataset.strip()


def _sides_text(image: tuple[int, int, int], given: DatasetShape | None) -> str:
    """Write an image's sides, with its channels where they differ from the data set's."""
    sides = image[1:] if given and image[0] == given.image[0] else image
    return "x".join(map(str, sides))


def _split(place: str, head: str) -> tuple[str, str, str]:
    """Cut `network[methods]@settings` into its three parts."""
    if head.count("[") != head.count("]") or head.count("[") > 1:
        raise BnncostError(f"{place}: the square brackets do not match; write network[method+method].")
    if "[" not in head:
        network, _, settings = head.partition("@")
        return network.strip(), "", settings
    network, _, rest = head.partition("[")
    methods, _, settings = rest.partition("]")
    settings = settings.strip()
    if settings and not settings.startswith("@"):
        raise BnncostError(f"{place}: '{shortened(settings)}' after the methods; settings begin with '@'.")
    return network.strip(), methods, settings[1:]


def _split_plus(methods: str) -> list[str]:
    """Cut at every `+`; an empty list has no methods, an empty part is an error."""
    parts = [part.strip() for part in methods.split("+")] if methods.strip() else []
    if "" in parts:
        raise BnncostError(f"design: a method name is missing in '[{shortened(methods)}]'.")
    return parts


def _read_settings(place: str, settings: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in settings.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals and name.startswith("w"):
            enter_once(place, values, "w", name[1:])
        else:
            enter_setting(place, values, name, value, SETTINGS, also="w1.5")
    return values


def enter_setting(
    place: str,
    values: dict[str, str],
    name: str,
    value: str,
    allowed: Mapping[str, Sequence[str] | None],
    also: str = "",
) -> None:
    """Enter `name=value` among the settings of a text, which messages call `place`.

    Raises BnncostError for an unknown name or value, and for a setting that is given twice. A value is any that the
    reader takes where `allowed` lists none; `also` is a form that messages name beside.
    """
    if name not in allowed:
        raise unknown("setting", name, [*filter(None, [also]), *allowed], place=place)
    listed = allowed[name]
    if listed is not None and value not in listed:
        raise unknown(f"value of '{name}'", value, listed, place=place)
    enter_once(place, values, name, value)


def enter_once(place: str, values: dict[str, str], name: str, value: str) -> None:
    """Enter a setting; raises BnncostError where it is there already."""
    if name in values:
        raise BnncostError(f"{place}: setting '{shortened(name)}' is given twice.")
    values[name] = value
