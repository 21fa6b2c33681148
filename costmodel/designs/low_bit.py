"""Published networks of 2 to 8 bits and ternary ones: what a repaired binary network competes with.

A name ends in the bits of weights and features of the inner convolutions. First and last layers have 8 bits: those of
the paper, or, as for every design, those that stand for layers left in floating point; `edge=fp32` prices these as they
are there.
"""

from __future__ import annotations

from costmodel.designs.declaring import declare
from costmodel.designs.published import R18, R18_CIFAR, R20, R34, VGG

R18_CIFAR100, R20_CIFAR100 = "resnet18/cifar100", "resnet20/cifar100"
_FLOATING = "First and last layer are in floating point in the paper; they have 8 bits here."
_BITS = (2, 3, 4)

for _bits in _BITS:
    _compute = f"@compute=int{_bits}"
    _shortcut = f"real_shortcut(operands=int{_bits},pool=false)"
    declare(
        f"pact-{_bits}", f"PACT, {_bits} bit", "choi2018", {R18: _compute, R20: _compute},
        f"{_FLOATING} The ResNet-20 was trained by others, with 8 bits in both.",
    )  # fmt: skip
    declare(f"dorefa-{_bits}", f"DoReFa-Net, {_bits} bit", "zhou2016", {R18: _compute}, _FLOATING)
    declare(
        f"lsq-{_bits}", f"LSQ, {_bits} bit", "esser2020",
        {R18: _compute, R34: _compute, VGG: _compute} | ({R18_CIFAR100: _compute} if _bits == 4 else {}),
        "First and last layer and 1x1 shortcuts have 8 bits. VGG-small and CIFAR-100's ResNet-18: trained by others.",
    )  # fmt: skip
    declare(
        f"n2uq-{_bits}", f"N2UQ, {_bits} bit", "liu2022n2uq",
        {backbone: f"rprelu+{_shortcut}{_compute}" for backbone in (R18, R34)}, _FLOATING,
    )  # fmt: skip
    declare(
        f"n2uq-{_bits}-real-shortcut", f"N2UQ, {_bits} bit, real 1x1", "liu2022n2uq",
        {backbone: f"rprelu{_compute}" for backbone in (R18, R34)},
        f"{_FLOATING} So are the 1x1 shortcuts.",
    )  # fmt: skip

declare(
    "int8", "int8", "jacob2018",
    {backbone: "@compute=int8,features=int8" for backbone in (R18, R20)},
    "Every layer, the shortcut sums included, has 8 bits; quantized after training.",
)  # fmt: skip
declare(
    "sttn", "STTN, ternary", "xu2022sttn", {R18: "double_residual+prelu+pooled_shortcut@compute=ternary"},
    f"Ternary weights and features. {_FLOATING}",
)  # fmt: skip
declare(
    "a2q-4", "A2Q, 4 bit", "colbert2023",
    {R18_CIFAR: "real_shortcut(operands=int4,pool=false)@compute=int4,features=int4"},
    "Shortcut sums have 4 bits; what first and last layer have there is not said.",
)  # fmt: skip
declare(
    "gdfq-4", "GDFQ, 4 bit", "xu2020gdfq",
    {
        R20_CIFAR100: "real_shortcut(operands=int4,pool=false)@compute=int4,edge=int4",
        R18: "@compute=int4,edge=int4",
    },
    "Quantized without any training image; first and last layer have 4 bits as well.",
)  # fmt: skip
MOBILE = "mobilenet_v1/imagenet"
for _width in ("1", "0.75", "0.5", "0.25"):
    _name, _title = (f"-{_width}x", f", {_width}x wide") if _width != "1" else ("", "")
    declare(
        f"int8-mobilenet{_name}", f"int8{_title}", "jacob2018",
        {MOBILE: f"@w{_width},compute=int8,features=int8"}, "Every layer has 8 bits; trained with rounding.",
    )  # fmt: skip
    declare(
        f"fp32-mobilenet{_name}", f"Full precision{_title}", "howard2017", {MOBILE: f"@w{_width},compute=fp32"},
    )  # fmt: skip
declare(
    "brevitas-4", "Brevitas, 4 bit", "howard2017", {MOBILE: "@compute=int4"},
    "The first layer's weights have 8 bits, as there; the classifier has 4 there.",
)  # fmt: skip
declare(
    "brevitas-2", "Brevitas, 2 bit", "umuroglu2017",
    {"cnv/cifar10": "@compute=ternary,edge=int4", "tfc/mnist": "@compute=ternary"},
    "2 bits of which three values are used. CNV's first layer has such weights too; they have 4 bits here.",
)  # fmt: skip
