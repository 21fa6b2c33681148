"""The data of the page: what its designs demand, what its profiles charge; made anew only where something changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from analysis.accuracy.literature import load_accuracy
from analysis.accuracy.outcome import shipped_studies
from analysis.fronts.added import AddedModel
from analysis.report.manifest import digest
from analysis.report.page.design_costs import (
    assumed_figures,
    counts_record,
    design_record,
    priced_together,
)
from analysis.report.page.method_costs import method_records
from analysis.report.page.points import Point, added_point, measured_points, own_points, published_points
from analysis.report.page.profile_prices import GROUPS, profile_record
from analysis.report.page.uncertainty import uncertainty_record
from analysis.show.classes import DesignClass
from analysis.show.figure_words import assumption_sentence
from analysis.show.words import network_title
from costmodel import BnncostError, DesignKey
from costmodel.demand.arrays import OperationKey
from costmodel.designs.content import content_of
from costmodel.designs.records import AccuracyRecord
from costmodel.evaluate.cost import prepared
from costmodel.evaluate.sensitivity import sensitivity
from costmodel.hardware import HardwareProfile
from costmodel.importers.model.naming import Model

_MANY = 5
"""Published binary designs of a network on a data set from which on its methods are priced one by one."""


@dataclass(frozen=True)
class Space:
    """A network on a data set: what one section of the page chooses from.

    `own` has accuracies of the user's own. A network from elsewhere is the only design of its space, `model`.
    """

    network: str
    dataset: str
    own: tuple[AccuracyRecord, ...] = field(default=(), compare=False)
    model: AddedModel | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """Its text form."""
        return f"{self.network}/{self.dataset}"

    @property
    def title(self) -> str:
        """Its name for people."""
        if self.model is None:
            return network_title(self.network, self.dataset)
        return f"{self.network} on {network_title(None, self.dataset)}"


def spaces(own: Iterable[AccuracyRecord] = ()) -> list[Space]:
    """Every network and data set with an accuracy, those with one's own first, then the most designs."""
    mine: dict[tuple[str, str], list[AccuracyRecord]] = {}
    for one in own:
        mine.setdefault((one.key.network, one.key.dataset), []).append(one)
    counts = Counter((point.record["network"], point.record["dataset"]) for point in _points())
    places = sorted({*counts, *mine}, key=lambda place: (place not in mine, -counts[place], place))
    return [Space(*place, tuple(mine.get(place, ()))) for place in places]


def priced_on(chip: HardwareProfile, some: Iterable[Space]) -> dict[Space, dict[str, Any]]:
    """What the designs of some spaces cost on a profile."""
    return {space: costs_on(space, keys_of(space), chip) for space in some}


def space_record(space: Space, chips: Iterable[HardwareProfile]) -> dict[str, Any]:
    """The points and designs of a space, and the costs of its designs on some profiles, by name."""
    points, keys = _points_of(space), keys_of(space)
    operations = list(
        dict.fromkeys(f"{row.operation} {row.precision}" for key in keys for row in prepared(key).rows)
    )
    return {
        "name": space.name,
        "network": space.network,
        "dataset": space.dataset,
        "title": space.title,
        "has_plain": space.model is None,
        "operations": operations,
        "designs": [counts_record(key, operations) for key in keys],
        "points": [{**one.record, "design": keys.index(one.key)} for one in points],
        "on": {chip.name: costs_on(space, keys, chip) for chip in chips},
    }


def keys_of(space: Space) -> tuple[DesignKey | Model, ...]:
    """The designs of a space: the plain one, then each with an accuracy; or its network from elsewhere."""
    if space.model is not None:
        return (space.model.model,)
    plain = DesignKey(space.network, space.dataset)
    return tuple(dict.fromkeys([plain, *(one.key for one in _points_of(space))]))


def costs_on(space: Space, keys: Sequence[DesignKey | Model], chip: HardwareProfile) -> dict[str, Any]:
    """What the designs of a space demand of one profile, why some have no cost on it, and what methods cost.

    Methods are priced on networks of which much is published, or a study ships: each takes mappings of its own.
    """
    together, left_out = priced_together(keys, chip)
    figures: list[list[str]] = []
    priced: dict[str, Any] = {}
    for at, key in enumerate(together.keys if together else ()):
        assert together is not None
        mine = assumed_figures(together, at)
        figures += [row for row in mine if row not in figures]
        priced[str(keys.index(key))] = design_record(together, at) | {
            "figures": [figures.index(row) for row in mine]
        }
    return {
        "priced": priced,
        "left_out": {str(keys.index(key)): why for key, why in left_out.items()},
        "figures": figures,
        "uncertain": uncertainty_record(together, [keys.index(key) for key in together.keys])
        if together
        else None,
        "methods": method_records(space.network, space.dataset, chip) if _has_methods(space) else None,
        "heaviest": _heaviest(space, chip) if _has_methods(space) else "",
    }


def _heaviest(space: Space, chip: HardwareProfile) -> str:
    """Which assumption moves the energy of the plain network most, in a sentence.

    Sizes and ports of memories are left to `bnncost sensitivity`: each end of one maps every layer anew.
    """
    try:
        return assumption_sentence(sensitivity(DesignKey(space.network, space.dataset), chip, anew=False))
    except BnncostError:  # it has no cost here, as is said of it
        return ""


def _has_methods(space: Space) -> bool:
    records = [point.record for point in _points() if _is_of(point, space)]
    binary = [one for one in records if one["class"] == DesignClass.BINARY and not one["study"]]
    return len(binary) >= _MANY or any(one["study"] for one in records)


def page_record(
    records: Sequence[Mapping[str, Any]], chips: Iterable[HardwareProfile], version: str
) -> dict[str, Any]:
    """Everything that the page knows, from the records of its spaces."""
    operations = operations_of(records)
    return {
        "version": version,
        "groups": dict(GROUPS),
        "classes": [str(one) for one in DesignClass if one is not DesignClass.MEASURED],
        "profiles": [profile_record(chip, operations) for chip in chips],
        "spaces": list(records),
    }


def operations_of(records: Iterable[Mapping[str, Any]]) -> list[OperationKey]:
    """Every operation that designs of some spaces have."""
    texts = dict.fromkeys(text for space in records for text in space["operations"])
    return [(name, precision) for name, _, precision in (text.partition(" ") for text in texts)]


def space_digest(space: Space, code: str) -> str:
    """Digest of all that the points and designs of a space depend on."""
    content = content_of(DesignKey(space.network, space.dataset)) if space.model is None else ""
    return digest(code, space.name, content, repr(space.own), repr(space.model))


def costs_digest(space: Space, chip: HardwareProfile, code: str) -> str:
    """Digest of all that the costs of a space on a profile depend on."""
    return digest(space_digest(space, code), chip.model_dump_json())


def _points_of(space: Space) -> list[Point]:
    if space.model is not None:
        return [added_point(space.model, space.network, space.dataset)]
    return [*(one for one in _points() if _is_of(one, space)), *own_points(space.own)]


def _is_of(point: Point, space: Space) -> bool:
    return (point.record["network"], point.record["dataset"]) == (space.network, space.dataset)


@cache
def _points() -> tuple[Point, ...]:
    """All points; they are asked for once for each space and profile, and reading the records takes its time."""
    return (*published_points(load_accuracy(None)), *measured_points(shipped_studies()))
