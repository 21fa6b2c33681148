"""Curves that are read from tables, and steps at any places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from costmodel.errors import unknown
from costmodel.graph import Op
from costmodel.operations.registry import Count, elements, operation

Arrays = Sequence[np.ndarray]


def _erf(x: np.ndarray) -> np.ndarray:
    # A quarter of the time in which `bnncost cost` answers, and few networks need it.
    from scipy.special import erf

    return np.asarray(erf(x))


def _expit(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit  # as above

    return np.asarray(expit(x))


def elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """ELU (Clevert 2016): the number itself above zero, and alpha (exp(x) - 1) below."""
    return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))


FUNCTIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "reciprocal": np.reciprocal,
    "erf": _erf,
    "gelu": lambda x: x * (1 + _erf(x * np.sqrt(0.5))) / 2,
    "gelu_by_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": lambda x: x * _expit(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "softplus": lambda x: np.logaddexp(x, 0),
    "elu": elu,
}
"""Functions of one number by name; GELU is that of Hendrycks 2016, SiLU that of Elfwing 2018."""


@operation("table", attributes=("function",), count=elements("lookup"), elementwise=True)
def table(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Map each element by a `function` of one number, read from a table; an ELU may have an `alpha`."""
    name = str(op.attributes["function"])
    if name not in FUNCTIONS:
        raise unknown("function", name, FUNCTIONS)
    if name == "elu" and "alpha" in op.attributes:
        return elu(inputs[0], float(op.attributes["alpha"]))  # type: ignore[arg-type]
    return FUNCTIONS[name](inputs[0])


def steps_of(op: Op) -> int:
    """Number of compares that find how many thresholds an element reaches, by halving: 4 for 15."""
    return int(op.params[0].shape[-1]).bit_length()


@operation(
    "multi_threshold",
    params=1,
    attributes=("low",),
    count=lambda op: [Count("compare", op.inputs[0].precision.label, op.output.size * steps_of(op))],
    elementwise=True,
)
def multi_threshold(op: Op, inputs: Arrays, params: Arrays) -> np.ndarray:
    """Count the rising thresholds (C, T) or (1, T) that an element reaches, from `low` on (FINN, Umuroglu 2017)."""
    x, levels = inputs[0], params[0]
    steps = steps_of(op)
    full = np.full((len(levels), 2**steps - 1), np.inf)
    full[:, : levels.shape[1]] = levels
    channel = np.arange(x.shape[-3]).reshape(-1, 1, 1) % len(full)
    reached = np.zeros(x.shape, np.int64)
    for power in reversed(range(steps)):
        level = full[channel, reached + 2**power - 1]
        reached = reached + (x >= level).astype(bool) * 2**power
    return reached + op.integer("low")
