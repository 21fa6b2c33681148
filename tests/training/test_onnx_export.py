"""ONNX of lowered networks: it exports, and the reference interpreter computes the same."""

from __future__ import annotations

import warnings
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from small_runs import ONE_BLOCK, TWO_BLOCKS
from strategies import any_values

from costmodel.designs.key import DesignKey
from costmodel.folding import fold
from costmodel.networks.build import build
from training.module.lower import load_values, lower

pytestmark = pytest.mark.skipif(
    find_spec("onnxscript") is None, reason="torch exports ONNX only with onnxscript installed"
)


@pytest.mark.parametrize(
    ("methods", "folded"),
    [("", False), ("double_residual+rprelu+squeeze_excitation+ede", False), ("sign_to_magnitude", True)],
)
def test_a_network_exports_and_runs(methods: str, folded: bool) -> None:
    """Export of the module as trained holds the work on latent weights; that of a folded one what a chip stores."""
    from onnx.reference import ReferenceEvaluator

    network = build(DesignKey.parse(f"{TWO_BLOCKS}[{methods}]@w0.5/digits"))
    model = lower(fold(network) if folded else network, dtype=torch.float64)
    image = torch.randint(0, 17, (2, 1, 8, 8)).double()
    load_values(model, any_values(network, np.random.default_rng(0)))  # of which no sum is zero by accident
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's and the interpreter's own parts
        exported = torch.onnx.export(model.eval(), (image,), dynamo=True, verbose=False)
        assert exported is not None
        graph = exported.model_proto.graph
        (found,) = ReferenceEvaluator(exported.model_proto).run(None, {graph.input[0].name: image.numpy()})
        expected = model(image).numpy()
    kinds = Counter(node.op_type for node in graph.node)
    # the stem, two convolutions in each of two blocks, a shortcut to a smaller map
    assert kinds["Conv"] == 1 + 4 + 1 and kinds["Where"] >= 4
    assert np.any(expected != expected[0, 0]) and np.allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "methods", ["real_shortcut", "pooled_shortcut", "spatial_scale", "squeeze_excitation_4bit"]
)
def test_sums_and_means_of_windows_are_those_of_torch(methods: str) -> None:
    """ONNX's average pool has no divisor of its own: torch leaves one out without a word.

    A block that halves its map has each of the windows, at both strides.
    """
    from onnx.reference import ReferenceEvaluator

    network = build(DesignKey.parse(f"{ONE_BLOCK}[{methods}]@w0.25/digits"))
    model = lower(network, dtype=torch.float64).eval()
    values = any_values(network, np.random.default_rng(0))
    shares = {name: value / 200 for name, value in values.items() if name.endswith("window_share")}
    load_values(model, values | shares)  # sums of windows would saturate the classifier otherwise
    image = torch.randint(0, 17, (2, 1, 8, 8)).double()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        exported = torch.onnx.export(model, (image,), dynamo=True, verbose=False)
        assert exported is not None
        proto, expected = exported.model_proto, model(image).numpy()
        (found,) = ReferenceEvaluator(proto).run(None, {proto.graph.input[0].name: image.numpy()})
    assert np.any(expected != expected[0, 0]) and np.allclose(found, expected, rtol=1e-6, atol=1e-6)
