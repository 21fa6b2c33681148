"""The README's examples are run as a reader would run them."""

from __future__ import annotations

import csv
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
from analysis.catalogue.methods import methods_document
(row,) = (row for row in methods_document().data if row["method"] == "shared_prelu")
assert row["held_against"] == "not checked: No code is recorded.", row
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
    "plain BNN": "resnet20", "width 1.5": "resnet20@w1.5",
    "real-valued 1x1 shortcuts where maps halve": "resnet20[real_shortcut]",
    "double residual and norm before the sign": "resnet20[double_residual+norm_before_sign]",
    "learned threshold": "resnet20[learned_threshold]", "hardtanh": "resnet20[hardtanh]",
    "double residual": "resnet20[double_residual]", "norm before the sign": "resnet20[norm_before_sign]",
    "six of them together":
        "resnet20[double_residual+learned_threshold+norm_before_sign+real_shortcut+rprelu+squeeze_excitation]",
    "int4 network of the same shape": "resnet20@compute=int4",
    "fp32 network of the same shape": "resnet20@compute=fp32",
}  # fmt: skip
"""What rows of the study's table call designs."""


def shipped_rows() -> list[dict[str, str]]:
    """The rows of the study that the README has as a table."""
    with (README.parent / "analysis/data/measured_accuracy.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["recipe"] == "cifar-40"]


def shipped_accuracies() -> dict[str, float]:
    """Top-1 of each design that ships, by its text form without the data set; each has one seed."""
    found = {row["design"].removesuffix("/cifar10"): float(row["top1"]) for row in shipped_rows()}
    assert len(found) == len(shipped_rows())
    return found


def test_the_table_of_the_study_is_what_ships_and_what_the_model_gives() -> None:
    text, top1 = README.read_text("utf-8"), shipped_accuracies()
    table = text.split("<!-- study -->\n")[1].split("\n\n")[0]
    rows = {cells[1]: cells[2:5] for line in table.splitlines()[2:] if (cells := re.split(r" *\| *", line))}
    assert set(rows) == set(STUDIED) and {STUDIED[label] for label in rows} == set(top1)
    plain = cm.cost("resnet20/cifar10", "asic-45nm").energy_j
    for label, (told, gain, energy) in rows.items():
        design = STUDIED[label]
        assert abs(float(told) - top1[design]) <= 0.051, label
        ratio = cm.cost(f"{design}/cifar10", "asic-45nm").energy_j / plain
        if label == "plain BNN":
            assert (gain, energy) == ("", f"{plain * 1e6:.2f} µJ")
            continue
        assert abs(float(gain) - (top1[design] - top1["resnet20"])) <= 0.051, label
        digits = len(energy.partition(".")[2])
        assert energy == f"x{ratio:.{digits}f}", label


def test_what_is_said_of_the_study_follows_from_it() -> None:
    text, top1 = README.read_text("utf-8"), shipped_accuracies()
    assert f"{len(top1)} designs are shipped" in text
    (images,) = {int(row["train_images"]) for row in shipped_rows()}
    (epochs,) = {row["epochs"] for row in shipped_rows()}
    assert f"all {images:,} training images" in text and f"**{epochs} epochs**" in text

    full, shortcut = STUDIED["six of them together"], "resnet20[real_shortcut]"
    int4, fp32, wide = "resnet20@compute=int4", "resnet20@compute=fp32", "resnet20@w1.5"
    energy = {one: cm.cost(f"{one}/cifar10", "asic-45nm").energy_j for one in (full, shortcut, int4, wide)}
    gain = {one: value - top1["resnet20"] for one, value in top1.items()}
    (lead,) = re.findall(r"within (\S+) points of fp32", text)
    assert abs(top1[int4] - top1[fp32]) <= float(lead)
    ratio, lack = re.findall(r"(\S+) times that of six repairs\s+together, which lack (\S+) points", text)[0]
    assert ratio == f"{energy[int4] / energy[full]:.1f}" and lack == f"{top1[int4] - top1[full]:.1f}"
    alone = [design for design in gain if "[" in design and "+" not in design]
    assert max(alone, key=gain.__getitem__) == shortcut and gain[full] > 2 * gain[shortcut]
    assert gain[full] > gain[wide] and energy[full] < energy[wide]  # more than width 1.5 at less energy
    assert gain["resnet20[double_residual]"] < 0 > gain["resnet20[norm_before_sign]"]
    assert gain["resnet20[double_residual+norm_before_sign]"] > 0.8  # only together


def test_the_command_of_a_row_is_the_one_that_ships() -> None:
    commands = {row["command"].replace("'", '"') for row in shipped_rows()}
    shown = re.findall(r"^(bnncost train .* --recipe cifar-40 .*)$", README.read_text("utf-8"), re.MULTILINE)
    assert len(shown) == 1 and set(shown) <= commands


def test_every_linked_file_exists() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8")):
        assert link.startswith("http") or (README.parent / link).exists(), link
