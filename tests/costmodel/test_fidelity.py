"""Published designs and methods beside released code: figures that agree, and records that say what they rest on."""

from __future__ import annotations

import re

import pytest

from costmodel.designs.evidence import Evidence, held_against
from costmodel.designs.resolving import published_names
from costmodel.errors import BnncostError
from costmodel.methods import METHODS
from costmodel.methods.evidence import METHOD_EVIDENCE, not_checked
from costmodel.methods.released import XNOR_NET
from costmodel.validation.fidelity import EVIDENCE, compare_with_released

COUNTED = sorted(name for name, record in EVIDENCE.items() if record.binary_macs is not None)
OUTPUTS_R18 = 4 * 64 + 4 * 128 + 4 * 256 + 4 * 512  # output channels of its binary 3x3 convolutions, 3,840
OUTPUTS_R34 = 6 * 64 + 8 * 128 + 12 * 256 + 6 * 512
OUTPUTS_R20 = 6 * (16 + 32 + 64)
OUTPUTS_VGG = 128 + 2 * 256 + 2 * 512
NORM_OF_CLASSES = 2 * 1000
WEIGHTS_1X1 = 64 * 128 + 128 * 256 + 256 * 512
BNEXT = {
    "t": (32, 1, 2, 2, 6, 2),
    "s": (48, 1, 2, 2, 6, 2),
    "m": (48, 1, 4, 4, 8, 4),
    "l": (64, 1, 4, 4, 16, 4),
}


def unused_slopes(stem: int, *blocks: int) -> int:
    """Slopes that BNext declares in vain: the stem's, and those of what each convolution but every second 3x3 reads."""
    made = [stem << place for place, several in enumerate(blocks, 1) for _ in range(several)]
    read = [stem, *made[:-1]]
    return stem + sum(
        before * (number % 2 + (1 if before == after else 2))
        for number, (before, after) in enumerate(zip(read, made, strict=True), 1)
    )


MORE_PARAMETERS_THERE = {
    "rbonn/resnet18/imagenet": OUTPUTS_R18,  # a factor of each filter
    "fp32/resnet20/cifar10": 2 * 64,  # a norm before the classifier
    **dict.fromkeys(
        (f"{design}/resnet20/cifar10" for design in ("bnn", "xnor-net", "bi-real-net")), OUTPUTS_R20
    ),  # biases
    # A&B BNN: a factor of each of the stem's 32 channels there, a norm of two numbers here
    **dict.fromkeys(
        (f"ab-bnn/reactnet_a/{data}" for data in ("imagenet", "cifar10", "cifar100")), 32 - 2 * 32
    ),
    "ir-net/resnet18/imagenet": NORM_OF_CLASSES,
    "ir-net/resnet34/imagenet": NORM_OF_CLASSES,
    "rbnn/resnet20/cifar10": OUTPUTS_R20,  # angles, those of the shortcuts too
    "rbnn/resnet18/cifar10": OUTPUTS_R18 + 896,
    "rbnn/vgg_small/cifar10": OUTPUTS_VGG,
    "rbnn-bi-real/resnet20/cifar10": OUTPUTS_R20,
    "rbnn-bi-real/resnet18/imagenet": OUTPUTS_R18 + NORM_OF_CLASSES,
    "rbnn-bi-real/resnet34/imagenet": OUTPUTS_R34 + NORM_OF_CLASSES,
    "adabin/resnet20/cifar10": 18,
    "adabin/resnet18/imagenet": 16 + NORM_OF_CLASSES + 2 * 512,
    "adabin/resnet34/imagenet": 32 + NORM_OF_CLASSES + 2 * 512,  # distances, and an unused Maxout
    **dict.fromkeys(
        ("basenet-k1/resnet18/imagenet", "basenet-k4/resnet18/imagenet", "boolnet-k4/resnet18/imagenet"),
        2 * (2 * 64 + 2 * 128 + 2 * 256 + 512),
    ),  # unused norms
    "sd-bnn/resnet20/cifar10": OUTPUTS_R20,  # each filter's factor
    "sd-bnn/resnet18/cifar10": OUTPUTS_R18,
    "sd-bnn/resnet18/imagenet": OUTPUTS_R18,
    "sd-bnn/vgg_small/cifar10": OUTPUTS_VGG,
    # IE-Net: a scale per channel there, one per convolution here; biases, where the scales are alike
    "ie-net/resnet20/cifar10": OUTPUTS_R20 - 18,
    "ie-net/vgg_small/cifar10": OUTPUTS_VGG,
    "ie-net/resnet18/cifar10": OUTPUTS_R18,
    "ie-net/resnet18/imagenet": OUTPUTS_R18 + NORM_OF_CLASSES - 16,
    "ie-net/resnet34/imagenet": OUTPUTS_R34 + NORM_OF_CLASSES - 32,
    **{f"bnext/bnext_{size}/imagenet": unused_slopes(*widths) for size, widths in BNEXT.items()},
    # Group-Net: 7 of 8 copies of the 1x1 weights and norms are here alone; 8 blocks have 16 gates here, all but the
    # first block 1 gate there
    "group-net/resnet18/imagenet": 7 - 8 * 16 - 7 * (WEIGHTS_1X1 + 2 * (128 + 256 + 512)),
    # BENN: biases of stem, convolutions and 1x1 shortcuts, whose norm has as many channels as they read; 3 votes here
    "benn-3/resnet18/imagenet": 3 * (64 + OUTPUTS_R18 + 896 + 2 * (448 - 896)) - 3,
}


@pytest.mark.parametrize("name", COUNTED)
def test_macs_are_those_of_the_released_network(name: str) -> None:
    found = compare_with_released(name)
    assert (found.binary_macs, found.real_macs) == (found.evidence.binary_macs, found.evidence.real_macs)
    assert found.same_macs


@pytest.mark.parametrize("name", COUNTED)
def test_parameters_differ_by_what_the_record_says(name: str) -> None:
    found = compare_with_released(name)
    assert found.evidence.parameters is not None
    more = found.evidence.parameters - found.parameters
    assert more == MORE_PARAMETERS_THERE.get(name, 0)
    assert more == 0 or found.evidence.difference


def test_every_published_design_has_a_record() -> None:
    assert set(EVIDENCE) == set(published_names())


@pytest.mark.parametrize("record", EVIDENCE.values(), ids=lambda record: record.name)
def test_a_record_names_its_code_or_says_why_there_is_none(record: Evidence) -> None:
    if record.repository:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", record.repository) and re.fullmatch(
            r"[0-9a-f]{40}", record.commit
        )
        assert record.file
    else:
        assert not record.commit and not record.file and record.binary_macs is None
        assert len(record.difference.split()) >= 5
    assert record.difference == "" or record.difference.endswith(".")


def test_every_method_has_a_record() -> None:
    assert set(METHOD_EVIDENCE) == set(METHODS)
    for name, record in METHOD_EVIDENCE.items():
        assert bool(record.code) == bool(record.file) == bool(record.equal), name
        assert record.code or record.difference, name
        assert record.difference == "" or record.difference.endswith("."), name
        assert record.code is None or re.fullmatch(r"[0-9a-f]{40}", record.code.commit), name


def test_a_second_record_is_refused() -> None:
    with pytest.raises(BnncostError, match="evidence for 'bnn/resnet20/cifar10' is given twice"):
        held_against(*XNOR_NET, "models/none.lua", design="bnn", backbone="resnet20/cifar10")
    with pytest.raises(BnncostError, match="evidence for the method 'relu' is given twice"):
        not_checked("relu", "It is torch's own.")
