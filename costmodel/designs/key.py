"""DesignKey: everything that makes one network, and its one text form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from costmodel.designs.backbone import LARGEST, image_problem
from costmodel.designs.catalogue import DATASETS, OWN, DatasetShape
from costmodel.designs.network_files import backbone_of, end_of_path, one_spelling
from costmodel.errors import BnncostError, shortened, unknown
from costmodel.graph import precision
from costmodel.methods import MethodUse, check_combination
from costmodel.output import number_of, require_utf8, whole_of

FEATURES = ("fp32", "fp16", "int16", "int8", "int6", "int4")
COMPUTE = ("binary", "ternary", "int2", "int3", "int4", "int8", "fp16", "fp32")
PADDING = ("one", "zero", "replicate")
EDGE = ("fp32", "fp16", "int16", "int8", "int4")
WIDTHS = 0.05, 64.0
"""Least and largest factor on the channels of a network."""
WIDTH_DIGITS = 4
"""Digits behind the point that a width may have: two designs whose names differ are to differ."""
_SETTINGS: Mapping[str, Sequence[str] | None] = {
    "features": FEATURES,
    "compute": COMPUTE,
    "edge": EDGE,
    "padding": PADDING,
    "input": None,
    "classes": None,
}
"""Settings and their values, where these can be listed."""
_SIDES = re.compile(r"(?:(\d{1,5})x)?(\d{1,5})x(\d{1,5})", re.ASCII)


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
    image: tuple[int, int, int] | None = None
    classes: int | None = None

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
        """The same design with other repairs."""
        check_combination(methods)
        others, width = _width_apart(methods, self.width, "a design")
        return replace(self, methods=in_one_order(others), width=width)

    def with_features(self, features: str) -> DesignKey:
        """The same design with non-binary maps of another precision; raises BnncostError for an unknown one."""
        if features not in FEATURES:
            raise unknown("precision of features", features, FEATURES, place=f"design '{self}'")
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
        if dataset not in (*DATASETS, OWN):
            raise unknown("data set", dataset, [*DATASETS, OWN], place=place)
        uses = tuple(MethodUse.parse(part, place) for part in _split_plus(methods))
        check_combination(uses)
        values = _read_settings(place, settings)
        others, width = _width_apart(uses, float(values.pop("w", "1")), place)
        uses = in_one_order(others)
        compute = values.get("compute", "binary")
        given = _shape_given(network, dataset)
        image = _read_image(place, values.pop("input", None), given.image if given else None)
        classes = _read_classes(place, values.pop("classes", None))
        return cls(
            network, dataset, uses, width, **{**_implied(compute), **values},
            image=None if given and image == given.image else image,
            classes=None if given and classes == given.classes else classes,
        )  # fmt: skip


LONGEST = 4096
"""Characters of a design's text, which may have the path of a file in it."""


_NO_TEXT = ("Cc", "Cs")
"""Categories of characters that no name has: controls, and halves of others."""


def place_of(text: str, what: str = "design") -> str:
    """What messages call a design; raises BnncostError for a text that no design has: too long, or with odd characters.

    >>> place_of("resnet20")
    "design 'resnet20'"
    """
    place = f"{what} '{shortened(text)}'"
    if len(text) > LONGEST:
        raise BnncostError(f"{place}: a {what} has at most {LONGEST} characters.")
    strange = next((sign for sign in text.strip() if unicodedata.category(sign) in _NO_TEXT), "")
    require_utf8(text, place)
    if strange:
        raise BnncostError(f"{place}: the character U+{ord(strange):04X} stands in no {what}.")
    return place


def in_one_order(methods: Iterable[MethodUse]) -> tuple[MethodUse, ...]:
    """Sort methods by name: each acts where its hook and rank say, not where it is written.

    >>> str(DesignKey.parse("resnet20[prelu+double_residual]"))
    'resnet20[double_residual+prelu]/cifar10'
    """
    return tuple(sorted(methods, key=str))


def _width_apart(
    methods: Sequence[MethodUse], width: float, place: str
) -> tuple[tuple[MethodUse, ...], float]:
    """Take the method `width` as the setting that it is: one network has one name."""
    factors = [float(use.option("factor")) for use in methods if use.method.hook == "width"]
    if not factors:
        return tuple(methods), width
    made = round(width * factors[0], 10)
    _require_width(place, made, f"{made:g}")
    return tuple(use for use in methods if use.method.hook != "width"), made


def in_lower_case(text: str) -> str:
    """A design as names are written; the path of a file stays as it is.

    >>> in_lower_case("ResNet20[PReLU]/CIFAR10"), in_lower_case("Mine.YAML[PReLU]@W1.5")
    ('resnet20[prelu]/cifar10', 'Mine.YAML[prelu]@w1.5')
    """
    end = end_of_path(text)
    return text[:end] + text[end:].lower()


def _shortest(width: float) -> str:
    """Write a width in the fewest digits that read back as the same number."""
    try:
        return repr(float(width)).removesuffix(".0")
    except (TypeError, ValueError, OverflowError):
        raise BnncostError(f"a width is a number such as 1.5, not {shortened(repr(width))}.") from None


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


def _read_image(
    place: str, value: str | None, given: tuple[int, int, int] | None
) -> tuple[int, int, int] | None:
    """Read `64x64` or `3x64x64`; channels are those of the data set unless given."""
    if value is None:
        return None
    found = _SIDES.fullmatch(value)
    channels = (found and found[1]) or (given and given[0])
    if not found or not channels:
        form = "HEIGHTxWIDTH or CHANNELSxHEIGHTxWIDTH" if given else "CHANNELSxHEIGHTxWIDTH"
        raise BnncostError(f"{place}: input '{shortened(value)}' must be {form}, as in '@input=3x64x64'.")
    image = (int(channels), int(found[2]), int(found[3]))
    if not all(1 <= side <= LARGEST for side in image):
        raise BnncostError(f"{place}: input '{shortened(value)}' must have sides from 1 to {LARGEST}.")
    problem = image_problem(image)
    if problem:
        raise BnncostError(f"{place}: input '{value}' {problem}.")
    return image


def _read_classes(place: str, value: str | None) -> int | None:
    if value is None:
        return None
    number = whole_of(value)
    if number is None or not 1 <= number <= LARGEST:
        raise BnncostError(
            f"{place}: classes '{shortened(value)}' must be a whole number from 1 to {LARGEST}, as in '@classes=2'."
        )
    return number


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
            enter_once(place, values, "w", _read_width(place, name[1:]))
        else:
            enter_setting(place, values, name, value, _SETTINGS, also="w1.5")
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


def _read_width(place: str, value: str) -> str:
    _require_width(place, number_of(value), shortened(value))
    return value


def _require_width(place: str, width: float | None, value: str) -> None:
    low, high = WIDTHS
    if width is None or not low <= width <= high:
        raise BnncostError(
            f"{place}: width '{value}' must be a number from {low:g} to {high:g}, as in '@w1.5'."
        )
    if width != round(width, WIDTH_DIGITS):
        raise BnncostError(
            f"{place}: width '{shortened(value)}' has more than {WIDTH_DIGITS} digits behind the point; write "
            f"w{_shortest(round(width, WIDTH_DIGITS))}."
        )
