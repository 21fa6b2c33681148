"""Measurements put together: seeds of one design as a mean and a spread, designs of one protocol as a study.

Measurements of unlike protocols (recipe, data, number and size of images, epochs) never meet in one study, so
that a difference within a study is one of designs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from costmodel import BnncostError, DesignKey, resolve
from costmodel.designs.outcome import pooled_deviation, pooled_error, spread
from costmodel.designs.records import AS_TRAINED, Measurement
from costmodel.designs.settings import FEATURES
from costmodel.errors import unknown


@dataclass(frozen=True)
class MeasuredDesign:
    """Top-1 [%] of one design over its seeds: mean, sample standard deviation (None for one seed), lowest, highest.

    `key` is the design as it is priced; `note` says which network was measured where there is a choice.
    """

    key: DesignKey
    mean: float
    spread: float | None
    seeds: int
    lowest: float | None = None
    highest: float | None = None
    note: str = ""

    @classmethod
    def of(cls, key: DesignKey, top1: Sequence[float], note: str = "") -> MeasuredDesign:
        """Sum up the accuracies of one design, one per seed.

        >>> design = MeasuredDesign.of(DesignKey.parse("resnet20"), [80.0, 81.0, 82.0])
        >>> design.mean, design.spread, design.seeds
        (81.0, 1.0, 3)
        """
        return cls(key, fmean(top1), spread(top1), len(top1), min(top1), max(top1), note)


@dataclass(frozen=True)
class Study:
    """The designs of one network and data set that were measured under one protocol.

    `designs` are what a front shows, exported integer networks included; `trained` are those as they were trained,
    between which gains are calculated.
    """

    network: str
    dataset: str
    protocol: str
    recipe: str
    recipe_digest: str
    designs: tuple[MeasuredDesign, ...]
    trained: tuple[MeasuredDesign, ...]

    @property
    def stem(self) -> str:
        """What its files are called where there are several studies."""
        return f"{_slug(self.recipe)}-{_slug(self.recipe_digest)}"


def studies(measurements: Iterable[Measurement]) -> tuple[Study, ...]:
    """Sort measurements by network, data set and protocol, and sum up the seeds of each design."""
    groups: dict[tuple[str, str, str], list[Measurement]] = {}
    for one in measurements:
        key = resolve(one.design)
        groups.setdefault((key.network, key.dataset, one.protocol), []).append(one)
    return tuple(
        Study(
            network, dataset, protocol, group[0].recipe, group[0].recipe_digest, _designs(group),
            _designs([one for one in group if one.features == AS_TRAINED] or group),
        )
        for (network, dataset, protocol), group in groups.items()
    )  # fmt: skip


def priced_key(one: Measurement) -> DesignKey:
    """The design whose cost goes with a measurement.

    As trained, that is the design as it is written: training in floating point stands for the precision that the
    design names, as the literature's accuracies do. An exported integer network has the precision of its features.

    >>> from costmodel.designs.records import Measurement
    >>> fields = dict(top1=80.0, validation_top1=80.0, recipe="short", recipe_digest="1f3a", data="cifar10",
    ...               image="3x32x32", train_images=45000, test_images=10000, epochs=60, seed=0, wall_s=1.0,
    ...               device="cpu", torch="2.13.0", commit="", date="2026-01-01")
    >>> [str(priced_key(Measurement("resnet20/cifar10", name, **fields))) for name in ("fp32", "int16", "int8")]
    ['resnet20/cifar10', 'resnet20/cifar10', 'resnet20@features=int8/cifar10']
    """
    key = resolve(one.design)
    if one.features == AS_TRAINED:
        return key
    if one.features not in FEATURES:
        raise unknown("precision of features", one.features, FEATURES, f"measurement of '{one.design}'")
    return replace(key, features=one.features)


def _designs(group: Sequence[Measurement]) -> tuple[MeasuredDesign, ...]:
    """Every design of one protocol, in the order in which they are first met."""
    by_design: dict[DesignKey, list[Measurement]] = {}
    for one in group:
        by_design.setdefault(priced_key(one), []).append(one)
    return tuple(_summed(key, mine) for key, mine in by_design.items())


def _summed(key: DesignKey, group: Sequence[Measurement]) -> MeasuredDesign:
    """One figure per seed: that of the exported network where there is one, else as trained; the latest of each."""
    trained = {one.seed: one for one in sorted(group, key=_date) if one.features == AS_TRAINED}
    exported = {one.seed: one for one in sorted(group, key=_date) if one.features != AS_TRAINED}
    chosen = {**trained, **exported}
    return MeasuredDesign.of(key, [one.top1 for one in chosen.values()], _note(key, trained, exported))


def _date(one: Measurement) -> str:
    return one.date


def _note(key: DesignKey, trained: dict[int, Measurement], exported: dict[int, Measurement]) -> str:
    """Say which networks the figure is of where some were exported to the precision that is priced."""
    if not exported:
        return ""
    seeds = len({*trained, *exported})
    share = "" if len(exported) == seeds else f" ({len(exported)} of {seeds} seeds)"
    before = f"; as trained {fmean(one.top1 for one in trained.values()):.2f}" if trained else ""
    return f"integer network with {key.features} features{share}{before}"


def matching(
    available: Sequence[Study],
    network: str | None = None,
    dataset: str | None = None,
    recipe: str | None = None,
) -> tuple[Study, ...]:
    """Keep the studies of a network, a data set and a recipe (by name or digest), as far as these are named.

    Raises BnncostError where none is left.
    """
    places = [one for one in available if one.network == (network or one.network)]
    places = [one for one in places if one.dataset == (dataset or one.dataset)]
    if not places:
        raise BnncostError(
            f"there is no measured accuracy of '{network or '*'}/{dataset or '*'}'; there is one of: "
            f"{_places(available)}."
        )
    named = tuple(one for one in places if recipe in (None, one.recipe, one.recipe_digest))
    if recipe is not None and not named:
        raise unknown("recipe", recipe, {one.recipe for one in places})
    return named


def select(
    available: Sequence[Study],
    network: str | None = None,
    dataset: str | None = None,
    recipe: str | None = None,
) -> tuple[Study, ...]:
    """Keep the studies of one network and data set, and of one recipe (by name or digest) if it is named.

    A name left out stands for the one that all studies share; raises BnncostError where they differ, or none is left.
    """
    kept = matching(available, network, dataset, recipe)
    if len({(one.network, one.dataset) for one in kept}) > 1:
        raise BnncostError(
            f"the measurements are of several networks and data sets: {_places(kept)}; choose with --network and "
            "--dataset."
        )
    return kept


def _places(found: Sequence[Study]) -> str:
    """Name the networks and data sets of studies, each once."""
    return ", ".join(dict.fromkeys(f"{one.network}/{one.dataset}" for one in found))


def stems(shown: Sequence[Study], stem: str) -> list[str]:
    """Names of the files of each study: `stem` alone for one, else with what tells them apart.

    That is the recipe, before it network and data set where these differ, and a number if need be.
    """
    if len(shown) == 1:
        return [stem]
    several = len({(one.network, one.dataset) for one in shown}) > 1
    wanted = [
        "-".join((stem, *((_slug(one.network), _slug(one.dataset)) if several else ()), one.stem))
        for one in shown
    ]
    again = [wanted[:place].count(name) + 1 for place, name in enumerate(wanted)]
    return [name if count == 1 else f"{name}-{count}" for name, count in zip(wanted, again, strict=True)]


def pooled_spread(designs: Iterable[MeasuredDesign]) -> float | None:
    """Standard deviation over seeds [points], pooled over all designs with several; None where there is none."""
    return pooled_deviation((one.spread, one.seeds) for one in designs)


def sure_note(spread: float | None, seeds: Iterable[int]) -> str:
    """Say which difference is none, by the deviation over seeds [points] and the numbers of seeds of all designs.

    >>> sure_note(0.55, [1, 1])
    'One seed each: a difference of less than 0.8 points is none (√2 times a deviation over seeds of 0.55, assumed).'
    >>> sure_note(0.55, [2, 1])
    'Seeds of a design deviate by 0.55 points, pooled: a difference of less than 0.8 points of single runs is none.'
    """
    if spread is None:
        return ""
    least = float(pooled_error(spread, 1, 1))
    if any(count > 1 for count in seeds):
        return (
            f"Seeds of a design deviate by {spread:.2f} points, pooled: a difference of less than {least:.1f} points "
            "of single runs is none."
        )
    return (
        f"One seed each: a difference of less than {least:.1f} points is none (√2 times a deviation over seeds of "
        f"{spread:.2f}, assumed)."
    )


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower()).strip("-") or "unnamed"
