"""Mapping: the best order and allocation of a layer's loops on an array below a hierarchy of memories.

`best_mapping(layer, architecture)` searches, `cost_of(layer, architecture, mapping)` prices a given mapping. How both
work, what they claim, and how they compare with ZigZag is in docs/mapping.md. Pure numpy.
"""

from costmodel.mapping.architecture import Architecture, Array, Level, Port
from costmodel.mapping.best import best_mapping
from costmodel.mapping.cache import cached_mappings
from costmodel.mapping.conventions import OURS, ZIGZAG, Conventions
from costmodel.mapping.given import cost_of
from costmodel.mapping.mapped import Mapped, OperandTraffic, Temporal
from costmodel.mapping.nest import LoopNest
from costmodel.mapping.outline import nest_text

__all__ = [
    "OURS",
    "ZIGZAG",
    "Architecture",
    "Array",
    "Conventions",
    "Level",
    "LoopNest",
    "Mapped",
    "OperandTraffic",
    "Port",
    "Temporal",
    "best_mapping",
    "cached_mappings",
    "cost_of",
    "nest_text",
]
