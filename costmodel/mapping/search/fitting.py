"""Why a layer fits no mapping: the level that lacks bits under every order and allocation, and how many."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.errors import BnncostError
from costmodel.mapping.architecture import Architecture
from costmodel.mapping.search.choices import Choices
from costmodel.mapping.search.shortest import Bounds, CutSpace


def no_fit(operands: Sequence[Choices]) -> BnncostError:
    """Name the first level whose tiles cannot fit, with the least that it must hold; or say that several conflict."""
    machine, layer = operands[0].machine, operands[0].layer
    ends = tuple((len(choices.links), False) for choices in operands)
    space = CutSpace(operands[0].tiling.lattice, [choices.all(any_size=True) for choices in operands], ends)
    for number, level in enumerate(machine.levels):
        least = _least(space, machine, number)
        lack = sum(least.values()) - level.size_bits
        if lack > 0:
            held = ", ".join(f"{operand} {bits:.0f}" for operand, bits in least.items() if bits)
            return BnncostError(
                f"layer '{layer.name}' does not fit {machine.name}: level '{level.name}' lacks {lack:.0f} bits; it has "
                f"{level.size_bits}, and the least that it must hold is {held} bits; enlarge the level, give it fewer "
                f"operands, or unroll less of the layer on the axes it serves."
            )
    return BnncostError(
        f"layer '{layer.name}' fits no mapping on {machine.name}: each level could hold its tiles, but no order suits "
        f"all levels at once; enlarge one of {', '.join(level.name for level in machine.levels)}."
    )


def _least(space: CutSpace, machine: Architecture, number: int) -> dict[str, float]:
    """Bits of each operand at a level, under the mapping with the fewest there."""
    none = space.lattice.one * 0.0
    costs = [
        [sum((bits for level, bits in choice.residents if level == number), none) for choice in choices]
        for choices in space.choices
    ]
    held = dict.fromkeys(machine.shared(number), 0.0)
    for choice, point in Bounds(space, costs).path():
        for level, bits in choice.residents:
            if level == number:
                held[choice.operand] += space.lattice.at(bits, point)
    return held
