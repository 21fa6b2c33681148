"""What a figure is called in a sentence, and the sentences that say which one matters."""

from __future__ import annotations

from analysis.show.units import common_scale, readable, significant
from costmodel.evaluate.break_even import Comparison, Turn
from costmodel.evaluate.figures import Figure
from costmodel.evaluate.sensitivity import Effect, Sensitivity

_OPERATIONS = {"mul": "multiply", "add": "addition", "compare": "comparison", "divide": "division"}
_OF_MEMORIES = {
    "read": "reading a bit of {0}", "write": "writing a bit of {0}", "leakage": "the leakage of {0}",
    "size": "the size of {0}", "port": "the port of {0}",
}  # fmt: skip


def named(figure: Figure) -> str:
    """Name a figure in words; one without words by its place.

    A cycle or an operation is named where it is what the unit counts.
    """
    parts = figure.place.split(".")
    if parts[:2] == ["side", "operations"] and parts[-1] in ("energy", "cycles"):
        return f"{_with_article(parts[3])} {_OPERATIONS.get(parts[2], parts[2])}"
    if parts[0] == "compute" and parts[2:] in (["energy"], ["cycles"]):
        return f"{_with_article(parts[1])} MAC"
    if parts[0] == "memories" and len(parts) == 3 and parts[-1] in _OF_MEMORIES:
        return _OF_MEMORIES[parts[-1]].format(parts[1])
    whole = {
        "control.energy": "a cycle of the control",
        "control.leakage": "the leakage of the logic",
        "processor.energy": "a cycle of the processor",
        "clock": "the clock",
    }
    return whole.get(figure.place, figure.place)


def _with_article(precision: str) -> str:
    return f"{'an' if precision[0] in 'aeiou8' else 'a'} {precision}"


def value_text(figure: Figure, value: float | None = None) -> str:
    """A value of a figure with its unit as the profile writes it."""
    return f"{significant(figure.value if value is None else value)} {figure.unit}"


def range_text(figure: Figure) -> str:
    """The range of a figure in its unit, and where it is from if not from the profile; empty where there is none.

    >>> from costmodel.evaluate.sensitivity import held
    >>> from costmodel.evaluate.figures import figures_of
    >>> range_text(figures_of(held("resnet20", "asic-45nm").points)[0])
    '100 to 1,000'
    """
    if figure.low == figure.high:
        return ""
    ends = f"{significant(figure.low)} to {significant(figure.high)}"
    return ends if figure.stated else f"{ends} (half to double)"


def assumption_sentence(found: Sensitivity) -> str:
    """Say which figure that is neither published nor measured moves the energy most; empty where none does."""
    effect = found.heaviest_assumption
    if effect is None:
        return ""
    figure = effect.figure
    where = "" if figure.stated else ", half to double, for the profile gives it no range"
    aside = "" if found.anew else " (sizes and ports of memories aside)"
    return (
        f"Of all figures neither published nor measured{aside}, {named(figure)} moves the energy of {found.design} "
        f"most ({figure.place}, {figure.status}): {_energies(effect)} at "
        f"{significant(figure.low)} and {significant(figure.high)} {figure.unit}{where}; it is {value_text(figure)}."
    )


def _energies(effect: Effect) -> str:
    """Energies at both ends, for a sentence."""
    low, high = (
        "it does not fit" if energy is None else readable(energy, "J")
        for energy in (effect.low_j, effect.high_j)
    )
    return f"{low} and {high}"


def comparison_sentence(compared: Comparison) -> str:
    """Say which of two designs takes less energy, and which figure would turn that first."""
    first, second = compared.design, compared.than
    one, other = compared.energy_j, compared.than_energy_j
    if compared.difference_j == 0:
        return f"{first} and {second} take the same energy on {compared.profile}, {readable(one, 'J')}."
    if compared.difference_j > 0:
        first, second, one, other = second, first, other, one
    scale = common_scale((one, other), "J")
    energies = f"{significant(one / scale.size)} against {significant(other / scale.size)} {scale.label}"
    order = f"{first} takes less energy than {second} on {compared.profile} ({energies})"
    turn = compared.nearest
    if turn is None:
        return f"{order}, and no single figure above zero turns that."
    return f"{order}, unless {_turning(turn)}."


def _turning(turn: Turn) -> str:
    """Say what a figure would have to be, and what it is."""
    figure = turn.figure
    assert turn.break_even is not None
    more = turn.break_even > figure.value
    if figure.place.rsplit(".", 1)[-1] in ("energy", "cycles", "read", "write"):
        than = f"takes {'more' if more else 'less'} than"
    else:
        than = f"is {'above' if more else 'below'}"
    known = f"{figure.place} is {value_text(figure)}"
    ranged = f", {range_text(figure)}" if range_text(figure) else ""
    return f"{named(figure)} {than} {value_text(figure, turn.break_even)} ({known}{ranged})"


HELD = (
    "What lies in which memory, what moves and the cycles of each mapping are held; at another size of a memory, and "
    "at another port where layers are mapped, all is placed and mapped anew."
)
