"""The README's examples are run as a reader would run them."""

from __future__ import annotations

import csv
import math
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
    "those and a norm before the sign": "resnet20[norm_before_sign+real_shortcut]",
    "those and double residual": "resnet20[double_residual+real_shortcut]",
    "those, a norm before the sign and double residual":
        "resnet20[double_residual+norm_before_sign+real_shortcut]",
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


def shipped_accuracies() -> dict[str, list[float]]:
    """Top-1 of each design that ships, one for each seed, by its text form without the data set."""
    found: dict[str, list[float]] = {}
    for row in shipped_rows():
        found.setdefault(row["design"].removesuffix("/cifar10"), []).append(float(row["top1"]))
    return found


def shipped_deviation() -> float:
    """Standard deviation over seeds, pooled over the designs with two, of which each has one degree of freedom."""
    pairs = [values for values in shipped_accuracies().values() if len(values) == 2]
    return math.sqrt(sum((one - other) ** 2 / 2 for one, other in pairs) / len(pairs))


def test_the_table_of_the_study_is_what_ships_and_what_the_model_gives() -> None:
    text, seeds = README.read_text("utf-8"), shipped_accuracies()
    top1 = {design: fmean(values) for design, values in seeds.items()}
    table = text.split("<!-- study -->\n")[1].split("\n\n")[0]
    rows = {cells[1]: cells[2:6] for line in table.splitlines()[2:] if (cells := re.split(r" *\| *", line))}
    assert set(rows) == set(STUDIED) and {STUDIED[label] for label in rows} == set(top1)
    plain = cm.cost("resnet20/cifar10", "asic-45nm").energy_j
    for label, (told, runs, gain, energy) in rows.items():
        design = STUDIED[label]
        assert abs(float(told) - top1[design]) <= 0.051 and int(runs) == len(seeds[design]), label
        ratio = cm.cost(f"{design}/cifar10", "asic-45nm").energy_j / plain
        if label == "plain BNN":
            assert (gain, energy) == ("", f"{plain * 1e6:.2f} µJ")
            continue
        assert abs(float(gain) - (top1[design] - top1["resnet20"])) <= 0.051, label
        digits = len(energy.partition(".")[2])
        assert energy == f"x{ratio:.{digits}f}", label


def test_what_is_said_of_the_study_follows_from_it() -> None:
    text, seeds = README.read_text("utf-8"), shipped_accuracies()
    top1, deviation = {design: fmean(values) for design, values in seeds.items()}, shipped_deviation()
    twice = sum(len(values) == 2 for values in seeds.values())
    assert (
        f"{len(top1)} designs are shipped" in text and twice == 8 and "eight of them with two seeds" in text
    )
    assert f"lie {deviation:.2f} points apart" in text
    assert (f"{deviation:.1f} points of two seeds each", f"{deviation * math.sqrt(2):.1f} of one each") == (
        "0.5 points of two seeds each", "0.8 of one each",
    )  # fmt: skip
    (images,) = {int(row["train_images"]) for row in shipped_rows()}
    (epochs,) = {row["epochs"] for row in shipped_rows()}
    assert f"all {images:,} training images" in text and f"**{epochs} epochs**" in text

    full, shortcut = STUDIED["six of them together"], "resnet20[real_shortcut]"
    int4, fp32, wide = "resnet20@compute=int4", "resnet20@compute=fp32", "resnet20@w1.5"
    energy = {one: cm.cost(f"{one}/cifar10", "asic-45nm").energy_j for one in (full, shortcut, int4, wide)}
    gain = {one: value - top1["resnet20"] for one, value in top1.items()}
    (lead,) = re.findall(r"within (\S+) points of fp32", text)
    assert float(lead) - 0.1 <= top1[fp32] - top1[int4] <= float(lead)
    ratio, lack = re.findall(r"(\S+) times that of six repairs\s+together, which lack (\S+) points", text)[0]
    assert ratio == f"{energy[int4] / energy[full]:.1f}" and lack == f"{top1[int4] - top1[full]:.1f}"
    alone = [design for design in gain if "[" in design and "+" not in design]
    assert max(alone, key=gain.__getitem__) == shortcut and gain[full] > 2 * gain[shortcut]
    assert gain[full] > gain[wide] and energy[full] < energy[wide]  # more than width 1.5 at less energy

    def told(design: str, pair: str) -> tuple[str, str]:
        """A gain over a fair pair with its standard error, as it is told."""
        error = deviation * math.sqrt(1 / len(seeds[design]) + 1 / len(seeds[pair]))
        return f"{top1[design] - top1[pair]:.1f}", f"{error:.1f}"

    both = "resnet20[double_residual+norm_before_sign+real_shortcut]"
    claims = re.findall(r"brings\s+(-?[\d.]+)(?: points)? \((?:standard error )?([\d.]+)\)", text)
    claims += re.findall(r"and (-[\d.]+) \(([\d.]+)\)\s+where a norm", text)
    assert sorted(claims) == sorted(
        [
            told("resnet20[learned_threshold]", "resnet20"), told("resnet20[norm_before_sign]", "resnet20"),
            told("resnet20[double_residual+real_shortcut]", shortcut),
            told(both, "resnet20[norm_before_sign+real_shortcut]"),
        ]
    )  # fmt: skip


def test_the_command_of_a_row_is_the_one_that_ships() -> None:
    commands = {row["command"].replace("'", '"') for row in shipped_rows()}
    shown = re.findall(r"^(bnncost train .* --recipe cifar-40 .*)$", README.read_text("utf-8"), re.MULTILINE)
    assert len(shown) == 1 and set(shown) <= commands


def test_every_linked_file_exists() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8")):
        assert link.startswith("http") or (README.parent / link).exists(), link
