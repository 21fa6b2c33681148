"""What the settings of a design may be: each read from a text, and each held against its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from costmodel.designs.backbone import LARGEST, image_problem
from costmodel.errors import BnncostError, shortened, unknown
from costmodel.output import number_of, whole_of

FEATURES = ("fp32", "fp16", "int16", "int8", "int6", "int4")
COMPUTE = ("binary", "ternary", "int2", "int3", "int4", "int8", "fp16", "fp32")
PADDING = ("one", "zero", "replicate")
EDGE = ("fp32", "fp16", "int16", "int8", "int4")
WIDTHS = 0.05, 64.0
"""Least and largest factor on the channels of a network."""
WIDTH_DIGITS = 4
"""Digits behind the point that a width may have: two designs whose names differ are to differ."""
SETTINGS: Mapping[str, Sequence[str] | None] = {
    "features": FEATURES,
    "compute": COMPUTE,
    "edge": EDGE,
    "padding": PADDING,
    "input": None,
    "classes": None,
}
"""Settings and their values, where these can be listed."""
_SIDES = re.compile(r"(?:(\d{1,5})x)?(\d{1,5})x(\d{1,5})", re.ASCII)

Image = tuple[int, int, int]
_WHOLE = (int, np.integer)
_NUMBERS = (*_WHOLE, float, np.floating)


def require_listed(place: str, what: str, value: object, listed: Sequence[str]) -> None:
    """Raise BnncostError, with what may be, for a value that is not."""
    if not isinstance(value, str) or value not in listed:
        raise unknown(what, str(value), listed, place=place)


def shortest(width: float) -> str:
    """Write a width in the fewest digits that read back as the same number."""
    return repr(width).removesuffix(".0")


def read_width(place: str, value: str) -> float:
    """Read `1.5`; raises BnncostError as `width_of` does."""
    return _width_in_range(place, number_of(value), value)


def width_of(place: str, value: object) -> float:
    """The width as a plain number; raises BnncostError for what is none, is out of range, or has too many digits."""
    if type(value) is float and value == 1:
        return value  # as most are
    try:
        number = None if isinstance(value, bool) or not isinstance(value, _NUMBERS) else float(value)
    except OverflowError:
        number = None
    return _width_in_range(place, number, f"{value}" if number is None else shortest(number))


def _width_in_range(place: str, width: float | None, value: str) -> float:
    low, high = WIDTHS
    if width is None or not low <= width <= high:
        raise BnncostError(
            f"{place}: width '{shortened(value)}' must be a number from {low:g} to {high:g}, as in '@w1.5'."
        )
    if width != round(width, WIDTH_DIGITS):
        raise BnncostError(
            f"{place}: width '{shortened(value)}' has more than {WIDTH_DIGITS} digits behind the point; write "
            f"w{shortest(round(width, WIDTH_DIGITS))}."
        )
    return width


def read_image(place: str, value: str, given: Image | None) -> Image:
    """Read `64x64` or `3x64x64`; channels are those of the data set, `given`, unless the text says them.

    Raises BnncostError for another form, and as `image_of` does.
    """
    found = _SIDES.fullmatch(value)
    channels = (found and found[1]) or (given and given[0])
    if not found or not channels:
        form = "HEIGHTxWIDTH or CHANNELSxHEIGHTxWIDTH" if given else "CHANNELSxHEIGHTxWIDTH"
        raise BnncostError(f"{place}: input '{shortened(value)}' must be {form}, as in '@input=3x64x64'.")
    return _image_in_range(place, (int(channels), int(found[2]), int(found[3])), value)


def image_of(place: str, value: object) -> Image:
    """The image (C, H, W) as plain numbers; raises BnncostError for what is none, or too large."""
    sides = [_whole(side) for side in value] if isinstance(value, tuple | list) else []
    whole = [side for side in sides if side is not None]
    if len(whole) != 3 or len(sides) != 3:
        raise BnncostError(
            f"{place}: the image {shortened(repr(value))} must be three whole numbers, channels, height and width, "
            "as in (3, 64, 64)."
        )
    return _image_in_range(place, (whole[0], whole[1], whole[2]), "x".join(map(str, whole)))


def _image_in_range(place: str, image: Image, value: str) -> Image:
    if not all(1 <= side <= LARGEST for side in image):
        raise BnncostError(f"{place}: input '{shortened(value)}' must have sides from 1 to {LARGEST}.")
    problem = image_problem(image)
    if problem:
        raise BnncostError(f"{place}: input '{value}' {problem}.")
    return image


def read_classes(place: str, value: str) -> int:
    """Read `2`; raises BnncostError as `classes_of` does."""
    return _classes_in_range(place, whole_of(value), value)


def classes_of(place: str, value: object) -> int:
    """The number of classes as a plain one; raises BnncostError for what is none, and for none or too many."""
    return _classes_in_range(place, _whole(value), f"{value}")


def _classes_in_range(place: str, number: int | None, value: str) -> int:
    if number is None or not 1 <= number <= LARGEST:
        raise BnncostError(
            f"{place}: classes '{shortened(value)}' must be a whole number from 1 to {LARGEST}, as in '@classes=2'."
        )
    return number


def _whole(value: object) -> int | None:
    """A whole number as Python's own, whose products never wrap; None for what is none."""
    return None if isinstance(value, bool) or not isinstance(value, _WHOLE) else int(value)
