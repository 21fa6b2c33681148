"""The table of a study: what each design gained, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from analysis.accuracy.names import Names
from analysis.accuracy.outcome import names_in, sure_of
from analysis.costs.cost_columns import area_in_one_unit, cost_columns
from analysis.costs.runnable import reasons_against
from analysis.show.tables import Cell, Column, Table, without_empty_columns
from costmodel import Cost, DesignKey, cost, resolve
from costmodel.designs.outcome import Outcome, OutcomeRow
from costmodel.evaluate.cost import AnyProfile, as_profile

WHY_TRAINED: Mapping[str, str] = {
    "baseline": "plain BNN",
    "alone": "alone",
    "pair": "beside others",
    "company": "for comparison",
    "full": "together",
    "without": "all but one",
    "width": "wider",
    "reference": "not binary",
    "": "",
}
"""Why a design was trained, in the order of the table, and what the table calls it."""


@dataclass(frozen=True)
class Priced:
    """A study with the costs of its designs on one profile, and why some have none."""

    outcome: Outcome
    profile: str
    costs: Mapping[DesignKey, Cost]
    unpriced: Mapping[str, str]

    @property
    def baseline(self) -> Cost | None:
        """The cost of the plain BNN."""
        return self.costs.get(resolve(self.outcome.baseline))


def priced(outcome: Outcome, profile: AnyProfile) -> Priced:
    """Price every design of a study, and the plain BNN even where it is not measured yet."""
    chip = as_profile(profile)
    keys = {outcome.baseline: resolve(outcome.baseline)} | {row.design: row.key for row in outcome.rows}
    unpriced = reasons_against(keys, chip)
    costs = {key: cost(key, chip) for name, key in keys.items() if name not in unpriced}
    return Priced(outcome, chip.name, costs, unpriced)


def study_table(study: Priced) -> Table:
    """Every comparison of a study: gains over the plain BNN and over the fair pair, and the cost beside them.

    `role` is as the outcome has it; `paper_table` says it for people.
    """
    names, outcome = names_in(study.outcome), study.outcome
    unit = next((area_in_one_unit(one.area)[0] for one in study.costs.values()), "")
    columns = (
        Column("role", "studied"), Column("label", "design"), Column("branch", "branch"), Column("seeds", "seeds"),
        Column("top1", "top-1", "%"), Column("top1_spread", "deviation", "points"), Column("gain", "gain", "points"),
        Column("against_label", "fair pair"), Column("gain_against", "gain over it", "points"),
        Column("gain_against_error", "standard error", "points"), Column("energy_ratio", "energy / plain"),
        *(column for column in cost_columns(unit) if column.name != "memory_bits"),
        Column("design", "text form"), Column("against", "text form of the pair"),
    )  # fmt: skip
    rows = tuple(_row(row, study, names) for row in _in_order(outcome.rows))
    title = f"{outcome.title or outcome.plan}, {study.profile}"
    return Table("study", title, columns, rows, study_caption(outcome), grouped=1)


def paper_table(table: Table) -> Table:
    """The table of a study for people: roles in words, no text forms, and no column in which nothing stands."""
    rows = tuple((WHY_TRAINED.get(str(row[0]), row[0]), *row[1:]) for row in table.rows)
    return without_empty_columns(replace(table, rows=rows), "design", "against")


def screen_table(table: Table) -> Table:
    """The same in fewer columns: a figure and its uncertainty in one cell."""
    narrow = paper_table(table)
    for value, error in (("top1", "top1_spread"), ("gain_against", "gain_against_error")):
        narrow = _joined(narrow, value, error)
    return narrow


def _joined(table: Table, value: str, error: str) -> Table:
    """Write one column behind the other's figures as "58.50 ± 0.40", where the table has both."""
    places = {column.name: number for number, column in enumerate(table.columns)}
    if value not in places or error not in places:
        return table
    at, behind = places[value], places[error]
    rows = tuple(
        tuple(
            _with_error(row[at], row[behind]) if number == at else cell
            for number, cell in enumerate(row)
            if number != behind
        )
        for row in table.rows
    )
    columns = tuple(column for number, column in enumerate(table.columns) if number != behind)
    return replace(table, columns=columns, rows=rows)


def _with_error(value: Cell, error: Cell) -> Cell:
    if not isinstance(value, float):
        return value
    return f"{value:.2f} ± {error:.2f}" if isinstance(error, float) else f"{value:.2f}"


def study_caption(outcome: Outcome) -> str:
    """What the columns mean, and under which protocol the accuracies were measured."""
    protocols = "; ".join(outcome.protocols)
    fair = any(row.against is not None for row in outcome.rows)
    pairs = " Fair pair: what differs from the design by the studied method alone." if fair else ""
    error = (
        " Standard error: of the difference of the two means."
        if any(row.gain_against_error is not None for row in outcome.rows)
        else ""
    )
    names, assumed = names_in(outcome).caption, f" {sure_of(outcome)}".rstrip()
    return (
        f"Top-1: mean over seeds as trained, and their standard deviation. Gain: over the plain BNN."
        f"{pairs}{error}{assumed}{names}{_switches(outcome)} Protocol: {protocols or 'not said'}."
    )


def _switches(outcome: Outcome) -> str:
    """How the plain BNN is built, which decides what a repair alone gains."""
    switches = "; ".join(f"{name}: {value}" for name, value in outcome.switches.items())
    return f" Slots of the plain BNN: {switches}." if switches else ""


def branch_of(key: DesignKey, baseline: DesignKey) -> str:
    """The branch of what a design adds to the plain BNN; topology where it adds of both, none for another network.

    >>> plain = DesignKey.parse("resnet20")
    >>> [branch_of(DesignKey.parse(f"resnet20[{use}]"), plain) for use in ("ede", "prelu", "ede+prelu")]
    ['training', 'topology', 'topology']
    """
    if key.compute != baseline.compute:
        return ""
    branches = {use.method.branch for use in key.methods if use not in baseline.methods}
    if key.width != baseline.width:
        return "topology"
    return max(branches, default="", key=("training", "topology").index)


def _in_order(rows: Iterable[OutcomeRow]) -> list[OutcomeRow]:
    """By role, and the largest gain first."""
    order = list(WHY_TRAINED)

    def place(row: OutcomeRow) -> tuple[int, float]:
        gain = row.gain if row.gain is not None else 0.0
        return order.index(row.role) if row.role in order else len(order), -gain

    return sorted(rows, key=place)


def _row(row: OutcomeRow, study: Priced, names: Names) -> tuple[Cell, ...]:
    own, plain = study.costs.get(row.key), study.baseline
    ratio = own.energy_j / plain.energy_j if own and plain else None
    spent: tuple[Cell, ...] = (None, None, None)
    if own:
        spent = (own.energy_j, own.latency_s, area_in_one_unit(own.area)[1])
    against = names.of(resolve(row.against)) if row.against is not None else None
    return (
        row.role, names.of(row.key), branch_of(row.key, names.baseline), row.seeds,
        row.top1_mean, row.top1_spread, row.gain, against, row.gain_against, row.gain_against_error, ratio,
        *spent, str(row.key), str(resolve(row.against)) if row.against is not None else None,
    )  # fmt: skip
