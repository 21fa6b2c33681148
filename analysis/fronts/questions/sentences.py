"""The answer to a question about budgets in sentences: the best, its rivals, and where none fits which budget fails."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.fronts.questions.best import Answer, Candidate
from analysis.fronts.questions.variants import Variant
from analysis.show.classes import DesignClass
from analysis.show.units import readable
from analysis.show.words import accuracy_text

RIVAL = "int8"
"""What a repaired binary network is held against first."""
RECIPES = (
    "Accuracies come of different recipes: one or two points between papers, or between papers and measurements, are "
    "not the effect of a method."
)


def answer_sentences(answer: Answer) -> tuple[str, ...]:
    """Say what fits best, how each class of networks does against it, and what is true of all accuracies."""
    first = _best(answer) if answer.fits else _none(answer)
    classes = [
        one for one in map(str, DesignClass) if any(c.known.design_class == one for c in answer.everything)
    ]
    against = [_of_class(one, answer) for one in classes]
    return (*first, *against, *_rival(answer), RECIPES)


def _best(answer: Answer) -> list[str]:
    total = len(answer.everything)
    return [
        f"{len(answer.fits)} of {total} designs with an accuracy fit; the best is {_named(answer.fits[0])}."
    ]


def _none(answer: Answer) -> list[str]:
    """Say that nothing fits, what each budget alone refuses, and which design is nearest."""
    said = [f"None of {len(answer.misses)} designs with an accuracy fits."]
    for budget in answer.budgets:
        over = [one for one in answer.misses if budget.overrun(one.values[budget.column]) > 0]
        if len(over) == len(answer.misses):
            least = min(over, key=lambda one: budget.overrun(one.values[budget.column]))
            amount = budget.beyond_text(least.values[budget.column])
            said.append(
                f"The limit {budget.text} alone refuses all; {least.known.label} misses it least: {amount}."
            )
        elif over:
            kept = len(answer.misses) - len(over)
            said.append(f"The limit {budget.text} alone would leave {kept}.")
    nearest = answer.misses[0]
    return [*said, f"The nearest is {_named(nearest)}: {nearest.fails(answer.budgets, ' and ')}."]


def _of_class(name: str, answer: Answer) -> str:
    """What is the best of one class that fits, or how far its nearest is from fitting."""
    fitting = _in_class(answer.fits, name)
    if fitting:
        return f"Of {_many(name)}, {len(fitting)} fit; the best is {_named(fitting[0])}."
    nearest = _in_class(answer.misses, name)[0]
    return f"Of {_many(name)}, none fits; the nearest is {_named(nearest)}: {nearest.fails(answer.budgets, ' and ')}."


def _in_class(ranked: Sequence[Candidate], name: str) -> list[Candidate]:
    return [one for one in ranked if one.known.design_class == name]


def _many(name: str) -> str:
    return DesignClass(name).networks


def _rival(answer: Answer) -> list[str]:
    """How the best binary network that fits stands to the int8 network of the shape."""
    binary = _in_class(answer.fits, DesignClass.BINARY)
    rivals = [one for one in answer.everything if one.known.key.compute == RIVAL]
    if not rivals:
        priced = [one for one in answer.price_only if one.key.compute == RIVAL and one.key.width == 1]
        return [_unknown_rival(binary, priced[0])] if binary and priced else []
    rival = max(rivals, key=lambda one: (one.known.key.network == answer.plain.network, one.known.top1))
    fits = "fits" if rival in answer.fits else f"does not fit, {rival.fails(answer.budgets, ' and ')}"
    if not binary:
        return [f"Against {RIVAL}: {_named(rival)} {fits}."]
    best = binary[0]
    gap = rival.known.top1 - best.known.top1
    more = rival.energy_j / best.energy_j
    return [
        f"Against {RIVAL}: {_named(rival)} {fits}; it is {abs(gap):.2f} points {'above' if gap >= 0 else 'below'} "
        f"{best.known.label}, the best binary network that fits, for {_times(more)} its energy."
    ]


def _unknown_rival(binary: Sequence[Candidate], rival: Variant) -> str:
    more = rival.energy_j / binary[0].energy_j
    return (
        f"Against {RIVAL}: no accuracy of it is known; {rival.key} takes {readable(rival.energy_j, 'J')}, "
        f"{_times(more)} the energy of {binary[0].known.label}, and {'fits' if rival.fits else 'does not fit'}."
    )


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times" if ratio < 10 else f"{ratio:,.0f} times"


def _named(one: Candidate) -> str:
    return f"{one.known.label} ({accuracy_text(round(one.known.top1, 2))} at {readable(one.energy_j, 'J')})"
