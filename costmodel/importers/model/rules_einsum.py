"""Products of two tensors by an equation of their axes: matrix products, one for each index that all three have."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from costmodel.importers.model.constants import Arrays, computes
from costmodel.importers.model.document import Node
from costmodel.importers.model.products import product
from costmodel.importers.model.reading import Reading, reads
from costmodel.importers.model.rules_layers import connected
from costmodel.importers.model.rules_layout import as_shape, over
from costmodel.importers.model.values import Map, NotRead, Value
from costmodel.importers.model.views import View, transposed


@computes("Einsum")
def _einsum(node: Node, arrays: Arrays) -> np.ndarray:
    return np.asarray(np.einsum(str(node.attributes["equation"]), *arrays))


@reads("Einsum")
def einsum(r: Reading, node: Node, inputs: Sequence[Value]) -> Value:
    """Multiply two maps, or a map with one matrix of constants, and sum over what the result lacks."""
    (left, right), made = _terms(str(node.attributes["equation"]), len(inputs))
    one, other = inputs
    if isinstance(one, np.ndarray):
        one, other, left, right = other, one, right, left
    both = [axis for axis in made if axis in left and axis in right]
    summed = [axis for axis in left if axis in right and axis not in made]
    mine, theirs = ([axis for axis in made if axis in term and axis not in both] for term in (left, right))
    if len(both) + len(summed) + len(mine) != len(left) or len(both) + len(summed) + len(theirs) != len(
        right
    ):
        raise NotRead("an equation that sums over an axis of one tensor alone")
    x = over(r, one)
    sizes = dict(zip(left, x.shape, strict=True))
    if isinstance(other, np.ndarray):
        result, sides = _with_matrix(r, node, x, left, other, right, (both, mine, summed, theirs))
        sizes |= sides
    else:
        y = over(r, other)
        sizes |= dict(zip(right, y.shape, strict=True))
        shape = [[1, *(prod(sizes[axis] for axis in axes) for axes in order)] for order in
                 ((both, mine, summed), (both, summed, theirs))]  # fmt: skip
        first = as_shape(_arranged(x, left, [*both, *mine, *summed]), shape[0])
        second = as_shape(_arranged(y, right, [*both, *summed, *theirs]), shape[1])
        result = product(r, r.new_layer(node.place or "einsum"), first, second)
    kept = [*both, *mine, *theirs]
    return _arranged(as_shape(r.map_of(result), [sizes[axis] for axis in kept]), kept, list(made))


def _with_matrix(
    r: Reading, node: Node, x: Map, left: str, matrix: np.ndarray, right: str, axes: Sequence[list[str]]
) -> tuple[Value, dict[str, int]]:
    """A product with constants: one matrix at every position."""
    both, mine, summed, theirs = axes
    sides = dict(zip(right, matrix.shape, strict=True))
    if prod(sides[axis] for axis in both) > 1:
        raise NotRead("a product with several matrices of constants")
    turned = matrix.transpose([right.index(axis) for axis in (*both, *summed, *theirs)])
    turned = turned.reshape(prod(sides[axis] for axis in summed), -1)
    positions = prod(x.shape) // len(turned)
    rows = as_shape(_arranged(x, left, [*both, *mine, *summed]), [1, positions, len(turned)])
    return connected(r, node, rows, turned.T, None), sides


def _terms(equation: str, operands: int) -> tuple[list[str], str]:
    """The axes of both tensors, and of the result, by their letters."""
    text = equation.replace(" ", "")
    given, arrow, made = text.partition("->")
    terms = given.split(",")
    letters = "".join(terms)
    if not arrow:
        made = "".join(sorted(one for one in set(letters) if letters.count(one) == 1))
    if operands != 2 or len(terms) != 2:
        raise NotRead(f"an equation of {len(terms)} tensors, '{equation}'")
    if not letters.isalpha() or any(len(set(term)) < len(term) for term in (*terms, made)):
        raise NotRead(f"an equation with '...' or a diagonal, '{equation}'")
    return terms, made


def _arranged(x: Map, axes: Sequence[str], wanted: Sequence[str]) -> Map:
    view: View = transposed(x.view, [list(axes).index(axis) for axis in wanted])
    return Map(view, x.factor, x.offset)
