"""`bnncost profiles validate`: what the model predicts for published chips, beside what was published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.show.document import Document
from analysis.show.tables import Cell, Column, Table, csv_text, records
from analysis.show.text_forms import markdown
from analysis.show.units import readable, significant
from costmodel.output import make_folder, write_whole
from costmodel.validation.judgement import (
    ClassScore,
    PredictedDifference,
    SystemScore,
    class_of,
    differences_of,
    scores_of,
)
from costmodel.validation.predictions import Prediction, validate

_UNITS = {
    "energy": "J", "latency": "s", "area": "mm2", "power": "W", "static_power": "W", "energy_per_mac": "J",
    "throughput": "operation",
}  # fmt: skip
_SQUARE_METRE = 1e6  # mm2
_COLUMNS = (
    Column("system", "system"), Column("figure", "figure"), Column("class", "class"), Column("use", "use"),
    Column("published", "published"), Column("predicted", "predicted"),
    Column("error_percent", "error", "percent"), Column("source", "source"),
)  # fmt: skip
_SCORE_COLUMNS = (
    Column("class", "class"), Column("system", "system"), Column("figures", "held-out figures"),
    Column("median_error_percent", "median error"), Column("worst_factor", "worst factor"),
    Column("worst_figure", "worst figure"),
)  # fmt: skip
_DIFFERENCE_COLUMNS = (
    Column("system", "system"), Column("difference", "difference"), Column("published", "published"),
    Column("predicted", "predicted"), Column("error_percent", "error", "percent"),
)  # fmt: skip
_TIDY = (
    Column("system", "system"), Column("figure", "figure"), Column("metric", "metric"), Column("class", "class"),
    Column("use", "use"), Column("calibrates", "calibrates"), Column("informed", "informed"),
    Column("design", "design"), Column("unit", "unit"),
    Column("published", "published"), Column("predicted", "predicted"), Column("predicted_low", "low"),
    Column("predicted_high", "high"), Column("error_percent", "error [%]"), Column("source", "source"),
    Column("conditions", "conditions"),
)  # fmt: skip


def validate_document(
    names: Sequence[str], *, ranges: bool = False
) -> tuple[Document, tuple[Prediction, ...]]:
    """The tables of all figures, of scores and of differences between networks; and the predictions themselves."""
    predictions = validate(names, ranges=ranges)
    scores, differences = scores_of(predictions), differences_of(predictions)
    caption = _caption(scores)
    shown = Table(
        "validation",
        "Predicted against published",
        _COLUMNS,
        tuple(map(_row, predictions)),
        caption,
        grouped=1,
    )
    tidy = Table(
        "validation", "Predicted against published", _TIDY, tuple(map(_tidy_row, predictions)), caption
    )
    tables = (shown, *_score_table(scores), *_difference_table(differences))
    data = {
        "figures": records(tidy),
        "held_out": [_class_data(score) for score in scores],
        "differences": [_difference_data(item) for item in differences],
    }
    return Document(tables, data, tidy), predictions


def write_validation(document: Document, predictions: Sequence[Prediction], out: Path) -> list[Path]:
    """Write the table as CSV, all tables as Markdown, and the picture as PNG and SVG into a folder."""
    from analysis.plots.style import write_figure  # loads matplotlib, which a table does without
    from analysis.plots.validation import draw_validation, validation_info

    make_folder(out)
    stem = out / "validation"
    return [
        write_whole(stem.with_suffix(".csv"), csv_text(document.tidy)),
        write_whole(stem.with_suffix(".md"), "\n\n".join(map(markdown, document.tables))),
        *write_figure(draw_validation(validation_info(predictions)), stem),
    ]


def _caption(scores: Sequence[ClassScore]) -> str:
    if not scores:
        return "No figure is held out: nothing here judges the model."
    return " ".join(
        (
            *(score.sentence for score in scores),
            "Inputs calibrate one constant each; nothing is calibrated on held-out figures.",
        )
    )


def _score_table(scores: Sequence[ClassScore]) -> tuple[Table, ...]:
    """How good the held-out figures of each system are; no table where there is none."""
    rows = tuple(
        (score.priced, one.title, one.figures, f"{one.median_error_percent:.1f} %", f"{one.worst.factor:.2f}",
         one.worst.figure.what)
        for score in scores
        for one in score.systems
    )  # fmt: skip
    title = "Held-out figures by class and system"
    return (Table("scores", title, _SCORE_COLUMNS, rows, grouped=1),) if rows else ()


def _difference_table(differences: Sequence[PredictedDifference]) -> tuple[Table, ...]:
    """What one network takes more than another on the same device; no table where no system has a pair."""
    rows = tuple(
        (item.of.title, item.difference.what, shown_difference(item, item.published),
         shown_difference(item, item.predicted), f"{item.error_percent:+.1f} %")
        for item in differences
    )  # fmt: skip
    title = "Differences between networks on one device"
    return (Table("differences", title, _DIFFERENCE_COLUMNS, rows, grouped=1),) if rows else ()


def shown_difference(item: PredictedDifference, value: float) -> str:
    """A difference for people, with its sign."""
    return f"{'+' if value >= 0 else '-'}{shown_value(item.of, abs(value))}"


def _class_data(score: ClassScore) -> dict[str, object]:
    return {
        "class": score.priced,
        "figures": score.figures,
        "median_error_percent": score.median_error_percent,
        "worst_factor": score.worst.factor,
        "worst_system": score.worst.system,
        "worst_figure": score.worst.figure.what,
        "systems": [_system_data(one) for one in score.systems],
    }


def _system_data(score: SystemScore) -> dict[str, Cell]:
    return {
        "system": score.system,
        "figures": score.figures,
        "median_error_percent": score.median_error_percent,
        "worst_factor": score.worst.factor,
        "worst_figure": score.worst.figure.what,
    }


def _difference_data(item: PredictedDifference) -> dict[str, Cell]:
    scale = _SQUARE_METRE if item.of.figure.metric == "area" else 1.0
    return {
        "system": item.of.system,
        "difference": item.difference.what,
        "of": item.difference.of,
        "minus": item.difference.minus,
        "unit": _UNITS[item.of.figure.metric],
        "published": item.published * scale,
        "predicted": item.predicted * scale,
        "error_percent": item.error_percent,
    }


def _row(item: Prediction) -> tuple[Cell, ...]:
    figure = item.figure
    use = f"input to {figure.calibrates}" if figure.use == "input" else figure.use
    predicted = shown_value(item, item.predicted)
    if item.ends is not None:
        low, high = (shown_value(item, end) for end in item.ends)
        predicted += f" ({low} to {high})"
    return (
        item.title, figure.what, class_of(item), use, shown_value(item, item.published), predicted,
        f"{item.error_percent:+.1f} %", figure.value.source,
    )  # fmt: skip


def shown_value(item: Prediction, value: float) -> str:
    """A value of a figure for people, with the unit of its metric."""
    metric = item.figure.metric
    behind = {"energy_per_mac": "/MAC", "throughput": "OP/s"}.get(metric, "")
    scale = _SQUARE_METRE if metric == "area" else 1.0
    if metric == "area":
        return f"{significant(value * scale)} mm²"
    return f"{readable(value, _UNITS[metric])}{behind}"


def _tidy_row(item: Prediction) -> tuple[Cell, ...]:
    figure = item.figure
    scale = _SQUARE_METRE if figure.metric == "area" else 1.0
    low, high = (None, None) if item.ends is None else (end * scale for end in item.ends)
    macs = " + ".join(f"{count:.0f} {label}" for label, count in (figure.macs or {}).items())
    return (
        item.system, figure.what, figure.metric, class_of(item), figure.use, figure.calibrates, figure.informed,
        figure.design or macs or None,
        _UNITS[figure.metric], item.published * scale, item.predicted * scale, low, high, item.error_percent,
        figure.value.source, figure.conditions,
    )  # fmt: skip
