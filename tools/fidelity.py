"""Write docs/fidelity.md: python -m tools.fidelity."""

from __future__ import annotations

from pathlib import Path

from analysis.catalogue.fidelity import fidelity_page
from costmodel.output import write_whole

if __name__ == "__main__":
    write_whole(Path(__file__).parents[1] / "docs" / "fidelity.md", fidelity_page())
