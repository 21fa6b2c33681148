"""`pareto` with several sources: own points by file, protocols said, pictures as wide as a paper's column."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from command_outputs import said
from PIL import Image

from analysis.cli import run
from analysis.fronts.own_figures import overlay_of
from costmodel import BnncostError

Captured = pytest.CaptureFixture[str]
QUICK = ("--traffic", "compulsory")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "ours.csv"
    file.write_text(
        "design,top1,epochs\nresnet20[prelu]/cifar10,84.1,200\nbi_real_net/resnet20/cifar10,83.5,200\n"
    )
    return file


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "front-energy.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_own_points_are_marked_by_file_and_unlike_protocols_are_said(
    own: Path, tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "out"
    sources = ("--accuracy", "literature", "--accuracy", str(own), "--accuracy", "measured")
    text = said(capsys, "pareto", *sources, "--recipe", "cifar-40", *QUICK, "--out", str(out))
    found = rows(out)
    assert {row["source"] for row in found} == {"", "ours.csv", "measured, cifar-40"}
    mine = {row["label"]: row for row in found if row["source"] == "ours.csv"}
    assert set(mine) == {"prelu", "Bi-Real Net"} and {row["design_class"] for row in mine.values()} == {
        "measured"
    }
    assert "Bi-Real Net" in {
        row["label"] for row in found if not row["source"]
    }  # both figures of it stand there
    assert {row["design"].rpartition("/")[2] for row in found} == {"cifar10"}
    for place in (text, (out / "front-energy.md").read_text("utf-8")):
        flat = " ".join(place.split())
        assert "ours.csv: 200 epochs" in flat and "40 epochs" in flat and "Protocols differ" in flat
    legend = (out / "front-energy.svg").read_text("utf-8")
    assert ">ours.csv<" in legend and ">measured, cifar-40<" in legend


def test_one_protocol_alone_differs_from_none(own: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    again.write_text(own.read_text("utf-8"))
    same = overlay_of([str(own), str(again)])
    assert "Protocols differ" not in same.caption and set(same.protocols) == {"ours.csv", "again.csv"}
    bare = tmp_path / "bare.csv"
    bare.write_text("design,top1\nresnet20/cifar10,80\n")
    assert "Protocols differ" in overlay_of([str(own), str(bare)]).caption


def test_files_of_one_name_are_told_apart_and_one_twice_is_refused(own: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "ours.csv"
    other.parent.mkdir()
    other.write_text(own.read_text("utf-8"))
    assert set(overlay_of([str(own), str(other)]).protocols) == {str(own), str(other)}
    with pytest.raises(BnncostError, match="given twice"):
        overlay_of([str(own), str(own)])
    with pytest.raises(BnncostError, match="cifar-40"):
        overlay_of(["literature", "measured"], "cifar-41")


@pytest.mark.parametrize(("size", "inches"), [("column", 3.5), ("page", 7.16)])
def test_a_picture_for_a_paper_is_as_wide_as_it_and_its_letters_are_letters(
    size: str, inches: float, tmp_path: Path, capsys: Captured
) -> None:
    said(capsys, "pareto", "--network", "resnet20", "--dataset", "cifar10", "--size", size, "--title", "none", *QUICK,
         "--out", str(tmp_path))  # fmt: skip
    pdf = (tmp_path / "front-energy.pdf").read_bytes()
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
    assert float(box[0]) == pytest.approx(72 * inches, abs=0.1)
    assert b"/Type3" not in pdf and b"CreationDate" not in pdf
    with Image.open(tmp_path / "front-energy.png") as picture:
        assert picture.width == pytest.approx(200 * inches, abs=1)
    assert "ResNet-20 on CIFAR-10" not in (tmp_path / "front-energy.svg").read_text("utf-8")


def test_networks_of_ones_own_stand_among_all_of_the_data_set(tmp_path: Path, capsys: Captured) -> None:
    network = tmp_path / "mine.yaml"
    shipped = Path("costmodel/networks/shipped/resnet20.yaml").read_text("utf-8")
    network.write_text(shipped.replace("name: resnet20", "name: mine"), "utf-8")
    said(capsys, "pareto", "--add", f"{network}[prelu]/cifar10=85.5:ours", *QUICK, "--out", str(tmp_path))
    found = {row["label"]: row for row in rows(tmp_path)}
    assert found["ours"]["network"] == str(network)
    assert {"resnet18", "resnet20"} <= {row["network"] for row in found.values()}


def test_a_network_from_elsewhere_is_a_point_of_its_own(
    tmp_path: Path, reads_here: None, capsys: Captured
) -> None:
    module = tmp_path / "net.py"
    module.write_text(
        "import torch\n\ndef make():\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), "
        "torch.nn.Linear(8 * 30 * 30, 10))\n",
        "utf-8",
    )
    given = f"{module}:make@input=3x32x32,features=int8=71.5"
    code = run(["pareto", "--add", given, "--dataset", "cifar10", *QUICK, "--out", str(tmp_path)])
    assert code == 0, capsys.readouterr().err
    (mine,) = (row for row in rows(tmp_path) if row["design_class"] == "measured")
    assert (mine["label"], mine["top1"], float(mine["energy_j"]) > 0) == ("net.py:make", "71.5", True)
    code = run(["pareto", "--add", given, "--out", str(tmp_path)])
    assert code == 2 and "say which with --network and --dataset" in capsys.readouterr().err
