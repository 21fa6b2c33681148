"""What tests of several packages share."""

from __future__ import annotations

import pytest


@pytest.fixture
def reads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read torch programs and modules in this process, which saves the seconds in which another one loads torch."""
    pytest.importorskip("torch", reason="a module is read with torch; install the train extra")
    from read_here import called_here

    from costmodel.importers.model import source

    monkeypatch.setattr(source, "apart", called_here)
