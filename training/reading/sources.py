"""What a MODEL names on the torch side: an exported program (.pt2), or a factory that makes a module."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from torch import nn
from torch._export.verifier import SpecViolationError

from costmodel.errors import BnncostError, unknown
from costmodel.importers.model.document import ModelGraph
from training.reading.capture import NotCaptured, capture, record
from training.reading.convert import graph_of

EXPORTED_PROGRAM = "the exported program was run once, and its operations recorded"


def graph_of_module(model: nn.Module, image: tuple[int, ...], name: str = "module") -> ModelGraph:
    """Read a module on images of a shape (C, H, W); raises BnncostError for weights that are no 32-bit floats."""
    other = next(
        (one.dtype for one in model.parameters() if one.is_floating_point() and one.dtype != torch.float32),
        None,
    )
    if other is not None:
        raise BnncostError(
            f"'{name}' has weights of the type {str(other).removeprefix('torch.')}; give it back as model.float(), and "
            "the width with --features fp16 or another."
        )
    try:
        return graph_of(capture(model, image), name)
    except NotCaptured as error:
        raise BnncostError(f"'{name}' cannot be read: {error}.") from None


def graph_of_source(source: str, image: tuple[int, ...] | None) -> ModelGraph:
    """Read a .pt2 file, or the module that `file.py:factory` or `package.module:factory` makes."""
    if source.lower().endswith(".pt2"):
        return _program(source, image)
    if image is None:
        raise BnncostError(
            f"'{source}' is a module, which does not say what images it reads: --input 3x32x32."
        )
    return graph_of_module(made_by(source), image, source)


def _program(source: str, image: tuple[int, ...] | None) -> ModelGraph:
    if not Path(source).is_file():
        raise BnncostError(f"'{source}' cannot be read: there is no file '{source}'.")
    with _read_by_torch(source):
        _check_archive(source)
        with _no_pickles():
            program = torch.export.load(source)
        shape = _shape(source, program, image)
        example = torch.randn((1, *shape), generator=torch.Generator().manual_seed(0))
        return graph_of(record(program.module(), example, EXPORTED_PROGRAM), Path(source).name)


_BENT = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile, zlib.error, struct.error,
    torch.serialization.pickle.PickleError, SpecViolationError,
)  # fmt: skip
"""What torch raises, in no pattern, for a file that is bent."""


@contextmanager
def _read_by_torch(source: str) -> Iterator[None]:
    """Say in a sentence what torch does not like of a program, which it tells by errors of any kind."""
    try:
        yield
    except BnncostError:
        raise
    except NotCaptured as error:
        raise BnncostError(f"'{source}' cannot be read: {error}.") from None
    except _BENT as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BnncostError(f"'{source}' is no program that torch.export.save wrote ({first}).") from None


@contextmanager
def _no_pickles() -> Iterator[None]:
    """Keep torch from reading a part of a program as a pickle, which it tries where nothing else reads it."""
    before = os.environ.get(_ALONE)
    os.environ[_ALONE] = "1"
    try:
        yield
    finally:
        os.environ.pop(_ALONE)
        if before is not None:
            os.environ[_ALONE] = before


_ALONE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
"""Tells torch to load numbers alone."""


def _check_archive(source: str) -> None:
    """Raise BnncostError for an archive with compressed parts, which could be of any size when unpacked."""
    with zipfile.ZipFile(source) as archive:
        packed = [part.filename for part in archive.infolist() if part.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise BnncostError(
            f"'{source}' has compressed parts ('{packed[0]}'), and torch.export.save compresses none; export it again."
        )


def _shape(
    source: str, program: torch.export.ExportedProgram, image: tuple[int, ...] | None
) -> tuple[int, ...]:
    """The shape (C, H, W) of the one image that a program reads; raises BnncostError where it is another."""
    names = program.graph_signature.user_inputs
    if len(names) != 1:
        raise BnncostError(f"'{source}' has {len(names)} inputs; bnncost costs networks of one image.")
    node = next(one for one in program.graph.nodes if one.name == names[0])
    sides = [int(side) if isinstance(side, int) else 0 for side in node.meta["val"].shape]
    if not sides or sides[0] not in (0, 1):
        raise BnncostError(
            f"'{source}' was exported for batches of {sides[0] if sides else 'nothing'}; export it with one image, or "
            "with a dynamic batch."
        )
    shape = tuple(image) if image is not None else tuple(sides[1:])
    if any(have and have != want for have, want in zip(sides[1:], shape, strict=False)) or 0 in shape:
        raise BnncostError(f"'{source}' reads images of {'x'.join(str(side or '?') for side in sides[1:])}.")
    return shape


def made_by(source: str) -> nn.Module:
    """Call a factory; what its own code raises passes through, with its traceback."""
    place, _, name = source.rpartition(":")
    if not place or not name:
        raise BnncostError(f"'{source}' names no factory; write file.py:factory or package.module:factory.")
    module = _imported(place, source)
    if not hasattr(module, name):
        public = [one for one, made in vars(module).items() if callable(made) and not one.startswith("_")]
        raise unknown("factory", name, public, place=f"'{place}'")
    factory = getattr(module, name)
    if isinstance(factory, nn.Module):
        return factory
    if not callable(factory):
        raise BnncostError(
            f"'{source}' is {type(factory).__name__}, neither a module nor a function that makes one."
        )
    _check_arguments(factory, source)
    made = factory()
    if not isinstance(made, nn.Module):
        raise BnncostError(f"'{source}' returned {type(made).__name__}, no torch.nn.Module.")
    return made


def _check_arguments(factory: object, source: str) -> None:
    try:
        parameters = inspect.signature(factory).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        one.name for one in parameters if one.default is inspect.Parameter.empty and one.kind not in kinds
    ]
    if needed:
        raise BnncostError(
            f"'{source}' needs arguments ({', '.join(needed)}); write a function without any that calls it."
        )


def _imported(place: str, source: str) -> ModuleType:
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name is not None and place.startswith(error.name):
                raise BnncostError(f"'{source}': there is no module '{error.name}' to import.") from None
            raise
    path = Path(place).resolve()
    if not path.is_file():
        raise BnncostError(f"'{source}': there is no file '{place}'.")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
