"""The one place that turns a network from elsewhere into operations."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from costmodel.errors import BnncostError
from costmodel.graph import BINARY, Network, Precision, precision
from costmodel.importers.model.apart import apart
from costmodel.importers.model.document import ModelGraph, read_graph
from costmodel.importers.model.naming import Model, ModelText, ReaderFailed, parse_model
from costmodel.importers.model.network import ReadNetwork, UnknownNodes, read_network
from costmodel.importers.model.onnx_file import read_onnx
from costmodel.importers.model.reading import Widths
from costmodel.operations.convolution import is_mac
from costmodel.output import require_plain

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


def read_model(text: str) -> Model:
    """Read the network that a MODEL names; the same files, unchanged, are read once.

    Raises BnncostError for what cannot be read, and with all nodes that are not understood.
    """
    given = parse_model(text)
    return _read(given.text, tuple(map(_stamp, _files_of(given.source))))


def _files_of(source: str) -> list[Path]:
    """The files that a MODEL is read from: of code those beside a file, or of the whole package of a module."""
    place, colon, _ = source.rpartition(":")
    if not colon:
        return [Path(source)]
    if place.endswith(".py"):
        return sorted(Path(place).parent.glob("*.py"))
    name, found = place.partition(".")[0], list[Path]()
    for folder in map(Path, [*filter(None, sys.path), os.curdir]):
        found += [folder / f"{name}.py", *sorted((folder / name).rglob("*.py"))]
    return found


def _stamp(path: Path) -> tuple[str, int, int]:
    """Which version of a file there is."""
    try:
        now = path.stat()
    except (OSError, ValueError):
        return os.path.abspath(path), 0, 0
    return os.path.abspath(path), now.st_mtime_ns, now.st_size


@lru_cache(maxsize=64)
def _read(text: str, stamps: tuple[tuple[str, int, int], ...]) -> Model:
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
    """Read a graph with the widths that go with what is found: those of narrow layers where there are any.

    Where a node may make bits or codes it is taken to have them; without bits, whether it has is seen with real widths.
    """
    narrow, real = (_widths(settings, graph.real, narrow=narrow) for narrow in (True, False))
    maybe = any(node.kind in _BITS_OF for node in graph.nodes)
    try:
        found = read_network(graph, narrow) if maybe or narrow == real else None
        if found is None or (narrow != real and not _has_bits(found.network)):
            plain = read_network(graph, real)
            if not _has_narrow_operands(plain.network):
                return plain, real
        return found or read_network(graph, narrow), narrow
    except UnknownNodes:
        if graph.shapes or given is None or not given.source.lower().endswith(".onnx"):
            raise
        return _understood(_with_shapes(graph, given.source), settings, None)


def _widths(settings: Mapping[str, str], real: str, *, narrow: bool) -> Widths:
    features = precision(settings.get("features", "int16" if narrow else real))
    edge = precision(settings.get("edge", "int8" if features.kind == "integer" else features.label))
    image = Precision("integer", 8) if edge.kind == "integer" else edge
    return Widths(features, edge, image)


def _has_bits(network: Network) -> bool:
    """Whether a layer has binary operands, which no width that is assumed makes of others."""
    return any(BINARY in operands for operands in _operands(network))


def _has_narrow_operands(network: Network) -> bool:
    return any(operand.kind != "float" for operands in _operands(network) for operand in operands)


def _operands(network: Network) -> list[tuple[Precision, Precision]]:
    """What the layers multiply: the precision of features and weights."""
    return [(op.inputs[0].precision, op.params[0].precision) for op in network.ops if is_mac(op)]


def _on_widths(chosen: Widths, settings: Mapping[str, str]) -> list[str]:
    how = "as @features says" if "features" in settings else "assumed; @features says another"
    edge = "as @edge says" if "edge" in settings else "assumed; @edge says another"
    return [
        f"maps that no quantizer narrows are {chosen.features.label} ({how}), weights that lie on no grid "
        f"{chosen.edge.label} ({edge}), and the image is {chosen.image.label}."
    ]


def _torch_graph(given: ModelText) -> ModelGraph:
    """Let the torch side write the graph, in a process of its own: user code runs there, and torch stays there."""
    _require_there(given.source)
    with tempfile.TemporaryFile() as out:  # it has no name: whoever is killed leaves nothing
        place = f"/dev/fd/{out.fileno()}"
        asked = (given.source, given.settings.get("input", ""), place)
        done = apart(READER, *asked, files=(out.fileno(),))
        if done.returncode or not os.fstat(out.fileno()).st_size:
            raise ReaderFailed(given.source, done.returncode, done.stderr)
        return read_graph(place)


def _with_shapes(graph: ModelGraph, path: str) -> ModelGraph:
    """The same graph with the shapes that onnx infers, if it can: what a message about unknown nodes needs."""
    done = apart(read_onnx.__module__, given=json.dumps([path, graph.input, graph.input_shape]))
    if done.returncode:
        return graph
    shapes = {name: tuple(shape) for name, shape in json.loads(done.stdout).items()}
    return replace(graph, shapes=shapes)


def _require_there(source: str) -> None:
    """Raise BnncostError for a file that is not there, or never ends, before torch is started, which takes seconds."""
    place, colon, _ = source.rpartition(":")
    path = Path(place if colon else source)
    if path.suffix.lower() in (".py", ".pt2"):
        require_plain(path)
        if not os.path.isfile(path):
            raise BnncostError(f"'{source}' cannot be read: there is no file '{path}'.")
