"""The curve of a run: loss and validation accuracy over its epochs, as a picture."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from pathlib import Path

from costmodel.output import without_local_settings, write_whole
from training.run.checkpoints import Epoch
from training.run.folders import RunSpec

with without_local_settings("matplotlib", "mpl-data"):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

LOSS, TOP1 = "#30475e", "#c8553d"


def curve_figure(spec: RunSpec, history: tuple[Epoch, ...]) -> Figure:
    """Draw the mean loss of each epoch on the left axis, validation top-1 [%] on the right one."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    loss = figure.add_subplot()
    top1 = loss.twinx()
    epochs = [item.epoch for item in history]
    loss.plot(epochs, [item.loss for item in history], color=LOSS, marker="o", markersize=3)
    top1.plot(epochs, [item.validation_top1 for item in history], color=TOP1, marker="s", markersize=3)
    loss.set_xlabel("epoch")
    loss.set_ylabel("mean training loss", color=LOSS)
    top1.set_ylabel("validation top-1 [%]", color=TOP1)
    loss.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in (loss, top1):
        axis.spines["top"].set_visible(False)
    for before, after in pairwise(history):
        if after.phase != before.phase:
            loss.axvline(before.epoch + 0.5, color="0.6", linestyle=":", linewidth=1)
            loss.text(
                before.epoch + 0.6,
                loss.get_ylim()[1],
                f"phase {after.phase}",
                va="top",
                color="0.4",
                fontsize=8,
            )
    loss.set_title(f"{spec.design}, recipe {spec.recipe.name}, seed {spec.seed}", fontsize=9, loc="left")
    return figure


def draw_curve(path: Path, spec: RunSpec, history: tuple[Epoch, ...]) -> Path:
    """Write the picture as PNG."""
    stream = BytesIO()
    curve_figure(spec, history).savefig(stream, format="png", dpi=150)
    return write_whole(path, stream.getvalue())
