"""Sizes: which side the images of an epoch have, how much work that is, and which designs can train so.

Small images cost less and teach most of what large ones do, so training begins with them (Howard 2018, DAWNBench's
progressive resizing; Tan 2021, EfficientNetV2, section 4).
"""

from __future__ import annotations

from math import gcd, lcm

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.graph import Network, Tensor
from costmodel.networks.build import build
from training.run.recipe import Recipe

COMPARES_MAPS = "attention_teacher"


def side_of(epoch: int, recipe: Recipe) -> int | None:
    """Tell the side of an epoch's images [pixels], which its middle decides; None where they keep their own.

    >>> recipe = Recipe(name="a", epochs=10, batch_size=1, sizes=[{"side": 16, "until": 0.7}])
    >>> side_of(6, recipe), side_of(7, recipe)
    (16, None)
    """
    middle = (epoch + 0.5) / recipe.epochs
    return next((size.side for size in recipe.sizes or () if middle < size.until), None)


def work_of(epoch: int, recipe: Recipe, design: DesignKey) -> float:
    """Tell the part of the data set's pixels that an epoch (from 0) reads: its time is about in proportion."""
    side = side_of(epoch, recipe)
    return 1.0 if side is None else (side / _own_side(design)) ** 2


def work_left(epoch: int, recipe: Recipe, design: DesignKey) -> float:
    """Sum up the work of an epoch (from 0) and all later ones."""
    return sum(work_of(later, recipe, design) for later in range(epoch, recipe.epochs))


def _own_side(design: DesignKey) -> int:
    return design.shape.image[1]


def require_sizes(design: DesignKey, recipe: Recipe) -> None:
    """Raise BnncostError where a design cannot train on images of the recipe's sizes."""
    if not recipe.sizes:
        return
    whole = build(design)
    for use in design.methods:
        if use.name == COMPARES_MAPS:
            raise BnncostError(
                f"recipe '{recipe.name}': 'sizes' does not go with '{COMPARES_MAPS}', which compares maps of the "
                f"student with maps of a teacher, which sees whole images; leave 'sizes' out."
            )
    for side in dict.fromkeys(size.side for size in recipe.sizes):
        problem = _problem(design, whole, side)
        if problem:
            raise BnncostError(f"recipe '{recipe.name}', sizes: side {side} {problem}")


def _problem(design: DesignKey, whole: Network, side: int) -> str:
    """Say why a design cannot train on images of a side; empty where it can."""
    own, step = _own_side(design), _divisor(whole)
    if side > own:
        return f"is larger than the images of '{design.dataset}', which are {own}x{own}; take {own} or less."
    if side % step:
        near = sorted({max(side // step, 1) * step, min((side // step + 1) * step, own)})
        return (
            f"does not divide: '{design}' halves its maps down to 1/{step} of the image, so it takes multiples of "
            f"{step}, such as {' or '.join(map(str, near))}."
        )
    try:
        smaller = build(design, side=side)
    except BnncostError as error:
        return f"is too small: {error}"
    return _unlike(design, whole, smaller, side)


def _divisor(network: Network) -> int:
    """Find what a side has to be a multiple of, so that each map shrinks with the image."""
    own = network.input.shape[1]
    sides = {op.output.shape[1] for op in network.running() if isinstance(op.output, Tensor)} - {1}
    return lcm(*(own // gcd(own, side) for side in sides))


def _unlike(design: DesignKey, whole: Network, smaller: Network, side: int) -> str:
    """Say which parameter has another shape for smaller images; empty where both networks have the same ones."""
    expected = {param.name: tuple(param.shape) for param in whole.learned()}
    found = {param.name: tuple(param.shape) for param in smaller.learned()}
    for name, shape in expected.items():
        if found.get(name) != shape:
            other = "none" if name not in found else f"one of {found[name]}"
            return (
                f"is not for '{design}': its parameter '{name}' has the shape {shape}, and there is {other} for images "
                f"of {side}x{side}; leave 'sizes' out."
            )
    return ""
