"""What pytest leaves out: the examples in `training` need torch, which the cost model does without."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["training/*", "tests/training/*"]


def pytest_report_header() -> str | None:
    """Say aloud that a part was left out."""
    return "torch is not installed: training is not tested" if collect_ignore_glob else None
