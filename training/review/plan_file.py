"""Plans of a study as YAML files: read, and checked as to whether all that they ask for goes together."""

from __future__ import annotations

import os

from training.review.comparisons import problems_of
from training.review.plan import Plan
from training.run.settings_file import parse_settings, read_settings


def load_plan(name_or_path: str | os.PathLike[str]) -> Plan:
    """Read a shipped plan by its name, or a YAML file; raises one BnncostError with all that is wrong."""
    return read_settings(name_or_path, "plans", Plan, problems_of)


def parse_plan(text: str, file: str) -> Plan:
    """Read a plan from YAML text; raises one BnncostError with all that is wrong, by file and line."""
    return parse_settings(text, file, Plan, problems_of)
