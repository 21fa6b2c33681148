"""What a plan compares with what: every design with its fair pair, and the runs that this takes, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError, unknown
from costmodel.graph import Network
from costmodel.methods import METHODS, MethodUse
from costmodel.networks.build import build
from training.review.fair import (
    fair_pair,
    in_one_order,
    require_same_scale,
    surrounded,
    takes_over,
    trains_alike,
    with_methods,
)
from training.review.plan import ALL, Plan, Role
from training.run.folders import RunSpec, run_of
from training.run.recipe import Recipe

BASELINE, FULL = "baseline", "full"
ORDER: tuple[Role, ...] = (
    "baseline", "reference", "company", "alone", "pair", "full", "without", "width",
)  # fmt: skip
"""Roles in the order of their runs; designs that the plan puts first go right behind the baseline."""


@dataclass(frozen=True)
class Comparison:
    """A design of the study, what it stands for, and the design that it is compared with (None for the baseline).

    `label` is how tables call it, `method` what differs from its fair pair. Role "company" is that of designs which
    are only there as fair pairs.
    """

    label: str
    role: Role
    method: str
    design: DesignKey
    against: DesignKey | None
    seeds: int = 1


@dataclass(frozen=True)
class StudyRun:
    """One run of a study, and every comparison that it serves."""

    design: DesignKey
    recipe: Recipe
    seed: int
    serves: tuple[Comparison, ...]

    @property
    def label(self) -> str:
        """What tables call the design."""
        return next(item.label for item in self.serves if item.design == self.design)

    def spec(self, data: str) -> RunSpec:
        """The run on a data set, given by its name or path."""
        return run_of(self.design, self.recipe, data, self.seed)


def jobs_of(plan: Plan) -> tuple[StudyRun, ...]:
    """List the runs of a plan in order: the first seed of every design, then the second ones, each run once."""
    comparisons = comparisons_of(plan)
    designs = {str(item.design): item.design for item in comparisons}
    serves = {
        text: tuple(item for item in comparisons if design in (item.design, item.against))
        for text, design in designs.items()
    }
    seeds = {
        text: max(item.seeds for item in comparisons if item.design == design)
        for text, design in designs.items()
    }
    return tuple(
        StudyRun(design, plan.recipe, seed, serves[text])
        for seed in range(max(seeds.values()))
        for text, design in designs.items()
        if seed < seeds[text]
    )


def comparisons_of(plan: Plan) -> tuple[Comparison, ...]:
    """List the designs of a plan, in the order in which they are trained; raises BnncostError where two do not fit."""
    listed: list[Comparison] = []
    for item in _all(plan):
        if isinstance(item, BnncostError):
            raise item
        listed.append(item)
    return _with_seeds(plan, _in_order(plan, listed))


def plan_problems(plan: Plan) -> list[tuple[str, str]]:
    """Find everything in a plan that does not go together, as field and sentence."""
    problems = [
        (field, str(item))
        for field, items in _sections(plan)
        for item in items
        if isinstance(item, BnncostError)
    ]
    whole = [item for item in _all(plan) if isinstance(item, Comparison)]
    labels = [item.label for item in whole]
    for field, given in (("more_seeds", plan.more_seeds), ("first", plan.first)):
        problems += [(field, str(unknown("label", label, labels))) for label in given if label not in labels]
    return problems


# ------------------------------------------------------------------ the designs


@lru_cache(maxsize=256)
def _built(design: DesignKey) -> Network:
    """Build a network, or say why not; the fields of a plan, and plans of one network, ask for the same ones."""
    return build(design)


Found = Iterator[Comparison | BnncostError]


def _all(plan: Plan) -> Found:
    """Yield every comparison once, those of the baseline first, with the company that they need."""
    seen: set[tuple[str, str]] = set()
    designs: set[DesignKey] = set()
    company: list[Comparison] = []
    for _, items in _sections(plan):
        for item in items:
            if isinstance(item, Comparison):
                if (item.label, item.role) in seen:
                    continue
                seen.add((item.label, item.role))
                designs.add(item.design)
                if item.against is not None:
                    company.append(_company(plan, item.against))
            yield item
    for item in company:
        if item.design not in designs:
            designs.add(item.design)
            yield item


def _sections(plan: Plan) -> Iterator[tuple[str, Found]]:
    """Yield the comparisons of a plan by the field that states them."""
    try:
        baseline = baseline_of(plan)
        _built(baseline)
    except BnncostError as error:
        yield "fixed" if plan.fixed else "baseline", iter([error])
        return
    yield "baseline", iter([Comparison(BASELINE, "baseline", "", baseline, None)])
    yield "references", (_reference(baseline, name) for name in plan.references)
    yield "alone", _methods_alone(plan)
    yield "pairs", (_pair(plan, pair.method, pair.beside) for pair in plan.pairs)
    yield "full", _full(plan)
    yield "widths", (_width(baseline, width) for width in plan.widths)


def baseline_of(plan: Plan) -> DesignKey:
    """The plain BNN with what every design of the study has."""
    design = DesignKey.parse(plan.baseline)
    return design.with_methods(in_one_order((*design.methods, *map(MethodUse.parse, plan.fixed))))


def _reference(baseline: DesignKey, compute: str) -> Comparison:
    text = f"{baseline.network}@w{baseline.width:g},compute={compute}/{baseline.dataset}"
    return Comparison(compute, "reference", compute, DesignKey.parse(text), baseline)


def _methods_alone(plan: Plan) -> Found:
    if ALL not in plan.alone:
        for text in plan.alone:
            yield _alone(plan, MethodUse.parse(text))
        return
    for name in METHODS:
        compared = _alone(plan, MethodUse(name))
        if isinstance(compared, Comparison):
            yield compared


def _alone(plan: Plan, use: MethodUse) -> Comparison | BnncostError:
    return _compared(plan, "alone", baseline_of(plan), use)


def _pair(plan: Plan, method: str, beside: tuple[str, ...]) -> Comparison | BnncostError:
    label, studied = "+".join((method, *beside)), MethodUse.parse(method)
    chosen = tuple(map(MethodUse.parse, beside))
    for other in chosen:
        if studied == other:
            return BnncostError(
                f"{label}: a method cannot stand beside itself; name another one in `beside`."
            )
        if takes_over(studied, other):
            return BnncostError(
                f"{label}: '{method}' takes the place of '{other}' and cannot stand beside it."
            )
    try:
        company = with_methods(baseline_of(plan), chosen)
    except BnncostError as error:
        return BnncostError(f"{label}: {error}")
    return _compared(plan, "pair", company, studied, chosen)


def _compared(
    plan: Plan, role: Role, company: DesignKey, use: MethodUse, chosen: tuple[MethodUse, ...] = ()
) -> Comparison | BnncostError:
    """Add a method to the designs that it is compared in, or say why that cannot be trained, or changes nothing.

    Its company gets what the papers of the method, and of what was `chosen` to stand beside it, have round them; the
    label names that too.
    """
    from training.run.phases import require_trainable  # it loads torch, which plans need for nothing else

    label = "+".join(map(str, (use, *chosen)))
    try:
        _built(
            with_methods(company, [use])
        )  # a network without room for it says so, not one for what it needs
        fitting = company
        for item in (*chosen, use):
            fitting = surrounded(fitting, item, plan.recipe, (*chosen, use))
        added = (other for other in fitting.methods if other not in company.methods)
        label = "+".join((label, *map(str, added)))
        design, against = with_methods(fitting, [use]), fair_pair(fitting, use)
        require_trainable(design)
        if trains_alike(design, against, plan.recipe):
            return BnncostError(f"'{use}' changes nothing in the training of '{against}'; leave it out.")
        require_same_scale(design, against, plan.recipe)
    except BnncostError as error:
        return BnncostError(f"{label}: {error}")
    return Comparison(label, role, str(use), design, against)


def _full(plan: Plan) -> Found:
    if plan.full is None:
        return
    baseline = baseline_of(plan)
    try:
        full = with_methods(baseline, map(MethodUse.parse, plan.full.methods))
        _built(full)
    except BnncostError as error:
        yield error
        return
    yield Comparison(FULL, "full", "+".join(plan.full.methods), full, baseline)
    for text in plan.full.left_out:
        name = MethodUse.parse(text).name
        if text not in plan.full.methods:
            yield unknown("method of 'full' to leave out", text, plan.full.methods)
        else:
            yield Comparison(f"{FULL} - {text}", "without", text, full.without(name), full)


def _width(baseline: DesignKey, width: float) -> Comparison:
    wider = replace(baseline, width=baseline.width * width)
    return Comparison(f"w{width:g}", "width", "width", wider, baseline)


def _company(plan: Plan, design: DesignKey) -> Comparison:
    """A design that only a fair comparison needs."""
    baseline = baseline_of(plan)
    added = [str(use) for use in design.methods if use not in baseline.methods]
    removed = [
        f"without {use}"
        for use in baseline.methods
        if not any(use == other or takes_over(other, use) for other in design.methods)
    ]
    label = ", ".join([*(["+".join(added)] if added else []), *removed])
    return Comparison(label, "company", "+".join(added), design, baseline)


# ------------------------------------------------------------------ order and seeds


def _in_order(plan: Plan, listed: list[Comparison]) -> list[Comparison]:
    """Sort by role; what the plan puts first goes right behind the baseline."""

    def place(item: Comparison) -> tuple[int, int]:
        if item.label in plan.first and item.role != "baseline":
            return ORDER.index("baseline") + 1, plan.first.index(item.label)
        return ORDER.index(item.role), len(plan.first)

    return sorted(listed, key=place)


def _with_seeds(plan: Plan, listed: list[Comparison]) -> tuple[Comparison, ...]:
    return tuple(replace(item, seeds=plan.more_seeds.get(item.label, plan.seeds)) for item in listed)
