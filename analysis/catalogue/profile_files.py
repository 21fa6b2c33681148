"""Files of profiles: checked, begun from another profile, imported from ZigZag; and their JSON Schema."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from analysis.catalogue.profiles import status_counts
from costmodel import load_profile, shipped_profiles
from costmodel.evaluate.plausibility import plausibility_warnings
from costmodel.hardware import new_profile, profile_json_schema
from costmodel.hardware.text.reader import error_of
from costmodel.importers.zigzag_profile import profile_text
from costmodel.output import write_whole


def check(path: str, *, strict: bool = False) -> tuple[str, tuple[str, ...]]:
    """One sentence if a profile is sound, and what in it is hardly meant; raises with all that is wrong with it if not.

    With `strict`, what is hardly meant is wrong as well.
    """
    profile, warnings = load_profile(path), plausibility_warnings(path)
    if warnings and strict:
        raise error_of(warnings)
    return f"{profile.name}: sound; figures by status: {status_counts(profile)}", tuple(map(str, warnings))


def write_new(name: str, base: str, out: Path | None) -> Path:
    """Write a profile to start from; raises where there is such a file already."""
    target = out or Path(f"{name}.yaml")
    return write_whole(target, new_profile(name, _seen_from(target, base)), overwrite=False)


def _seen_from(target: Path, base: str) -> str:
    """The base as a profile in the target's folder must write it: a path from elsewhere becomes absolute."""
    is_here = target.resolve().parent == Path.cwd()
    return base if base in shipped_profiles() or is_here or not Path(base).exists() else os.path.abspath(base)


def write_imported(file: Path, mapping: Path | None, base: str, precision: str, out: Path | None) -> Path:
    """Write the profile that an accelerator file becomes; raises where it has problems, or where `out` is there."""
    text = profile_text(file, mapping, base, precision)
    with tempfile.TemporaryDirectory() as folder:
        load_profile(
            write_whole(Path(folder) / "imported.yaml", text)
        )  # never leave a file that cannot be read
    return write_whole(out or Path(f"{file.stem}.profile.yaml"), text, overwrite=False)


def schema_text() -> str:
    """The JSON Schema that editors complete and check profiles with."""
    return json.dumps(profile_json_schema(), indent=2) + "\n"
