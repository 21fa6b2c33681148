"""Storage: which weights, parameters and maps are kept, and which maps take the place of an operand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from costmodel.graph import MAP_ROLES, Dimension, Network, Op, Role, Tensor, Value, everywhere, most
from costmodel.operations import known

Places = Mapping[Value, tuple[Value, ...]]
"""The stored maps behind each view."""
CHOOSING = ("subsample", "pad_channels")
"""Kinds whose result is elements of the operand, each once at most, and constants."""
Operand = tuple[Value, ...]
"""The stored maps that one operand is made of: one, or several that are only joined."""


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """Bits to keep: stored weights and parameters, and the largest sets of maps alive together [bit].

    `peak_features` is the largest sum over all maps, `peak_by_role` the largest of each kind alone, and
    `alive` the maps of each role that are kept while each layer runs.
    """

    weights: Dimension
    parameters: Dimension
    peak_features: Dimension
    peak_by_role: Mapping[Role, Dimension]
    alive: Mapping[tuple[str, Role], Dimension]


def role_of(value: Value) -> Role:
    """Say what a memory calls a value."""
    if isinstance(value, Tensor):
        return Role.BINARY_FEATURES if value.precision.kind == "binary" else Role.FEATURES
    return Role.WEIGHTS if value.axes in ("OIKK", "OI") else Role.PARAMETERS


def storage_of(
    network: Network,
    order: Sequence[str],
    producer_layer: Mapping[Value, str],
    readers: Mapping[Tensor, Sequence[str]],
    behind: Places,
) -> Storage:
    """Follow which maps are alive while each layer runs: from its maker to its last reader, both included.

    While its maker runs, a map that takes the place of an operand needs no room of its own. `readers` names the layers
    that read each stored map, `behind` the stored maps of each view.
    """
    position = {name: number for number, name in enumerate(order)} | {"": 0, "output": len(order) - 1}
    last: dict[Value, str] = {}
    for item, layers in readers.items():
        last[item] = max(layers, key=position.__getitem__)
    last[network.output] = "output"
    in_place = _in_place(network, producer_layer, last, behind)
    alive: dict[Role, list[Dimension]] = {role: [0] * len(order) for role in MAP_ROLES}
    for tensor, reader in last.items():
        first = position[producer_layer[tensor]] + (tensor in in_place)
        steps = alive[role_of(tensor)]
        for step in range(first, position[reader] + 1):
            steps[step] = steps[step] + tensor.bits
    params = dict.fromkeys(param for op in network.running() for param in op.params)
    weights = _sum(param.bits for param in params if role_of(param) == Role.WEIGHTS)
    parameters = _sum(param.bits for param in params if role_of(param) == Role.PARAMETERS)
    together = [left + right for left, right in zip(*alive.values(), strict=True)]
    return Storage(
        weights,
        parameters,
        most(0, *together),
        {role: most(0, *steps) for role, steps in alive.items()},
        {(layer, role): steps[place] for role, steps in alive.items() for place, layer in enumerate(order)},
    )


def _in_place(
    network: Network, made_in: Mapping[Value, str], last: Mapping[Value, str], behind: Places
) -> set[Value]:
    """Find the stored maps that are written over an operand which nobody reads again, each over another.

    The layer makes them of the operand element by element, and reads it, or what it makes of it, in no other way.
    """
    made_of, otherwise = _element_by_element(network, made_in, behind)
    taken = {place for layer, place in otherwise if last[place] == layer}
    found: set[Value] = set()
    for tensor in sorted((one for one in last if one in made_of), key=lambda one: -one.precision.bits):
        for operand in made_of[tensor]:
            dies = all(last[place] == made_in[tensor] for place in operand)
            if dies and taken.isdisjoint(operand) and _holds(operand, tensor):
                found.add(tensor)
                taken.update(operand)
                break
    return found


def _element_by_element(
    network: Network, made_in: Mapping[Value, str], behind: Places
) -> tuple[dict[Value, list[Operand]], set[tuple[str, Value]]]:
    """Say which operands a layer makes each value of element by element, and which maps it reads in other ways."""
    made_of: dict[Value, list[Operand]] = {}
    otherwise: set[tuple[str, Value]] = set()
    for op in network.running():
        if op.output in behind:
            continue
        made_of[op.output] = found = []
        for item in op.inputs:
            places = behind.get(item, (item,))
            inside = [place for place in places if made_in[place] == op.layer]
            operands = [operand for place in inside for operand in made_of[place]]
            if len(inside) < len(places):
                outside = (place for place in places if made_in[place] != op.layer)
                operands.append(tuple(dict.fromkeys(outside)))
            if operands and _one_to_one(op, item) and not (inside and item in behind):
                found += operands
            else:
                otherwise.update((op.layer, place) for operand in operands for place in operand)
    return made_of, otherwise


def _one_to_one(op: Op, item: Value) -> bool:
    """Whether each element of an operand goes into one element of the result at most, and that holds no other."""
    return op.kind in CHOOSING or (
        known(op.kind).elementwise and all(map(_equal, item.shape, op.output.shape))
    )


def _equal(left: Dimension, right: Dimension) -> bool:
    """Whether two dimensions are the same at every width."""
    return left is right or everywhere(left == right)


def _holds(operand: Operand, tensor: Value) -> bool:
    """Whether the maps of an operand lie in the same memories as a map, and are as large at every width."""
    alike = all(role_of(place) == role_of(tensor) for place in operand)
    return alike and everywhere(_sum(place.bits for place in operand) >= tensor.bits)


def _sum(values: Iterable[Dimension]) -> Dimension:
    total: Dimension = 0
    for value in values:
        total = total + value
    return total
