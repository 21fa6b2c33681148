"""The command line: what each command says, in every form, and that it stays quick and quiet."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_outputs import read_json, said
from ruamel.yaml import YAML

from analysis.methods.table_document import split_methods
from costmodel import METHODS, BnncostError, cost, published_names, shipped_profiles
from costmodel.methods import CATEGORIES

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]

# Elements of the maps that the first convolutions of ResNet-20's nine blocks make.
FIRST_MAPS = 3 * (16 * 32 * 32 + 32 * 16 * 16 + 64 * 8 * 8)
BINARY_MACS = 9 * (
    6 * 16 * 16 * 32 * 32 + (16 + 5 * 32) * 32 * 16 * 16 + (32 + 5 * 64) * 64 * 8 * 8
)  # 3x3 kernels, all but the first convolution


def read_csv(capsys: Captured, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(said(capsys, *arguments, "--format", "csv"))))


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analysis.cli", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


# ---------------------------------------------------------------- cost


def test_cost_as_a_process_prints_nothing_but_json() -> None:
    done = process("cost", "resnet20[double_residual]/cifar10", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["design"] == "resnet20[double_residual]/cifar10"
    assert found["profile"] == "asic-45nm"
    macs = [row["count"] for row in found["operations"] if row["precision"] == "1x1"]
    assert sum(macs) == BINARY_MACS


def test_the_rows_of_the_csv_add_up_to_the_energy(capsys: Captured) -> None:
    rows = read_csv(capsys, "cost", "reactnet/resnet18/imagenet", "--profile", "asic-22nm-bnn")
    total = cost("reactnet/resnet18/imagenet", "asic-22nm-bnn").energy_j
    assert sum(float(row["energy_j"]) for row in rows) == pytest.approx(total, rel=1e-12)
    assert {row["part"] for row in rows} == {"operation", "memory", "control", "leakage"}
    assert {row["profile"] for row in rows} == {"asic-22nm-bnn"}


def test_layers_come_only_if_asked(capsys: Captured) -> None:
    assert "stage3.block3.conv2" not in said(capsys, "cost", "bnn")
    assert "stage3.block3.conv2" in said(capsys, "cost", "bnn", "--per-layer")
    rows = read_csv(capsys, "cost", "bnn", "--per-layer")
    assert sum(float(row["latency_s"]) for row in rows) == pytest.approx(cost("bnn").latency_s, rel=1e-12)


def test_the_table_says_what_a_reader_asks(capsys: Captured) -> None:
    text = said(capsys, "cost", "resnet20/cifar10")
    assert f"{BINARY_MACS:,}" in text
    parts = ("binary compute", "other MACs", "side operations", "memory", "control", "leakage")
    assert all(part in text for part in parts)
    assert "become one compare" in text, "notes on folding"
    assert (
        f"{len(cost('resnet20/cifar10').assumptions)} figures in use are derived, scaled or assumed" in text
    )
    assert "--format json lists them" in text


def test_output_that_is_piped_is_plain_and_uncut_where_columns_are_many(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    text = said(capsys, "methods")
    assert "\x1b" not in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) > 120
    for method in METHODS.values():
        assert any(method.name in line and method.summary in line for line in text.splitlines())


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_tables_for_papers_hold_the_counts(capsys: Captured, form: str) -> None:
    text = said(capsys, "cost", "resnet20/cifar10", "--format", form)
    assert f"{BINARY_MACS:,}" in text
    assert ("\\toprule" in text) == (form == "latex")


def test_a_file_gets_the_form_of_its_suffix(capsys: Captured, tmp_path: Path) -> None:
    for name, first in (
        ("a.json", "{"),
        ("a.csv", "design,"),
        ("a.md", "**"),
        ("a.tex", "%"),
        ("a.txt", "resnet20"),
    ):
        target = tmp_path / "new" / name
        assert said(capsys, "cost", "resnet20/cifar10", "--out", str(target)) == ""
        assert target.read_text("utf-8").startswith(first)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "a.csv",
        "a.json",
        "a.md",
        "a.tex",
        "a.txt",
    ]


def test_a_profile_may_lie_anywhere(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said(capsys, "profiles", "new", "mine", "--extends", "mcu-cortex-m4")
    monkeypatch.chdir("/")
    found = read_json(capsys, "cost", "resnet20/cifar10", "--profile", str(tmp_path / "mine.yaml"))
    assert isinstance(found, dict)
    assert found["profile"] == "mine"
    assert found["energy_j"] == cost("resnet20/cifar10", "mcu-cortex-m4").energy_j


# ---------------------------------------------------------------- table


def test_the_table_prices_methods_in_three_views(capsys: Captured) -> None:
    found = read_json(capsys, "table", "--methods", "double_residual,clipped_ste")
    assert isinstance(found, dict)
    double, gradient = found["methods"]
    assert (found["network"], found["profile"]) == ("resnet20/cifar10", "asic-45nm")
    counts = {(row["operation"], row["precision"]): row["count"] for row in double["emitted"]["operations"]}
    assert counts == {("add", "int16"): FIRST_MAPS}
    counts = {(row["operation"], row["precision"]): row["count"] for row in double["alone"]["operations"]}
    assert counts["add", "int16"] == 2 * FIRST_MAPS, "the shortcut, and the norm that no longer folds"
    assert counts["mul", "int16"] == FIRST_MAPS
    views = [gradient[view] for view in ("emitted", "alone", "left_out")]
    assert all(view["operations"] == [] and view["energy_j"] == 0 for view in views)
    assert gradient["equivalent_width"] == pytest.approx(1)


def test_the_table_at_another_precision_of_features(capsys: Captured) -> None:
    found = read_json(capsys, "table", "--methods", "double_residual", "--features", "int8")
    assert isinstance(found, dict) and found["network"] == "resnet20@features=int8/cifar10"
    (double,) = found["methods"]
    counts = {(row["operation"], row["precision"]): row["count"] for row in double["emitted"]["operations"]}
    assert counts == {("add", "int8"): FIRST_MAPS}


def test_the_table_in_the_other_forms(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    chosen = ("table", "--methods", "prelu,clipped_ste,real_shortcut(operands=int4,pool=false)")
    rows = read_csv(capsys, *chosen)
    assert [row["name"] for row in rows] == ["prelu", "clipped_ste", "real_shortcut"]
    text = said(capsys, *chosen)
    assert "Network topology changes" in text
    assert "Training techniques" in text
    assert "only the gradient of the sign changes" in text
    assert re.search(r"clipped_ste +│ 0 +│ 0 +│ +0.00 │ 0 ", text)
    plain = cost("resnet20/cifar10").latency_s
    assert f"{plain * 1e6:.3g} µs" in text
    assert r"clipped\_ste" in said(capsys, *chosen, "--format", "markdown")
    assert said(capsys, *chosen, "--format", "latex").count(r"\begin{tabular}") == 2


# ---------------------------------------------------------------- pareto


def test_a_front_of_own_accuracies_on_an_own_profile(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(capsys, "profiles", "new", "mine", "--extends", "asic-45nm", "--out", str(tmp_path / "mine.yaml"))
    designs = {
        "resnet20/cifar10": 80.0,
        "resnet20[double_residual]/cifar10": 84.5,
        "resnet20@w1.5/cifar10": 79.0,
    }
    rows = "".join(f"{design},{top1}\n" for design, top1 in designs.items())
    (tmp_path / "own.csv").write_text(f"design,top1\n{rows}", "utf-8")
    monkeypatch.setenv("COLUMNS", "1000")
    text = said(
        capsys, "pareto", "--network", "resnet20", "--dataset", "cifar10", "--profile", str(tmp_path / "mine.yaml"),
        "--accuracy", str(tmp_path / "own.csv"), "--x", "energy", "--out", str(tmp_path / "out"),
    )  # fmt: skip
    written = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert written == {".png", ".svg", ".pdf", ".csv", ".md", ".tex"}
    on_front = [line for line in text.splitlines() if re.search(r"│ yes +│", line)]
    assert len(on_front) == 2, "the wider network takes more and is less accurate than the plain one"
    assert "84.50" in on_front[1]


def test_methods_are_cut_at_commas_outside_brackets() -> None:
    assert split_methods("a(x=1,y=2), b,") == ["a(x=1,y=2)", "b"]
    assert split_methods(None) is None
    with pytest.raises(BnncostError, match="names none"):
        split_methods(" ,")


# ---------------------------------------------------------------- lists


def test_methods_lists_every_method_by_category(capsys: Captured) -> None:
    found = read_json(capsys, "methods")
    assert isinstance(found, list)
    assert {row["method"] for row in found} == set(METHODS)
    order = [(branch, category) for branch, categories in CATEGORIES.items() for category in categories]
    places = [order.index((row["branch"], row["category"])) for row in found]
    assert places == sorted(places)
    gate = next(row for row in found if row["method"] == "squeeze_excitation")
    assert (gate["hook"], gate["options"]) == ("gate", "reduction=8, normed=false")
    free = next(row for row in found if row["method"] == "two_stage")
    assert free["note"] == "only the order of training changes; the same network is deployed"


def test_designs_lists_every_published_design(capsys: Captured) -> None:
    found = read_json(capsys, "designs")
    assert isinstance(found, list)
    assert {row["name"]: row["design"] for row in found} == {
        name: str(key) for name, key in published_names().items()
    }


def test_networks_counts_each_network(capsys: Captured) -> None:
    rows = {row["network"]: row for row in read_csv(capsys, "networks")}
    assert int(rows["resnet20"]["binary_macs"]) == BINARY_MACS
    weights = 3 * 16 * 9 + 9 * (6 * 16 * 16 + (16 + 5 * 32) * 32 + (32 + 5 * 64) * 64) + 64 * 10
    norms = 2 * (16 + 6 * 16 + 6 * 32 + 6 * 64)  # a factor and an offset; mean and variance are not learned
    assert int(rows["resnet20"]["parameters"]) == weights + norms + 10 + 1, (
        "a bias, and the step of what the classifier reads"
    )
    assert rows["resnet18"]["dataset"] == "imagenet"


@pytest.mark.parametrize("name", ["methods", "designs", "networks"])
def test_lists_are_markdown_too(capsys: Captured, name: str) -> None:
    lines = said(capsys, name, "--format", "markdown").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) >= 4
    assert all(line.endswith("|") for line in rows)


# ---------------------------------------------------------------- profiles


def test_profiles_list_has_every_shipped_one(capsys: Captured) -> None:
    found = read_json(capsys, "profiles", "list")
    assert isinstance(found, list)
    assert [row["name"] for row in found] == list(shipped_profiles())
    generic = next(row for row in found if row["name"] == "asic-45nm")
    assert (generic["node"], generic["clock_hz"]) == ("45 nm", 4e8)
    assert all(row["int8_mac_j"] > row["binary_mac_j"] > 0 for row in found)
    assert "asic-45nm" in said(capsys, "profiles", "list")


def test_profiles_show_has_every_quantity_of_the_file(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    data = YAML(typ="safe", pure=True).load(ROOT / "hardware_profiles" / "asic-45nm.yaml")

    def figures(node: object) -> int:
        if isinstance(node, dict):
            return 1 if "value" in node and "unit" in node else sum(map(figures, node.values()))
        return sum(map(figures, node)) if isinstance(node, list) else 0

    rows = {row["figure"]: row for row in read_csv(capsys, "profiles", "show", "asic-45nm")}
    assert len(rows) == figures(data)
    clock = data["clock"]
    row = rows["clock"]
    assert (float(row["value"]), row["unit"], row["status"]) == (
        clock["value"],
        clock["unit"],
        clock["status"],
    )
    assert (float(row["low"]), float(row["high"])) == (clock["low"], clock["high"])
    assert f"{clock['low']} to {clock['high']}" in said(capsys, "profiles", "show", "asic-45nm")


def test_profiles_new_check_and_price(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "bnncost profiles check my-chip.yaml" in said(
        capsys, "profiles", "new", "my-chip", "--extends", "asic-7nm"
    )
    assert re.match(r"my-chip: sound; .*\d+ assumed", said(capsys, "profiles", "check", "my-chip.yaml"))
    said(capsys, "profiles", "new", "next", "--extends", "my-chip.yaml", "--out", "folder/next.yaml")
    assert said(capsys, "profiles", "check", "folder/next.yaml").startswith("next: sound")


def test_profiles_schema_is_json(capsys: Captured) -> None:
    schema = json.loads(said(capsys, "profiles", "schema"))
    assert {"compute", "memories"} <= set(schema["$defs"]["Profile"]["properties"])


# ---------------------------------------------------------------- the shell


def test_quick_commands_load_nothing_heavy() -> None:
    commands = [["cost", "resnet20/cifar10"], ["methods"], ["networks"], ["designs"], ["profiles", "list"]]
    commands += [["profiles", "show", "asic-45nm"], ["cost", "bnn", "--format", "csv"], ["cost", "--help"]]
    commands += [["best", "--network", "tfc", "--energy", "4uJ"], ["profiles", "validate", "xnorbin"]]
    heavy = {
        "pandas",
        "matplotlib",
        "moocore",
        "pint",
        "torch",
        "jinja2",
        "scipy.special",
        "costmodel.importers.model.source",
    }
    code = (
        f"import sys; from analysis.cli import run\nfor command in {commands!r}: assert run(command) == 0\n"
        f"print(*sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    command = f"{sys.executable} -m analysis.cli profiles show asic-45nm --format csv | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.startswith("figure,"), done.stderr) == (True, "")


def test_an_interruption_ends_it_quietly() -> None:
    code = (
        "import sys, analysis.cli, analysis.catalogue.profile_files as profiles\n"
        "def interrupt(): raise KeyboardInterrupt\n"
        "profiles.schema_text = interrupt\n"
        "sys.argv = ['bnncost', 'profiles', 'schema']; analysis.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_a_sentence() -> None:
    command = [sys.executable, "-m", "analysis.cli", "designs"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_terminal_without_unicode_still_gets_its_tables() -> None:
    done = process("profiles", "list", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "asic-45nm" in done.stdout


def test_help_and_version(capsys: Captured) -> None:
    assert said(capsys, "--version").startswith("bnncost ")
    text = said(capsys, "--help")
    for command in ("cost", "table", "pareto", "explore", "methods", "networks", "designs", "profiles"):
        assert re.search(rf"^  {command} ", text, re.MULTILINE)
    assert "resnet20[double_residual+prelu]@w1.5/cifar10" in " ".join(said(capsys, "cost", "--help").split())
