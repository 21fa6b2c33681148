"""A torch module as the list of ATen operations that its forward pass runs: exported, or recorded where that fails."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from training.reading.calls import Call, Captured, Ref, place_of
from training.reading.grids import Grids
from training.reading.writes import aliases_of, without_writes

EXPORTED = "the module was read by torch.export"
SEED = 0


INPUT = "image"


class NotCaptured(Exception):
    """A forward pass that gives no list of operations; the text says why."""


def capture(model: nn.Module, image: Sequence[int]) -> Captured:
    """List the operations of a module in eval mode on an image (C, H, W)."""
    model.eval()
    example = torch.randn((1, *image), generator=torch.Generator().manual_seed(SEED))
    with _quiet(), torch.no_grad():
        exported = _exported(model, example)
        if isinstance(exported, str):
            return record(
                model, example, f"torch.export refused the module ({exported}): one forward pass was recorded"
            )
        return _calls_of(exported, model, tuple(example.shape))


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other people's code
        yield


def _exported(model: nn.Module, example: torch.Tensor) -> torch.export.ExportedProgram | str:
    """Export, or say in one line why torch could not: it raises errors of many kinds of its own."""
    try:
        return torch.export.export(model, (example,), strict=False)
    except (
        RuntimeError,
        TypeError,
        ValueError,
        AttributeError,
        AssertionError,
        KeyError,
        NotImplementedError,
    ) as error:
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


# ------------------------------------------------------------------ from an exported program


def _calls_of(program: torch.export.ExportedProgram, model: nn.Module, shape: tuple[int, ...]) -> Captured:
    """Turn an exported graph into calls; what does not depend on the image is computed."""
    held: dict[torch.fx.Node, Any] = {}
    origins: dict[torch.fx.Node, str] = {}
    signature = program.graph_signature
    state = {**program.state_dict, **program.constants}
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    names |= signature.inputs_to_lifted_tensor_constants
    calls: list[Call] = []
    output, made = "", ()
    filled = _written_roots(program.graph)
    grids = Grids()
    for node in program.graph.nodes:
        if node.op == "placeholder":
            if node.name in names:
                held[node], origins[node] = state[names[node.name]], names[node.name]
            else:
                held[node] = Ref(INPUT)
        elif node.op == "get_attr":
            held[node] = _attribute_of(program, node.target)
        elif node.op == "output":
            made = tree_map(lambda one: held.get(one, one), node.args[0])
            output = _single(made)
        else:
            _run_or_keep(node, held, origins, calls, grids)
        if node in filled and isinstance(held.get(node), torch.Tensor):
            held[node] = _named(node.name, held[node], calls)
    learned = {name: place_of(state[name]) for name in signature.inputs_to_parameters.values()}
    return Captured(shape, *_finished(calls, output), EXPORTED, _on_outputs(made), grids.stated_of, learned)


def _finished(calls: Sequence[Call], output: str) -> tuple[str, tuple[Call, ...]]:
    """The name of the output, and the calls without writes in place."""
    pure, name = without_writes(tuple(calls), output)
    return name, pure


def _written_roots(graph: torch.fx.Graph) -> set[torch.fx.Node]:
    """Nodes whose result, or a view of it, is written in place: constants among them become values with names."""
    roots = set()
    for node in graph.nodes:
        if _aliases(node) == "write" and node.all_input_nodes:
            root = node.all_input_nodes[0]
            while _aliases(root) and root.all_input_nodes:
                root = root.all_input_nodes[0]
            roots.add(root)
    return roots


def _aliases(node: torch.fx.Node) -> str:
    return aliases_of(node.target) if isinstance(node.target, torch._ops.OpOverload) else ""


def _named(name: str, constant: torch.Tensor, calls: list[Call]) -> Ref:
    """A constant as a value with a name, which a write can make another."""
    calls.append(Call("constant", (constant,), {}, ((name, tuple(constant.shape)),), ""))
    return Ref(name)


def _attribute_of(program: torch.export.ExportedProgram, target: object) -> Any:
    found: Any = program.graph_module
    for part in str(target).split("."):
        found = getattr(found, part)
    return found


def _single(outputs: Any) -> str:
    first = outputs
    while isinstance(first, (tuple, list, dict)) and first:
        first = next(iter(first.values() if isinstance(first, dict) else first))
    if not isinstance(first, Ref):
        raise NotCaptured("the output of the module does not depend on the image")
    return first.name


def _on_outputs(outputs: Any) -> tuple[str, ...]:
    """What is to be said of a module with several outputs."""
    number = len([one for one in tree_leaves(outputs) if isinstance(one, (Ref, torch.Tensor))])
    return (f"the module has {number} outputs; what its first one needs is costed",) if number > 1 else ()


def _run_or_keep(
    node: torch.fx.Node,
    held: dict[torch.fx.Node, Any],
    origins: dict[torch.fx.Node, str],
    calls: list[Call],
    grids: Grids,
) -> None:
    args = _looked_up(node.args, held)
    kwargs = _looked_up(node.kwargs, held)
    origin = next((origins[one] for one in node.all_input_nodes if one in origins), "")
    if origin:
        origins[node] = origin
    if not isinstance(node.target, torch._ops.OpOverload):
        held[node] = _plain_python(node, args, kwargs)
        return
    if _name(node.target) in _FILLED and _depends(args):
        shape = node.args[0].meta["val"].shape  # type: ignore[union-attr]
        args = (torch.empty(tuple(int(side) for side in shape)), *args[1:])
    if not _depends(args) and not _depends(kwargs):
        call = Call(_name(node.target), tuple(args), kwargs, (), "")
        held[node] = grids.note(call, node.target(*args, **kwargs))
        return
    origins.pop(node, None)
    value = node.meta.get("val")
    if value is None:  # a check of shapes or devices, which makes nothing
        return
    several = isinstance(value, (tuple, list))
    shapes = [
        _sides_of(node, one) for one in (value if several else [value]) if isinstance(one, torch.Tensor)
    ]
    results = tuple((f"{node.name}_{n}" if several else node.name, shape) for n, shape in enumerate(shapes))
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    aliases = aliases_of(node.target)
    place = (stack[-1][0] if stack else "") if aliases != "write" else _line_of(node.meta.get("stack_trace"))
    calls.append(
        Call(_name(node.target), args, kwargs, results, place, origin, aliases, _whole(node.all_input_nodes))
    )
    made = [Ref(name) for name, _ in results]
    held[node] = tuple(made) if several else (made[0] if made else None)


def _sides_of(node: torch.fx.Node, made: torch.Tensor) -> tuple[int, ...]:
    if not all(isinstance(side, int) for side in made.shape):
        raise NotCaptured(f"how much '{node.name}' makes depends on the numbers of the image")
    return tuple(made.shape)


def _whole(nodes: Sequence[torch.fx.Node]) -> tuple[int, ...]:
    value = nodes[0].meta.get("val") if nodes else None
    return tuple(int(side) for side in value.shape) if isinstance(value, torch.Tensor) else ()


def _line_of(trace: str | None) -> str:
    """File and line of the author's code, of the trace that an exported node carries."""
    places = re.findall(r'File "([^"]+)", line (\d+)', trace or "")
    return f"{Path(places[-1][0]).name}:{places[-1][1]}" if places else ""


_FILLED = {
    "new_ones",
    "ones_like",
    "new_zeros",
    "zeros_like",
    "new_full",
    "full_like",
    "new_empty",
    "empty_like",
}
"""Operations that take of a map its shape alone: what they make does not depend on the image."""


def _plain_python(node: torch.fx.Node, args: Any, kwargs: Any) -> Any:
    """Python's own operators in a graph, such as the choice of one of several results."""
    assert isinstance(node.target, Callable)  # type: ignore[arg-type]
    return node.target(*args, **kwargs)  # type: ignore[operator]


def _looked_up(value: Any, held: dict[torch.fx.Node, Any]) -> Any:
    if isinstance(value, torch.fx.Node):
        return held[value]
    if isinstance(value, dict):
        return {name: _looked_up(one, held) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(_looked_up(one, held) for one in value)
    return value


def _depends(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_depends, value.values()))
    if isinstance(value, (tuple, list)):
        return any(map(_depends, value))
    return isinstance(value, Ref)


def _name(target: Any) -> str:
    """`add_` of `aten.add_.Tensor`; operators of other libraries keep their library."""
    library, _, name = str(target._schema.name).partition("::")
    return name if library == "aten" else f"{library}::{name}"


# ------------------------------------------------------------------ from a recorded forward pass


class _Recorder(TorchDispatchMode):
    """Notes every ATen operation of a forward pass; what does not depend on the image stays the tensor that it is."""

    def __init__(self, model: nn.Module, image: torch.Tensor) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.grids = Grids()
        self.decisions = 0
        self.stack: list[str] = []
        self._kept: list[Any] = [image]
        self._names: dict[int, str] = {id(image): INPUT}
        self._places: dict[tuple[int, tuple[int, ...], tuple[int, ...]], str] = {_place_of(image): INPUT}
        self._parameters = {
            id(one): name for name, one in (*model.named_parameters(), *model.named_buffers())
        }

    def leave(self) -> None:
        """Go back to the module around this one."""
        self.stack.pop()

    def name_of(self, tensor: torch.Tensor) -> str | None:
        """Name of a tensor that depends on the image, found as itself or as another handle of the same numbers."""
        return self._names.get(id(tensor)) or self._places.get(_place_of(tensor))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if _name(func) == "bernoulli_":  # else a dropout would be a product with a constant
            raise NotCaptured(
                "it draws bits at random, as a dropout in training mode does; export it after model.eval(), and "
                "functions with training=False"
            )
        read = _referred(args, self.name_of), _referred(kwargs, self.name_of)
        result = func(*args, **kwargs)
        origin = next((self._parameters[id(one)] for one in args if id(one) in self._parameters), "")
        tensors = [
            one
            for one in (result if isinstance(result, (tuple, list)) else [result])
            if isinstance(one, torch.Tensor)
        ]
        if _name(func) in _FILLED or (not _depends(read[0]) and not _depends(read[1])):
            for one in tensors:
                if origin:
                    self._parameters.setdefault(id(one), origin)
                self._kept.append(one)
            return self.grids.note(Call(_name(func), tuple(args), kwargs, (), ""), result)
        if not tensors:
            self.decisions += 1
            return result
        aliases = aliases_of(func)
        results: list[tuple[str, tuple[int, ...]]] = []
        for one in tensors:
            name = f"v{len(self.calls)}_{len(results)}"
            results.append((name, tuple(one.shape)))
            self._names[id(one)] = name
            self._places[_place_of(one)] = name
            self._kept.append(one)
        self.calls.append(
            Call(
                _name(func),
                tuple(read[0]),
                dict(read[1]),
                tuple(results),
                _line_now() if aliases == "write" else self.stack[-1] if self.stack else "",
                origin,
                aliases,
                tuple(args[0].shape) if args and isinstance(args[0], torch.Tensor) else (),
            )
        )
        return result


_TORCH = f"{Path(torch.__file__).parent}{os.sep}"


def _line_now() -> str:
    """File and line of the author's code that is running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (
        frame.f_code.co_filename.startswith(_TORCH) or frame.f_code.co_filename == __file__
    ):
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _place_of(tensor: torch.Tensor) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    return tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride())


def _referred(value: Any, name_of: Callable[[torch.Tensor], str | None]) -> Any:
    if isinstance(value, torch.Tensor):
        name = name_of(value)
        return value if name is None else Ref(name)
    if isinstance(value, dict):
        return {key: _referred(one, name_of) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(_referred(one, name_of) for one in value)
    return value


def record(model: nn.Module, example: torch.Tensor, how: str) -> Captured:
    """Run a module once and note what it does: loops and branches as they ran."""
    recorder = _Recorder(model, example)
    handles = []
    for path, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(lambda m, a, path=path: recorder.stack.append(path)))
        handles.append(module.register_forward_hook(lambda m, a, o: recorder.leave()))
    try:
        with _quiet(), torch.no_grad(), recorder:
            output = model(example)
    finally:
        for handle in handles:
            handle.remove()
    remarks = _on_outputs(output)
    while isinstance(output, (tuple, list, dict)) and output:
        output = next(iter(output.values() if isinstance(output, dict) else output))
    name = recorder.name_of(output) if isinstance(output, torch.Tensor) else None
    if name is None:
        raise NotCaptured("the output of the module does not depend on the image")
    if recorder.decisions:
        remarks += (
            f"{recorder.decisions} numbers of the image steer the forward pass; they are those of one random image",
        )
    learned = {name: place_of(parameter) for name, parameter in model.named_parameters()}
    return Captured(
        tuple(example.shape),
        *_finished(recorder.calls, name),
        how,
        remarks,
        recorder.grids.stated_of,
        learned,
    )
