"""Networks of 2 to 8 bits: what their MACs are, and what a MAC of 3 bits costs."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

import costmodel as cm
from costmodel.hardware.prices import mac_price

ARRAYS_OF_THREE_BITS = ("asic-45nm", "asic-7nm", "asic-65nm", "asic-28nm-bnn", "asic-22nm-bnn")
# ResNet-18 at 224 x 224: 3x3 convolutions of the stages, 1x1 shortcuts, stem, classifier
STAGES = sum(
    positions * (first * width + 3 * width * width) * 9
    for positions, first, width in ((56**2, 64, 64), (28**2, 64, 128), (14**2, 128, 256), (7**2, 256, 512))
)
SHORTCUTS = 28**2 * 64 * 128 + 14**2 * 128 * 256 + 7**2 * 256 * 512
ENDS = 112**2 * 64 * 3 * 49 + 512 * 1000


def macs(design: str, profile: str = "asic-45nm") -> dict[str, int]:
    """MACs of a design by precision."""
    totals = cm.cost(design, profile).operation_totals()
    return {precision: count for (operation, precision), count in totals.items() if operation == "mac"}


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_only_the_inner_convolutions_are_narrow(bits: int) -> None:
    narrow = f"{bits}x{bits}"
    for name in ("lsq", "pact", "dorefa"):
        assert macs(f"{name}-{bits}") == {narrow: STAGES, "8x8": SHORTCUTS + ENDS}
    assert macs(f"n2uq-{bits}") == {narrow: STAGES + SHORTCUTS, "8x8": ENDS}
    assert macs(f"n2uq-{bits}-real-shortcut") == {narrow: STAGES, "8x8": SHORTCUTS + ENDS}


def test_an_int8_network_has_torchvisions_operations() -> None:
    assert macs("int8") == {"8x8": STAGES + SHORTCUTS + ENDS}
    assert round((STAGES + SHORTCUTS + ENDS) / 1e9, 3) == 1.814  # printed beside its weights


def test_a_network_of_four_bits_everywhere_has_no_other() -> None:
    assert macs("gdfq-4/resnet18/imagenet") == {
        "4x4": STAGES + SHORTCUTS + 512 * 1000,
        "4x8": ENDS - 512 * 1000,
    }


def test_a_ternary_network_has_ternary_macs() -> None:
    assert macs("sttn") == {"ternaryxternary": STAGES, "8x8": ENDS}


@pytest.mark.parametrize("profile", ARRAYS_OF_THREE_BITS)
def test_three_bits_lie_on_the_power_law_through_two_and_four(profile: str) -> None:
    two, three, four = (mac_price(cm.load_profile(profile), label) for label in ("2x2", "3x3", "4x4"))
    for of in (lambda unit: unit.energy_j, lambda unit: unit.resources["mm2"]):
        power = math.log2(of(four) / of(two))
        assert of(three) == pytest.approx(of(two) * 1.5**power, rel=5e-3)
    assert three.precision == "3x3"


def test_the_law_gives_the_multiplier_of_qkeras() -> None:
    two, three, four = (0.002994791667 * bits**2 + 0.001041666667 * bits for bits in (2, 3, 4))
    assert three == pytest.approx(two * 1.5 ** math.log2(four / two), rel=0.01)


@pytest.mark.parametrize(
    ("profile", "runs_on"),
    [
        ("fpga-zynq7020", "4x4"),
        ("asic-22nm-programmable", "8x8"),
        ("mcu-cortex-m33", "8x8"),
        ("mcu-cortex-m4", "8x8"),
    ],
)
def test_elsewhere_three_bits_run_on_the_next_wider_unit(profile: str, runs_on: str) -> None:
    assert mac_price(cm.load_profile(profile), "3x3").precision == runs_on


def test_more_bits_cost_more_on_every_profile() -> None:
    for profile in cm.shipped_profiles():
        energies = [cm.cost(f"resnet20@compute=int{bits}/cifar10", profile).energy_j for bits in (2, 3, 4, 8)]
        assert all(more >= less * (1 - 1e-12) for less, more in pairwise(energies)), profile


def test_every_rival_has_a_class_of_its_own() -> None:
    rivals = {
        name: key for name, key in cm.published_names().items() if key.compute not in ("binary", "fp32")
    }
    assert {"pact", "dorefa", "lsq", "n2uq", "int8", "sttn", "a2q", "gdfq", "brevitas"} == {
        name.split("/")[0].split("-")[0] for name in rivals
    }
    assert {key.edge for key in rivals.values()} == {"int8", "int4"}


def test_finns_networks_of_two_bits_have_the_macs_of_their_layers() -> None:
    """CNV without padding reads 32x32 pixels: its maps have sides 30, 28, 12, 10, 3 and 1."""
    first = 30**2 * 27 * 64
    inner = (
        28**2 * 9 * 64 * 64 + 12**2 * 9 * 64 * 128 + 10**2 * 9 * 128**2 + 3**2 * 9 * 128 * 256 + 9 * 256**2
    )
    dense = 256 * 512 + 512**2 + 512 * 10
    assert macs("brevitas-2/cnv/cifar10") == {"4x8": first, "ternaryxternary": inner + dense}
    assert macs("brevitas-2/tfc/mnist") == {"ternaryxternary": 784 * 64 + 2 * 64**2 + 640}
