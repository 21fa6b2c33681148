"""Fair pairs: what a method is compared with, and whether it changes anything.

A method that fills a slot of the baseline takes that slot over. Its fair pair is then the baseline with the slot left
empty; where a slot is never empty, as that of the gradient or of the halving shortcut, it is the baseline itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from costmodel.designs.key import DesignKey
from costmodel.graph import Network
from costmodel.methods import METHODS, MethodUse
from costmodel.networks.build import build
from training.run.recipe import Recipe

NEVER_EMPTY = ("recipe", "downsample")
"""Hooks whose slots have a default that stands in where no method is named."""


def with_methods(design: DesignKey, uses: Iterable[MethodUse]) -> DesignKey:
    """Add methods; each takes over the slot that it fills, but only from methods of the design as it was."""
    added = tuple(uses)
    kept = tuple(use for use in design.methods if not any(takes_over(other, use) for other in added))
    return design.with_methods(in_one_order((*kept, *added)))


def in_one_order(uses: Iterable[MethodUse]) -> tuple[MethodUse, ...]:
    """Sort methods by name, so that the same ones always make the same design, trained once."""
    return tuple(sorted(uses, key=lambda use: use.name))


def takes_over(new: MethodUse, old: MethodUse) -> bool:
    """Say whether a method fills the slot that another one stands in."""
    return new.excludes(old) or new.name == old.name


def fair_pair(company: DesignKey, use: MethodUse) -> DesignKey:
    """Choose what a method is compared with: its company, less what stands in the slot that the method fills."""
    if use.method.hook in NEVER_EMPTY:
        return company
    return company.with_methods(tuple(other for other in company.methods if not takes_over(use, other)))


def trains_alike(one: DesignKey, other: DesignKey, recipe: Recipe) -> bool:
    """Say whether two designs train to the same network by a recipe, whatever their methods are called."""
    return one == other or (
        _techniques(one, recipe) == _techniques(other, recipe) and _described(one) == _described(other)
    )


def _techniques(design: DesignKey, recipe: Recipe) -> set[str]:
    """Name the techniques that leave no mark in the network: losses, stages, the optimizer."""
    names = {use.name for use in design.methods if use.method.hook == "recipe" and not use.method.estimator}
    optimizers = {name for name in names if METHODS[name].category == "optimizer"}
    return names | (optimizers or {recipe.optimizer})


@lru_cache(maxsize=256)
def _described(design: DesignKey) -> tuple[object, ...]:
    return tuple(_operations(build(design)))


def _operations(network: Network) -> Iterator[tuple[object, ...]]:
    """Describe every operation by all that training sees of it."""
    for op in network.ops:
        values = (*op.inputs, *op.params, op.output)
        shapes = tuple((value.name, value.shape, value.precision) for value in values)
        yield (op.kind, shapes, tuple(sorted(op.attributes.items())), op.layer, op.when)
