"""Network topology changes beside released code: what each adds to a network, and where."""

from __future__ import annotations

from costmodel.methods import released as code
from costmodel.methods.evidence import held_against, not_checked

# ------------------------------------------------------------------ scaling factors

held_against(
    code.XNOR_NET, "util.lua", "channel_scale_analytic", "the factor; its share of the gradient of weights",
    "The gradient of the sign's and the factor's share is added up and scaled by (1 - 1/C) there, for Adam's sake.",
)  # fmt: skip
held_against(
    code.BINARY_NETWORKS, "bnn/ops.py", "channel_scale", "read: one learned number per channel, 1 at first"
)
held_against(
    code.IR_NET, "CIFAR-10/ResNet20/1w1a/modules/ir_1w1a.py", "shift_scale", "exponents exactly; no gradient"
)
not_checked("spatial_scale", "The authors' released network leaves it out.")
held_against(
    code.LARQ_ZOO, "larq_zoo/literature/real_to_bin_nets.py", "separable_scale",
    "read: three learned vectors, 1 at first, multiplied out", by_others=True,
)  # fmt: skip
not_checked(
    "position_scale", "The authors' library offers scales of any shape, and no network with this one."
)

# ------------------------------------------------------------------ ensembles

held_against(
    code.ABC_NET, "ABC.ipynb", "weight_bases", "read: shifts of a deviation times -1 to 1 at first",
    "Scales are fitted to the weights by least squares there, as in the paper, and learned with the loss here; "
    "shifts are fixed there. No code of the authors could be had.", by_others=True,
)  # fmt: skip
held_against(
    code.IE_NET, "ImageNet/ResNet-18/resnet18.py", "activation_bases",
    "read: thresholds per channel, the same weights for each base",
    "Thresholds start at 0 there, spread over -1 to 1 here; the scale stands on the second base alone there. "
    "ABC-Net's features are clipped to 0 to 1, with a threshold at 1/2 before the shift, in the paper.",
)  # fmt: skip
not_checked("circulant_filters", "No code of the authors could be had.")
held_against(
    code.GROUP_NET, "model.py", "branches", "read: each block's branches read a mix of their own result and the "
    "mean",
    "One gate per block there, a sigmoid and one less it, two factors per branch here; here a mix stands behind "
    "the last block too.",
)  # fmt: skip
held_against(
    code.BENN, "new_alexnet/bagging_new.py", "network_ensemble", "read: weighted votes of separately trained "
    "networks",
    "Votes are those of bagging or boosting there, learned here.",
)  # fmt: skip

# ------------------------------------------------------------------ activation functions

not_checked("relu", "It is torch's own.")
not_checked("hardtanh", "It is torch's own.")
held_against(
    code.BINARY_NETWORKS, "bnn/models/layers/res_block.py", "prelu", "read: one slope per channel, 0.25 at first",
)  # fmt: skip
held_against(code.REACTNET, "resnet/2_step2/birealnet.py", "rprelu", "forward; gradient to 5e-7")
held_against(
    code.ADABIN, "BinaryNetworks/AdaBin/cifar10/utils/binarylib.py", "maxout", "forward; gradient to 5e-7",
)  # fmt: skip
held_against(
    code.AQT, "aqt/jax_legacy/jax/imagenet/pokebnn.py", "dprelu", "read: shifts, slopes and their first values",
    "Shifts are subtracted there and added here.",
)  # fmt: skip

held_against(
    code.IR_NET, "ImageNet/ResNet34/1w1a/models/resnet.py", "stem_activation", "its place, behind the stem's norm",
)  # fmt: skip

# ------------------------------------------------------------------ shortcuts

held_against(
    code.BI_REAL_NET, "pytorch_implementation/BiReal18_34/birealnet.py", "double_residual", "counts and place",
)  # fmt: skip
held_against(
    code.BOOLNET,
    "BoolNet_k_4/src/models/modules.py",
    "boolean_shortcut",
    "read: logic gates in place of additions",
)
held_against(
    code.RBNN, "cifar/models_cifar/resnet.py", "option_a_shortcut", "every second row and column, channels of "
    "zeros",
    by_others=True,
)  # fmt: skip
held_against(
    code.RECU, "cifar/models_cifar/resnet.py", "pooled_shortcut", "2x2 averages, channels of zeros on both sides",
    by_others=True,
)  # fmt: skip
held_against(
    code.BI_REAL_NET, "pytorch_implementation/BiReal18_34/birealnet.py", "real_shortcut", "counts; average, 1x1, "
    "norm",
    "Its weights have the precision of the first and last layer here, full precision there.",
)  # fmt: skip
held_against(
    code.RBNN, "cifar/models_cifar/resnet2.py", "binary_shortcut", "counts; strided binary 1x1, norm"
)

# ------------------------------------------------------------------ squeeze-and-excitation, width

held_against(
    code.LARQ_ZOO, "larq_zoo/literature/real_to_bin_nets.py", "squeeze_excitation",
    "read: reduction 8, no biases, ReLU and sigmoid", "Its layers have 8-bit operands here.", by_others=True,
)  # fmt: skip
held_against(
    code.AQT, "aqt/jax_legacy/jax/imagenet/pokebnn.py", "squeeze_excitation_4bit",
    "read: reduction 8, 4-bit operands, clamp(s + 3, 0, 6) / 6", "Its layers have biases there.",
)  # fmt: skip
not_checked("width", "A factor on channel counts: there is no code to hold it against.")
