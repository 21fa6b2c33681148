"""Training techniques beside released code, with the same inputs, weights and incoming gradients through both.

Gradients were compared in single precision; a number is the largest difference of any element.
"""

from __future__ import annotations

from costmodel.methods import released as code
from costmodel.methods.evidence import held_against, not_checked

# ------------------------------------------------------------------ feature binarizers

held_against(
    code.BINARY_NET, "models/binarized_modules.py", "clipped_ste", "forward, and the gradient with a hardtanh "
    "before it",
    "The sign passes every gradient there, and the hardtanh in front of it clips.",
)  # fmt: skip
held_against(
    code.BMXNET, "python/mxnet/gluon/nn/binary_layers.py", "wide_ste", "read: the form of the gradient",
    "The limit is an option there, 1 by default; 1.3 is the paper's.",
)  # fmt: skip
held_against(
    code.BI_REAL_NET, "pytorch_implementation/BiReal18_34/birealnet.py", "polynomial_ste", "forward; gradient to "
    "5e-7",
)  # fmt: skip
held_against(
    code.LARQ, "larq/quantizers.py", "swish_ste", "forward and gradient exactly",
    "No code of BNN+'s authors could be had.", by_others=True,
)  # fmt: skip
held_against(
    code.IR_NET, "CIFAR-10/ResNet20/1w1a/modules/binaryfunction.py", "ede",
    "forward; gradient to 2e-5 at three points of training; schedule",
)  # fmt: skip
held_against(
    code.RBNN, "cifar/modules/binarized_modules.py", "rbnn_gradient",
    "forward; gradient to 3e-5 at three points of training; schedule",
)  # fmt: skip
held_against(
    code.IE_NET, "CIFAR-10/ResNet-20/binary_modules.py", "ie_net_gradient",
    "forward; gradient to 2e-5 at three points of training; schedule",
)  # fmt: skip
held_against(
    code.REACTNET, "resnet/2_step2/birealnet.py", "learned_threshold", "forward; gradient of map and threshold to "
    "5e-7",
)  # fmt: skip
held_against(
    code.SD_BNN, "cifar10/ResNet20/modules/ir_1w1a.py", "data_dependent_shift",
    "read: pool, two layers without biases, ReLU and sigmoid",
    "The shift is subtracted here and added there: the mirror image, which a norm can take back. Each filter is "
    "moved by up to a hundredth of its mean there.",
)  # fmt: skip
held_against(
    code.ADABIN, "BinaryNetworks/AdaBin/cifar10/utils/binarylib.py", "adaptive_centre",
    "forward; gradient with polynomial_ste while the distance is 1",
    "A distance of each layer's features is learned there too, which widens the gradient's window.",
)  # fmt: skip

# ------------------------------------------------------------------ weight binarizers

held_against(
    code.BINARY_NETWORKS, "bnn/ops.py", "clipped_weight_ste", "forward and gradient exactly, but at |w| = 1",
    by_others=True,
)  # fmt: skip
held_against(
    code.BI_REAL_NET, "pytorch_implementation/BiReal18_34/birealnet.py", "magnitude_aware_sign",
    "forward and gradient with the filter's mean magnitude as its scale and a norm behind it",
)  # fmt: skip
held_against(
    code.RECU, "cifar/modules/binarized_modules.py", "identity_weight_ste", "forward and gradient exactly",
)  # fmt: skip
held_against(
    code.RBNN, "cifar/modules/binarized_modules.py", "rbnn_weight_gradient",
    "bits; gradient to 4e-3 of its size at three points of training, which is the deviation's; schedule",
)  # fmt: skip
held_against(
    code.IR_NET, "CIFAR-10/ResNet20/1w1a/modules/binaryfunction.py", "ede_weights",
    "forward; gradient to 2e-5 at three points of training; schedule",
)  # fmt: skip
held_against(
    code.IE_NET, "CIFAR-10/ResNet-20/binary_modules.py", "ie_net_weight_gradient",
    "forward; gradient to 2e-5 at three points of training; schedule",
)  # fmt: skip
held_against(
    code.SIMAN, "cifar/modules/binarized_modules.py", "sign_to_magnitude",
    "bits; gradient to 6e-3 of its size with standardize_weights, which is the deviation's",
    "Half of the weights are +1 there by sorting, as here; an option takes the median.",
)  # fmt: skip
held_against(
    code.RBNN, "cifar/modules/binarized_modules.py", "weight_rotation", "nothing: it is priced, not trained",
    "Training refuses it; the rotation vanishes at inference.",
)  # fmt: skip
held_against(
    code.RECU, "cifar/modules/binarized_modules.py", "clamp_weights",
    "bits; direction of the gradient at three points of training; its size to 6e-3 at ReCU's deviation, sqrt(8)",
)  # fmt: skip
held_against(
    code.SIMAN, "cifar/modules/binarized_modules.py", "percentile_clamp", "clamped weights to 2e-7 at three "
    "points of training",
)  # fmt: skip
held_against(
    code.ADABIN, "BinaryNetworks/AdaBin/cifar10/utils/binarylib.py", "adaptive_weights",
    "weights; gradient to 6e-6 at three points of training, with ede_weights",
)  # fmt: skip

# ------------------------------------------------------------------ normalization

held_against(
    code.LARQ_ZOO, "larq_zoo/literature/real_to_bin_nets.py", "norm_before_sign", "read: its place",
    by_others=True,
)  # fmt: skip
held_against(
    code.IR_NET, "ImageNet/ResNet34/1w1a/models/resnet.py", "norm_before_classifier",
    "its place, behind the average over the map",
)  # fmt: skip
held_against(
    code.RBNN, "cifar/modules/binarized_modules.py", "sample_standardize", "forward to 2e-3, gradient to 1e-3",
    "The deviation is that of all elements here, the unbiased one there.",
)  # fmt: skip
held_against(
    code.RECU, "cifar/modules/binarized_modules.py", "sample_deviation_scale", "forward to 2e-3, gradient to 1e-3",
    "The deviation is that of all elements here, the unbiased one there.",
)  # fmt: skip
not_checked(
    "mean_subtraction", "It is what inference keeps of sample_standardize; no paper has it on its own."
)
held_against(
    code.XNOR_NET, "util.lua", "centre_weights", "read: a mean is subtracted",
    "The mean is over the input channels at each position of the kernel there, over the filter here.",
)  # fmt: skip
held_against(
    code.IR_NET, "CIFAR-10/ResNet20/1w1a/modules/ir_1w1a.py", "standardize_weights",
    "bits; gradient of weights to 3e-3 of its size",
    "The deviation is that of all weights here, the unbiased one there, which is a factor of 1.0035 at most.",
)  # fmt: skip

# ------------------------------------------------------------------ teachers and regularizers

held_against(
    code.REACTNET, "utils/KD_loss.py", "logits_teacher", "loss to 1e-15 but for a constant, gradient to 1e-8",
)  # fmt: skip
held_against(
    code.LARQ_ZOO, "larq_zoo/training/knowledge_distillation/knowledge_distillation.py", "attention_teacher",
    "loss exactly, in all blocks, with the factor 30", "The authors point to this code.", by_others=True,
)  # fmt: skip
not_checked("binary_regularizer", "No code of BNN+'s authors could be had.")
held_against(
    code.DISTRIBUTION_LOSS, "models/distrloss_layer.py", "distribution_loss", "loss to 1e-15, with the factor 2",
    "It stops at epoch 60 of 65 there.",
)  # fmt: skip
held_against(
    code.BD_BNN, "kurtosis.py", "kurtosis_regularizer", "loss with the target 1.8",
    "The deviation is that of all weights here, the unbiased one there. Targets can differ between layers there.",
)  # fmt: skip
held_against(
    code.ADAM_BNN, "step2/train.py", "decay_policy", "read: no decay of latent weights in the second stage",
)  # fmt: skip
held_against(
    code.SIMAN, "cifar/main.py", "no_latent_decay", "read: no decay of latent weights",
)  # fmt: skip

# ------------------------------------------------------------------ stages and optimizers

held_against(
    code.REACTNET, "resnet/2_step2/train.py", "two_stage", "read: binary features first, a new optimizer in each "
    "stage",
)  # fmt: skip
not_checked("warm_start", "The authors released the binary network's training alone.")
not_checked("sgd", "It is torch's own.")
not_checked("adam", "It is torch's own.")
held_against(
    code.BOP, "bnn_optimization/optimizers.py", "bop", "all 40,504 flips in 400 steps of 20,000 weights",
    "The rate of the running gradient falls every 100 epochs there.",
)  # fmt: skip
