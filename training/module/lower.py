"""Lowering: a network's list of operations as a torch module, with the parameters under their own names.

The module is an interpreter of the list: there is no second description of any method. Its submodules mirror the
layers and hold the parameters; `run` of
`costmodel.operations.run` on `values_of(model)` gives what the module gives in eval mode.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

import training.module.product_rules
import training.module.weight_rules
import training.module.window_rules  # noqa: F401  fills it too
from costmodel.errors import BnncostError, unknown
from costmodel.graph import Network, Op, Param, Value
from costmodel.operations.run import exported_values
from training.module.initial import initial_values
from training.module.rules import Call, Run, rule_of

SMALLEST_POSITIVE = 1e-4
"""What `keep_promises` raises parameters to that are promised to be positive."""


@dataclass(frozen=True, slots=True)
class LoweredStep:
    """One operation, the rule that runs it, and the maps that nobody reads after it."""

    op: Op
    run: Run
    params: tuple[Param, ...]
    done: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class LoweredProgram:
    """What a lowered module runs. It is never changed, so copies of the module share it."""

    network: Network
    steps: tuple[LoweredStep, ...]
    trains: bool

    def __deepcopy__(self, memo: dict[int, Any]) -> LoweredProgram:
        """Return itself."""
        return self


class Lowered(nn.Module):
    """A network as a torch module: (N, C, H, W) images in, the output map (N, classes, 1, 1) out.

    `progress` is the part of training that is done, 0 .. 1, which scheduled gradients follow; `set_progress` sets
    it. In training mode norms use the batch's statistics and operations of training run; in eval mode the module
    computes what `costmodel.operations.run` does, unless `real_weights` lets weights pass their sign unchanged, as in
    the first of two stages of training (Martinez 2020). `side` is that of the images while they are smaller than the
    network's; None otherwise.
    """

    progress: torch.Tensor
    real_weights: bool
    side: int | None

    def __init__(self, program: LoweredProgram, dtype: torch.dtype) -> None:
        super().__init__()
        self._program = program
        self._places: dict[str, tuple[nn.Module, str]] = {}
        self.real_weights = False
        self.side = None
        self.register_buffer("progress", torch.zeros((), dtype=dtype))

    @property
    def network(self) -> Network:
        """The list of operations that the module runs."""
        return self._program.network

    @property
    def trains(self) -> bool:
        """False for a folded network, which only evaluates."""
        return self._program.trains

    def train(self, mode: bool = True) -> Lowered:
        """Switch between training and evaluation; training a folded network raises a BnncostError."""
        if mode and not self.trains:
            raise BnncostError(
                f"network '{self.network.name}' is folded for inference and cannot be trained; "
                "lower the network as it was before folding."
            )
        super().train(mode)
        return self

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Compute the output map; raises BnncostError for images of another shape than the network's."""
        return self._run(image, ())[self.network.output]

    def maps(
        self,
        image: torch.Tensor,
        wanted: Collection[Value],
        arrives: Callable[[Op, Sequence[torch.Tensor]], None] | None = None,
    ) -> dict[Value, torch.Tensor]:
        """Compute the output map, and the feature maps of the network that are `wanted`, in one pass.

        `arrives` is called with each operation and its inputs before it reads its parameters.
        """
        by_value = self._run(image, frozenset(wanted), arrives)
        return {value: by_value[value] for value in (*wanted, self.network.output)}

    def value(self, param: Param) -> torch.Tensor:
        """Return the tensor that holds a parameter."""
        if param.name not in self._places:
            raise unknown("parameter", param.name, self._places, place=f"network '{self.network.name}'")
        owner, attribute = self._places[param.name]
        return getattr(owner, attribute)

    def _run(
        self,
        image: torch.Tensor,
        wanted: Collection[Value],
        arrives: Callable[[Op, Sequence[torch.Tensor]], None] | None = None,
    ) -> dict[Value, torch.Tensor]:
        expected = tuple(self.network.input.shape)
        if self.side is not None:
            expected = (expected[0], self.side, self.side)
        if image.dim() != 4 or tuple(image.shape[1:]) != expected:
            raise BnncostError(
                f"network '{self.network.name}' takes images of shape (N, {', '.join(map(str, expected))}), "
                f"not {tuple(image.shape)}."
            )
        maps: dict[Value, torch.Tensor] = {self.network.input: image}
        for step in self._program.steps:
            inputs = [self._look_up(maps, item) for item in step.op.inputs]
            if arrives is not None:
                arrives(step.op, inputs)
            if step.op.when == "train" and not self.training:
                maps[step.op.output] = inputs[0]
            else:
                params = [self._look_up(maps, item) for item in step.params]
                call = Call(step.op, inputs, params, self.training, self.progress, self.real_weights)
                maps[step.op.output] = step.run(call)
            for value in step.done:
                if value not in wanted:
                    del maps[value]
        return maps

    def _look_up(self, maps: Mapping[Value, torch.Tensor], value: Value) -> torch.Tensor:
        if value in maps:
            return maps[value]
        owner, attribute = self._places[value.name]
        return getattr(owner, attribute)


# ------------------------------------------------------------------ making the module


def lower(
    network: Network, *, dtype: torch.dtype | None = None, generator: torch.Generator | None = None
) -> Lowered:
    """Make a network's torch module, with initial values drawn from `generator` (by default torch's own).

    A folded network becomes a module in eval mode that holds what a chip stores. Raises BnncostError for a network
    that carries an array of widths, and for an operation without a rule.

    >>> from costmodel.designs.key import DesignKey
    >>> from costmodel.networks.build import build
    >>> model = lower(build(DesignKey.parse("resnet20/digits")))
    >>> model.get_submodule("stage1.block1.conv1").weight.shape
    torch.Size([16, 16, 3, 3])
    """
    _check_width(network)
    ops = _needed(network)
    trains = all(rule_of(op.kind).trains for op in ops)
    if not trains:
        ops = [op for op in ops if op.when == "run"]
    model = Lowered(LoweredProgram(network, _steps(network, ops), trains), dtype or torch.get_default_dtype())
    layers = _make_layers(model, network)
    if trains:
        statistics = statistics_of(ops)
        for param in network.learned():
            layer, _, name = param.name.rpartition(".")
            _place(model, layers[layer], name, param, learned=param not in statistics)
    else:
        for op, param in _stored(ops):
            name = param.name.removeprefix(f"{op.layer}.").replace(".", "_")
            _place(model, layers[op.layer], name, param, learned=False)
    load_values(model, {name: tensor.numpy() for name, tensor in initial_values(network, generator).items()})
    return model.train(trains)


def _check_width(network: Network) -> None:
    values = dict.fromkeys(item for op in network.ops for item in (*op.inputs, *op.params, op.output))
    for value in values:
        if not all(isinstance(side, (int, np.integer)) for side in value.shape):
            raise BnncostError(
                f"network '{network.name}' carries an array of widths at '{value.name}'; a module has one width: "
                "build the network without `widths`."
            )


def _read(op: Op) -> tuple[Param, ...]:
    return op.params[: rule_of(op.kind).reads]


def _needed(network: Network) -> list[Op]:
    """Leave out operations whose result no rule reads, such as corrections of borders that torch pads itself."""
    needed: set[Value] = {network.output}
    kept = []
    for op in reversed(network.ops):
        if op.output in needed:
            needed.update(op.inputs, _read(op))
            kept.append(op)
    return kept[::-1]


def _steps(network: Network, ops: list[Op]) -> tuple[LoweredStep, ...]:
    """Add to every operation what nobody reads after it."""
    made: set[Value] = {network.input, *(op.output for op in ops)}
    seen: set[Value] = {network.output}
    steps = []
    for op in reversed(ops):
        read = dict.fromkeys(item for item in (*op.inputs, *_read(op)) if item in made)
        done = tuple(item for item in read if item not in seen)
        seen.update(read)
        run = rule_of(op.kind).run
        if run is None:
            raise BnncostError(f"{op.layer}: '{op.kind}' is made by folding and cannot run before it.")
        steps.append(LoweredStep(op, run, _read(op), done))
    return tuple(reversed(steps))


def _make_layers(model: Lowered, network: Network) -> dict[str, nn.Module]:
    """Make a submodule for every layer and its parents; the layer without a name is the module itself."""
    names = [op.layer for op in network.ops]
    names += [param.name.rpartition(".")[0] for param in network.learned()]
    layers: dict[str, nn.Module] = {"": model}
    for name in dict.fromkeys(names):
        parts = name.split(".") if name else []
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            if path not in layers:
                layers[path] = nn.Module()
                layers[path.rpartition(".")[0]].add_module(parts[depth - 1], layers[path])
    return layers


def _place(model: Lowered, owner: nn.Module, name: str, param: Param, *, learned: bool) -> None:
    """Make room for a parameter in its layer's module; a name that a submodule has already gets a `_` behind it."""
    while hasattr(owner, name):
        name += "_"
    room = torch.empty([int(side) for side in param.shape], dtype=model.progress.dtype)
    if learned:
        owner.register_parameter(name, nn.Parameter(room))
    else:
        owner.register_buffer(name, room)
    model._places[param.name] = (owner, name)


def statistics_of(ops: Iterable[Op]) -> tuple[Param, ...]:
    """Find the parameters that the forward pass keeps up to date, not the gradient."""
    return tuple(dict.fromkeys(op.params[index] for op in ops for index in rule_of(op.kind).statistics))


def _stored(ops: list[Op]) -> Iterator[tuple[Op, Param]]:
    """Yield every parameter that running operations read, once, with its first reader."""
    seen: set[Param] = set()
    for op in ops:
        for param in _read(op):
            if param not in seen:
                seen.add(param)
                yield op, param


# ------------------------------------------------------------------ values in and out


def load_values(model: Lowered, values: Mapping[str, np.ndarray]) -> None:
    """Put arrays, by the names of the parameters, into a module; a folded one derives what a chip stores from them.

    Raises BnncostError where a parameter is missing, unknown or of another shape; the module is then as before.
    """
    expected = {param.name: param for param in model.network.learned()}
    place = f"network '{model.network.name}'"
    for name, array in values.items():
        if name not in expected:
            raise unknown("parameter", name, expected, place)
        if tuple(np.shape(array)) != tuple(expected[name].shape):
            raise BnncostError(
                f"{place}: '{name}' has shape {expected[name].shape}, but the array given has {np.shape(array)}."
            )
    missing = sorted(set(expected) - set(values))
    if missing:
        raise BnncostError(
            f"{place}: no value is given for {len(missing)} of {len(expected)} parameters, such as '{missing[0]}'."
        )
    chosen = values if model.trains else exported_values(model.network, values)
    with torch.no_grad():
        for name, (owner, attribute) in model._places.items():
            getattr(owner, attribute).copy_(torch.as_tensor(np.array(chosen[name])))


def values_of(model: Lowered) -> dict[str, np.ndarray]:
    """Read every learned parameter as a double array, by name: what `costmodel.operations.run.run` takes."""
    if not model.trains:
        raise BnncostError(
            f"network '{model.network.name}' is folded: its module holds what a chip stores, not what was learned; "
            "read the values from the network as it was before folding."
        )
    return {
        param.name: model.value(param).detach().cpu().double().numpy() for param in model.network.learned()
    }


def keep_promises(model: Lowered) -> None:
    """Raise parameters that are promised to be positive to a small positive number, as after every update."""
    with torch.no_grad():
        for param in model.network.learned():
            if param.positive and model.trains:
                model.value(param).clamp_(min=SMALLEST_POSITIVE)


def set_progress(model: Lowered, progress: float) -> None:
    """Say which part of training is done; raises BnncostError outside 0 .. 1."""
    if not 0 <= progress <= 1:
        raise BnncostError(f"the part of training that is done must lie from 0 to 1, not at {progress}.")
    model.progress.fill_(progress)
