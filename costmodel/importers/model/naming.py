"""MODEL: the text that names a network from elsewhere.

`net.onnx`, `net.pt2`, `path/to/file.py:factory` or `package.module:factory`, each with settings behind an `@` where
it needs them: `net.py:make@input=3x32x32,features=int8`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np

from costmodel.designs.key import enter_setting, place_of
from costmodel.designs.settings import EDGE, FEATURES
from costmodel.errors import BnncostError, CodeFailed, shortened
from costmodel.graph import Network
from costmodel.output import whole_of

SUFFIXES = (".onnx", ".pt2")
SETTINGS: Mapping[str, Sequence[str] | None] = {"input": None, "features": FEATURES, "edge": EDGE}


@dataclass(frozen=True, eq=False)
class Model:
    """A network from elsewhere: its text, its operations, the values of its parameters, and how it was read."""

    text: str
    network: Network
    values: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The text that names it."""
        return self.text


@dataclass(frozen=True)
class ModelText:
    """A MODEL taken apart: the file or module, its factory, and the settings; `text` is the one way to write it."""

    text: str
    source: str
    settings: Mapping[str, str]

    @property
    def image(self) -> tuple[int, ...] | None:
        """Shape of the image, (C, H, W), if it is given."""
        given = self.settings.get("input")
        return None if given is None else image_of(given)


def names_model(text: str) -> bool:
    """Whether a text names a network from elsewhere, and not a design.

    >>> names_model("net.onnx"), names_model("nets.py:make@input=3x32x32"), names_model("resnet20[prelu]/cifar10")
    (True, True, False)
    """
    source = _cut(text)[0]
    return source.lower().endswith(SUFFIXES) or ":" in source


_ELSEWHERE = {
    ".py": "name the function that makes the module: file.py:factory",
    ".pt": "a pickle runs code when it is read: name file.py:factory, or write a .pt2 file with torch.export.save",
    ".tflite": "convert it to ONNX, with tf2onnx",
    ".h5": "convert it to ONNX, with tf2onnx",
}  # fmt: skip
_LIKE = {".pth": ".pt", ".ckpt": ".pt", ".bin": ".pt", ".safetensors": ".pt", ".keras": ".h5", ".pb": ".h5"}


def refuse_other_files(text: str) -> None:
    """Raise BnncostError for a file of a kind that is not read, and for methods of a file; designs pass.

    >>> refuse_other_files("net.tflite")
    Traceback (most recent call last):
    costmodel.errors.BnncostError: 'net.tflite' is no file that bnncost reads; convert it to ONNX, with tf2onnx.
    """
    lower = text.strip().lower()
    for suffix in SUFFIXES:
        if f"{suffix}[" in lower:
            raise BnncostError(
                f"'{text}': methods are for designs and network files (.yaml); a {suffix} file is costed as it is."
            )
    suffix = PurePath(lower.partition("@")[0]).suffix
    hint = _ELSEWHERE.get(_LIKE.get(suffix, suffix))
    if hint is not None:
        raise BnncostError(f"'{text}' is no file that bnncost reads; {hint}.")


def refuse_model(text: str, instead: str) -> None:
    """Raise BnncostError for a network from elsewhere where a design belongs, with what to do `instead`; designs pass.

    >>> refuse_model("net.onnx", "train a network file")
    Traceback (most recent call last):
    costmodel.errors.BnncostError: 'net.onnx' is a network from elsewhere, and no design; train a network file.
    """
    if names_model(text):
        raise BnncostError(f"'{shortened(text)}' is a network from elsewhere, and no design; {instead}.")


def _cut(text: str) -> tuple[str, str]:
    source, at, settings = text.strip().rpartition("@")
    return (source, settings) if at and "=" in settings else (text.strip(), "")


def parse_model(text: str) -> ModelText:
    """Read a MODEL; raises BnncostError for settings that are unknown or out of range.

    >>> parse_model("net.onnx@edge=int8,input=1X28X28").text
    'net.onnx@input=1x28x28,edge=int8'
    """
    place = place_of(text, "model")
    source, settings = _cut(text)
    values: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in settings.split(","))):
        name, _, value = part.partition("=")
        enter_setting(place, values, name, value, SETTINGS)
    if "input" in values:
        values["input"] = "x".join(map(str, image_of(values["input"])))
    written = ",".join(f"{name}={values[name]}" for name in SETTINGS if name in values)
    return ModelText(f"{source}@{written}" if written else source, source, values)


def with_settings(text: str, given: Mapping[str, str | None]) -> str:
    """Add settings to the text of a MODEL; for a design, which has its own, raises BnncostError where any is given.

    >>> with_settings("net.onnx@edge=int8", {"input": "1x28x28", "features": None})
    'net.onnx@edge=int8,input=1x28x28'
    """
    added = [f"{name}={value}" for name, value in given.items() if value is not None]
    if not added:
        return text
    if "input" in given and given["input"] is not None:
        _ = image_of(given["input"])
    if not names_model(text):
        refuse_other_files(text)
        option = added[0].partition("=")[0]
        raise BnncostError(
            f"--{option} is for a file or module; '{shortened(text)}' is a design, which says it in its text: "
            f"@{shortened(added[0])}."
        )
    source, settings = _cut(text)
    return f"{source}@{','.join(filter(None, [settings, *added]))}"


def image_of(text: str) -> tuple[int, ...]:
    """Read the shape of an image.

    >>> image_of("3x32x32")
    (3, 32, 32)
    """
    sides = [whole_of(side) or 0 for side in text.lower().split("x")]
    if not 1 <= len(sides) <= 3 or not all(0 < side <= 16384 for side in sides):
        raise BnncostError(
            f"the shape of an image is channels x height x width, such as 3x32x32, not '{shortened(text)}'."
        )
    return tuple(sides)


class ReaderFailed(CodeFailed):
    """The torch side could not read a model: what is wrong, and the traceback of the user's code, if any."""

    def __init__(self, source: str, code: int, errors: str) -> None:
        _, mark, sentence = errors.rpartition(ERROR_MARK)
        last = _raised(errors) or f"exit code {code}"
        self.traceback = "" if mark else errors.strip()
        super().__init__(sentence.strip() if mark else f"'{source}' raised {last}")


def _raised(errors: str) -> str:
    """The line of a traceback that names the error; without a traceback, the last line."""
    lines = errors.rpartition("Traceback (most recent call last):")[2].strip("\n").splitlines()
    named = [line for line in lines if line and not line[0].isspace()]
    if not named:
        return ""
    return named[0] if "Traceback (most recent call last):" in errors else named[-1]


ERROR_MARK = "bnncost-reader-error: "
"""Begins the sentence in which the torch side says what is wrong, behind any traceback."""
