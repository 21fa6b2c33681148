"""What is wrong in the file of a published system: uses, subjects and differences of its figures."""

from __future__ import annotations

from costmodel.errors import unknown
from costmodel.folding import RULES
from costmodel.hardware import HardwareProfile
from costmodel.hardware.text.problem import Findings, place_of
from costmodel.hardware.text.problem import Path as Place
from costmodel.hardware.text.units import dimension_problem
from costmodel.hardware.walk import quantity_at
from costmodel.operations import OPERATIONS
from costmodel.validation.figures import KINDS, OF_A_MAC, OF_A_NETWORK, Difference, Figure, System


def system_problems(system: System, chip: HardwareProfile) -> Findings:
    """Yield every problem of the figures of a system and of the differences between them."""
    rules = dict.fromkeys(rule.__name__ for rule in RULES)
    for number, name in enumerate(system.unfolded):
        if name not in rules:
            yield ("unfolded", number), str(unknown("rule of folding", name, rules))
    for number, kind in enumerate(system.copied):
        if kind not in OPERATIONS:
            yield ("copied", number), str(unknown("kind of operation", kind, OPERATIONS))
    if system.copied and (chip.processor is None or chip.processor.map_copy is None):
        yield ("copied",), f"needs processor.map_copy, which profile '{chip.name}' does not give"
    calibrated: dict[str, int] = {}
    for number, figure in enumerate(system.figures):
        place: Place = ("figures", number)
        wrong = dimension_problem(figure.value.unit, KINDS[figure.metric])
        if wrong:
            yield (*place, "value", "unit"), wrong
        yield from _use_problems(figure, place, chip, calibrated)
        yield from _subject_problems(figure, place, chip)
    for number, difference in enumerate(system.differences):
        yield from _difference_problems(difference, ("differences", number), system)


def _use_problems(
    figure: Figure, place: Place, chip: HardwareProfile, calibrated: dict[str, int]
) -> Findings:
    """An input calibrates one constant, each constant is calibrated once, other figures calibrate nothing."""
    if figure.use == "informed" and figure.informed is None:
        yield (*place, "informed"), "is missing: say which assumption was chosen knowing the figure"
    if figure.use != "informed" and figure.informed is not None:
        yield (*place, "informed"), f"is for a figure of use 'informed', not '{figure.use}'"
    if figure.use != "input":
        if figure.calibrates is not None:
            sort = {"held out": "that is held out", "informed": "of use 'informed'"}[figure.use]
            yield (*place, "calibrates"), f"is not for a figure {sort}: nothing is calibrated on it"
        return
    if figure.calibrates is None:
        yield (
            (*place, "calibrates"),
            "is missing: an input calibrates one constant; name its place in the profile",
        )
        return
    if quantity_at(chip, figure.calibrates) is None:
        yield (
            (*place, "calibrates"),
            f"'{figure.calibrates}' is no quantity of profile '{chip.name}'; "
            f"'bnncost profiles show {chip.name}' lists them",
        )
    if figure.calibrates in calibrated:
        first = system_place(calibrated[figure.calibrates])
        yield (
            (*place, "calibrates"),
            f"'{figure.calibrates}' is calibrated by {first} already; one figure each",
        )
    calibrated.setdefault(figure.calibrates, int(place[1]))


def system_place(number: int) -> str:
    """Name a figure as messages do.

    >>> system_place(0)
    'figures[0]'
    """
    return place_of(("figures", number))


def _subject_problems(figure: Figure, place: Place, chip: HardwareProfile) -> Findings:
    """What a figure is about: a network (as a design or as MACs), a MAC, or the chip at rest."""
    about_mac, about_network = figure.metric in OF_A_MAC, figure.metric in OF_A_NETWORK
    if about_mac and figure.precision is None:
        yield (*place, "precision"), f"is missing: {figure.metric} is about one sort of MAC, such as 1x1"
    if about_network and (figure.design is None) == (figure.macs is None):
        yield place, f"{figure.metric} is about a network: give either 'design' or 'macs'"
    if not about_network and (figure.design or figure.macs):
        yield place, f"{figure.metric} is not about a network; leave 'design' and 'macs' out"
    if figure.macs is not None and chip.processor is None:
        yield (
            (*place, "macs"),
            f"is for a microcontroller (mcu); '{chip.name}' is an {chip.archetype}, give 'design'",
        )
    if figure.without and figure.design is None:
        yield (*place, "without"), "names layers of a 'design', which is missing"


def _difference_problems(difference: Difference, place: Place, system: System) -> Findings:
    """Both figures are there, measure the same and are of designs, and at least one of them is no input."""
    by_name = {figure.what: figure for figure in system.figures}
    pair = []
    for side in ("of", "minus"):
        name = getattr(difference, side)
        if name in by_name:
            pair.append(by_name[name])
        else:
            yield (*place, side), str(unknown("figure", name, by_name))
    if len(pair) < len(("of", "minus")):
        return
    first, second = pair
    if first.metric != second.metric:
        yield place, f"is one of {first.metric} and {second.metric}; both must measure the same"
    for figure in pair:
        if not figure.design_priced:
            yield place, f"'{figure.what}' has no 'design': only networks that are built have a difference"
    if "held out" not in (first.use, second.use):
        yield place, "judges nothing, as neither figure is held out"
