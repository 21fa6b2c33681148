"""`bnncost profiles validate`: what the model predicts for published chips, beside what was published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.plots import write_figure
from analysis.plots.validation import draw_validation, validation_info
from analysis.show.document import Document
from analysis.show.tables import Cell, Column, Table, csv_text, records
from analysis.show.text_forms import markdown
from analysis.show.units import readable, significant
from costmodel.output import make_folder, write_whole
from costmodel.validation.predictions import Prediction, Summary, summary_of, validate

_UNITS = {
    "energy": "J", "latency": "s", "area": "mm2", "power": "W", "static_power": "W", "energy_per_mac": "J",
    "throughput": "operation",
}  # fmt: skip
_SQUARE_METRE = 1e6  # mm2
_COLUMNS = (
    Column("system", "system"), Column("figure", "figure"), Column("use", "use"), Column("published", "published"),
    Column("predicted", "predicted"), Column("error_percent", "error", "percent"), Column("source", "source"),
)  # fmt: skip
_TIDY = (
    Column("system", "system"), Column("figure", "figure"), Column("metric", "metric"), Column("use", "use"),
    Column("calibrates", "calibrates"), Column("design", "design"), Column("unit", "unit"),
    Column("published", "published"), Column("predicted", "predicted"), Column("predicted_low", "low"),
    Column("predicted_high", "high"), Column("error_percent", "error [%]"), Column("source", "source"),
    Column("conditions", "conditions"),
)  # fmt: skip


def validate_document(
    names: Sequence[str], *, ranges: bool = False
) -> tuple[Document, tuple[Prediction, ...]]:
    """The table of all figures, with the summary of those held out below it; and the predictions themselves."""
    predictions = validate(names, ranges=ranges)
    summary = summary_of(predictions)
    caption = _caption(summary)
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
    data = {"figures": records(tidy), "held_out": _summary_data(summary)}
    return Document((shown,), data, tidy), predictions


def write_validation(document: Document, predictions: Sequence[Prediction], out: Path) -> list[Path]:
    """Write the table as CSV and Markdown and the picture as PNG and SVG into a folder."""
    make_folder(out)
    stem = out / "validation"
    return [
        write_whole(stem.with_suffix(".csv"), csv_text(document.tidy)),
        write_whole(stem.with_suffix(".md"), markdown(document.tables[0])),
        *write_figure(draw_validation(validation_info(predictions)), stem),
    ]


def _caption(summary: Summary | None) -> str:
    if summary is None:
        return "No figure is held out: everything here is an input."
    return (
        f"{summary.sentence} Inputs calibrate one constant each; nothing is calibrated on held-out figures."
    )


def _summary_data(summary: Summary | None) -> dict[str, Cell] | None:
    if summary is None:
        return None
    return {
        "figures": summary.held_out,
        "median_error_percent": summary.median_error_percent,
        "worst_factor": summary.worst.factor,
        "worst_system": summary.worst.system,
        "worst_figure": summary.worst.figure.what,
    }


def _row(item: Prediction) -> tuple[Cell, ...]:
    figure = item.figure
    use = "held out" if item.held_out else f"input to {figure.calibrates}"
    predicted = shown_value(item, item.predicted)
    if item.ends is not None:
        low, high = (shown_value(item, end) for end in item.ends)
        predicted += f" ({low} to {high})"
    return (
        item.title, figure.what, use, shown_value(item, item.published), predicted,
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
        item.system, figure.what, figure.metric, figure.use, figure.calibrates, figure.design or macs or None,
        _UNITS[figure.metric], item.published * scale, item.predicted * scale, low, high, item.error_percent,
        figure.value.source, figure.conditions,
    )  # fmt: skip
