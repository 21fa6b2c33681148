"""`bnncost profiles import-zigzag`: an accelerator of ZigZag as a hardware profile."""

from __future__ import annotations

import tempfile
from pathlib import Path

from costmodel import load_profile
from costmodel.importers import profile_text
from costmodel.output import write_whole

NEXT_STEPS = """It stands on its own: what ZigZag does not say was copied from {base}; the comments at its top say what.
Check it after changes:  bnncost profiles check {path}
Price a design on it:    bnncost cost resnet20 --profile {path}"""


def write_imported(file: Path, mapping: Path | None, base: str, precision: str, out: Path | None) -> Path:
    """Write the profile that an accelerator file becomes; raises where it has problems, or where `out` is there."""
    text = profile_text(file, mapping, base, precision)
    with tempfile.TemporaryDirectory() as folder:
        load_profile(
            write_whole(Path(folder) / "imported.yaml", text)
        )  # never leave a file that cannot be read
    return write_whole(out or Path(f"{file.stem}.profile.yaml"), text, overwrite=False)
