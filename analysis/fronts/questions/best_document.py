"""`bnncost best`: which designs fit the budgets, the best first, in tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.fronts.questions.best import Answer, Candidate, best_designs, plain_design
from analysis.fronts.questions.budgets import Budget
from analysis.fronts.questions.known import known_designs, repairs_text
from analysis.fronts.questions.sentences import answer_sentences
from analysis.fronts.questions.variants import WIDTHS, Variant
from analysis.show.classes import class_of
from analysis.show.document import Document
from analysis.show.tables import Cell, Column, Table
from analysis.show.words import fits_text, network_title, scope_sentence
from costmodel.hardware import HardwareProfile
from costmodel.pricing.price import TrafficModel

_MOST_FITS, _MOST_MISSES = 10, 4
_COSTS = ("energy_j", "latency_s", "area", "memory_bits")


@dataclass(frozen=True)
class Question:
    """What is asked: the network and data set, the budgets, and whose accuracies count."""

    network: str
    dataset: str | None
    budgets: tuple[Budget, ...]
    accuracies: tuple[str, ...]
    any_network: bool = False
    traffic: TrafficModel | None = None


def best_document(question: Question, chip: HardwareProfile) -> Document:
    """Answer a question; raises BnncostError for unknown names, and where no design has a cost on the profile."""
    plain = plain_design(question.network, question.dataset)
    network = None if question.any_network else plain.network
    known = known_designs(question.accuracies, network, plain.dataset)
    answer = best_designs(known, plain, chip, question.budgets, question.traffic)
    title = _title(network, plain.dataset, chip, question.budgets)
    tables = [
        table
        for table in (_fits_table(answer, title, chip), _misses_table(answer, title), _prices_table(answer))
        if table.rows
    ]
    sentences = answer_sentences(answer)
    data = {
        "network": network,
        "dataset": plain.dataset,
        "profile": chip.name,
        "budgets": {one.column: one.limit for one in answer.budgets},
        "answer": list(sentences),
        "fits": [_record(one, answer) for one in answer.fits],
        "misses": [_record(one, answer) for one in answer.misses],
        "price_only": [_price_record(one, answer.budgets) for one in answer.price_only],
        "left_out": [{"name": name, "reason": reason} for name, reason in answer.left_out.items()],
    }
    left_out = tuple(f"Left out {name}: {reason}" for name, reason in answer.left_out.items())
    return Document(tuple(tables), data, _tidy(answer), (*sentences, *left_out))


def _title(network: str | None, dataset: str, chip: HardwareProfile, budgets: Sequence[Budget]) -> str:
    """What is asked, in a line."""
    wanted = ", ".join(one.text for one in budgets)
    place = f"{network_title(network, dataset)} on {chip.name}"
    return f"{place}: {wanted}" if wanted else place


def _fits_table(answer: Answer, title: str, chip: HardwareProfile) -> Table:
    rest = max(len(answer.fits) - _MOST_FITS, 0)
    more = f"{rest} more fit; " if rest else ""
    caption = f"{scope_sentence(chip)} {more}--format csv has all, with the names that commands take."
    margins = [Column("left", "left of it")] if answer.budgets else []
    rows = (
        _row(
            one, answer, [", ".join(b.left_text(one.values[b.column]) for b in answer.budgets)] * len(margins)
        )
        for one in answer.fits[:_MOST_FITS]
    )
    return Table("fits", title, _columns(answer, margins), tuple(rows), caption)


def _misses_table(answer: Answer, title: str) -> Table:
    rest = max(len(answer.misses) - _MOST_MISSES, 0)
    caption = f"{rest} more do not fit." if rest else ""
    columns = _columns(answer, [Column("fails", "fails by")])
    rows = (_row(one, answer, [one.fails(answer.budgets, ", ")]) for one in answer.misses[:_MOST_MISSES])
    nearest = (
        "What does not fit, the nearest first" if answer.fits else f"{title}: nothing fits; the nearest first"
    )
    return Table("misses", nearest, columns, tuple(rows), caption)


def _columns(answer: Answer, margins: Sequence[Column]) -> tuple[Column, ...]:
    return (*_head(), *_cost_columns(answer), *margins, *_tail(answer.everything))


def _row(one: Candidate, answer: Answer, margins: Sequence[str]) -> tuple[Cell, ...]:
    return (*_head_cells(one), *_cost_cells(one, answer), *margins, *_tail_cells(one, answer))


def _prices_table(answer: Answer) -> Table:
    costs = [one for one in answer.budgets if not one.is_accuracy]
    columns = (
        Column("label", "design"), Column("class", "class"), Column("energy_j", "energy", "J"),
        Column("left", "left of it"),
    )  # fmt: skip
    rows = tuple(
        (
            one.label, str(class_of(one.key.compute)), one.energy_j,
            ", ".join(budget.left_text(getattr(one, budget.column)) for budget in costs),
        )
        for one in answer.price_only
    )  # fmt: skip
    caption = (
        "No accuracy of these is known: the widest forms of the plain BNN and of the best designs that the budgets "
        "allow, at each precision of the features, and other networks of the shape."
    )
    if any(one.key.width == WIDTHS[-1] for one in answer.price_only):
        caption += f" No width above {WIDTHS[-1]:g} was looked at."
    return Table("price_only", "Price only", columns, rows, caption)


def _head() -> tuple[Column, ...]:
    return (Column("label", "design"), Column("design_class", "class"), Column("top1", "top-1", "%"))


def _head_cells(one: Candidate) -> tuple[Cell, ...]:
    return one.known.label, one.known.design_class, one.known.top1


def _cost_columns(answer: Answer) -> tuple[Column, ...]:
    """Energy, and every other cost that is limited."""
    columns = {"energy_j": Column("energy_j", "energy", "J")}
    for one in answer.budgets:
        if not one.is_accuracy:
            columns[one.column] = Column(one.column, one.name, one.unit)
    return tuple(columns.values())


def _cost_cells(one: Candidate, answer: Answer) -> tuple[Cell, ...]:
    return tuple(one.values[column.name] for column in _cost_columns(answer))


def _left(values: Mapping[str, float], budgets: Sequence[Budget]) -> dict[str, float]:
    """What is left of every budget: points of accuracy, and hundredths of a cost; negative where it is missed."""
    return {one.left_name: one.left(values[one.column]) for one in budgets}


def _tail(everything: Sequence[Candidate]) -> tuple[Column, ...]:
    outside = (Column("off_chip", "fits on chip"),) if any(one.off_chip for one in everything) else ()
    return (*outside, Column("repairs", "repairs"), Column("evidence", "accuracy of"))


def _tail_cells(one: Candidate, answer: Answer) -> tuple[Cell, ...]:
    outside = (fits_text(one.off_chip),) if any(other.off_chip for other in answer.everything) else ()
    return (*outside, repairs_text(one.known.key), one.known.evidence)


def _record(one: Candidate, answer: Answer) -> dict[str, Any]:
    known = one.known
    return {
        "name": known.name,
        "label": known.label,
        "design": str(known.key),
        "class": known.design_class,
        "repairs": repairs_text(known.key),
        "top1": known.top1,
        "accuracy_of": known.evidence,
        **{name: one.values[name] for name in _COSTS},
        "area_unit": one.area_unit,
        "off_chip": list(one.off_chip),
        **_left(one.values, answer.budgets),
    }


def _price_record(one: Variant, budgets: Sequence[Budget]) -> dict[str, Any]:
    costs: Mapping[str, float] = {name: getattr(one, name) for name in _COSTS}
    return {
        "label": one.label,
        "design": str(one.key),
        "class": str(class_of(one.key.compute)),
        **costs,
        "fits": one.fits,
        **_left(costs, [budget for budget in budgets if not budget.is_accuracy]),
    }


def _tidy(answer: Answer) -> Table:
    """Every design in one table, with what has no accuracy behind the others."""
    known = [_record(one, answer) | {"fits": one in answer.fits} for one in answer.everything]
    rows = [*known, *(_price_record(one, answer.budgets) for one in answer.price_only)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = tuple(tuple(_flat(row.get(name)) for name in names) for row in rows)
    return Table("best", "best", tuple(Column(name, name) for name in names), cells)


def _flat(value: object) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    assert value is None or isinstance(value, (str, int, float))
    return value
