"""Run a network in numpy: the reference that lowering to torch and folding must agree with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Network, Param, Value
from costmodel.operations import known


def run(network: Network, values: Mapping[str, np.ndarray], image: np.ndarray) -> np.ndarray:
    """Compute the network's output for an image (..., C, H, W), given every learned parameter by name.

    Export operations run too; an operation of training only passes its first input on.
    Raises BnncostError where a parameter is missing.
    """
    known_values: dict[Value, np.ndarray] = {network.input: image}

    def look_up(value: Value) -> np.ndarray:
        if value not in known_values:
            if not isinstance(value, Param) or value.name not in values:
                raise BnncostError(f"network '{network.name}': no value is given for '{value.name}'.")
            known_values[value] = np.asarray(values[value.name])
        return known_values[value]

    for op in network.ops:
        inputs, params = [look_up(item) for item in op.inputs], [look_up(item) for item in op.params]
        training = op.when == "train"
        known_values[op.output] = inputs[0] if training else known(op.kind).meaning(op, inputs, params)
    return known_values[network.output]


def exported_values(network: Network, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Compute every parameter that the running operations read, by name: what a chip stores."""
    exported: dict[Value, np.ndarray] = {}

    def look_up(value: Value) -> np.ndarray:
        return exported[value] if value in exported else np.asarray(values[value.name])

    for op in network.ops:
        if op.when == "export":
            exported[op.output] = known(op.kind).meaning(op, [look_up(item) for item in op.inputs], [])
    return {param.name: look_up(param) for op in network.running() for param in op.params}
