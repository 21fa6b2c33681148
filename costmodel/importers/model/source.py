"""MODEL: the text that names a network from elsewhere, and the one place that turns it into operations.

`net.onnx`, `net.pt2`, `path/to/file.py:factory` or `package.module:factory`, each with settings behind an `@` where
it needs them: `net.py:make@input=3x32x32,features=int8`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from costmodel.designs.key import EDGE, FEATURES, enter_setting
from costmodel.errors import BnncostError
from costmodel.graph import Network, Precision, precision
from costmodel.importers.model.document import ModelGraph, read_graph
from costmodel.importers.model.network import ReadNetwork, UnknownNodes, read_network
from costmodel.importers.model.onnx_file import read_onnx, with_shapes
from costmodel.importers.model.reading import Widths

SUFFIXES = (".onnx", ".pt2")
SETTINGS: Mapping[str, Sequence[str] | None] = {"input": None, "features": FEATURES, "edge": EDGE}
READER = "training.reading"
"""The program that writes the graph of a torch program or module; it runs apart, with the user's code."""

_BITS_OF = (
    "Sign",
    "Where",
    "Round",
    "BipolarQuant",
    "Quant",
    "IntQuant",
    "QuantizeLinear",
    "MultiThreshold",
    "Trunc",
)


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
    """A MODEL taken apart: the file or module, its factory, and the settings."""

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


def _cut(text: str) -> tuple[str, str]:
    source, at, settings = text.strip().rpartition("@")
    return (source, settings) if at and "=" in settings else (text.strip(), "")


def parse_model(text: str) -> ModelText:
    """Read a MODEL; raises BnncostError for settings that are unknown or out of range."""
    source, settings = _cut(text)
    values: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in settings.split(","))):
        name, _, value = part.partition("=")
        enter_setting(f"model '{text}'", values, name, value, SETTINGS)
    made = ModelText(text.strip(), source, values)
    _ = made.image
    return made


def with_settings(text: str, given: Mapping[str, str | None]) -> str:
    """Add settings to the text of a MODEL; for a design, which has its own, raises BnncostError where any is given.

    >>> with_settings("net.onnx@edge=int8", {"input": "1x28x28", "features": None})
    'net.onnx@edge=int8,input=1x28x28'
    """
    added = [f"{name}={value}" for name, value in given.items() if value is not None]
    if not added:
        return text
    if not names_model(text):
        option = added[0].partition("=")[0]
        raise BnncostError(
            f"--{option} is for a file or module; '{text}' is a design, which says it in its text: @{added[0]}."
        )
    source, settings = _cut(text)
    return f"{source}@{','.join(filter(None, [settings, *added]))}"


def image_of(text: str) -> tuple[int, ...]:
    """Read the shape of an image.

    >>> image_of("3x32x32")
    (3, 32, 32)
    """
    sides = text.lower().split("x")
    if not 1 <= len(sides) <= 3 or not all(side.isdecimal() and 0 < int(side) <= 16384 for side in sides):
        raise BnncostError(
            f"the shape of an image is channels x height x width, such as 3x32x32, not '{text}'."
        )
    return tuple(int(side) for side in sides)


def read_model(text: str) -> Model:
    """Read the network that a MODEL names; the same file, unchanged, is read once.

    Raises BnncostError for what cannot be read, and with all nodes that are not understood.
    """
    given = parse_model(text)
    return _read(given.text, _stamp(given))


def _stamp(given: ModelText) -> float:
    path = Path(given.source.partition(":")[0] if ".py:" in given.source else given.source)
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@lru_cache(maxsize=64)
def _read(text: str, stamp: float) -> Model:
    given = parse_model(text)
    is_onnx = given.source.lower().endswith(".onnx")
    graph = read_onnx(given.source, given.image) if is_onnx else _torch_graph(given)
    return model_of(graph, text, given)


def model_of(graph: ModelGraph, text: str, given: ModelText | None = None) -> Model:
    """Understand a graph; widths that nothing says are those of the settings, or follow from what is found."""
    settings = given.settings if given is not None else {}
    found, chosen = _understood(graph, settings, given)
    return Model(
        text, replace(found.network, name=text), found.values, (*found.remarks, *_on_widths(chosen, settings))
    )


def _understood(
    graph: ModelGraph, settings: Mapping[str, str], given: ModelText | None
) -> tuple[ReadNetwork, Widths]:
    narrow = any(node.kind in _BITS_OF for node in graph.nodes)
    chosen = _widths(settings, narrow=narrow)
    try:
        found = read_network(graph, chosen)
        if not narrow and _has_narrow_weights(found.network):
            chosen = _widths(settings, narrow=True)
            found = read_network(graph, chosen)
    except UnknownNodes:
        if graph.shapes or given is None or not given.source.lower().endswith(".onnx"):
            raise
        return _understood(with_shapes(graph, given.source), settings, None)
    return found, chosen


def _widths(settings: Mapping[str, str], *, narrow: bool) -> Widths:
    features = precision(settings.get("features", "int16" if narrow else "fp32"))
    edge = precision(settings.get("edge", "int8" if features.kind == "integer" else features.label))
    image = Precision("integer", 8) if edge.kind == "integer" else edge
    return Widths(features, edge, image)


def _has_narrow_weights(network: Network) -> bool:
    return any(op.kind in ("conv", "linear") and op.params[0].precision.kind != "float" for op in network.ops)


def _on_widths(chosen: Widths, settings: Mapping[str, str]) -> list[str]:
    how = "as @features says" if "features" in settings else "assumed; @features says another"
    edge = "as @edge says" if "edge" in settings else "assumed; @edge says another"
    return [
        f"maps that no quantizer narrows are {chosen.features.label} ({how}), weights that lie on no grid "
        f"{chosen.edge.label} ({edge}), and the image is {chosen.image.label}."
    ]


def _torch_graph(given: ModelText) -> ModelGraph:
    """Let the torch side write the graph, in a process of its own: user code runs there, and torch stays there."""
    with tempfile.TemporaryDirectory(prefix="bnncost-") as folder:
        out = Path(folder) / "graph.npz"
        command = [sys.executable, "-m", READER, given.source, given.settings.get("input", ""), str(out)]
        # Modules of the working folder come last: they may be called like those of ours.
        places = os.pathsep.join([*filter(None, sys.path), os.curdir])
        environment = os.environ | {"PYTHONPATH": places, "PYTHONSAFEPATH": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not out.exists():
            raise ReaderFailed(given.source, done.returncode, done.stderr)
        return read_graph(out)


class ReaderFailed(BnncostError):
    """The torch side could not read a model: what is wrong, and the traceback of the user's code, if any."""

    def __init__(self, source: str, code: int, errors: str) -> None:
        _, mark, sentence = errors.rpartition(ERROR_MARK)
        last = (errors.strip().splitlines() or [f"exit code {code}"])[-1]
        self.traceback = "" if mark else errors.strip()
        super().__init__(sentence.strip() if mark else f"'{source}' raised {last}")


ERROR_MARK = "bnncost-reader-error: "
"""Begins the sentence in which the torch side says what is wrong, behind any traceback."""
