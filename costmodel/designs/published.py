"""Published designs as compositions of repair methods, on the backbones they were published for.

Names are `<design>/<network>/<data set>`; the design's name alone means the first backbone in its list. What
a paper leaves in full precision (stem, classifier, 1x1 shortcuts) has 8 bits here, as for every design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from costmodel.designs.catalogue import NETWORKS
from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError, unknown

R20, R18, R34, VGG = "resnet20/cifar10", "resnet18/imagenet", "resnet34/imagenet", "vgg_small/cifar10"
R18_CIFAR = "resnet18/cifar10"


@dataclass(frozen=True)
class PublishedDesign:
    """A design of the literature: its title, its source, and its composition per backbone.

    `other_backbone` says that its published accuracies were reached on a backbone that only resembles this one.
    """

    name: str
    title: str
    source: str
    compositions: Mapping[str, str]
    note: str = ""
    other_backbone: bool = False

    def key(self, backbone: str) -> DesignKey:
        """The design on one backbone, given as `network/dataset`."""
        network, _, dataset = backbone.partition("/")
        composition = self.compositions[backbone]
        settings = composition if composition.startswith("@") else f"[{composition}]"
        return DesignKey.parse(f"{network}{settings}/{dataset}")


DESIGNS: dict[str, PublishedDesign] = {}


def _declare(
    name: str,
    title: str,
    source: str,
    compositions: Mapping[str, str],
    note: str = "",
    *,
    other_backbone: bool = False,
) -> None:
    if name in DESIGNS:
        raise BnncostError(f"published design '{name}' is declared twice.")
    DESIGNS[name] = PublishedDesign(name, title, source, compositions, note, other_backbone)


_declare(
    "fp32", "Full precision", "he2016",
    {backbone: "@compute=fp32" for backbone in (R20, R18, R34, "resnet20/cifar100")},
    "The real-valued network of the same shape.",
)  # fmt: skip
_declare(
    "bnn", "BNN", "hubara2016",
    {R20: "hardtanh+clipped_ste", R18: "binary_shortcut+clipped_ste", R18_CIFAR: "binary_shortcut+clipped_ste"},
    "The plain binary network of ablation studies.",
)  # fmt: skip
_declare(
    "xnor-net", "XNOR-Net", "rastegari2016",
    {
        R18: "channel_scale_analytic+spatial_scale+norm_before_sign(only=true)+clipped_ste",
        R20: "channel_scale_analytic+clipped_ste",
    },
    "On ResNet-20 the published run has no spatial scale.",
)  # fmt: skip
_declare(
    "xnor-net-plus-plus", "XNOR-Net++", "bulat2019xnorpp", {R18: "separable_scale+clipped_ste"},
)  # fmt: skip

_BIREAL = "double_residual+channel_scale_analytic+polynomial_ste+magnitude_aware_sign"
_declare(
    "bi-real-net", "Bi-Real Net", "liu2018birealnet",
    {R18: f"{_BIREAL}+real_shortcut+warm_start", R34: f"{_BIREAL}+real_shortcut+warm_start", R20: _BIREAL},
)  # fmt: skip

_IRNET = "shift_scale+hardtanh+standardize_weights+ede+ede_weights"
_declare(
    "ir-net", "IR-Net", "qin2020",
    {
        R20: f"double_residual+{_IRNET}", R18: f"double_residual+{_IRNET}", R34: f"double_residual+{_IRNET}",
        R18_CIFAR: _IRNET, VGG: _IRNET,
    },
    "The released block has a shortcut round every convolution, except on ResNet-18 for CIFAR-10.",
)  # fmt: skip

_RBNN_WEIGHTS = "standardize_weights+weight_rotation+rbnn_weight_gradient"
_RBNN = f"channel_scale+hardtanh+sample_standardize+{_RBNN_WEIGHTS}+rbnn_gradient"
_declare(
    "rbnn", "RBNN", "lin2020", {R20: _RBNN, R18_CIFAR: f"binary_shortcut+{_RBNN}", VGG: _RBNN},
    "Blocks with one shortcut per two convolutions.",
)  # fmt: skip
_declare(
    "rbnn-bi-real", "RBNN, Bi-Real blocks", "lin2020",
    {backbone: f"double_residual+{_RBNN}" for backbone in (R20, R18, R34)},
    "Blocks with a shortcut round every convolution, as released for ImageNet.",
)  # fmt: skip

_SIMAN_WEIGHTS = "standardize_weights+percentile_clamp+sign_to_magnitude+no_latent_decay"
_SIMAN = f"channel_scale+sample_standardize+{_SIMAN_WEIGHTS}+polynomial_ste"
_declare(
    "siman", "SiMaN", "lin2022",
    {
        **{backbone: f"double_residual+prelu+{_SIMAN}" for backbone in (R20, R18, R34)},
        R18_CIFAR: f"binary_shortcut+hardtanh+{_SIMAN}", VGG: f"hardtanh+{_SIMAN}",
    },
)  # fmt: skip

_RECU_WEIGHTS = "standardize_weights(deviation=2.828)+clamp_weights+polynomial_ste"
_RECU = f"channel_scale+hardtanh+sample_deviation_scale+{_RECU_WEIGHTS}"
_declare(
    "recu", "ReCU", "xu2021recu",
    {
        R20: f"double_residual+pooled_shortcut+{_RECU}",
        R18: f"double_residual+{_RECU}", R34: f"double_residual+{_RECU}",
        R18_CIFAR: f"binary_shortcut+{_RECU}", VGG: _RECU,
    },
)  # fmt: skip

_REACT = "double_residual+learned_threshold+rprelu+real_shortcut"
_REACT_TRAINING = "logits_teacher+two_stage+adam"
_declare(
    "recu-reactnet", "ReCU in ReActNet blocks", "xu2021recu",
    {R18: f"{_REACT}+{_RECU_WEIGHTS}+{_REACT_TRAINING}"},
)  # fmt: skip
_declare(
    "reactnet", "ReActNet", "liu2020reactnet",
    {R18: f"{_REACT}+channel_scale_analytic+polynomial_ste+magnitude_aware_sign+{_REACT_TRAINING}"},
    "The Bi-Real based variant; the MobileNet-like ones have another backbone.",
)  # fmt: skip
_declare(
    "rebnn", "ReBNN", "xu2023rebnn",
    {R18: f"{_REACT}+channel_scale+polynomial_ste+binary_regularizer+{_REACT_TRAINING}"},
)  # fmt: skip
_declare(
    "rbonn", "RBONN", "xu2022rbonn", {R18: f"{_REACT}+channel_scale+polynomial_ste+{_REACT_TRAINING}"},
)  # fmt: skip

_R2B = "double_residual+prelu(early=true)+norm_before_sign(only=true)+real_shortcut+two_stage"
_declare(
    "real-to-bin", "Real-to-Binary", "martinez2020",
    {
        R18: f"squeeze_excitation+{_R2B}+attention_teacher",
        "resnet18/cifar100": f"squeeze_excitation+{_R2B}+attention_teacher",
    },
    "The norm stands before the sign, none behind the convolution.",
)  # fmt: skip
_declare(
    "real-to-bin-baseline", "Real-to-Binary, strong baseline", "martinez2020", {R18: f"separable_scale+{_R2B}"},
)  # fmt: skip

_ADABIN = "adaptive_weights+maxout+adaptive_centre+polynomial_ste+ede_weights"
_declare(
    "adabin", "AdaBin", "tu2022",
    {
        R20: f"double_residual+{_ADABIN}", VGG: _ADABIN,
        R18: f"double_residual+real_shortcut+{_ADABIN}", R34: f"double_residual+real_shortcut+{_ADABIN}",
    },
)  # fmt: skip
_declare(
    "adabin-two-step", "AdaBin, two-step training", "tu2022",
    {R18: f"double_residual+real_shortcut+{_ADABIN}+two_stage"},
)  # fmt: skip

_declare(
    "group-net", "Group-Net (8 branches)", "zhuang2019",
    {R18: "branches(count=8)+double_residual+relu(early=true)+real_shortcut"},
)  # fmt: skip
for _bases in (5, 3, 1):
    _features = f"+activation_bases(count={_bases})" if _bases > 1 else ""
    _declare(
        f"abc-net-5x{_bases}", f"ABC-Net (5 weight, {_bases} activation bases)", "lin2017",
        {R18: f"weight_bases(count=5){_features}"},
    )  # fmt: skip
_declare(
    "benn-3", "BENN (3 networks)", "zhu2019",
    {R18: "network_ensemble(count=3)+channel_scale_analytic+binary_shortcut"},
)  # fmt: skip
_declare(
    "cbcn", "CBCN", "liu2019cbcn", {R18: "circulant_filters+double_residual"},
    "Four turned copies of every filter.",
)  # fmt: skip

_declare(
    "pokebnn-block", "PokeBNN-style block", "zhang2022pokebnn",
    {R18: "double_residual+dprelu+squeeze_excitation_4bit+norm_before_sign+pooled_shortcut"},
    "PokeBNN's block on ResNet-18; its own backbone is derived from ResNet-50, so accuracies are not this network's.",
    other_backbone=True,
)  # fmt: skip
_BOOLNET_NOTE = (
    "Its logic shortcuts and slices of bits on ResNet-18; concatenations are not modelled, so BaseNet and BoolNet "
    "cost the same here; the paper's own backbone differs in details, "
    "so accuracies are not exactly this network's."
)
for _name, _title, _slices in (
    ("basenet-block-1", "BaseNet-style block (1 slice)", 1),
    ("basenet-block", "BaseNet-style block (4 slices)", 4),
    ("boolnet-block", "BoolNet-style block (4 slices)", 4),
):
    _options = f"(slices={_slices})" if _slices > 1 else ""
    _declare(
        _name, _title, "guo2022boolnet", {R18: f"boolean_shortcut{_options}+channel_scale_analytic"}, _BOOLNET_NOTE,
        other_backbone=True,
    )  # fmt: skip

_SDBNN = "data_dependent_shift+ede"
_declare(
    "sd-bnn", "SD-BNN", "xue2021",
    {
        R20: f"double_residual+hardtanh+{_SDBNN}", R18_CIFAR: f"hardtanh+{_SDBNN}", VGG: f"hardtanh+{_SDBNN}",
        R18: f"double_residual+prelu+{_SDBNN}+logits_teacher+two_stage",
    },
)  # fmt: skip
_IENET = "activation_bases(count=2)+hardtanh"
_declare(
    "ie-net", "IE-Net", "ienet2022",
    {
        R20: f"{_IENET}+double_residual+pooled_shortcut", R18_CIFAR: f"{_IENET}+binary_shortcut", VGG: _IENET,
        R18: f"{_IENET}+double_residual", R34: f"{_IENET}+double_residual",
    },
    "Every convolution runs on two thresholds of its input.",
)  # fmt: skip
_declare(
    "nncf-xnor", "NNCF XNOR weights", "nncf2020", {R18: "channel_scale_analytic+learned_threshold+two_stage"},
)  # fmt: skip
_declare(
    "sa-bnn", "SA-BNN", "liu2021sabnn", {R18: "double_residual", R34: "double_residual"},
    "A state-aware gradient, in training only.",
)  # fmt: skip
_declare(
    "ovsw", "OvSW", "xiang2024", {R18: "double_residual+hardtanh", R34: "double_residual+hardtanh"},
    "Gradient scaling and silence-aware decay, in training only.",
)  # fmt: skip
_declare(
    "improved-training", "Improved training of binary networks", "bulat2019improved",
    {R18: "prelu+two_stage+logits_teacher"},
)  # fmt: skip


def published_names() -> dict[str, DesignKey]:
    """Every published design on every backbone: full name to design key."""
    return {
        f"{design.name}/{backbone}": design.key(backbone)
        for design in DESIGNS.values()
        for backbone in design.compositions
    }


def resolve(text: str) -> DesignKey:
    """Read a design: its text form, or a published design's full name or name alone.

    >>> str(resolve("bnn"))
    'resnet20[hardtanh+clipped_ste]/cifar10'
    """
    name = text.strip()
    simple = name.lower().replace("_", "-").replace(" ", "-")
    published, _, backbone = simple.partition("/")
    backbone = backbone.replace("-small", "_small")
    if published not in DESIGNS:
        if name in NETWORKS or any(mark in name for mark in "/[@"):
            return DesignKey.parse(name)
        raise unknown("design", name, [*DESIGNS, *NETWORKS])
    design = DESIGNS[published]
    if not backbone:
        return design.key(next(iter(design.compositions)))
    if backbone not in design.compositions:
        raise unknown("backbone", backbone, design.compositions, place=f"published design '{published}'")
    return design.key(backbone)
