"""Figures of released networks: their modules were built in torch, and every convolution that ran was counted."""

from __future__ import annotations

from costmodel.designs.evidence import held_against
from costmodel.methods.released import (
    ADABIN,
    BI_REAL_NET,
    BOOLNET,
    IR_NET,
    LARQ_ZOO,
    OVSW,
    RBNN,
    RBONN,
    REACTNET,
    REBNN,
    RECU,
    SD_BNN,
    SIMAN,
)

_R18, _R20, _R18_CIFAR, _VGG = (
    "resnet18/imagenet", "resnet20/cifar10", "resnet18/cifar10", "vgg_small/cifar10",
)  # fmt: skip
_MACS_R18, _MACS_R20, _MACS_VGG = (
    (1_676_279_808, 137_793_536), (40_108_032, 443_008), (603_979_776, 3_620_864),
)  # fmt: skip
_IDLE = "A norm of the classes is declared there and not used."
_SILENT = "Gradients of silent filters are scaled and their weights decay there, which is not modelled."
_ANGLES = "The angle of each filter's rotation is trained there."
_SHIFT = (
    "The shift is added there and subtracted here, which is the mirror image. Each filter is moved by a learned "
    "part of a hundredth of its mean there."
)

# ------------------------------------------------------------------ one scale, one shortcut or two

held_against(
    *BI_REAL_NET, "pytorch_implementation/BiReal18_34/birealnet.py",
    design="bi-real-net", backbone=_R18, macs=_MACS_R18, parameters=11_689_512,
)  # fmt: skip
held_against(
    *IR_NET, "CIFAR-10/ResNet20/1w1a/resnet.py",
    design="ir-net", backbone=_R20, macs=_MACS_R20, parameters=269_850,
)  # fmt: skip
held_against(
    *IR_NET, "ImageNet/ResNet18/1w1a/models/resnet.py",
    design="ir-net", backbone=_R18, macs=_MACS_R18, parameters=11_692_536, difference=_IDLE,
)  # fmt: skip
held_against(
    *IR_NET, "CIFAR-10/VGG-Small/vgg.py",
    design="ir-net", backbone=_VGG, macs=_MACS_VGG, parameters=4_660_106,
)  # fmt: skip
held_against(
    *RBNN, "cifar/models_cifar/resnet.py",
    design="rbnn", backbone=_R20, macs=_MACS_R20, parameters=271_194, difference=_ANGLES,
)  # fmt: skip
held_against(
    *RBNN, "cifar/models_cifar/resnet2.py",
    design="rbnn", backbone=_R18_CIFAR, macs=(553_648_128, 1_774_592), parameters=11_184_458, difference=_ANGLES,
)  # fmt: skip
held_against(
    *RBNN, "cifar/models_cifar/vgg.py",
    design="rbnn", backbone=_VGG, macs=_MACS_VGG, parameters=4_663_434, difference=_ANGLES,
)  # fmt: skip
held_against(
    *SIMAN, "cifar/models_cifar/resnet2.py",
    design="siman", backbone=_R18_CIFAR, macs=(553_648_128, 1_774_592), parameters=11_179_722,
)  # fmt: skip
held_against(
    *SIMAN, "cifar/models_cifar/vgg.py",
    design="siman", backbone=_VGG, macs=_MACS_VGG, parameters=4_663_562,
)  # fmt: skip
held_against(
    *RECU, "cifar/models_cifar/resnet2.py",
    design="recu", backbone=_R18_CIFAR, macs=(547_356_672, 1_774_592), parameters=11_005_002,
    difference="The first commit of the repository has binary 1x1 shortcuts in place of averages and zeros.",
)  # fmt: skip
held_against(
    *OVSW, "model/models/resnet_imagenet.py",
    design="ovsw", backbone=_R18, macs=_MACS_R18, parameters=11_690_536,
    difference="Its scale is the mean magnitude of the standardized filter; it merges into the norm as well. "
    f"{_SILENT}",
)  # fmt: skip
held_against(
    *SD_BNN, "cifar10/ResNet20/resnet.py",
    design="sd-bnn", backbone=_R20, macs=(40_108_032, 446_560), parameters=274_074, difference=_SHIFT,
)  # fmt: skip
held_against(
    *SD_BNN, "cifar10/ResNet18/resnet.py",
    design="sd-bnn", backbone=_R18_CIFAR, macs=(547_356_672, 8_207_872), parameters=11_320_650, difference=_SHIFT,
)  # fmt: skip
held_against(
    *SD_BNN, "imagenet/birealnet.py",
    design="sd-bnn", backbone=_R18, macs=(1_676_279_808, 138_077_184), parameters=11_980_840, difference=_SHIFT,
)  # fmt: skip

# ------------------------------------------------------------------ ReActNet's blocks, gates, two values

held_against(
    *REACTNET, "resnet/2_step2/birealnet.py",
    design="reactnet", backbone=_R18, macs=_MACS_R18, parameters=11_704_424,
)  # fmt: skip
held_against(
    *RECU, "imagenet_two-stage/models_imagenet/resnet.py",
    design="recu-reactnet", backbone=_R18, macs=_MACS_R18, parameters=11_708_264,
)  # fmt: skip
held_against(
    *REBNN, "2_step2_rebnn/rebnn.py",
    design="rebnn", backbone=_R18, macs=_MACS_R18, parameters=11_708_264,
    difference="Each filter is pulled to its scaled signs there, with a factor that follows the flips of its weights; "
    "here by the regularizer of BNN+, with one factor.",
)  # fmt: skip
held_against(
    *RBONN, "2_step2_rbonn/rbonn.py",
    design="rbonn", backbone=_R18, macs=_MACS_R18, parameters=11_712_104,
    difference="The recurrent optimization of weights and scales, in training only, is not modelled, nor the factor of "
    "each filter that goes with it.",
)  # fmt: skip
held_against(
    *LARQ_ZOO, "larq_zoo/literature/real_to_bin_nets.py",
    design="real-to-bin", backbone=_R18, by_others=True,
    difference="Read, not run; the authors point to it. Four stages there, with a teacher of its own each; the "
    "factors of attention, logits and labels are 30, 3 and 1, in the last stage 0, 0.8 and 1.",
)  # fmt: skip
held_against(
    *ADABIN, "BinaryNetworks/AdaBin/cifar10/nets/resnet20.py",
    design="adabin", backbone=_R20, macs=_MACS_R20, parameters=271_262,
    difference="A distance of each layer's features is learned there alone.",
)  # fmt: skip
held_against(
    *ADABIN, "BinaryNetworks/AdaBin/imagenet/nets/resnet18.py",
    design="adabin", backbone=_R18, macs=_MACS_R18, parameters=11_701_400,
    difference="A distance of each layer's features is learned there alone. A norm of the classes and a Maxout before "
    "the classifier are declared there and not used.",
)  # fmt: skip

# ------------------------------------------------------------------ maps of bits alone

for _name, _folder, _macs, _parameters in (
    ("basenet-k1", "BaseNet_k_1", (1_753_350_144, 118_525_952), 11_694_888),
    ("basenet-k4", "BaseNet_k_4", (1_984_561_152, 118_525_952), 12_210_984),
    ("boolnet-k4", "BoolNet_k_4", (2_466_250_752, 120_332_288), 14_448_232),
):
    held_against(
        *BOOLNET, f"{_folder}/src/models/boolnet.py",
        design=_name, backbone=_R18, macs=_macs, parameters=_parameters,
        difference="As run.sh runs it, with binary 1x1 shortcuts. A norm of each block but the last is declared there "
        "and not used.",
    )  # fmt: skip
