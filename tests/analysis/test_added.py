"""`--add`: a design or a network from elsewhere with an accuracy of one's own, on a front and on the page."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from analysis.cli import run
from analysis.fronts.added import added_figure
from analysis.report.explore import read_spaces
from analysis.report.page.data import Space, page_record, space_record
from analysis.report.page.html import read_page
from analysis.report.page.own import own_spaces, read_own
from analysis.report.page.points import own_points
from analysis.report.page.screen import energies_j, front_rows
from costmodel import BnncostError, cost, load_profile
from costmodel.designs.records import AccuracyRecord

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("text", "design", "top1", "label"),
    [
        ("resnet20/cifar10=80", "resnet20/cifar10", 80.0, ""),
        ("resnet20[prelu]@w1.5/cifar10=85.25:ours", "resnet20[prelu]@w1.5/cifar10", 85.25, "ours"),
        ("resnet20@compute=int4,edge=fp32/cifar10= 90.1 : a = b: c", "resnet20@compute=int4,edge=fp32/cifar10", 90.1,
         "a = b: c"),
        ("resnet20[squeeze_excitation(reduction=4)]/cifar10=7", "resnet20[squeeze_excitation(reduction=4)]/cifar10",
         7.0, ""),
        ("lsq-2=67", "resnet18@compute=int2/imagenet", 67.0, "LSQ, 2 bit"),
    ],
)  # fmt: skip
def test_the_last_equals_sign_before_a_number_ends_the_design(
    text: str, design: str, top1: float, label: str
) -> None:
    record = added_figure(text)
    assert isinstance(record, AccuracyRecord)
    assert (str(record.key), record.top1, record.label, record.kind) == (design, top1, label, "added")


def pareto(capsys: Captured, out: Path, *arguments: str) -> tuple[int, str, str]:
    code = run(["pareto", *arguments, "--out", str(out)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "front-energy.csv").open(encoding="utf-8") as stream:
        return {row["label"]: row for row in csv.DictReader(stream)}


def test_an_added_design_has_a_class_of_its_own_and_the_front_is_that_of_its_network(
    tmp_path: Path, capsys: Captured
) -> None:
    code, out, _ = pareto(
        capsys, tmp_path, "--add", "resnet20[prelu]/cifar10=99:ours", "--traffic", "compulsory"
    )
    assert code == 0
    found = rows(tmp_path)
    assert (found["ours"]["design_class"], found["ours"]["on_front"]) == ("measured", "True")
    assert found["ReCU"]["design_class"] == "binary" and found["PACT, 2 bit"]["design_class"] == "low-bit"
    assert found["Full precision"]["design_class"] == "full precision"
    assert {row["network"] for row in found.values()} == {"resnet20"}
    assert "own figures win: ours (99.0 % at" in out
    assert "given with --add" in (tmp_path / "front-energy.svg").read_text("utf-8")


def test_two_figures_of_one_design_are_two_points(tmp_path: Path, capsys: Captured) -> None:
    given = [
        text for top1 in ("60", "61") for text in ("--add", f"ir-net/resnet20/cifar10={top1}:ours {top1}")
    ]
    assert pareto(capsys, tmp_path, *given, "--traffic", "compulsory")[0] == 0
    assert {"IR-Net", "ours 60", "ours 61"} <= set(rows(tmp_path))


def test_a_data_set_alone_means_all_of_its_networks(tmp_path: Path, capsys: Captured) -> None:
    assert pareto(capsys, tmp_path, "--dataset", "cifar100", "--traffic", "compulsory")[0] == 0
    found = rows(tmp_path)
    assert {row["network"] for row in found.values()} == {"reactnet_a", "resnet18", "resnet20"}
    assert "Real-to-Binary, ResNet-18" in found


def test_a_network_with_figures_on_one_data_set_needs_no_data_set(tmp_path: Path, capsys: Captured) -> None:
    assert pareto(capsys, tmp_path, "--network", "resnet34", "--traffic", "compulsory")[0] == 0
    assert {row["design"].rpartition("/")[2] for row in rows(tmp_path).values()} == {"imagenet"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--network", "resnet18"], "say which with --network and --dataset"),
        (["--add", "resnet20/cifar10"], "write DESIGN=TOP1[:LABEL]"),
        (["--add", "resnet20/cifar10=high"], "write DESIGN=TOP1[:LABEL]"),
        (["--add", "resnet20/cifar10=101"], "from 0 to 100"),
        (["--add", "resnet21/cifar10=80"], "resnet20"),
        (["--add", "resnet20@input=1x1x1=99"], "none of cifar10, which has 10 classes of images of 3x32x32, and not"),
        (["--add", "resnet20@classes=2=99"], "give it as that of 'resnet20@input=3x32x32,classes=2/own'"),
        (["--add", "resnet20@input=1x1x1,classes=10/own=99", "--dataset", "cifar10"], "is on resnet20/own; this front"),
        (["--add", "resnet20/cifar10=80", "--dataset", "imagenet"], "is on resnet20/cifar10; this front is of Image"),
        (["--add", "resnet20/cifar10=80", "--accuracy", "measured"], "--add goes with published accuracies"),
        (["--add", "resnet20/cifar10=80", "--add", "resnet18/imagenet=60"], "say which"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, capsys: Captured, arguments: list[str], says: str) -> None:
    code, _, err = pareto(capsys, tmp_path, *arguments)
    assert code == 2 and says in " ".join(err.split()) and "Traceback" not in err


def test_all_mistakes_come_at_once(tmp_path: Path, capsys: Captured) -> None:
    _, _, err = pareto(capsys, tmp_path, "--add", "one", "--add", "resnet20/cifar10=-1")
    assert "'one'" in err and "resnet20/cifar10=-1" in err


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A network from elsewhere that reads images of CIFAR-10: 3 * 3 * 3 * 4 * 1024 + 40 MACs of floats."""
    onnx = pytest.importorskip("onnx")
    made, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    weights = [
        onnx.numpy_helper.from_array(np.linspace(-1, 1, size, dtype=np.float32).reshape(shape), name)
        for name, size, shape in (("w", 108, (4, 3, 3, 3)), ("v", 40, (4, 10)))
    ]
    nodes = [
        made("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        made("GlobalAveragePool", ["a"], ["b"]),
        made("Flatten", ["b"], ["c"]),
        made("MatMul", ["c", "v"], ["y"]),
    ]
    ends = [value("x", 1, (1, 3, 32, 32)), value("y", 1, (1, 10))]
    graph = onnx.helper.make_graph(nodes, "small", ends[:1], ends[1:], weights)
    path = tmp_path / "net.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    return path


def test_a_network_from_elsewhere_is_on_the_page_among_those_of_the_data_set_that_it_fits(mine: Path) -> None:
    chip = load_profile("asic-45nm")
    own = read_own([], [f"{mine}=61.5:tiny", "resnet20[prelu]/cifar10=85.2:ours"])
    space, first, *_ = read_spaces(["resnet20"], own)
    assert (space.name, space.title, first.name) == ("tiny/cifar10", "tiny on CIFAR-10", "resnet20/cifar10")
    record = page_record([space_record(space, [chip])], [chip], "test")
    (point,) = record["spaces"][0]["points"]
    assert (point["name"], point["class"], point["top1"]) == (str(mine), "full precision", 61.5)
    energies = energies_j(record["spaces"][0], record["profiles"][0])
    assert energies == {0: pytest.approx(cost(str(mine), chip).energy_j, rel=1e-12)}
    (row,) = front_rows(record)
    assert row == ("tiny on CIFAR-10", "asic-45nm", record["profiles"][0]["scope"], "", "tiny 61.5 %")
    given = [point.record for point in own_points(first.own)]
    assert [(one["label"], one["study"], one["evidence"]) for one in given] == [("ours", "", "own (--add)")]


def test_images_of_no_known_data_set_make_one_of_their_own(mine: Path) -> None:
    known = [Space("resnet18", "imagenet"), Space("resnet20", "cifar100")]
    (space,) = own_spaces(read_own([], [f"{mine}=61.5"]).models, known)
    assert space.name == "net.onnx/own"


def test_networks_that_are_called_alike_need_names(mine: Path) -> None:
    with pytest.raises(BnncostError, match=r"two networks are called 'net\.onnx'"):
        read_own([], [f"{mine}=61.5", f"{mine}=62"])
    with pytest.raises(BnncostError, match="a network on cifar10 is called 'resnet20' already"):
        read_spaces([], read_own([], [f"{mine}=61.5:resnet20"]))


def test_the_page_is_made_with_what_is_added(mine: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "out"
    chosen = ["--network", "tfc", "--profile", "mcu-cortex-m4"]
    assert run(["explore", *chosen, "--add", f"{mine}=61.5:tiny", "--out", str(out)]) == 0
    data = read_page(out)
    assert {space["network"] for space in data["spaces"]} == {"tiny", "tfc"}
    assert "tiny on CIFAR-10" in capsys.readouterr().out
    assert run(["explore", *chosen, "--add", f"{mine}=61.5:tiny", "--out", str(out)]) == 0
    assert "Priced 0 of" in capsys.readouterr().out
