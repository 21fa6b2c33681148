"""Figures for a paper: of each kind, what it shows as a frozen dataclass, and how it is drawn."""

from costmodel.output import without_local_settings

with without_local_settings("matplotlib", "mpl-data"):
    import matplotlib  # noqa: F401

from analysis.plots.front import FrontInfo, front_info
from analysis.plots.front_drawing import draw_front
from analysis.plots.gains import GainsInfo, gains_info
from analysis.plots.gains_drawing import draw_gains
from analysis.plots.marginal import MarginalInfo, marginal_info
from analysis.plots.marginal_drawing import draw_marginal
from analysis.plots.split import SplitInfo, draw_split, split_info
from analysis.plots.style import write_figure

__all__ = [
    "FrontInfo",
    "GainsInfo",
    "MarginalInfo",
    "SplitInfo",
    "draw_front",
    "draw_gains",
    "draw_marginal",
    "draw_split",
    "front_info",
    "gains_info",
    "marginal_info",
    "split_info",
    "write_figure",
]
