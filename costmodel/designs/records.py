"""Accuracies of designs: training writes them, analysis reads them, and files of them are all that the two share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from costmodel.designs.content import is_content
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError, unknown
from costmodel.hardware.text.quantity import shown
from costmodel.output import number_of, whole_of

AS_TRAINED = "fp32"
"""What a measurement calls the features of a network as it was trained."""
SPEC, RECORD = "run.json", "record.json"
"""The files of a run's folder that say what the run is, and, once it has ended, what came out."""
COMMAND = "command"
"""A column beside those of measurements in a CSV: what to type to make one again."""


@dataclass(frozen=True)
class AccuracyRecord:
    """Top-1 accuracy [%] of a design, with its source.

    `name` is the design as written: a published design's name or the text form. `kind` says who measured:
    author, third-party, cited or secondary for the literature, measured for own runs, estimated where nothing was
    trained, added for one front alone. `label` is what a picture calls the design, if it was given; `source` the file
    that an own figure is from, where several are laid over each other. `low` and `high` are the ends of the interval
    that an estimate has [%].
    """

    name: str
    key: DesignKey
    top1: float
    kind: str = "measured"
    reference: str = ""
    note: str = ""
    epochs: str = ""
    seeds: str = ""
    label: str = ""
    low: float | None = None
    high: float | None = None
    source: str = ""

    @property
    def identity(self) -> str:
        """What no other design of a front is called: its name, behind the source of an own figure."""
        return f"{self.source}: {self.name}" if self.source else self.name


@dataclass(frozen=True)
class Measurement:
    """One own measurement of a design's accuracy: what was trained, how, on what, and what came out.

    `design` is the design that was trained, in its text form; `features` the precision of real-valued maps at which
    `top1` was measured: fp32 as trained, or that of an exported integer network. `top1` [%] is that of the test set
    after the last epoch, `validation_top1` [%] that of images kept from the training set. `recipe_digest` stands
    for all settings of the recipe; `image` is (C, H, W) as "3x32x32"; `wall_s` [s] is the time of training, None where
    several runs shared a device and no time was taken of each. `content` stands for the network file and the plugins
    that the design names, as they were (`content_of`): empty where all is shipped, or where nobody noted it.
    """

    design: str
    features: str
    top1: float
    validation_top1: float
    recipe: str
    recipe_digest: str
    data: str
    image: str
    train_images: int
    test_images: int
    epochs: int
    seed: int
    wall_s: float | None
    device: str
    torch: str
    commit: str
    date: str
    content: str = ""

    @property
    def protocol(self) -> str:
        """What has to be the same in two measurements for their difference to be that of their designs.

        >>> Measurement("resnet20/cifar10", "fp32", 80.0, 80.0, "short", "1f3a", "cifar10", "3x32x32", 45000, 10000,
        ...             60, 0, 1.0, "cpu", "2.13.0", "", "2026-01-01").protocol
        'short (1f3a) on cifar10, 45000 images of 3x32x32, 60 epochs'
        """
        return (
            f"{self.recipe} ({self.recipe_digest}) on {self.data}, {self.train_images} images of {self.image}, "
            f"{self.epochs} epochs"
        )

    def to_json(self) -> str:
        """Write as one JSON object; the content only where there is one, so that other versions read the rest."""
        values = {name: value for name, value in asdict(self).items() if name != "content" or value}
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], place: str) -> Measurement:
        """Read from JSON's values, or from the texts of a CSV row; raises BnncostError, naming `place`."""
        columns = {item.name: item.type for item in fields(cls)}
        for name in values:
            if name not in columns:
                raise unknown("field of a measurement", str(name), columns, place)
        read = {
            name: _field(values, name, str(kind), place)
            for name, kind in columns.items()
            if name in values or name in NEEDED
        }
        problems = [
            f"{place}: {name} is {read[name]}, but must be {wanted}."
            for name, (low, high, wanted) in _BOUNDS.items()
            if read[name] is not None and not low <= read[name] <= high
        ]
        problems += [
            f"{place}: {name} is {shown(read[name])}, but must be {wanted}."
            for name, (is_one, wanted) in _FORMS.items()
            if name in read and not is_one(read[name])
        ]
        if problems:
            raise BnncostError("\n".join(problems))
        return cls(**read)


NEEDED = tuple(item.name for item in fields(Measurement) if item.default is MISSING)
"""The fields that every measurement has."""


def require_same(file: Path, there: Mapping[str, object], own: Mapping[str, object]) -> None:
    """Raise BnncostError where what a record says of its run is not what the run in whose folder it lies says."""
    for what, value in own.items():
        if there[what] != value:
            raise BnncostError(
                f"'{file}' has the {what} {there[what]}, but lies in the folder of a run with the {what} {value}; "
                "move it to its own folder, or delete it and train again."
            )


_PERCENT = (0, 100, "a number from 0 to 100 (percent)")
_SOME = (1, 10**12, "from 1 to 10^12")
_BOUNDS = {
    "top1": _PERCENT,
    "validation_top1": _PERCENT,
    "train_images": _SOME,
    "test_images": _SOME,
    "epochs": (0, 10**9, "from 0 to 10^9"),
    "seed": (0, 2**64 - 1, "from 0 to 2^64 - 1"),
    "wall_s": (0, 1e12, "a time from 0 to 10^12 s"),
}
_IMAGE = re.compile(r"[1-9]\d{0,4}(x[1-9]\d{0,4}){2}", re.ASCII)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_FORMS = {
    "image": (lambda text: _IMAGE.fullmatch(text), "channels and sides, as in 3x32x32"),
    "date": (_is_date, "a day, as in 2026-01-31"),
    "content": (is_content, "eight digits from 0 to f, or empty"),
}
_OPTIONAL = " | None"


def _field(values: Mapping[str, Any], name: str, kind: str, place: str) -> Any:
    """Read one field; an empty cell is None where the field may be."""
    value = values.get(name)
    if name in values and value in (None, "") and kind.endswith(_OPTIONAL):
        return None
    if value is None:
        raise BnncostError(f"{place}: the field '{name}' of a measurement is missing.")
    return _read(value, kind.removesuffix(_OPTIONAL), f"{place}: field '{name}'")


def _read(value: object, kind: str, place: str) -> object:
    """Read a value of JSON, or a text of a CSV; raises BnncostError for what is not of its kind."""
    read: object = None
    if kind == "str" and isinstance(value, str):
        read = value
    elif kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
        read = float(value) if abs(value) < _BEYOND else None
    elif kind == "int" and isinstance(value, (int, float)) and not isinstance(value, bool):
        read = int(value) if abs(value) < _BEYOND and value == int(value) else None
    elif kind != "str" and isinstance(value, str):
        read = whole_of(value) if kind == "int" else number_of(value)
    if read is None:
        wanted = {"str": "text", "int": "a whole number", "float": "a number"}[kind]
        raise BnncostError(f"{place} is {shown(value)}, but must be {wanted}.")
    return read


_BEYOND = 1e300
"""Larger than any figure of a measurement, infinite or no number."""
