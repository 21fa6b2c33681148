"""Deployed networks as files that describe themselves: `network.json` says what is in `network.safetensors`.

Reading needs numpy and the meanings of operations, neither torch nor whatever built the network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from costmodel.errors import BnncostError
from costmodel.graph import Network, Op, Param, Tensor, Value, precision
from costmodel.operations import known
from costmodel.output import read_bytes, read_json, write_whole
from training.export.fixed_point import fixed_rule
from training.export.packing import StoredArray, pack, unpack
from training.export.program import Program

FORMAT, VERSION = "bnncost deployment", 1
DESCRIPTION, ARRAYS = "network.json", "network.safetensors"
PIXELS = "input.pixels"
PACKING = (
    "Every array is one row of bytes. Its entries follow each other in the order of their indices, the last index "
    "fastest, each with its highest bit first; the first bit is the highest of the first byte, and the last byte is "
    "filled up with zeros. 'sign': one bit, 1 for +1 and 0 for -1. 'whole': two's complement of 'bits' bits; a number "
    "q stands for q * 2**-exponent, with one exponent for all or one for each entry of the first axis. 'float': IEEE "
    "754 single precision, the lowest byte first."
)
READING = (
    "A byte b of channel c enters as pixels[c][b]. Operations run in order; docs/export.md says what each computes. "
    "With integer features each gives an exact result, which is shifted to the exponent of its map, halves rounded to "
    "even, and saturated to its bits. The class is the index of the largest output."
)


def write_deployment(program: Program, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write a deployed network into a folder; gives the files. The description is written last."""
    from safetensors.numpy import save

    arrays = {**program.arrays, PIXELS: program.pixels}
    packed = {name: np.ascontiguousarray(pack(array)) for name, array in arrays.items()}
    place = Path(folder)
    content = json.dumps(_described(program, arrays), indent=1, ensure_ascii=True, allow_nan=False) + "\n"
    return (
        write_whole(place / ARRAYS, save(packed, {"format": f"{FORMAT} {VERSION}"})),
        write_whole(place / DESCRIPTION, content),
    )


def _described(program: Program, arrays: Mapping[str, StoredArray]) -> dict[str, Any]:
    network = program.network
    maps = dict.fromkeys([network.input, *(op.output for op in network.ops)])
    params = dict.fromkeys(param for op in network.ops for param in op.params)
    return {
        "format": FORMAT,
        "version": VERSION,
        "design": program.design,
        "features": program.features,
        "packing": PACKING,
        "reading": READING,
        "input": network.input.name,
        "output": network.output.name,
        "maps": {value.name: _described_map(value, program.exponents) for value in maps},
        "parameters": {
            param.name: {"shape": _sides(param.shape), "precision": param.precision.label, "axes": param.axes}
            for param in params
        },
        "arrays": {
            name: {
                "shape": list(array.values.shape), "form": _form(array), "bits": array.bits,
                "exponent": array.exponent.tolist(),
            }
            for name, array in arrays.items()
        },
        "operations": [
            {
                "kind": op.kind, "layer": op.layer, "origin": op.origin,
                "inputs": [value.name for value in op.inputs],
                "parameters": [param.name for param in op.params],
                "output": op.output.name, "attributes": dict(op.attributes),
            }
            for op in network.ops
        ],
    }  # fmt: skip


def _described_map(value: Value, exponents: Mapping[str, int]) -> dict[str, Any]:
    return {
        "shape": _sides(value.shape),
        "precision": value.precision.label,
        **({"exponent": exponents[value.name]} if value.name in exponents else {}),
    }


def _sides(shape: tuple[Any, ...]) -> list[int]:
    return [int(side) for side in shape]


def _form(array: StoredArray) -> str:
    return "float" if array.real else "sign" if array.signs else "whole"


# ------------------------------------------------------------------ reading


def load_deployment(folder: str | os.PathLike[str]) -> Program:
    """Read a deployed network, ready to run; raises BnncostError for damaged, foreign or newer files."""
    place = Path(folder)
    content = _read_description(place / DESCRIPTION)
    packed = _read_arrays(place / ARRAYS)
    try:
        return _rebuilt(content, packed)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
        reason = str(error) if isinstance(error, BnncostError) else f"{type(error).__name__}: {error}"
        raise BnncostError(
            f"'{place / DESCRIPTION}' and '{ARRAYS}' beside it do not make a network ({reason}); export it again."
        ) from None


def _read_description(path: Path) -> dict[str, Any]:
    content = read_json(path, advice="export the network again")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BnncostError(f"'{path}' does not describe a network that bnncost exported.")
    version = content.get("version")
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        todo = "install a newer bnncost" if newer else "export it again"
        raise BnncostError(
            f"'{path}' is of version {version!r}; this bnncost reads version {VERSION}: {todo}."
        )
    return content


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = read_bytes(path)
    try:
        return load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise BnncostError(f"'{path}' is damaged ({error}); export the network again.") from None


def _rebuilt(content: dict[str, Any], packed: Mapping[str, np.ndarray]) -> Program:
    arrays = {name: _unpacked(name, entry, packed) for name, entry in content["arrays"].items()}
    maps = {
        name: Tensor(name, _shape3(entry["shape"]), precision(entry["precision"]))
        for name, entry in content["maps"].items()
    }
    params = {
        name: Param(name, tuple(entry["shape"]), precision(entry["precision"]), entry["axes"])
        for name, entry in content["parameters"].items()
    }
    whole = content["features"] != "fp32"
    ops = tuple(_operation(entry, maps, params, arrays, whole) for entry in content["operations"])
    network = Network(content["design"], ops, maps[content["input"]], maps[content["output"]])
    made = {network.input}
    for op in ops:
        if not made.issuperset(op.inputs):
            raise BnncostError(f"'{op.kind}' in layer '{op.layer}' reads a map before it is made")
        made.add(op.output)  # type: ignore[arg-type]
    pixels = arrays.pop(PIXELS)
    if pixels.values.shape != (network.input.shape[0], 256) or network.output not in made:
        raise BnncostError("the input has no value for each byte, or the output is not made")
    exponents = {name: int(entry["exponent"]) for name, entry in content["maps"].items() if whole}
    return Program(content["design"], content["features"], network, arrays, exponents, pixels)


def _unpacked(name: str, entry: Mapping[str, Any], packed: Mapping[str, np.ndarray]) -> StoredArray:
    if name not in packed:
        raise BnncostError(f"the array '{name}' is missing")
    if entry["form"] not in ("sign", "whole", "float") or packed[name].dtype != np.uint8:
        raise BnncostError(f"the array '{name}' is of an unknown form")
    exponent = np.array(entry["exponent"], np.int64)
    return unpack(packed[name], tuple(entry["shape"]), int(entry["bits"]), exponent, entry["form"])


def _shape3(sides: list[int]) -> tuple[int, int, int]:
    channels, height, width = sides
    return channels, height, width


def _operation(
    entry: Mapping[str, Any],
    maps: Mapping[str, Tensor],
    params: Mapping[str, Param],
    arrays: Mapping[str, StoredArray],
    whole: bool,
) -> Op:
    kind, attributes = str(entry["kind"]), dict(entry["attributes"])
    known(kind)
    if whole:
        fixed_rule(kind)
    named = [*entry["parameters"], *(attributes[key] for key in ("step", "table") if key in attributes)]
    absent = next((name for name in named if name not in arrays), None)
    if absent is not None:
        raise BnncostError(f"the array '{absent}' of '{kind}' in layer '{entry['layer']}' is missing")
    return Op(
        kind,
        tuple(maps[name] for name in entry["inputs"]),
        maps[entry["output"]],
        tuple(params[name] for name in entry["parameters"]),
        MappingProxyType(attributes),
        str(entry["layer"]),
        str(entry["origin"]),
    )
