"""The mappings behind a cost: which loop nest each MAC layer of a design runs on a profile, and what it moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from costmodel.errors import SHOWN, BnncostError, by_closeness, unknown
from costmodel.evaluate.cost import AnyDesign, AnyProfile, as_design, as_profile, check_placed, prepared
from costmodel.graph import MAP_ROLES
from costmodel.mapping import Mapped, OperandTraffic
from costmodel.mapping.architecture import READ_OR_WRITE
from costmodel.mapping.nest import FEATURES
from costmodel.mapping.outline import Outline, outline
from costmodel.mapping.search.goals import GOALS
from costmodel.pricing.mac_traffic import Placed, moved_rows, placed_mappings
from costmodel.pricing.price import price
from costmodel.pricing.setting import Setting, energy_per_bit


@dataclass(frozen=True)
class LayerMapping:
    """The mapping of one MAC operation of a layer, or of the `share` of it whose operands have these homes.

    `precision` is that of the MAC. `moved` is what the whole operation moves under this mapping, at the prices of the
    cost; `capacity_bits` is the size of each memory, and of an instance of each buffer [bit]. Where `streamed`, side
    operations of the same layer make the features, and they come from no memory unless they are read again. Where not
    `timed`, a processor sets the time by its instructions, and the mapping's cycles count for nothing.
    """

    layer: str
    precision: str
    share: float
    weights_in: str
    features_in: str
    streamed: bool
    mapped: Mapped
    moved: tuple[OperandTraffic, ...]
    capacity_bits: Mapping[str, float]
    timed: bool

    @property
    def energy_j(self) -> float:
        """Energy of what it moves [J]."""
        return sum(row.energy_j for row in self.moved)

    @property
    def outline(self) -> Outline:
        """Its loops, tiles and lanes, as they are shown."""
        return outline(self.mapped, self.moved)

    @property
    def homes(self) -> str:
        """Where the operands lie, in words."""
        features = f"features in {self.features_in}"
        if self.streamed and not any(
            (row.level, row.operand) == (self.features_in, FEATURES) for row in self.moved
        ):
            features = "features streaming from side operations"
        return f"weights in {self.weights_in}, {features}"


def mappings_of(
    design: AnyDesign,
    profile: AnyProfile = "asic-45nm",
    layer: str | None = None,
    goal: str = "energy",
    *,
    folding: bool = True,
    progress: Callable[[str], None] | None = None,
) -> tuple[LayerMapping, ...]:
    """Find the mappings of a design's MAC layers in the order in which they run, or of one layer.

    The goal "energy" gives those that the cost is made from; the others are "latency" and "product". `layer` may
    be a part of a name that no other layer has. `progress` gets each layer's name before it is mapped.
    Raises BnncostError for unknown names, a profile without an array, a layer without MACs, and what fits nowhere.

    >>> [(one.precision, one.weights_in) for one in mappings_of("resnet20/cifar10", layer="stem")]
    [('8x8', 'weight_sram')]
    """
    if goal not in GOALS:
        raise unknown("goal", goal, GOALS)
    key, chip = as_design(design), as_profile(profile)
    demand = prepared(key, folding).demand
    with_macs = np.flatnonzero(demand.macs["K"][:, :, 0].any(axis=0))
    mappable = [demand.layers[number] for number in with_macs]
    names = mappable if layer is None else [_found(layer, demand.layers, mappable, str(key))]
    points = price(demand, chip, "mapped")
    check_placed(points, str(key))
    mappings: list[LayerMapping] = []
    for name in names:
        if progress:
            progress(name)
        placed = placed_mappings(points.setting, demand, demand.layers.index(name), goal)
        mappings += [_layer_mapping(name, one, points.setting) for one in placed]
    return tuple(mappings)


def _layer_mapping(name: str, placed: Placed, setting: Setting) -> LayerMapping:
    home, fields = placed.home, placed.fields
    mapped = replace(placed.mapped, layer=replace(placed.mapped.layer, name=name))
    rows = []
    for row in moved_rows(mapped, home, fields):
        key = (row.level, MAP_ROLES[fields.role], READ_OR_WRITE[row.direction])
        rows.append(replace(row, energy_j=row.bits * float(np.ravel(energy_per_bit(setting, key))[0])))
    capacity = {level.name: float(level.size_bits) for level in mapped.machine.levels}
    capacity |= {level: float(bits[0]) for level, bits in setting.placement.size_bits.items()}
    return LayerMapping(
        layer=name,
        precision=fields.label,
        share=placed.share,
        weights_in=home.weights,
        features_in=home.maps,
        streamed=bool(fields.streamed),
        mapped=mapped,
        moved=tuple(rows),
        capacity_bits=capacity,
        timed=setting.profile.processor is None,
    )


def _found(layer: str, names: tuple[str, ...], mappable: list[str], design: str) -> str:
    """The layer that has this name, or whose name alone contains it."""
    if layer in mappable:
        return layer
    if layer in names:
        raise BnncostError(
            f"design '{design}': layer '{layer}' has no MACs, so there is no loop nest to map; layers that have: "
            f"{_listed(layer, mappable)}."
        )
    alike = [name for name in mappable if layer in name] if layer else []
    if len(alike) > 1:
        raise BnncostError(
            f"design '{design}': '{layer}' may be any of {len(alike)} layers; say which: {_listed(layer, alike)}."
        )
    if not alike:
        raise unknown("layer", layer, mappable, f"design '{design}'")
    return alike[0]


def _listed(layer: str, names: list[str]) -> str:
    """The first names, the closest first."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(by_closeness(layer, names)[:SHOWN]) + more
