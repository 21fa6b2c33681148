"""Fair pairs: what a method is compared with, and whether it changes anything.

A method that fills a slot of the baseline takes that slot over. Its fair pair is then the baseline with the slot left
empty; where a slot is never empty, as that of the gradient or of the halving shortcut, it is the baseline itself. What
the method's paper has round it stands on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
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


def surrounded(
    company: DesignKey, use: MethodUse, recipe: Recipe, chosen: Iterable[MethodUse] = ()
) -> DesignKey:
    """Add to a method's company what its paper has round it, where it is not there and changes anything.

    What takes over the slot of a method that was `chosen` to stand there is left out.
    """
    kept = tuple(chosen)
    for needed in use.method.surroundings:
        there = any(other.name == needed.name for other in company.methods)
        if there or any(takes_over(needed, other) for other in kept):
            continue
        more = with_methods(company, [needed])
        company = company if trains_alike(more, company, recipe) else more
    return company


def require_same_scale(one: DesignKey, other: DesignKey, recipe: Recipe) -> None:
    """Raise BnncostError where SGD is compared with another optimizer and latent weights' gradients have not its scale.

    The published rates of SGD belong to layers that divide a latent weight's gradient by the size of its filter. A
    plain layer does not, so that SGD moves its latent weights 10 to 60 times more slowly; Adam moves both alike.
    """
    optimizers = [_optimizer(design, recipe) for design in (one, other)]
    if optimizers.count("sgd") != 1 or "bop" in optimizers:
        return
    for design in (one, other):
        if design.compute == "binary" and not any(use.method.rescales_latents for use in design.methods):
            able = ", ".join(name for name, method in METHODS.items() if method.rescales_latents)
            raise BnncostError(
                f"'{one}' and '{other}' cannot be compared: by SGD the latent weights of '{design}' move many times "
                "more slowly than in the networks that its rate was published for, by Adam they do not; put one of "
                f"{able} on both sides."
            )


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
    """Name the techniques that leave no mark in the network: losses, stages, the optimizer, a decay that is stopped."""
    names = {use.name for use in design.methods if use.method.hook == "recipe" and not use.method.estimator}
    optimizer = _optimizer(design, recipe)
    decays = _latents_decay(optimizer, recipe)
    return {name for name in names if decays or METHODS[name].exclusive != "latent decay"} | {optimizer}


def _optimizer(design: DesignKey, recipe: Recipe) -> str:
    """Name the optimizer of a design: its own, else the recipe's."""
    named = (use.name for use in design.methods if use.method.category == "optimizer")
    return next(named, recipe.optimizer)


def _latents_decay(optimizer: str, recipe: Recipe) -> bool:
    """Say whether latent weights decay unless a method stops it; Bop has no magnitude of them that could."""
    from training.run.optimizers import settings_of  # it loads torch, which plans need for nothing else

    settings = settings_of(optimizer, getattr(recipe.optimizers, optimizer))
    latent = settings.decay if settings.latent_decay is None else settings.latent_decay
    return optimizer != "bop" and latent > 0


@lru_cache(maxsize=256)
def _described(design: DesignKey) -> tuple[object, ...]:
    return tuple(_operations(build(design)))


def _operations(network: Network) -> Iterator[tuple[object, ...]]:
    """Describe every operation by all that training sees of it."""
    for op in network.ops:
        values = (*op.inputs, *op.params, op.output)
        shapes = tuple((value.name, value.shape, value.precision) for value in values)
        yield (op.kind, shapes, tuple(sorted(op.attributes.items())), op.layer, op.when)
