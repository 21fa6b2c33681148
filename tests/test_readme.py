"""The README's examples are run as a reader would run them."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path
from statistics import fmean

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


STUDIED = {
    "plain BNN": "resnet20", "real-valued 1x1 shortcuts where maps halve": "resnet20[real_shortcut]",
    "width 1.5": "resnet20@w1.5", "teacher's logits": "resnet20[logits_teacher]",
    "learned threshold": "resnet20[learned_threshold]", "norm before the sign": "resnet20[norm_before_sign]",
    "PReLU": "resnet20[prelu]",
    "six of them together":
        "resnet20[double_residual+learned_threshold+norm_before_sign+real_shortcut+rprelu+squeeze_excitation]",
}  # fmt: skip
"""What rows of the study's table call designs."""


def test_the_accuracies_of_the_study_are_those_that_ship() -> None:
    text = README.read_text("utf-8")
    shipped: dict[str, list[float]] = {}
    with (README.parent / "analysis/data/measured_accuracy.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["features"] == "fp32":
                shipped.setdefault(row["design"], []).append(float(row["top1"]))
    runs = sum(map(len, shipped.values()))
    assert f"{runs} runs of {len(shipped)} designs are shipped" in text
    table = text.split("| design | top-1 | over the plain BNN |")[1].split("\n\n")[0]
    rows = {
        cells[1]: cells[2:4]
        for line in table.splitlines()[2:]
        if (cells := [cell.strip() for cell in line.split("|")])
    }
    plain = fmean(shipped["resnet20/cifar10-16"])
    assert set(STUDIED) == {label for label in rows if not label.startswith("int4")}
    for label, design in STUDIED.items():
        told, gain = rows[label]
        found = shipped[f"{design}/cifar10-16"]
        assert abs(float(told.split()[0]) - fmean(found)) <= 0.06, label
        assert (f"{len(found)} seeds" in told) == (len(found) > 1), label
        assert not gain or abs(float(gain) - (fmean(found) - plain)) <= 0.06, label
    references = [fmean(shipped[f"resnet20@compute={name}/cifar10-16"]) for name in ("int4", "int8", "fp32")]
    told, gains = next(cells for label, cells in rows.items() if label.startswith("int4"))
    assert [float(part) for part in told.split(", ")] == [round(mean, 1) for mean in references]
    assert [float(part) for part in gains.split(", ")] == [round(mean - plain, 1) for mean in references]


def test_every_linked_file_exists() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8")):
        assert link.startswith("http") or (README.parent / link).exists(), link
