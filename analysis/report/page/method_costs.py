"""What each method costs on a network and profile, in groups of prices: asked for, alone, left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.accuracy.outcome import names_in, shipped_with, sure_of
from analysis.methods.marginal import FULL, including, offered
from analysis.report.page.design_costs import group_energies, priced_together
from costmodel import METHODS, DesignKey, resolve
from costmodel.designs.outcome import Outcome
from costmodel.hardware import HardwareProfile
from costmodel.importers.model.naming import Model
from costmodel.methods import MethodUse

WIDTHS = (1.0, 1.5, 2.0)
"""Widths of the plain network between which the page looks up the one that costs as much as a repair."""
NARROW, WIDE = 0.5, 3.0
"""Widths that are priced where a repair costs less than none, or more than the widest of those.

Every width takes searches of its own for the mappings of its layers.
"""


def method_records(network: str, dataset: str, chip: HardwareProfile) -> dict[str, Any]:
    """Energy of every method by group of prices [J], and that of the plain network at several widths.

    `asked` is what a method adds before anything folds, `alone` over the plain network after folding, `left_out` what
    the full design saves without it; methods that cost nothing are left out. `measured` has the gains of the shipped
    study, each with what the design costs over the one that it is compared with.
    """
    plain = DesignKey(network, dataset)
    study = shipped_with(plain)
    uses = [use for use in offered(network, list(METHODS)) if use.method.changes_network]
    full = plain.with_methods(offered(network, FULL.split("+")))
    alone = {use: plain.with_methods((use,)) for use in uses}
    whole = {use: including(full, use) for use in uses}
    without = [key.without(use.name) for use, key in whole.items()]
    folded = _energies([plain, *alone.values(), *whole.values(), *without], chip)
    unfolded = _energies([plain, *alone.values()], chip, folding=False)
    rows: list[dict[str, Any]] = []
    for use in uses:
        three = {
            "asked": unfolded.difference(alone[use], plain),
            "alone": folded.difference(alone[use], plain),
            "left_out": folded.difference(whole[use], whole[use].without(use.name)),
        }
        if any(np.any(energy) for energy in three.values() if energy is not None):
            rows.append(_row(use, three))
    return {
        "plain": folded.of(plain),
        "widths": _widths(network, dataset, chip, [folded.sum_of(key) for key in alone.values()]),
        "protocols": list(study.protocols) if study is not None else [],
        "sure": sure_of(study) if study is not None else "",
        "full": str(full),
        "methods": rows,
        "measured": [] if study is None else _measured(study, chip),
    }


@dataclass(frozen=True, eq=False)
class _Energies:
    """Energies by group [J] of designs that were priced together; `known` has those that have a cost."""

    known: Mapping[DesignKey | Model, np.ndarray]

    def of(self, key: DesignKey) -> list[float] | None:
        """The energies of one design, None where it has no cost."""
        return self.known[key].tolist() if key in self.known else None

    def sum_of(self, key: DesignKey) -> float:
        """The energy of one design, NaN where it has no cost."""
        return float(self.known[key].sum()) if key in self.known else np.nan

    def difference(self, one: DesignKey, other: DesignKey) -> np.ndarray | None:
        """Those of one design less those of another; what rounding alone leaves is nothing."""
        if one not in self.known or other not in self.known:
            return None
        added = self.known[one] - self.known[other]
        return np.where(np.abs(added) > 1e-12 * self.known[one].sum(), added, 0.0)


def _energies(keys: Iterable[DesignKey], chip: HardwareProfile, *, folding: bool = True) -> _Energies:
    together, _ = priced_together(keys, chip, folding=folding)
    return _Energies(dict(zip(together.keys, group_energies(together).T, strict=True)) if together else {})


def _widths(
    network: str, dataset: str, chip: HardwareProfile, wanted_j: Sequence[float]
) -> list[list[float | list[float]]]:
    """Energies by group of the plain network at the widths that enclose some energies, as far as these go."""

    def energies_at(*widths: float) -> dict[float, np.ndarray]:
        keys = {width: DesignKey(network, dataset, (), width) for width in widths}
        known = _energies(keys.values(), chip).known
        return {width: known[key] for width, key in keys.items() if key in known}

    found = energies_at(*WIDTHS)
    if found and np.nanmin(wanted_j) < min(energy.sum() for energy in found.values()):
        found |= energies_at(NARROW)
    if found and np.nanmax(wanted_j) > max(energy.sum() for energy in found.values()):
        found |= energies_at(WIDE)
    return [[width, found[width].tolist()] for width in sorted(found)]


def _measured(study: Outcome, chip: HardwareProfile) -> list[dict[str, Any]]:
    """The gains of a study over fair pairs, or over its plain BNN, with the energy that each adds there."""
    names = names_in(study)
    pairs = [(row, resolve(row.against or study.baseline)) for row in study.rows if row.gain is not None]
    keys = [key for row, against in pairs for key in (row.key, against)]
    energies = _energies(keys, chip)
    found = []
    for row, against in pairs:
        added = energies.difference(row.key, against)
        if added is not None and row.key.compute == against.compute:
            gain = row.gain if row.gain_against is None else row.gain_against
            label = row.method if row.role == "alone" else names.of(row.key)
            found.append({"label": label, "role": row.role, "gain": gain, "added": added.tolist()})
    return found


def _row(use: MethodUse, three: Mapping[str, np.ndarray | None]) -> dict[str, Any]:
    energies = {name: None if energy is None else energy.tolist() for name, energy in three.items()}
    method = use.method
    return {
        "method": str(use),
        "branch": method.branch,
        "category": method.category,
        "summary": method.summary,
        "why": method.free_because or method.note,
        **energies,
    }
