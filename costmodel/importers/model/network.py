"""From a graph to a network: every node in turn, what nothing reads left out, and what is unknown named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType
from typing import NoReturn

import numpy as np

from costmodel.builder import TooManyOperations
from costmodel.designs.backbone import LARGEST
from costmodel.errors import BnncostError
from costmodel.folding.rewriting import live
from costmodel.graph import Network, Tensor
from costmodel.importers.model import (  # noqa: F401
    constants_layers,
    rules_arithmetic,
    rules_casts,
    rules_curves,
    rules_einsum,
    rules_layers,
    rules_layout,
    rules_norms,
    rules_parts,
    rules_pools,
    rules_quantizers,
    rules_resizing,
    rules_signs,
)
from costmodel.importers.model.arranging import laid_out
from costmodel.importers.model.confirming import Confirming, places
from costmodel.importers.model.constants import MEANINGS
from costmodel.importers.model.document import ModelGraph, Node
from costmodel.importers.model.reading import RULES, Reading, Widths
from costmodel.importers.model.steps import rescaled
from costmodel.importers.model.structure import (
    beside_readers,
    beside_sources,
    biased_layers,
    hard_sigmoids,
    paired_norms,
    parallel_layers,
)
from costmodel.importers.model.values import Map, NotRead, Value
from costmodel.importers.model.views import view_of
from costmodel.importers.model.weights import Stated
from costmodel.importers.model.well_formed import check_made, check_node
from costmodel.operations import counted


@dataclass(frozen=True, eq=False)
class ReadNetwork:
    """A network as it was read, the values of its parameters, and what had to be assumed, in sentences."""

    network: Network
    values: Mapping[str, np.ndarray]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Unread:
    """A node that has no counterpart here, why, and the maps that stand for what it makes, where shapes are known."""

    node: Node
    reason: str
    stand_ins: tuple[Tensor, ...]
    macs: int = 0


def read_network(graph: ModelGraph, widths: Widths) -> ReadNetwork:
    """Understand a graph as operations; raises BnncostError with all nodes that are unknown and of use."""
    channels, height, width = map_shape(graph)
    r = Reading(graph.name, (channels, height, width), widths)
    for name, stated in graph.stated.items():
        r.state(graph.constants[name], stated)
    values: dict[str, Value] = dict(graph.constants)
    values[graph.input] = Map(view_of(r.g.input, len(graph.input_shape)))
    confirming = Confirming(graph, values, r)
    unread: list[Unread] = []
    lost: set[str] = set()
    made_before: dict[tuple[object, ...], Value | tuple[Value, ...]] = {}
    for node in _of_use(graph):
        if lost & set(node.inputs):
            unread += [] if _known(node) else [Unread(node, _UNKNOWN, ())]
            lost |= set(node.outputs)
            continue
        inputs = [values.get(name) if name else None for name in node.inputs]
        key = _same_work(node, inputs)
        try:
            inputs = confirming.features_of(node, inputs)
            if key in made_before:
                made = made_before[key]
            else:
                made = made_before[key] = _understood(r, node, inputs)
        except TooManyOperations:
            raise
        except (NotRead, BnncostError, *_MALFORMED) as error:
            shapes = [graph.shapes.get(name) for name in node.outputs]
            made = tuple(_stand_in(r, node, shape, f"{len(unread)}_{n}") for n, shape in enumerate(shapes))
            tensors = tuple(one.tensor for one in made if one is not None)
            unread.append(Unread(node, _reason(error), tensors, _macs_of(node, inputs, shapes[0])))
            lost |= {name for name, one in zip(node.outputs, made, strict=True) if one is None}
        several = made if isinstance(made, tuple) else (made,)
        values.update(zip(node.outputs, several, strict=False))
    return _finished(graph, r, values, unread, confirming)


def _of_use(graph: ModelGraph) -> list[Node]:
    """The nodes that the output depends on."""
    wanted, kept = {graph.output}, []
    for node in reversed(graph.nodes):
        if wanted & set(node.outputs):
            wanted |= set(node.inputs)
            kept.append(node)
    return kept[::-1]


_UNKNOWN = "an operator that bnncost does not know"


def _known(node: Node) -> bool:
    return node.kind in RULES or node.kind in MEANINGS


def _identity(value: Value) -> object:
    """What makes two inputs the same: a small constant's numbers, else that they are one object."""
    if isinstance(value, np.ndarray) and value.size <= 16:
        return value.dtype.str, value.shape, value.tobytes()
    return id(value)


_MALFORMED = (
    KeyError, IndexError, ValueError, TypeError, AttributeError, AssertionError, ArithmeticError, MemoryError,
)  # fmt: skip
"""What a rule raises at attributes or inputs that its operator does not have so."""


def _reason(error: Exception) -> str:
    if isinstance(error, (NotRead, BnncostError)):
        return str(error)
    return f"its inputs or attributes are not those of its operator ({type(error).__name__}: {error})"


def map_shape(graph: ModelGraph) -> tuple[int, int, int]:
    """The image as (C, H, W)."""
    sides = graph.input_shape[1:]
    if len(sides) not in (1, 2, 3) or graph.input_shape[0] != 1:
        raise BnncostError(
            f"'{graph.name}': its input of shape {graph.input_shape} is no image (N, C, H, W)."
        )
    if max(sides) > LARGEST:
        raise BnncostError(f"'{graph.name}': a side of its input is {max(sides)}; {LARGEST} is the largest.")
    channels, height, width = {1: (*sides, 1, 1), 2: (sides[-1], sides[0], 1), 3: sides}[len(sides)]
    return channels, height, width


def _same_work(node: Node, inputs: Sequence[Value]) -> tuple[object, ...]:
    """What two nodes have in common that compute the same; sums that are written twice are computed twice."""
    attributes = tuple(sorted((name, repr(value)) for name, value in node.attributes.items()))
    place = node.place if node.kind in ("Conv", "ConvTranspose", "Gemm", "MatMul") else ""
    return (
        node.kind,
        tuple(map(_identity, inputs)),
        attributes,
        place,
        node.outputs if node.kind in ("Constant", "ReduceSum", "ReduceMean") else (),
    )


def _understood(r: Reading, node: Node, inputs: Sequence[Value]) -> Value | tuple[Value, ...]:
    """What a node makes; raises NotRead for one without a counterpart, and what rules run into at malformed ones."""
    with np.errstate(all="ignore"):
        check_node(node, inputs)
        made = _read_node(r, node, inputs)
    check_made(made)
    return made


def _read_node(r: Reading, node: Node, inputs: Sequence[Value]) -> Value | tuple[Value, ...]:
    arrays = [one for one in inputs if one is not None]
    if all(isinstance(one, np.ndarray) for one in arrays) and node.kind in MEANINGS:
        made = np.asarray(MEANINGS[node.kind](node, arrays))  # type: ignore[arg-type]
        if (stated := _stated_by(node, arrays)) is not None:  # type: ignore[arg-type]
            r.state(made, stated)
        return made
    if node.kind not in RULES:
        raise NotRead(_UNKNOWN)
    return RULES[node.kind](r, node, inputs)


def _stated_by(node: Node, arrays: Sequence[np.ndarray]) -> Stated | None:
    """What a quantizer of constants says of them."""
    if node.kind in ("Quant", "IntQuant"):
        return Stated(int(arrays[3].reshape(-1)[0]), len(np.unique(arrays[1])) > 1)
    kind = arrays[0].dtype if node.kind == "DequantizeLinear" else np.dtype(float)
    narrow = kind.kind in "iu" and kind.itemsize < 4
    return Stated(kind.itemsize * 8, len(np.unique(arrays[1])) > 1) if narrow else None


def _macs_of(node: Node, inputs: Sequence[Value], shape: Sequence[int] | None) -> int:
    """MACs of an unknown node that multiplies with weights."""
    weight = inputs[1] if len(inputs) > 1 else None
    if node.kind not in ("Conv", "ConvTranspose", "Gemm", "MatMul") or shape is None:
        return 0
    if not isinstance(weight, np.ndarray) or not weight.ndim or not weight.size:
        return 0
    each = weight.size // weight.shape[0] if node.kind == "Conv" else weight.shape[0]
    return prod(shape) * each


def _stand_in(r: Reading, node: Node, shape: Sequence[int] | None, number: str) -> Map | None:
    """A map of the right shape in place of what is unknown, so that the rest is read too."""
    if shape is None or not 1 <= len(shape) <= 4 or min(shape) < 1:
        return None
    sides = shape[1:]
    full = (sides[1], sides[0], 1) if len(sides) == 2 else (*sides, 1, 1, 1)[:3]
    tensor = Tensor(f"unknown{number}", (full[0], full[1], full[2]), r.widths.features)
    layer = r.new_layer(node.place or node.kind.lower())
    return Map(view_of(r.note_layer(tensor, (), layer), len(shape)))


def _finished(
    graph: ModelGraph,
    r: Reading,
    values: Mapping[str, Value],
    unread: Sequence[Unread],
    confirming: Confirming,
) -> ReadNetwork:
    output = values.get(graph.output)
    if isinstance(output, np.ndarray):
        raise BnncostError(f"'{graph.name}': its output does not depend on the image.")
    if output is None:
        _refuse(graph, unread, None)
    try:
        final = r.plain(_in_order(r, output)).tensor
    except NotRead as error:
        raise BnncostError(f"'{graph.name}': its output '{graph.output}' is {error}.") from None
    network = live(r.g.finish(final))
    read = {item for op in network.ops for item in op.inputs} | {network.output}
    needed = _with_sources(
        graph, unread, [one for one in unread if not one.stand_ins or read & set(one.stand_ins)]
    )
    if needed:
        _refuse(graph, needed, network)
    network = paired_norms(biased_layers(hard_sigmoids(network, r.values)))
    network = rescaled(network, r.values, r.stepped, r.widths.features)
    network = parallel_layers(beside_sources(beside_readers(network)))
    kept = {param.name for param in network.learned()}
    return ReadNetwork(
        replace(network, notes=tuple(r.notes)),
        MappingProxyType({name: array for name, array in r.values.items() if name in kept}),
        (*_remarks(r, graph), *confirming.remarks(network)),
    )


def _in_order(r: Reading, output: Value) -> Value:
    """An output laid out as its shape says: (N, C, H, W), tokens (N, H, C), or (N, C)."""
    made = r.averaged(r.map_of(output))
    axes = made.view.axes
    if made.padding is not None or len(axes) not in (2, 3, 4) or axes[0]:
        return made
    rows = {2: (axes[1], (), ()), 3: (axes[-1], axes[1], ())}.get(len(axes), axes[1:])
    return laid_out(r, made, rows)


def _with_sources(graph: ModelGraph, unread: Sequence[Unread], needed: Sequence[Unread]) -> list[Unread]:
    """Add the unknown nodes that unknown nodes of use read, at any distance."""
    maker = {name: node for node in graph.nodes for name in node.outputs}
    wanted = [name for one in needed for name in one.node.inputs]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in seen and name in maker:
            wanted += maker[name].inputs
        seen.add(name)
    return [one for one in unread if one in needed or seen & set(one.node.outputs)]


class UnknownNodes(BnncostError):
    """Nodes that nothing here computes; raised again with shapes, it also says how much was understood."""


def _refuse(graph: ModelGraph, unread: Sequence[Unread], network: Network | None) -> NoReturn:
    """Raise the error that names every unknown node of use, with how often it is there and why it is unknown."""
    counted = Counter((one.node.kind, one.reason) for one in unread)
    first: dict[tuple[str, str], str] = {}
    for one in unread:
        first.setdefault((one.node.kind, one.reason), one.node.place or one.node.outputs[0])
    lines = [
        f"  {kind} ({'once' if times == 1 else f'{times} times'}, first at '{first[kind, reason]}'): {reason}"
        for (kind, reason), times in counted.most_common()
    ]
    nodes = f"{len(unread)} node{'s' if len(unread) > 1 else ''}"
    raise UnknownNodes(
        f"'{graph.name}' has {nodes} that bnncost does not understand, and nothing unknown is free"
        f"{_share_understood(unread, network)}:\n" + "\n".join(lines)
    )


def _share_understood(unread: Sequence[Unread], network: Network | None) -> str:
    """The share of MACs that is understood, where no unknown node has MACs of a number that is not known."""
    if network is None:
        return ""
    understood = sum(
        int(one.number) for op in network.running() for one in counted(op) if one.operation == "mac"
    )
    unknown = sum(one.macs for one in unread)
    return f" ({understood / max(understood + unknown, 1):.0%} of the MACs are understood)"


def _remarks(r: Reading, graph: ModelGraph) -> list[str]:
    remarks = list(graph.remarks)
    if r.narrowed:
        remarks.append(
            f"{len(set(r.narrowed))} layers read real-valued features that no quantizer narrows: they are narrowed to "
            f"{r.widths.edge.label} (edge), one rounding each."
        )
    if r.few_zeros:
        remarks.append(
            f"few weights of {places(r.few_zeros)} are zero, as signs of zero are: the layer is priced as ternary."
        )
    return remarks
