"""Published binary networks as compositions of repair methods, on the backbones they were published for."""

from __future__ import annotations

from costmodel.designs.declaring import declare

R20, R18, R34, VGG = "resnet20/cifar10", "resnet18/imagenet", "resnet34/imagenet", "vgg_small/cifar10"
R18_CIFAR = "resnet18/cifar10"

declare(
    "fp32", "Full precision", "he2016",
    {backbone: "@compute=fp32" for backbone in (R20, R18, R34, VGG, "resnet20/cifar100", "resnet18/cifar100")},
    "The real-valued network of the same shape.",
)  # fmt: skip
declare(
    "bnn", "BNN", "hubara2016",
    {
        R20: "hardtanh+clipped_ste", R18: "binary_shortcut+clipped_ste", R18_CIFAR: "binary_shortcut+clipped_ste",
        "cnv/cifar10": "clipped_ste",
    },
    "The plain binary network of ablation studies.",
)  # fmt: skip
declare(
    "xnor-net", "XNOR-Net", "rastegari2016",
    {
        R18: "channel_scale_analytic+spatial_scale+norm_before_sign(only=true)+centre_weights+clipped_ste",
        R20: "channel_scale_analytic+norm_before_sign(only=true)+relu+stem_activation(kind=relu)+clipped_ste",
    },
    "On ResNet-20 the published run has no spatial scale, and a ReLU behind each convolution and each addition.",
)  # fmt: skip
declare(
    "xnor-net-plus-plus", "XNOR-Net++", "bulat2019xnorpp", {R18: "separable_scale+clipped_ste"},
)  # fmt: skip

_BIREAL = "double_residual+channel_scale_analytic+polynomial_ste+magnitude_aware_sign"
declare(
    "bi-real-net", "Bi-Real Net", "liu2018birealnet",
    {R18: f"{_BIREAL}+real_shortcut+warm_start", R34: f"{_BIREAL}+real_shortcut+warm_start", R20: _BIREAL},
)  # fmt: skip

_STEM = "stem_activation"
_HEAD = "norm_before_classifier"
_ENDS = f"{_STEM}+{_HEAD}"

_IRNET = "shift_scale+hardtanh+standardize_weights+ede+ede_weights"
declare(
    "ir-net", "IR-Net", "qin2020",
    {
        **{backbone: f"double_residual+{_IRNET}+{_ENDS}" for backbone in (R20, R18, R34)},
        R18_CIFAR: f"{_IRNET}+{_HEAD}", VGG: f"{_IRNET}+{_STEM}",
    },
    "The released block has a shortcut round every convolution, except on ResNet-18 for CIFAR-10.",
)  # fmt: skip

_RBNN_WEIGHTS = "standardize_weights+weight_rotation+rbnn_weight_gradient"
_RBNN = f"channel_scale+hardtanh+sample_standardize+{_RBNN_WEIGHTS}+rbnn_gradient"
declare(
    "rbnn", "RBNN", "lin2020",
    {R20: f"{_RBNN}+{_ENDS}", R18_CIFAR: f"binary_shortcut+{_RBNN}+{_HEAD}", VGG: f"{_RBNN}+{_STEM}"},
    "Blocks with one shortcut per two convolutions.",
)  # fmt: skip
declare(
    "rbnn-bi-real", "RBNN, Bi-Real blocks", "lin2020",
    {backbone: f"double_residual+{_RBNN}+{_ENDS}" for backbone in (R20, R18, R34)},
    "Blocks with a shortcut round every convolution, as released for ImageNet.",
)  # fmt: skip

_SIMAN_WEIGHTS = "standardize_weights+percentile_clamp+sign_to_magnitude+no_latent_decay"
_SIMAN = f"channel_scale+sample_standardize+{_SIMAN_WEIGHTS}+polynomial_ste"
declare(
    "siman", "SiMaN", "lin2022",
    {
        **{
            backbone: f"double_residual+prelu+{_SIMAN}+stem_activation(kind=relu)+{_HEAD}"
            for backbone in (R20, R18, R34)
        },
        R18_CIFAR: f"binary_shortcut+hardtanh+{_SIMAN}+{_HEAD}",
        VGG: f"prelu+{_SIMAN}+stem_activation(kind=prelu)",
    },
)  # fmt: skip

_RECU_WEIGHTS = "standardize_weights(deviation=2.828)+clamp_weights+polynomial_ste"
_RECU = f"channel_scale+hardtanh+sample_deviation_scale+{_RECU_WEIGHTS}"
declare(
    "recu", "ReCU", "xu2021recu",
    {
        R20: f"double_residual+pooled_shortcut+{_RECU}+{_ENDS}",
        R18: f"double_residual+{_RECU}+{_ENDS}", R34: f"double_residual+{_RECU}+{_ENDS}",
        R18_CIFAR: f"pooled_shortcut+{_RECU}+{_HEAD}", VGG: f"{_RECU}+{_STEM}",
    },
)  # fmt: skip

_BIPER = "channel_scale+hardtanh+sample_deviation_scale+polynomial_ste+identity_weight_ste+two_stage"
declare(
    "biper", "BiPer", "vargas2024",
    {
        R20: f"double_residual+pooled_shortcut+{_BIPER}+{_ENDS}",
        R18: f"double_residual+{_BIPER}+{_ENDS}", R34: f"double_residual+{_BIPER}+{_ENDS}",
        R18_CIFAR: f"pooled_shortcut+{_BIPER}+{_HEAD}", VGG: f"{_BIPER}+{_STEM}",
    },
    "Weights are the sign of a sine of the latent ones, in training only.",
)  # fmt: skip

_REACT = "double_residual+learned_threshold+rprelu+real_shortcut"
_REACT_TRAINING = "logits_teacher+two_stage+adam"
declare(
    "recu-reactnet", "ReCU in ReActNet blocks", "xu2021recu",
    {R18: f"{_REACT}+channel_scale+{_RECU_WEIGHTS}+{_REACT_TRAINING}"},
)  # fmt: skip
declare(
    "reactnet", "ReActNet", "liu2020reactnet",
    {R18: f"{_REACT}+channel_scale_analytic+polynomial_ste+magnitude_aware_sign+{_REACT_TRAINING}"},
    "The Bi-Real based variant; the MobileNet-like ones have another backbone.",
)  # fmt: skip
declare(
    "rebnn", "ReBNN", "xu2023rebnn",
    {R18: f"{_REACT}+channel_scale+polynomial_ste+binary_regularizer+{_REACT_TRAINING}"},
)  # fmt: skip
declare(
    "rbonn", "RBONN", "xu2022rbonn", {R18: f"{_REACT}+channel_scale+polynomial_ste+{_REACT_TRAINING}"},
)  # fmt: skip

_R2B = (
    "double_residual+prelu(early=true)+norm_before_sign(only=true)+real_shortcut+stem_activation(kind=prelu)"
    "+two_stage+adam"
)
declare(
    "real-to-bin", "Real-to-Binary", "martinez2020",
    {
        backbone: f"squeeze_excitation(normed=true)+{_R2B}+attention_teacher+logits_teacher"
        for backbone in (R18, "resnet18/cifar100")
    },
    "The norm stands before the sign, none behind the convolution.",
)  # fmt: skip
declare(
    "real-to-bin-baseline", "Real-to-Binary, strong baseline", "martinez2020", {R18: f"separable_scale+{_R2B}"},
)  # fmt: skip

_ADABIN = "adaptive_weights+maxout+adaptive_centre+polynomial_ste+ede_weights+stem_activation(kind=maxout)"
declare(
    "adabin", "AdaBin", "tu2022",
    {
        R20: f"double_residual+{_ADABIN}+{_HEAD}", VGG: _ADABIN,
        R18: f"double_residual+real_shortcut+{_ADABIN}+{_HEAD}",
        R34: f"double_residual+real_shortcut+{_ADABIN}+{_HEAD}",
    },
)  # fmt: skip
declare(
    "adabin-two-step", "AdaBin, two-step training", "tu2022",
    {R18: f"double_residual+real_shortcut+{_ADABIN}+{_HEAD}+two_stage"},
)  # fmt: skip

declare(
    "group-net", "Group-Net (8 branches)", "zhuang2019",
    {R18: "branches(count=8)+double_residual+relu(early=true)+binary_shortcut+polynomial_ste+identity_weight_ste"},
)  # fmt: skip
for _bases in (5, 3, 1):
    _features = f"+activation_bases(count={_bases})" if _bases > 1 else ""
    declare(
        f"abc-net-5x{_bases}", f"ABC-Net (5 weight, {_bases} activation bases)", "lin2017",
        {R18: f"weight_bases(count=5){_features}"},
    )  # fmt: skip
declare(
    "benn-3", "BENN (3 networks)", "zhu2019",
    {
        R18: "network_ensemble(count=3)+channel_scale_analytic+norm_before_sign(only=true)+relu+binary_shortcut"
        "+stem_activation(kind=relu)+norm_before_classifier+centre_weights+clipped_ste"
    },
    "Each network's norms stand before the signs; a ReLU stands behind conv1 and behind the addition.",
)  # fmt: skip
declare(
    "cbcn", "CBCN", "liu2019cbcn", {R18: "circulant_filters+double_residual"},
    "Four turned copies of every filter.",
)  # fmt: skip

declare(
    "pokebnn-block", "PokeBNN-style block", "zhang2022pokebnn",
    {R18: "double_residual+dprelu+squeeze_excitation_4bit+norm_before_sign+pooled_shortcut"},
    "PokeBNN's block on ResNet-18; its own backbone is derived from ResNet-50, so accuracies are not this network's.",
    other_backbone=True,
)  # fmt: skip
for _name, _title, _options in (
    ("basenet-k1", "BaseNet (k = 1)", ""),
    ("basenet-k4", "BaseNet (k = 4)", "(slices=4)"),
    ("boolnet-k4", "BoolNet (k = 4)", "(slices=4,concatenate=true)"),
):
    declare(
        _name, _title, "guo2022boolnet",
        {R18: f"boolean_shortcut{_options}+binary_shortcut(pool=true)+channel_scale_analytic@padding=replicate"},
        "Maps of k slices of bits, joined by XNOR and OR; the last block is real-valued.",
    )  # fmt: skip

_SDBNN = "data_dependent_shift+ede+ede_weights"
declare(
    "sd-bnn", "SD-BNN", "xue2021",
    {
        R20: f"double_residual+hardtanh+{_SDBNN}+{_ENDS}", R18_CIFAR: f"hardtanh+{_SDBNN}+{_ENDS}",
        VGG: f"hardtanh+{_SDBNN}+{_STEM}",
        R18: "double_residual+real_shortcut+prelu+data_dependent_shift(reduction=8)+polynomial_ste+logits_teacher"
        "+two_stage+adam",
    },
)  # fmt: skip
_IENET = (
    "activation_bases(count=2,per_channel=true)+channel_scale+hardtanh+sample_deviation_scale"
    "+standardize_weights+ie_net_gradient+ie_net_weight_gradient"
)
declare(
    "ie-net", "IE-Net", "ienet2022",
    {
        R20: f"{_IENET}+double_residual+pooled_shortcut+{_ENDS}", R18_CIFAR: f"{_IENET}+binary_shortcut+{_HEAD}",
        VGG: _IENET, R18: f"{_IENET}+double_residual+{_ENDS}", R34: f"{_IENET}+double_residual+{_ENDS}",
    },
    "Every convolution runs on two thresholds of each channel of its input.",
)  # fmt: skip
declare(
    "nncf-xnor", "NNCF XNOR weights", "nncf2020",
    {R18: "channel_scale_analytic+learned_threshold+identity_weight_ste+two_stage"},
)  # fmt: skip
declare(
    "sa-bnn", "SA-BNN", "liu2021sabnn", {R18: "double_residual", R34: "double_residual"},
    "A state-aware gradient, in training only.",
)  # fmt: skip
declare(
    "ovsw", "OvSW", "xiang2024",
    {
        backbone: "double_residual+channel_scale_analytic+hardtanh+sample_deviation_scale+polynomial_ste"
        f"+identity_weight_ste+{_ENDS}"
        for backbone in (R18, R34)
    },
    "Gradient scaling and silence-aware decay, in training only.",
)  # fmt: skip
declare(
    "improved-training", "Improved training of binary networks", "bulat2019improved",
    {R18: "prelu+two_stage+logits_teacher"},
)  # fmt: skip
