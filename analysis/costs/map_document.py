"""`bnncost map`: the loop nests that a design's layers run on a profile, printed and drawn."""

from __future__ import annotations

from pathlib import Path

from analysis.costs.mapping_tables import (
    list_table,
    listings_of,
    mapping_record,
    moved_table,
    operand_table,
)
from analysis.show.document import Document
from analysis.show.pictures import check_picture
from analysis.show.progress import under_way
from analysis.show.safe import file_stem
from costmodel import BnncostError
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.evaluate.mappings import LayerMapping, mappings_of


def map_document(
    design: str, profile: AnyProfile, layer: str | None, goal: str, out: Path | None = None
) -> tuple[Document, tuple[LayerMapping, ...]]:
    """The mapping of one layer with its traffic, or a line for every layer; and the mappings themselves.

    Shows on a terminal which layer is being mapped. Raises BnncostError for what cannot be mapped, and for an `out` to
    which no picture of one layer can be written.
    """
    if out is not None:
        _check(out, layer)
    chip = as_profile(profile)
    with under_way("mapping") as tell:
        mappings = mappings_of(design, chip, layer, goal, progress=tell)
    data = [mapping_record(one) for one in mappings]
    if layer is None:
        table = list_table(mappings, design, chip.name)
        return Document((table,), data, table), mappings
    return Document(
        (operand_table(mappings),), data, moved_table(mappings), listings=listings_of(mappings)
    ), mappings


def write_mapping(
    mappings: tuple[LayerMapping, ...], design: str, profile: AnyProfile, out: Path
) -> list[Path]:
    """Draw the mappings of one layer to a file, or as PNG and SVG into a folder."""
    from analysis.plots.mapping import mapping_info
    from analysis.plots.mapping_drawing import draw_mapping
    from analysis.plots.style import write_drawn

    chip = as_profile(profile).name
    figure = draw_mapping(mapping_info(mappings, design, chip))
    return write_drawn(figure, out, file_stem(design, mappings[0].layer, chip, mappings[0].mapped.goal))


def _check(out: Path, layer: str | None) -> None:
    """Refuse a picture of all layers, and a file that is no picture, before anything is mapped."""
    if layer is None:
        raise BnncostError("--out draws one layer; say which with --layer (without --out, all are listed).")
    check_picture(out)
