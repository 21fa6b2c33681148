"""What each method costs: as emitted before folding, alone over the plain network, and left out of a full one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from analysis.accuracy.outcome import gains_alone, shipped_with
from analysis.methods.equivalence import WidthScale, width_scale
from costmodel import METHODS, BnncostError, Cost, DesignKey, backbone_of, cost, resolve
from costmodel.designs.outcome import Outcome
from costmodel.evaluate.cost import AnyProfile, as_profile
from costmodel.hardware import HardwareProfile
from costmodel.methods import MethodUse
from costmodel.pricing.price import TrafficModel

FULL = "channel_scale+double_residual+prelu+squeeze_excitation+learned_threshold+polynomial_ste"
"""The full design that methods are left out of, unless another is given; those without a place are dropped."""

Operations = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Change:
    """A difference of two costs: operations by (operation, precision), energy, latency, area by resource."""

    operations: Operations
    energy_j: float
    latency_s: float
    area: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """JSON form, with the operations as a list."""
        rows = [
            {"operation": operation, "precision": precision, "count": count}
            for (operation, precision), count in self.operations.items()
        ]
        return {
            "operations": rows, "energy_j": self.energy_j, "latency_s": self.latency_s, "area": dict(self.area)
        }  # fmt: skip


@dataclass(frozen=True)
class MethodCost:
    """One method's cost: emitted (before folding), alone over the plain design, left out of the full one.

    `equivalent_width` is the width of the plain network that as much energy buys, as `WidthScale` has it; None beyond
    0.25..8.
    `gain_against` is the gain in top-1 over its fair pair [points] by the shipped study; None where it has none.
    `off_chip` names the memories outside of the chip in which the plain design with it lies for want of room.
    """

    use: str
    name: str
    branch: str
    category: str
    emitted: Change
    alone: Change
    left_out: Change
    equivalent_width: float | None
    gain_against: float | None
    off_chip: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class MethodTable:
    """The costs of several methods on one network and profile; `study` is the shipped one that gains are from."""

    network: str
    profile: str
    full: str
    plain: Cost
    rows: tuple[MethodCost, ...]
    study: Outcome | None = None


def method_table(
    network: str = "resnet20",
    profile: AnyProfile = "asic-45nm",
    dataset: str | None = None,
    full: str | None = None,
    methods: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
    *,
    features: str | None = None,
    traffic: TrafficModel | None = None,
) -> MethodTable:
    """Price every method (or those named) on a network; each is left out of the full design that contains it.

    `progress` gets each method's name before it is priced, `features` is the precision of non-binary maps in all
    designs where it is given, `traffic` is as in `cost`. Raises BnncostError for unknown names.
    """
    backbone_of(network)
    chip = as_profile(profile)
    plain = DesignKey.parse(f"{network}/{dataset}" if dataset else network)
    complete = resolve(full) if full else plain.with_methods(offered(network, FULL.split("+")))
    if features is not None:
        plain, complete = plain.with_features(features), complete.with_features(features)
    if (complete.network, complete.dataset) != (plain.network, plain.dataset):
        raise BnncostError(f"the full design '{complete}' is not on {plain.network}/{plain.dataset}.")
    uses = tuple(map(MethodUse.parse, methods)) if methods else offered(network, list(METHODS))
    study = shipped_with(plain)
    priced = _once(chip, traffic)
    base = _Baseline(
        plain,
        complete,
        priced,
        width_scale(plain, chip, traffic=traffic),
        gains_alone(study) if study is not None else {},
    )
    rows = []
    for use in uses:
        if progress:
            progress(str(use))
        rows.append(_method_cost(use, base))
    return MethodTable(str(plain), chip.name, str(complete), priced(plain), tuple(rows), study)


@dataclass(frozen=True)
class _Baseline:
    """What every method is compared with: the plain design and the full one, and what gives the cost of any.

    `gains` are the measured ones by the method's text [points].
    """

    plain: DesignKey
    full: DesignKey
    cost: Callable[..., Cost]
    scale: WidthScale
    gains: Mapping[str, float]


def offered(network: str, names: Sequence[str]) -> tuple[MethodUse, ...]:
    """Those of the named methods that have a place in a network."""
    return tuple(MethodUse(name) for name in names if backbone_of(network).offers(METHODS[name].hook))


def _once(chip: HardwareProfile, traffic: TrafficModel | None) -> Callable[..., Cost]:
    """What prices a design, folded or as emitted, and each network once: recipes leave nothing in it."""

    @cache
    def of_network(key: DesignKey, folding: bool) -> Cost:
        return cost(key, chip, folding=folding, traffic=traffic)

    def priced(key: DesignKey, *, folding: bool = True) -> Cost:
        return of_network(key.as_run(), folding)

    return priced


def _method_cost(use: MethodUse, base: _Baseline) -> MethodCost:
    alone, with_it = base.plain.with_methods((use,)), including(base.full, use)
    method, one = use.method, base.cost(alone)
    return MethodCost(
        str(use),
        method.name,
        method.branch,
        method.category,
        _emitted(use, base.cost(alone, folding=False), base.cost(base.plain, folding=False)),
        difference(one, base.cost(base.plain)),
        difference(base.cost(with_it), base.cost(with_it.without(use.name))),
        base.scale.width_at(one.energy_j),
        base.gains.get(str(use)),
        tuple(one.off_chip_bits),
        method.free_because or method.note,
    )


def including(full: DesignKey, use: MethodUse) -> DesignKey:
    """The full design with a method: in place of those that it cannot be combined with, else added last."""
    kept = [one for one in full.methods if one.name != use.name and not use.excludes(one)]
    return full.with_methods((*kept, use))


def _emitted(use: MethodUse, after: Cost, before: Cost) -> Change:
    """Operations recorded under the method, and the difference of the costs, both before folding."""
    asked: dict[tuple[str, str], int] = {}
    for row in after.operations:
        if row.origin == use.name:
            key = (row.operation, row.precision)
            asked[key] = asked.get(key, 0) + row.count
    change = difference(after, before)
    if use.method.hook == "width":  # it adds no operation of its own: there is more of every one
        return change
    return Change(asked, change.energy_j, change.latency_s, change.area)


def difference(one: Cost, other: Cost) -> Change:
    """Subtract a cost from another; operations that do not differ are left out."""
    ours, theirs = one.operation_totals(), other.operation_totals()
    keys = dict.fromkeys([*ours, *theirs])
    operations = {key: ours.get(key, 0) - theirs.get(key, 0) for key in keys}
    resources = dict.fromkeys([*one.area, *other.area])
    return Change(
        {key: count for key, count in operations.items() if count},
        one.energy_j - other.energy_j,
        one.latency_s - other.latency_s,
        {name: one.area.get(name, 0.0) - other.area.get(name, 0.0) for name in resources},
    )
