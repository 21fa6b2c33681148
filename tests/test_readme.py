"""The README's examples are run as a reader would run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import costmodel as cm
from costmodel.hardware import check_profile

README = Path(__file__).parents[1] / "README.md"


def snippet(marker: str) -> str:
    """The code block behind an HTML comment `<!-- marker -->`."""
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found, marker
    return found.group(1)


def test_the_profile_is_sound_and_works_in_a_cost(tmp_path: Path) -> None:
    path = tmp_path / "my-chip.yaml"
    path.write_text(snippet("profile"), "utf-8")
    assert check_profile(path) == ()
    mine, base = cm.cost("reactnet", path), cm.cost("reactnet", "asic-45nm")
    assert mine.profile == "my-chip"
    assert mine.latency_s > base.latency_s  # a quarter of the array, a slower clock


def test_the_method_becomes_part_of_designs() -> None:
    program = f"""{snippet("method")}
import costmodel as cm
shared, own = (cm.cost(f"resnet20[{{name}}]").operation_totals() for name in ("shared_prelu", "prelu"))
assert shared == own, (shared, own)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=README.parent)
    assert done.returncode == 0, done.stderr


def test_the_python_example_runs() -> None:
    example = re.search(r"```python\n(import costmodel as cm.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert example
    scope: dict[str, object] = {}
    exec(compile(example.group(1), "README.md", "exec"), scope)
    assert isinstance(scope["cost"], cm.Cost)


def test_the_numbers_of_the_folding_table() -> None:
    text = README.read_text("utf-8")
    outputs = 6 * (16 * 32 * 32 + 32 * 16 * 16 + 64 * 8 * 8)
    assert f"{outputs:,} multiplies" in text
    assert f"{outputs // 2:,} multiplies and {outputs:,} adds" in text


def test_every_linked_file_exists() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8")):
        assert link.startswith("http") or (README.parent / link).exists(), link
