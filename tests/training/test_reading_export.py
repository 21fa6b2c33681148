"""Networks of this project as ONNX files, read back: every count is that of the design, for sets of methods too."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_runs import TWO_BLOCKS
from test_reading import TOPOLOGY, assert_same_counts, image_of, trained

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.importers.model.source import read_model
from costmodel.networks.build import build

pytestmark = pytest.mark.skipif(
    not (find_spec("onnx") and find_spec("onnxscript")),
    reason="torch writes ONNX with onnxscript, and reading it needs onnx; install the test extra",
)


def assert_read_back(text: str, folder: Path) -> None:
    network, path = build(DesignKey.parse(text)), folder / "net.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's own parts
        torch.onnx.export(trained(network), (image_of(network),), path, dynamo=True, verbose=False)
    assert_same_counts(read_model(str(path)).network, network)


@pytest.mark.parametrize(
    "text",
    [f"{TWO_BLOCKS}[adaptive_weights+squeeze_excitation]/cifar10-16", "cnv"],
    ids=["adaptive_weights+squeeze_excitation", "cnv"],
)
def test_an_exported_network_is_read_back_with_its_counts(text: str, tmp_path: Path) -> None:
    assert_read_back(text, tmp_path)


ONE_NETWORK = sorted(set(TOPOLOGY) - {"network_ensemble", "branches", "activation_bases", "weight_bases"})
"""Methods that leave one convolution in each place: torch takes minutes to export several times as many."""


@given(methods=st.sets(st.sampled_from(ONE_NETWORK), min_size=2, max_size=3))
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
def test_exported_sets_of_methods_are_read_back_with_their_counts(
    methods: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = f"{TWO_BLOCKS}[{'+'.join(sorted(methods))}]/cifar10-16"
    try:
        build(DesignKey.parse(text))
    except BnncostError:
        return  # methods that exclude each other
    assert_read_back(text, tmp_path_factory.mktemp("exported"))
