"""ATen operations as nodes of a graph; what has no rule keeps its name, and is refused if it is of use."""

from __future__ import annotations

import training.reading.aten_layers
import training.reading.aten_layout
import training.reading.aten_math  # noqa: F401
from costmodel.importers.model.document import ModelGraph
from training.reading.calls import Captured
from training.reading.capture import INPUT
from training.reading.constants import without_constant_calls
from training.reading.writer import RULES, Writer


def graph_of(captured: Captured, name: str) -> ModelGraph:
    """Write captured calls as a graph."""
    writer = Writer(captured.stated, captured.learned)
    for call in without_constant_calls(captured.calls):
        target = call.target if call.target in RULES else call.target.removesuffix("_")
        if target in RULES:
            RULES[target](writer, call)
        else:
            writer.unknown(call)
        writer.shapes.update(dict(call.results))
    return ModelGraph(
        name,
        INPUT,
        captured.input_shape,
        captured.output,
        tuple(writer.nodes),
        writer.constants,
        writer.shapes,
        (captured.how, *captured.remarks),
        stated=writer.stated,
    )
