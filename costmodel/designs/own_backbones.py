"""Published designs on networks of their own, which are no ResNet-18, ResNet-20 or VGG-small."""

from __future__ import annotations

from costmodel.designs.declaring import declare

R50 = "resnet50/imagenet"

_REACT_A = (
    "learned_threshold+rprelu+channel_scale_analytic+polynomial_ste+magnitude_aware_sign"
    "+logits_teacher+two_stage+adam"
)
declare(
    "reactnet-a", "ReActNet-A", "liu2020reactnet", {"reactnet_a/imagenet": _REACT_A},
    "The MobileNet-like variant.",
)  # fmt: skip
declare(
    "adam-bnn", "AdamBNN, ReActNet-A", "liu2021adambnn", {"reactnet_a/imagenet": _REACT_A},
    "ReActNet-A's network, trained otherwise.",
)  # fmt: skip
declare(
    "ab-bnn", "A&B BNN", "ma2024",
    {
        f"reactnet_a/{dataset}": "learned_threshold+rprelu(power_of_two=true)+channel_scale(only=true)"
        "+standardize_weights+clipped_weight_ste+two_stage+adam"
        for dataset in ("imagenet", "cifar10", "cifar100")
    },
    "No norms behind the inner convolutions, and slopes that are powers of two.",
)  # fmt: skip
declare(
    "larq-quicknet", "QuickNet", "bannink2021",
    {f"{network}/imagenet": "clipped_ste" for network in ("quicknet", "quicknet_small", "quicknet_large")},
)  # fmt: skip
declare(
    "binarydensenet", "BinaryDenseNet", "bethge2019",
    {f"binary_densenet{depth}/imagenet": "clipped_ste" for depth in ("28", "37", "37_dilated", "45")},
)  # fmt: skip
declare("meliusnet", "MeliusNet", "bethge2020", {"meliusnet22/imagenet": "clipped_ste"})
declare(
    "bnext", "BNext", "guo2022bnext",
    {f"bnext_{size}/imagenet": "learned_threshold+clipped_ste+logits_teacher" for size in "tsml"},
    "Distilled from large teachers; the sign's gradient reaches to 1.5 in the released code.",
)  # fmt: skip
_POKE = "dprelu+squeeze_excitation_4bit+stem_activation(kind=dprelu)+clipped_ste"
declare(
    "aqt-pokebnn", "PokeBNN", "zhang2022pokebnn",
    {f"{network}/imagenet": _POKE for network in ("pokebnn_075", "pokebnn")},
    "Of the sizes that the released code can build, 0.75x alone has the ACE of the paper's small one, 2.6e9.",
)  # fmt: skip
declare(
    "bcdnet", "BCDNet-A", "xing2022", {"bcdnet_a/imagenet": _REACT_A},
    "As released: thresholds are learned and fixed, not made for each image as the paper says of its 3x3 blocks.",
)  # fmt: skip
declare("bnn-alexnet", "BNN on AlexNet", "hubara2016", {"binary_alexnet/imagenet": "clipped_ste"})
declare(
    "xnor-net-alexnet", "XNOR-Net's AlexNet", "rastegari2016",
    {"xnornet_alexnet/imagenet": "channel_scale_analytic+clipped_ste"},
)  # fmt: skip
declare(
    "nncf-resnet50", "Binary ResNet-50 of OpenVINO", "nncf2020",
    {R50: "channel_scale_analytic+learned_threshold+identity_weight_ste+two_stage"},
    "A published model of the vendor; first and last layer and shortcuts are real-valued.",
)  # fmt: skip
declare("bnn-tfc", "BNN, TFC of FINN", "umuroglu2017", {"tfc/mnist": "clipped_ste"})
for _bits in (2, 3, 4):
    declare(
        f"n2uq-{_bits}-resnet50", f"N2UQ, {_bits} bit, ResNet-50", "liu2022n2uq",
        {R50: f"rprelu+real_shortcut(operands=int{_bits},pool=false)@compute=int{_bits}"},
        "First and last layer are in floating point in the paper; they have 8 bits here.",
    )  # fmt: skip
declare(
    "fp32-resnet50", "Full precision, ResNet-50", "he2016", {R50: "@compute=fp32"},
    "The real-valued network.",
)  # fmt: skip
declare(
    "int8-resnet50", "int8, ResNet-50", "jacob2018", {R50: "@compute=int8,features=int8"},
    "Every layer, the shortcut sums included, has 8 bits; quantized after training.",
)  # fmt: skip
