"""What the published networks of 2 to 8 bits, and the designs beside them, were checked against."""

from __future__ import annotations

from costmodel.designs.evidence import held_against
from costmodel.methods.released import (
    AB_BNN,
    AQT,
    BCDNET,
    BIPER,
    BNEXT,
    GDFQ,
    N2UQ,
    PACT_BY_OTHERS,
    REACTNET,
    STTN,
    TORCHVISION,
)

_R18, _R34, _R20, _R18_CIFAR, _VGG = (
    "resnet18/imagenet", "resnet34/imagenet", "resnet20/cifar10", "resnet18/cifar10", "vgg_small/cifar10",
)  # fmt: skip


def _not_checked(design: str, backbone: str, reason: str) -> None:
    """Record that there is no released network to check this design against."""
    held_against("", "", "", design=design, backbone=backbone, difference=reason)


_COMPARED = (
    "The accuracy is quoted by N2UQ's authors, who do not say how 1x1 shortcuts were quantized; 8 bits here."
)
for _bits in (2, 3, 4):
    for _name in ("pact", "dorefa", "lsq"):
        _not_checked(f"{_name}-{_bits}", _R18, _COMPARED)
    _not_checked(f"lsq-{_bits}", _R34, _COMPARED)
    _not_checked(
        f"lsq-{_bits}", _VGG, "Trained by others (hustzxd/LSQuantization); their network was not read."
    )
    held_against(
        *PACT_BY_OTHERS, "resnet.py", design=f"pact-{_bits}", backbone=_R20, by_others=True,
        difference="Read, not run: maps are rounded before the shortcut is added there, and the shortcut sums "
        "have the bits of the features; they have 16 here.",
    )  # fmt: skip
    for _design in (f"n2uq-{_bits}", f"n2uq-{_bits}-real-shortcut"):
        for _backbone in (_R18, _R34):
            held_against(
                *N2UQ, "resnet/resnet.py", design=_design, backbone=_backbone,
                difference="Read, not run. A second learned PReLU stands before each block there, and features are "
                "rounded at learned, unequal thresholds: a compare a level, where a shift is counted here.",
            )  # fmt: skip
_not_checked(
    "lsq-4",
    "resnet18/cifar100",
    "Trained by others; their network was not read, its shape is ImageNet's here.",
)
held_against(
    *TORCHVISION, "torchvision/models/quantization/resnet.py", design="int8", backbone=_R18, by_others=True,
    difference="Read, not run; every layer and every shortcut sum has 8 bits.",
)  # fmt: skip
_not_checked("int8", _R20, "Quantized by others (andreizoltan/ptq_resnet20) with torch's own tool; not read.")
held_against(
    *STTN, "model_list/resnet18_ter.py", design="sttn", backbone=_R18,
    difference="Read, not run. Shortcuts are pooled by maximum there, by average here; a norm stands before each "
    "ternary step, whose two thresholds take it up.",
)  # fmt: skip
_not_checked("a2q-4", _R18_CIFAR, "The exported files were not read; first and last layer have 8 bits here.")
for _backbone in ("resnet20/cifar100", _R18):
    held_against(
        *GDFQ, "main.py", design="gdfq-4", backbone=_backbone,
        difference="Read, not run: every convolution, fully connected layer and ReLU is quantized to 4 bits there; "
        "shortcut sums have 16 bits here, and ResNet-18's 1x1 shortcuts the bits of its ends.",
    )  # fmt: skip

# ------------------------------------------------------------------ binary designs since 2022, and FINN's network

held_against(
    *BIPER, "cifar10/models_cifar/resnet.py", design="biper", backbone=_R20,
    difference="Read, not run; the released module differs from ReCU's in its weights alone.",
)  # fmt: skip
for _backbone in (_R18_CIFAR, _VGG, _R18, _R34):
    _not_checked("biper", _backbone, "The authors released ResNet-20 alone; the parameters that they print for this "
                 "one are those of ReCU's network.")  # fmt: skip
_not_checked(
    "bnn", "cnv/cifar10", "FINN's network as Brevitas trains it, with the MACs that qonnx counts there."
)
_not_checked("fp32", _VGG, "Trained by others (hustzxd/LSQuantization); the shape is that of LQ-Nets' paper.")
_not_checked("fp32", "resnet18/cifar100", "Trained by others; ImageNet's network with a 3x3 stem.")

# ------------------------------------------------------------------ networks of their own

for _name in ("reactnet-a", "adam-bnn"):
    held_against(
        *REACTNET, "mobilenet/2_step2/reactnet.py", design=_name, backbone="reactnet_a/imagenet",
        difference="Read, not run; the operations are those that the authors print, 0.87e8.",
    )  # fmt: skip
for _dataset, _macs, _parameters in (
    ("imagenet", (4_816_896_000, 11_862_016), 29_332_648),
    ("cifar10", (393_216_000, 894_976), 28_317_898),
    ("cifar100", (393_216_000, 987_136), 28_410_148),
):
    held_against(
        *AB_BNN, "Network/ReActNet_A_Qaw.py", design="ab-bnn", backbone=f"reactnet_a/{_dataset}", macs=_macs,
        parameters=_parameters,
        difference="Its stem has a factor per channel in place of a norm. The factor behind a convolution is a learned "
        "one times the weights' mean magnitude and 1/4 there, and the features' sign has the gradient of a sigmoid.",
    )  # fmt: skip
for _size, _macs, _parameters in (
    ("t", (4_816_896_000, 13_344_512), 30_862_236),
    ("s", (10_838_016_000, 21_128_640), 68_594_614),
    ("m", (20_086_456_320, 24_262_080), 134_501_974),
    ("l", (52_150_927_360, 39_418_880), 326_546_640),
):
    held_against(
        *BNEXT, "src/bnext.py", design="bnext", backbone=f"bnext_{_size}/imagenet", macs=_macs,
        parameters=_parameters,
        difference="A PReLU of the stem, and one of the input of each convolution whose shortcut is the input itself, "
        "are declared there and not used.",
    )  # fmt: skip
for _network, _more in (
    ("pokebnn", ""),
    ("pokebnn_075", " The paper's abstract names no size; this one has its ACE, 2.6e9."),
):
    held_against(
        *AQT, "aqt/jax_legacy/jax/imagenet/pokebnn.py", design="aqt-pokebnn", backbone=f"{_network}/imagenet",
        difference=f"Read, not run; ACE is that of its code. The gate's layers have biases there.{_more}",
    )  # fmt: skip
held_against(
    *BCDNET, "prototype/model/a_3.py", design="bcdnet", backbone="bcdnet_a/imagenet",
    difference="Read, not run. A second classifier is averaged with the first there, which is one classifier once "
    "trained. The paper's thresholds that are made for each image are not in the released network.",
)  # fmt: skip
_LARQ = "MACs are those that Larq counts on its deployed model, parameters those of its zoo; its code was not run."
for _name, _networks in (
    ("larq-quicknet", ("quicknet", "quicknet_small", "quicknet_large")),
    (
        "binarydensenet",
        ("binary_densenet28", "binary_densenet37", "binary_densenet37_dilated", "binary_densenet45"),
    ),
    ("meliusnet", ("meliusnet22",)),
    ("bnn-alexnet", ("binary_alexnet",)),
    ("xnor-net-alexnet", ("xnornet_alexnet",)),
):
    for _network in _networks:
        _not_checked(_name, f"{_network}/imagenet", _LARQ)
_not_checked("nncf-resnet50", "resnet50/imagenet", "MACs are those that the model's page prints; which scales and "
             "thresholds its layers have is not said there.")  # fmt: skip
_not_checked(
    "bnn-tfc",
    "tfc/mnist",
    "FINN's network as Brevitas trains it; its MACs are those that qonnx counts there.",
)
for _width in ("", "-0.75x", "-0.5x", "-0.25x"):
    for _kind in ("int8", "fp32"):
        _not_checked(f"{_kind}-mobilenet{_width}", "mobilenet_v1/imagenet", "MACs and parameters are those that the "
                     "page of its models prints (tensorflow/models, research/slim).")  # fmt: skip
_not_checked("brevitas-4", "mobilenet_v1/imagenet", "The exported file was not read; the page of its models says what "
             "has which bits.")  # fmt: skip
_not_checked(
    "brevitas-2",
    "tfc/mnist",
    "The exported TFC_2W2A, read as an ONNX file, has these MACs, of three values each.",
)
_not_checked("brevitas-2", "cnv/cifar10", "The exported file was not read; its layers are those of CNV_1W1A.")
for _bits in (2, 3, 4):
    held_against(
        *N2UQ, "resnet/resnet.py", design=f"n2uq-{_bits}-resnet50", backbone="resnet50/imagenet",
        difference="Read, not run. A further learned PReLU stands before each block there, and features are rounded "
        "at learned, unequal thresholds: a compare a level, where a shift is counted here.",
    )  # fmt: skip
_not_checked(
    "fp32-resnet50",
    "resnet50/imagenet",
    "The standard network; its parameters are those that torchvision prints.",
)
held_against(
    *TORCHVISION, "torchvision/models/quantization/resnet.py", design="int8-resnet50", backbone="resnet50/imagenet",
    by_others=True, difference="Read, not run; every layer and every shortcut sum has 8 bits.",
)  # fmt: skip
