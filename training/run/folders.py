"""Runs on disk: one folder each, named after all that it depends on, owned by one process at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from costmodel.designs.catalogue import DATASETS
from costmodel.designs.content import content_of, is_content, require_content
from costmodel.designs.key import DesignKey
from costmodel.designs.records import RECORD, SPEC, Measurement, require_same
from costmodel.errors import BnncostError
from costmodel.output import make_folder, read_json, write_whole
from training.data.pins import identity_of
from training.run.recipe import Recipe

CHECKPOINT, HISTORY, CURVE, LOCK = "checkpoint.safetensors", "history.csv", "loss.png", "lock"
_LONGEST_NAME = 80
_LOOK_AGAIN_S = 0.5


@dataclass(frozen=True)
class RunSpec:
    """What one run is: a design, a recipe, a data set and a seed; the rest follows from these.

    `data` is a name, or a path with the digest of its content, by which it is known wherever it lies. `content` is that
    of the design when the run was asked for, which `run_of` notes: it stays what it is while files are edited.
    `teacher_content` is that of a teacher that the recipe names.
    """

    design: DesignKey
    recipe: Recipe
    data: str
    seed: int = 0
    content: str = ""
    teacher_content: str = ""

    @property
    def digest(self) -> str:
        """Eight digits that stand for all of it; the content has no part in those of what is shipped."""
        parts = [
            str(self.design),
            self.recipe.name,
            self.recipe.digest,
            identity_of(self.data),
            str(self.seed),
            *filter(None, [self.content, self.teacher_content and f"teacher {self.teacher_content}"]),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """Name of the run's folder: readable, and unlike that of every other run.

        >>> from training.run.recipe import load_recipe
        >>> RunSpec(DesignKey.parse("resnet20[prelu]/digits"), load_recipe("digits"), "digits").name[:30]
        'resnet20-prelu-digits-digits-s'
        """
        words = re.sub(r"[^a-z0-9.=]+", "-", f"{self.design}-{self.recipe.name}".lower()).strip("-")
        return f"{words[:_LONGEST_NAME]}-s{self.seed}-{self.digest}"

    @property
    def has_teacher(self) -> bool:
        """Whether a method of the design learns from a teacher, which is then a run of its own."""
        return any(use.method.category == "teacher-student" for use in self.design.methods)

    def to_json(self) -> str:
        """Write as one JSON object."""
        content = {
            "design": str(self.design), "recipe": self.recipe.model_dump(mode="json"), "data": self.data,
            "seed": self.seed,
        }  # fmt: skip
        for name in _CONTENTS:
            content |= {name: getattr(self, name)} if getattr(self, name) else {}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def run_of(design: DesignKey, recipe: Recipe, data: str, seed: int = 0) -> RunSpec:
    """The run of a design as its files, and those of its teacher, are now."""
    spec = RunSpec(design, recipe, data, seed, content_of(design))
    if not spec.has_teacher or not recipe.teacher:
        return spec
    return replace(spec, teacher_content=content_of(DesignKey.parse(recipe.teacher)))


def source_of(data: str) -> str:
    """Name the data set that has the images of another one, which may be an average of them; a path is one itself.

    >>> source_of("cifar10-16"), source_of("mine.npz")
    ('cifar10', 'mine.npz')
    """
    return (DATASETS[data].halves if data in DATASETS else "") or data


def load_spec(folder: Path) -> RunSpec:
    """Read what a run is; raises BnncostError for none, for another version, and where its files were edited since."""
    try:
        content = _read_object(folder / SPEC)
    except BnncostError as error:
        raise BnncostError(f"'{folder}' is not the folder of a run: {error}") from None
    try:
        spec = RunSpec(
            DesignKey.parse(str(content["design"])),
            Recipe.model_validate(content["recipe"]),
            str(content["data"]),
            int(content["seed"]),
            *(_content(content, name) for name in _CONTENTS),
        )
    except BnncostError as error:
        raise BnncostError(f"'{folder / SPEC}': {error}") from None
    except (KeyError, TypeError, ValueError) as error:  # pydantic's errors are ValueErrors
        raise BnncostError(
            f"'{folder / SPEC}' does not describe a run of this version ({type(error).__name__}); train it again."
        ) from None
    require_content(spec.content, spec.design, f"run '{folder}'")
    return spec


_CONTENTS = ("content", "teacher_content")


def _content(run: Mapping[str, Any], name: str) -> str:
    """The content of a run's design or teacher; raises ValueError for what is none."""
    content = str(run.get(name, ""))
    if not is_content(content):
        raise ValueError(content)
    return content


def measurement_of(folder: Path, spec: RunSpec) -> Measurement | None:
    """Read the record of a run; None where it has not ended. Raises BnncostError for a damaged one or another's."""
    path = folder / RECORD
    if not path.is_file():
        return None
    made = Measurement.from_mapping(_read_object(path), str(path))
    require_own(made, spec, path)
    return made


def require_own(made: Measurement, spec: RunSpec, path: Path) -> None:
    """Raise BnncostError where a record is not of the run whose folder it lies in."""
    recipe, digest = spec.recipe.name, spec.recipe.digest
    own = {
        "design": str(spec.design),
        "seed": spec.seed,
        "epochs": spec.recipe.epochs,
        "recipe": f"{recipe} ({digest})",
        "content": spec.content,
    }
    there = {"recipe": f"{made.recipe} ({made.recipe_digest})", "design": str(DesignKey.parse(made.design))}
    require_same(path, asdict(made) | there, own)


def _read_object(path: Path) -> dict[str, Any]:
    advice = "delete the folder and train again"
    content = read_json(path, advice=advice)
    if not isinstance(content, dict):
        raise BnncostError(f"'{path}' holds no JSON object; {advice}.")
    return content


def open_folder(spec: RunSpec, runs: Path) -> Path:
    """Make a run's folder, or find it; raises BnncostError where another run has its name."""
    folder = make_folder(runs / spec.name)
    if not (folder / SPEC).exists():
        write_whole(folder / SPEC, spec.to_json())
    elif load_spec(folder).name != spec.name:  # a recipe's description may have changed
        raise BnncostError(f"'{folder}' belongs to another run; move it away, or name another --out.")
    return folder


@contextmanager
def claimed(folder: Path, *, wait: bool = False, deadline_s: float | None = None) -> Iterator[bool]:
    """Own a run's folder while inside; gives False where another process has it, unless told to wait.

    Waiting ends at `deadline_s`, on the clock of `time.monotonic`. The system lets go of the lock when a process
    dies, however it dies.
    """
    with (folder / LOCK).open("a") as stream:
        mine = _locked(stream)
        while not mine and wait and (deadline_s is None or time.monotonic() < deadline_s):
            time.sleep(_LOOK_AGAIN_S)
            mine = _locked(stream)
        try:
            yield mine
        finally:
            if mine:
                fcntl.flock(stream, fcntl.LOCK_UN)


def _locked(stream: TextIO) -> bool:
    """Take the lock of an open file, if nobody has it."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
