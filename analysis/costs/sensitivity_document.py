"""`bnncost sensitivity`: which figure of a profile matters to the energy of a design, and to its order with another."""

from __future__ import annotations

from pathlib import Path

from analysis.show.document import Document
from analysis.show.figure_words import (
    HELD,
    assumption_sentence,
    comparison_sentence,
    range_text,
    value_text,
)
from analysis.show.pictures import check_picture
from analysis.show.progress import under_way
from analysis.show.safe import file_stem
from analysis.show.tables import Column, Table, records
from analysis.show.units import readable, significant
from analysis.show.words import COMPULSORY
from costmodel.evaluate.break_even import Comparison, Turn, comparison_of
from costmodel.evaluate.cost import AnyProfile, as_design, as_profile, read_notes
from costmodel.evaluate.figures import Figure
from costmodel.evaluate.sensitivity import Effect, Sensitivity, held, sensitivity_of
from costmodel.pricing.price import TrafficModel

_FIGURE = ("figure", "value", "unit", "low", "high", "range", "status", "source", "law")
_EFFECT = ("part_j", "energy_at_low_j", "energy_at_high_j", "swing_j", "share")
_TURN = ("difference_at_low_j", "difference_at_high_j", "break_even", "within_range")


def sensitivity_document(
    design: str,
    than: str | None,
    profile: AnyProfile,
    *,
    traffic: TrafficModel | None = None,
    out: Path | None = None,
) -> tuple[Document, Sensitivity, Comparison | None]:
    """What every figure does to a design, with `than` to its order with another; and both as they were found.

    Raises BnncostError as `cost` does, and for an `out` to which no picture can be written.
    """
    if out is not None:
        check_picture(out)
    chip = as_profile(profile)
    with under_way("pricing"):
        one = held(design, chip, traffic)
        found = sensitivity_of(one)
        compared = comparison_of(one, held(than, chip, traffic)) if than is not None else None
    sentence = assumption_sentence(found)
    data = _data(found, sentence) | {"comparison": _comparison_data(compared) if compared else None}
    notes = [remark for name in (design, than) if name is not None for remark in read_notes(as_design(name))]
    notes += [sentence] if sentence else []
    if found.traffic == "compulsory":
        notes.append(COMPULSORY)
    if compared is None:
        return Document((_table(found),), data, _tidy(found), tuple(notes)), found, None
    tables = (_comparison_table(compared), _table(found))
    return (
        Document(tables, data, _tidy_comparison(compared), (comparison_sentence(compared), *notes)),
        found,
        compared,
    )


def write_tornado(found: Sensitivity, compared: Comparison | None, out: Path) -> list[Path]:
    """Draw a sensitivity, or a comparison where there is one, to a file, or as PNG and SVG into a folder."""
    from analysis.plots.style import write_drawn
    from analysis.plots.tornado import comparison_info, sensitivity_info
    from analysis.plots.tornado_drawing import draw_tornado

    info = sensitivity_info(found) if compared is None else comparison_info(compared)
    parts = [found.design, *(["than", compared.than] if compared else []), found.profile]
    return write_drawn(draw_tornado(info), out, file_stem("sensitivity", *parts))


# ---------------------------------------------------------------- for people


def _table(found: Sensitivity) -> Table:
    columns = (
        Column("figure", "figure"), Column("value", "value"), Column("range", "range"), Column("status", "status"),
        Column("part_percent", "energy in proportion to it", "%"), Column("energy_at_low", "energy at low"),
        Column("energy_at_high", "at high"), Column("swing_percent", "swing", "%"),
        Column("share_percent", "share of the spread", "%"),
    )  # fmt: skip
    total = found.energy_j or 1.0
    rows = tuple(
        (
            *_figure_cells(effect.figure),
            None if effect.part_j is None else 100 * effect.part_j / total,
            _energy_cell(effect.figure, effect.low_j),
            _energy_cell(effect.figure, effect.high_j),
            100 * effect.swing_j / total,
            None if effect.share is None else 100 * effect.share,
        )
        for effect in found.effects
    )
    low, high = readable(found.low_j, "J"), readable(found.high_j, "J")
    caption = (
        f"The spread is the sum of all swings over ranges of the profile, {readable(found.spread_j, 'J')}; with all of "
        f"these figures at once at their cheap or dear ends, the energy is {low} or {high}. {HELD}"
    )
    title = f"{found.design} on {found.profile}: {readable(found.energy_j, 'J')}, and what it hangs on"
    return Table("sensitivity", title, columns, rows, caption)


def _comparison_table(compared: Comparison) -> Table:
    columns = (
        Column("figure", "figure"), Column("value", "value"), Column("range", "range"), Column("status", "status"),
        Column("difference_at_low", "difference at low"), Column("difference_at_high", "at high"),
        Column("break_even", "order turns at"), Column("times", "times the value"),
    )  # fmt: skip
    rows = tuple(
        (
            *_figure_cells(turn.figure),
            _energy_cell(turn.figure, turn.low_j),
            _energy_cell(turn.figure, turn.high_j),
            None if turn.break_even is None else value_text(turn.figure, turn.break_even),
            None if turn.break_even is None else significant(turn.break_even / turn.figure.value),
        )
        for turn in compared.turns
    )
    title = f"{compared.design} less {compared.than} on {compared.profile}: {readable(compared.difference_j, 'J')}"
    caption = f"Figures that turn the order within their range come first. {HELD}"
    return Table("break_even", title, columns, rows, caption)


def _figure_cells(figure: Figure) -> tuple[str, ...]:
    return figure.place, value_text(figure), range_text(figure), figure.status


def _energy_cell(figure: Figure, energy_j: float | None) -> str:
    if figure.low == figure.high:
        return ""
    return "does not fit" if energy_j is None else readable(energy_j, "J")


# ---------------------------------------------------------------- for programs


def _data(found: Sensitivity, sentence: str) -> dict[str, object]:
    return {
        "design": found.design,
        "profile": found.profile,
        "traffic": found.traffic,
        "energy_j": found.energy_j,
        "energy_low_j": found.low_j,
        "energy_high_j": found.high_j,
        "spread_j": found.spread_j,
        "sentence": sentence,
        "figures": records(_tidy(found)),
    }


def _tidy(found: Sensitivity) -> Table:
    columns = tuple(Column(name, name) for name in (*_FIGURE, *_EFFECT))
    rows = tuple(_effect_row(effect) for effect in found.effects)
    return Table("sensitivity", found.design, columns, rows)


def effect_record(effect: Effect) -> dict[str, object]:
    """What one figure does, as JSON has it."""
    return dict(zip((*_FIGURE, *_EFFECT), _effect_row(effect), strict=True))


def _effect_row(effect: Effect) -> tuple[str | float | None, ...]:
    ends = (effect.part_j, effect.low_j, effect.high_j, effect.swing_j, effect.share)
    return (*_figure_row(effect.figure), *ends)


def _figure_row(figure: Figure) -> tuple[str | float | None, ...]:
    ranged = figure.low != figure.high
    return (
        figure.place,
        figure.value,
        figure.unit,
        figure.low if ranged else None,
        figure.high if ranged else None,
        ("profile" if figure.stated else "half to double") if ranged else None,
        figure.status,
        figure.source,
        figure.law,
    )


def _comparison_data(compared: Comparison) -> dict[str, object]:
    return {
        "than": compared.than,
        "than_energy_j": compared.than_energy_j,
        "difference_j": compared.difference_j,
        "sentence": comparison_sentence(compared),
        "figures": records(_tidy_comparison(compared)),
    }


def _tidy_comparison(compared: Comparison) -> Table:
    columns = tuple(Column(name, name) for name in (*_FIGURE, *_TURN))
    return Table("break_even", compared.design, columns, tuple(map(_turn_row, compared.turns)))


def _turn_row(turn: Turn) -> tuple[str | float | None, ...]:
    return (*_figure_row(turn.figure), turn.low_j, turn.high_j, turn.break_even, turn.within)
