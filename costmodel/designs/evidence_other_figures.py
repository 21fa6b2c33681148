"""Figures of further released networks, and what replaces code where none was available.

Modules were built in torch, and every convolution that ran was counted; those marked as read were not run.
"""

from __future__ import annotations

from costmodel.designs.evidence import held_against
from costmodel.methods.released import (
    ADABIN,
    AQT,
    BENN,
    BI_REAL_NET,
    BNN_XNOR_BIREAL,
    CV_TRICKS,
    GROUP_NET,
    IE_NET,
    IR_NET,
    LARQ_ZOO,
    NNCF,
    OVSW,
    RBNN,
    RECU,
    SD_BNN,
    SIMAN,
)  # fmt: skip

_R18, _R34, _R20, _R18_CIFAR, _VGG = (
    "resnet18/imagenet", "resnet34/imagenet", "resnet20/cifar10", "resnet18/cifar10", "vgg_small/cifar10",
)  # fmt: skip
_MACS_R18, _MACS_R34, _MACS_R20, _MACS_VGG = (
    (1_676_279_808, 137_793_536), (3_525_967_872, 137_793_536), (40_108_032, 443_008), (603_979_776, 3_620_864),
)  # fmt: skip
_BIASES = "Its convolutions have biases, which the norm behind them takes away."
_SILENT = "Gradients of silent filters are scaled and their weights decay there, which is not modelled."
_IDLE = "A norm of the classes is declared there and not used."


def _not_checked(design: str, backbone: str, reason: str) -> None:
    """Record that there is no released network to check this design against."""
    held_against("", "", "", design=design, backbone=backbone, difference=reason)


# ------------------------------------------------------------------ networks that other designs are compared with

held_against(
    *RBNN, "cifar/models_cifar/resnet.py",
    design="fp32", backbone=_R20, macs=(0, 40_551_040), parameters=269_850, by_others=True,
    difference="A norm before the classifier stands there alone.",
)  # fmt: skip
_not_checked("fp32", "resnet20/cifar100", "CIFAR-10's network with 100 classes.")
for _backbone in (_R18, _R34):
    _not_checked(
        "fp32",
        _backbone,
        "The standard network; its convolutions are counted by an independent tool in the tests.",
    )
held_against(
    *BNN_XNOR_BIREAL, "binary_model/resnet_bnn.py",
    design="bnn", backbone=_R20, macs=_MACS_R20, parameters=270_394, by_others=True,
    difference="A ReLU stands behind the stem's norm there, and the sign of its zeros is 0. "
    f"{_BIASES} BNN's authors released a ResNet five times as wide, with binary stem, shortcuts and "
    "classifier (itayhubara/BinaryNet.pytorch).",
)  # fmt: skip
_not_checked("bnn", _R18, "BNN's authors released no such network; the accuracies are those of other "
             "repositories' plain networks, whose norms stand before the signs.")  # fmt: skip
_not_checked("bnn", _R18_CIFAR, "BNN's authors released no such network; the accuracy is that of a plain binary "
             "ResNet-18 of the authors of BMXNet-v2, whose model was not read.")  # fmt: skip
_not_checked("xnor-net", _R18, "The authors released AlexNet alone (allenai/XNOR-Net): a norm without factors, "
             "the sign, a convolution with a bias, weights centred over input channels, and no spatial scale, "
             "which is the paper's.")  # fmt: skip
held_against(
    *BNN_XNOR_BIREAL, "binary_model/resnet_xnor.py",
    design="xnor-net", backbone=_R20, macs=_MACS_R20, parameters=270_298, by_others=True,
    difference=_BIASES,
)  # fmt: skip
held_against(
    *CV_TRICKS, "xnornet_plusplus/models/resnet_preact_bin.py",
    design="xnor-net-plus-plus", backbone=_R18, by_others=True,
    difference="Read, not run. There norms stand before the signs, a ReLU behind the scale of conv1 and behind "
    "the addition, and the real-valued 1x1 shortcut reads the averaged, normed map without a norm of its own. The "
    "authors released a library (1adrianb/binary-networks-pytorch) whose scale has one number per channel.",
)  # fmt: skip

# ------------------------------------------------------------------ further backbones

held_against(
    *BI_REAL_NET, "pytorch_implementation/BiReal18_34/birealnet.py",
    design="bi-real-net", backbone=_R34, macs=_MACS_R34, parameters=21_797_672,
)  # fmt: skip
held_against(
    *BNN_XNOR_BIREAL, "binary_model/resnet_bireal.py",
    design="bi-real-net", backbone=_R20, macs=_MACS_R20, parameters=270_394, by_others=True,
    difference=f"{_BIASES} The authors released ImageNet's networks alone.",
)  # fmt: skip
held_against(
    *IR_NET, "ImageNet/ResNet34/1w1a/models/resnet.py",
    design="ir-net", backbone=_R34, macs=_MACS_R34, parameters=21_800_696, difference=_IDLE,
)  # fmt: skip
held_against(
    *IR_NET, "CIFAR-10/ResNet18/resnet.py",
    design="ir-net", backbone=_R18_CIFAR, macs=(547_356_672, 8_066_048), parameters=11_174_986,
)  # fmt: skip
for _backbone, _file, _macs, _parameters, _idle in (
    (_R20, "cifar/models_cifar/resnet_bireal.py", _MACS_R20, 271_194, ""),
    (_R18, "imagenet/models_imagenet/resnet.py", _MACS_R18, 11_700_216, f" {_IDLE}"),
    (_R34, "imagenet/models_imagenet/resnet.py", _MACS_R34, 21_815_800, f" {_IDLE}"),
):
    held_against(
        *RBNN, _file, design="rbnn-bi-real", backbone=_backbone, macs=_macs, parameters=_parameters,
        difference=f"The angle of each filter's rotation is trained there.{_idle}",
    )  # fmt: skip
for _backbone, _file, _macs, _parameters in (
    (_R20, "cifar/models_cifar/resnet.py", _MACS_R20, 271_194),
    (_R18, "imagenet/models_imagenet/resnet.py", _MACS_R18, 11_698_216),
    (_R34, "imagenet/models_imagenet/resnet.py", _MACS_R34, 21_813_800),
):
    held_against(
        *SIMAN, _file, design="siman", backbone=_backbone, macs=_macs, parameters=_parameters,
    )  # fmt: skip
for _backbone, _file, _macs, _parameters in (
    (_R20, "cifar/models_cifar/resnet.py", _MACS_R20, 270_522),
    (_R18, "imagenet/models_imagenet/resnet.py", _MACS_R18, 11_694_376),
    (_R34, "imagenet/models_imagenet/resnet.py", _MACS_R34, 21_806_248),
    (_VGG, "cifar/models_cifar/vgg.py", _MACS_VGG, 4_661_770),
):
    held_against(
        *RECU, _file, design="recu", backbone=_backbone, macs=_macs, parameters=_parameters,
    )  # fmt: skip
held_against(
    *ADABIN, "BinaryNetworks/AdaBin/imagenet/nets/resnet34.py",
    design="adabin", backbone=_R34, macs=_MACS_R34, parameters=21_817_016,
    difference="A distance of each layer's features is learned there alone. A norm of the classes and a Maxout before "
    "the classifier are declared there and not used.",
)  # fmt: skip
_not_checked("adabin", _VGG, "The authors released ResNets alone.")
held_against(
    *OVSW, "model/models/resnet_imagenet.py",
    design="ovsw", backbone=_R34, macs=_MACS_R34, parameters=21_798_696, difference=_SILENT,
)  # fmt: skip
held_against(
    *SD_BNN, "cifar10/VGG-Small/vgg.py",
    design="sd-bnn", backbone=_VGG, macs=(603_979_776, 3_674_112), parameters=4_715_018,
    difference="The shift is added there and subtracted here, which is the mirror image. Each filter is moved by a "
    "learned part of a hundredth of its mean there.",
)  # fmt: skip
held_against(
    *LARQ_ZOO, "larq_zoo/literature/real_to_bin_nets.py",
    design="real-to-bin-baseline", backbone=_R18, by_others=True,
    difference="Read, not run; the authors point to it.",
)  # fmt: skip
_not_checked(
    "real-to-bin",
    "resnet18/cifar100",
    "Nobody released the network for CIFAR-100; it is ImageNet's with a 3x3 stem.",
)
for _backbone in (_R18, _R34):
    _not_checked("sa-bnn", _backbone, "No code of the authors could be had; the block is the one of Bi-Real Net, "
                 "with which the paper compares itself.")  # fmt: skip

# ------------------------------------------------------------------ ensembles

held_against(
    *GROUP_NET, "model.py",
    design="group-net", backbone=_R18, macs=(13_564_379_136, 118_525_952), parameters=88_641_583,
    difference="The released network has 5 branches; figures are those of 8, the accuracy's. ReLU stands before "
    "each norm there and behind it here. Branches share the weights of 1x1 shortcuts and a gate per block there. "
    "Here branches are mixed behind the last block too, and the stem's pool stands behind its norm.",
)  # fmt: skip
held_against(
    *BENN, "new_alexnet/resnet.py",
    design="benn-3", backbone=_R18, macs=(5_086_642_176, 355_577_856), parameters=35_080_632,
    difference="Figures are three times those of the released member. A ReLU stands between norm and classifier "
    "there alone. The 1x1 shortcut has a norm and a sign of its own there; here it reads conv1's bits. "
    f"Weights are centred over input channels there, over the filter here. {_BIASES}",
)  # fmt: skip
for _name in ("abc-net-5x5", "abc-net-5x3", "abc-net-5x1"):
    _not_checked(_name, _R18, "No code of the authors could be had; others released a layer for MNIST "
                 "(layog/Accurate-Binary-Convolution-Network), not this network.")  # fmt: skip
_not_checked("cbcn", _R18, "No code of the authors could be had; the shortcuts are those of Bi-Real Net.")
_SCALES = "The second convolution's scale has a number per channel there, one in all here."
for _backbone, _file, _macs, _parameters, _differs in (
    (_R20, "CIFAR-10/ResNet-20/resnet20.py", (80_216_064, 443_008), 272_442, _SCALES),
    (_VGG, "CIFAR-10/VGG-Small/vggsmall.py", (1_207_959_552, 3_620_864), 4_665_999, _BIASES),
    (_R18_CIFAR, "CIFAR-10/ResNet-18/resnet18.py", (1_101_004_800, 1_774_592), 11_190_362, _BIASES),
    (_R18, "ImageNet/ResNet-18/resnet18.py", (3_352_559_616, 137_793_536), 11_707_000, f"{_SCALES} {_IDLE}"),
    (_R34, "ImageNet/ResNet-34/resnet34.py", (7_051_935_744, 137_793_536), 21_830_008, f"{_SCALES} {_IDLE}"),
):
    held_against(
        *IE_NET, _file, design="ie-net", backbone=_backbone, macs=_macs, parameters=_parameters, difference=_differs,
    )  # fmt: skip

# ------------------------------------------------------------------ blocks on another backbone, and training alone

held_against(
    *AQT, "aqt/jax_legacy/jax/imagenet/pokebnn.py",
    design="pokebnn-block", backbone=_R18,
    difference="Read, not run: the backbone is another one. There the gate stands behind the activation, its "
    "second norm feeds the next shortcut too, maps are averaged by 3x3 windows, and the gate's layers have "
    "biases.",
)  # fmt: skip
held_against(
    *NNCF, "nncf/torch/binarization/layers.py",
    design="nncf-xnor", backbone=_R18,
    difference="Read, not run, in a copy of the tool, which binarizes torchvision's ResNet-18. ReLUs stand behind "
    "the stem's norm, conv1's and the addition there. Features become 0 and a learned scale, by a threshold "
    "between them, with the gradient of a clamp to that range; the weights' gradient is the identity. Four stages "
    "there, two here.",
)  # fmt: skip
_not_checked("improved-training", _R18, "The authors released a library (1adrianb/binary-networks-pytorch) whose "
             "ResNet has PReLUs where this one has, a learned scale per channel and averaged real-valued 1x1 "
             "shortcuts, not the paper's run.")  # fmt: skip
_not_checked("adabin-two-step", _R18, "The network of 'adabin'; the two-step training was not released.")
