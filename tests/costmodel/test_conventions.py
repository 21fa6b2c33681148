"""Operations as papers print them, beside the figures that they print."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel as cm
from analysis.cli import run
from costmodel.demand.conventions import OpsConvention, macs_in

OPS, BOPS, ACE = OpsConvention.OPS, OpsConvention.BOPS, OpsConvention.ACE


def of(convention: OpsConvention, design: str) -> float:
    return convention.of(macs_in(cm.cost(design).operation_totals()))


@pytest.mark.parametrize(
    ("design", "printed", "tolerance"),
    [
        ("bi-real-net", 1.63e8, 0.01),  # README of liuzechun/ReActNet
        ("reactnet", 1.63e8, 0.01),  # the same
        ("xnor-net", 1.67e8, 0.02),  # the same, with the scale of each position
        ("resnet18[double_residual+real_shortcut]/imagenet", 1.63e8, 0.01),  # ResNetE-18, hpi-xnor/BMXNet-v2-wiki
        ("resnet34[double_residual+real_shortcut]/imagenet", 1.92e8, 0.01),  # ResNetE-34, the same
        ("basenet-k1", 1.51e8, 0.04), ("basenet-k4", 1.54e8, 0.03),  # README of hpi-xnor/BoolNet
        ("boolnet-k4", 1.64e8, 0.04),  # the same
        ("reactnet-a", 0.87e8, 0.01),  # README of liuzechun/ReActNet
        ("binarydensenet/binary_densenet28/imagenet", 2.58e8, 0.01),  # hpi-xnor/BMXNet-v2-wiki
        ("binarydensenet/binary_densenet37/imagenet", 2.70e8, 0.01),  # the same
        ("meliusnet", 2.08e8, 0.01),  # the same
        ("fp32/resnet18/imagenet", 1.814e9, 1e-3),  # torchvision
    ],
)  # fmt: skip
def test_ops_are_those_that_papers_print(design: str, printed: float, tolerance: float) -> None:
    assert of(OPS, design) == pytest.approx(printed, rel=tolerance)


def test_bops_of_a_binary_network_are_its_binary_macs() -> None:
    assert of(BOPS, "reactnet") == pytest.approx(1.677e9, rel=1e-3)  # README of yikaiw/SNN
    assert of(BOPS, "bi-real-net") == 1_676_279_808  # Larq, of BiRealNet


def test_ace_is_what_qonnx_calls_total_bops() -> None:
    assert of(ACE, "bnn/cnv/cifar10") == 70_347_776  # qonnx 1.0.0 on Brevitas' CNV_1W1A


def test_ace_of_pokebnns_classifier() -> None:
    assert ACE.of({"8x8": 2048 * 1000}) == pytest.approx(1.31e8, rel=1e-3)  # google/aqt, pokebnn_test.py


def test_a_mac_of_few_bits_counts_its_bits() -> None:
    assert BOPS.of({"2x2": 3, "3x3": 2, "4x4": 1, "1x1": 5}) == 4 * 3 + 9 * 2 + 16 + 5
    assert OPS.of({"2x2": 64, "8x8": 7, "1x8": 2, "fp32xfp32": 1}) == 7 + 2 + 1 + 4.0
    assert ACE.of({"fp32xfp32": 2, "ternaryxternary": 1}) == 2 * 1024 + 4
    with pytest.raises(cm.BnncostError, match="unknown MAC precision 'bits'"):
        ACE.of({"bits": 1})


@given(st.dictionaries(st.sampled_from(["1x1", "2x2", "1x8", "8x8", "fp16xfp16"]), st.integers(0, 10**9)))
def test_conventions_are_linear_and_ordered(macs: dict[str, int]) -> None:
    twice = {label: 2 * count for label, count in macs.items()}
    for convention in OpsConvention:
        assert convention.of(twice) == 2 * convention.of(macs)
    assert BOPS.of(macs) <= ACE.of(macs)
    assert OPS.of(macs) <= sum(macs.values())


def test_commands_show_them_on_request_alone(capsys: pytest.CaptureFixture[str]) -> None:
    compulsory = ("--traffic", "compulsory", "--format", "json")
    run(["cost", "reactnet", *compulsory, "--ops-convention", "ops", "--ops-convention", "bops"])
    assert json.loads(capsys.readouterr().out)["conventions"] == {
        "ops": 137_793_536 + 1_676_279_808 / 64, "bops": 1_676_279_808,
    }  # fmt: skip
    run(["cost", "reactnet", *compulsory])
    assert "conventions" not in json.loads(capsys.readouterr().out)
    methods = "weight_bases(count=2),prelu"
    run(["table", "--network", "resnet20", "--methods", methods, *compulsory, "--ops-convention", "bops"])
    added = {row["method"]: row["alone_bops"] for row in json.loads(capsys.readouterr().out)["methods"]}
    assert list(added.values()) == [40_108_032, 0]  # every binary MAC once more


def test_an_unknown_convention_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", "reactnet", "--ops-convention", "flops"]) == 2
    assert "'ops', 'bops', 'ace'" in capsys.readouterr().err
