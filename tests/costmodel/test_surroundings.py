"""What a method's paper has round it: declared with a reason, and a network that can be built with and without it."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from strategies import NARROW, small_key, small_use

from costmodel.designs.network_files import backbone_of
from costmodel.designs.resolving import DESIGNS
from costmodel.methods import METHODS, MethodUse, check_combination
from costmodel.networks.build import build

DECLARED = {name: method for name, method in METHODS.items() if method.beside}

PAPERS = {
    "ede": {"hardtanh"},  # htqin/IR-Net, resnet.py: every convolution reads what a hardtanh gave
    "rbnn_gradient": {"hardtanh", "sample_standardize"},  # lmbxmu/RBNN, resnet2.py and binarized_modules.py
    "ie_net_gradient": {"hardtanh", "sample_deviation_scale"},  # Alexrich961210/IE-Net, binary_modules.py
    "ie_net_weight_gradient": {"standardize_weights"},
    "swish_ste": {"norm_before_sign"},  # BNN+, AlexNet and VGG: convolution, batch norm, sign
    "adaptive_centre": {"polynomial_ste"},  # AdaBin, binarylib.py, BinaryActivation
    "ede_weights": {"standardize_weights"},  # htqin/IR-Net, ir_1w1a.py
    "rbnn_weight_gradient": {"standardize_weights"},  # lmbxmu/RBNN, BinaryQuantize behind the standardization
    "weight_rotation": {"standardize_weights"},
    "clamp_weights": {"standardize_weights"},  # z-hXu/ReCU
    "sign_to_magnitude": {"standardize_weights", "no_latent_decay"},  # lmbxmu/SiMaN
    "percentile_clamp": {"sign_to_magnitude", "standardize_weights", "no_latent_decay"},
    "relu": {"norm_before_sign"},  # XNOR-Net: the norm stands between a ReLU and the next sign
    "double_residual": {"real_shortcut"},  # liuzechun/Bi-Real-net, birealnet.py
    "distribution_loss": {"norm_before_sign"},  # ruizhoud/DistributionLoss
    "two_stage": {
        "decay_policy"
    },  # larq/zoo and liuzechun/ReActNet: no decay of latent weights in the last stage
    "sgd": {"standardize_weights"},  # the published rate 0.1 is that of IR-Net, RBNN, ReCU
    "bop": {"no_latent_decay"},  # plumerai/rethinking-bnn-optimization
}
"""Read in the papers and in the code that their authors released."""


def test_what_papers_have_round_a_method_is_declared() -> None:
    assert {name: {use.name for use in method.surroundings} for name, method in DECLARED.items()} == PAPERS


@pytest.mark.parametrize("name", DECLARED)
def test_each_has_a_reason_and_can_stand_beside_the_method(name: str) -> None:
    method = DECLARED[name]
    uses = method.surroundings
    assert all(len(reason.split()) >= 4 and not reason.endswith(".") for reason in method.beside.values())
    assert [str(use) for use in uses] == list(method.beside), "in the one text form of its options"
    check_combination((MethodUse(name), *uses))
    needed = {use.name for use in uses}
    for use in uses:
        assert {other.name for other in use.method.surroundings} <= needed | {name}, (
            "what that needs is there too"
        )


@pytest.mark.parametrize("network", NARROW)
@pytest.mark.parametrize("name", DECLARED)
def test_a_network_is_built_with_and_without_the_method(network: str, name: str) -> None:
    """Wherever the method has its place, so has what it needs; both sides are networks that differ by the method."""
    if not backbone_of(network).offers(METHODS[name].hook):
        return
    needed = [str(use) for use in METHODS[name].surroundings]
    without, with_it = (
        build(small_key(network, *names)) for names in (needed, [*needed, str(small_use(name))])
    )
    if METHODS[name].hook != "recipe":
        assert name in {op.origin for op in with_it.ops}
        assert name not in {op.origin for op in without.ops}


@pytest.mark.parametrize("name", DECLARED)
def test_published_designs_of_the_same_paper_have_it_too(name: str) -> None:
    """On one backbone at least; techniques that only a run follows are not all part of a published design."""
    method = METHODS[name]
    designs = [
        {use.name for use in design.key(backbone).methods}
        for design in DESIGNS.values()
        for backbone in design.compositions
        if design.source == method.source
    ]
    with_it = [names for names in designs if name in names]
    needed = {use.name for use in method.surroundings if use.method.hook != "recipe"}
    assert not with_it or any(needed <= names for names in with_it)


def test_slots_of_a_network_without_its_place_are_known() -> None:
    """VGG has no shortcuts: what needs one there, such as `double_residual`, is refused itself."""
    for name, network in ((name, network) for name in DECLARED for network in NARROW):
        offered = backbone_of(network).offers(METHODS[name].hook)
        needs = all(backbone_of(network).offers(use.method.hook) for use in METHODS[name].surroundings)
        assert needs or not offered, f"{name} on {network}"


def test_no_two_methods_need_each_other() -> None:
    for one, other in combinations(DECLARED, 2):
        assert not ({other} <= set(METHODS[one].beside) and {one} <= set(METHODS[other].beside))


def test_the_documents_table_is_what_is_declared() -> None:
    text = (Path(__file__).parents[2] / "docs" / "study.md").read_text("utf-8")
    table = text.split("<!-- surroundings -->")[1].split("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
    found = {row[0].strip("`"): (row[1].replace("`", "").split(", "), row[2]) for row in rows}
    assert found == {
        name: (list(method.beside), "; ".join(dict.fromkeys(method.beside.values())))
        for name, method in DECLARED.items()
    }
