"""QONNX files, read: values as qonnx computes them, bits as its `inference_cost` counts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from costmodel.demand.compulsory import compulsory_traffic
from costmodel.demand.counts import count, totals
from costmodel.folding import fold, unfolded
from costmodel.graph import BINARY, precision

pytest.importorskip("onnx", reason="QONNX files are written with onnx; install the test extra")
pytest.importorskip("onnxruntime", reason="graphs are written beside it; install the test extra")

from onnx_graphs import Graph, here

RNG = np.random.default_rng(1)
DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
NUMBERS = {
    "zero": np.float32(0), "one": np.float32(1), "eighth": np.float32(0.125), "quarter": np.float32(0.25),
    "half": np.float32(0.5), "four": np.float32(4), "eight": np.float32(8), "six": np.float32(6),
}  # fmt: skip
FINE = ("Quant x eighth zero eight", {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"})
SIGNED = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
LEVELS = np.sort(RNG.normal(size=(6, 15)).astype(np.float32))
WEIGHT = RNG.normal(size=(5, 6, 3, 3)).astype(np.float32)


def graph(name: str, *steps: object, **more: object) -> Graph:
    arrays = {key: one for key, one in more.items() if isinstance(one, np.ndarray)}
    rest = {key: one for key, one in more.items() if not isinstance(one, np.ndarray)}
    return Graph(name, steps, NUMBERS | arrays, domain=DOMAINS[0], **rest)  # type: ignore[arg-type]


GRAPHS = (
    graph("quant", ("Quant x quarter zero four", SIGNED)),
    graph("narrow", ("Quant x quarter zero four", {**SIGNED, "narrow": 1})),
    graph("unsigned", ("Quant x quarter zero four", {**SIGNED, "signed": 0})),
    graph("floor", ("Quant x quarter zero four", {**SIGNED, "rounding_mode": "FLOOR"})),
    graph("ceil", ("Quant x quarter zero four", {**SIGNED, "rounding_mode": "CEIL"})),
    graph("bipolar", "BipolarQuant x half", "Mul - four"),
    graph("truncated", FINE, ("Trunc - eighth zero eight six", {"rounding_mode": "FLOOR"})),
    graph(
        "truncated_2", FINE,
        ("Trunc - eighth zero eight half six", {"rounding_mode": "FLOOR", "signed": 1, "narrow": 0}), domain_version=2,
    ),
    graph(
        "truncated_2_round", FINE,
        ("Trunc - eighth zero eight half six", {"rounding_mode": "ROUND", "signed": 1, "narrow": 0}), domain_version=2,
    ),
    graph("thresholds", ("MultiThreshold x levels", {"out_dtype": "UINT4"}), levels=LEVELS),
    graph(
        "thresholds_signed", ("MultiThreshold x levels", {"out_dtype": "INT4", "out_bias": -8.0}), levels=LEVELS,
    ),
    graph(
        "quantized_average_pool", ("Quant x eighth zero four", {**SIGNED, "signed": 0}), "Mul - eight",
        ("QuantAvgPool2d -", {"kernel": 2, "stride": 2, "ibits": 4, "obits": 4, "signed": 0, "data_layout": "NCHW"}),
    ),
    graph(
        "and_of_signed_sums", ("Quant x eighth zero four", SIGNED), "Mul - eight",
        ("QuantAvgPool2d -", {"kernel": 3, "stride": 1, "ibits": 4, "obits": 5, "signed": 1, "data_layout": "NCHW"}),
    ),
    graph(
        "one_threshold", ("MultiThreshold x level", {"out_dtype": "BIPOLAR", "out_scale": 2.0, "out_bias": -1.0}),
        level=LEVELS[:, :1],
    ),
    graph(
        "layer", FINE, ("Quant w eighth zero four", SIGNED), ("Conv y0 y1", {"pads": [1, 1, 1, 1]}), w=WEIGHT,
    ),
    graph("binary_layer", "BipolarQuant x one", "BipolarQuant w half", "Conv y0 y1", w=WEIGHT),
)  # fmt: skip


@pytest.fixture(autouse=True)
def onnx_that_onnxruntime_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """qonnx writes every node that it lets onnxruntime run as a file of the newest version, which is too new for it."""
    monkeypatch.setattr("onnx.IR_VERSION", 10)


def by_qonnx(path: Path, image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    wrapper = pytest.importorskip("qonnx.core.modelwrapper", reason="qonnx is the judge: pip install qonnx")
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    model = wrapper.ModelWrapper(str(path))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    for side in (1, *shape):
        model.graph.output[0].type.tensor_type.shape.dim.add().dim_value = side
    model = model.transform(InferShapes())
    return np.asarray(execute_onnx(model, {model.graph.input[0].name: image})[model.graph.output[0].name])


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda one: one.name)
def test_what_is_read_computes_what_qonnx_does(graph: Graph, tmp_path: Path) -> None:
    path, image = graph.written(tmp_path), graph.sample()
    found, _ = here(path, image)
    assert np.allclose(found, by_qonnx(path, image, found.shape)[0], rtol=1e-5, atol=1e-5)


def counted(name: str, tmp_path: Path, settings: str = "features=int16") -> dict[tuple[str, str], int]:
    one = next(one for one in GRAPHS if one.name == name)
    network = here(one.written(tmp_path), one.sample(), settings)[1].network
    return {key: int(number) for key, number in totals(count(unfolded(network))).items()}


def test_fifteen_thresholds_are_four_compares(tmp_path: Path) -> None:
    assert counted("thresholds", tmp_path) == {("compare", "int8"): 4 * 6 * 8 * 10}


def test_one_threshold_is_a_sign(tmp_path: Path) -> None:
    one = next(one for one in GRAPHS if one.name == "one_threshold")
    network = here(one.written(tmp_path), one.sample(), "features=int16")[1].network
    assert [op.kind for op in fold(network).running()] == ["threshold"]
    assert network.output.precision == BINARY


def test_truncation_is_one_shift_more(tmp_path: Path) -> None:
    size = 6 * 8 * 10
    assert counted("truncated", tmp_path)["shift", "int8"] == 2 * size


@pytest.mark.parametrize("domain", [*DOMAINS, ""])
def test_the_four_domains_are_one(domain: str, tmp_path: Path) -> None:
    base = next(one for one in GRAPHS if one.name == "layer")
    one = Graph("layer", base.steps, base.constants, domain=domain)
    network = here(one.written(tmp_path), one.sample())[1].network
    (conv,) = (op for op in network.running() if op.kind == "conv")
    assert (conv.inputs[0].precision, conv.params[0].precision) == (precision("int8"), precision("int4"))


def test_weights_are_as_wide_as_their_quantizer_says(tmp_path: Path) -> None:
    """Values that need fewer bits are of the quantizer's width: a chip stores them so."""
    small = np.clip(WEIGHT, -0.3, 0.3)  # whole multiples of an eighth from -2 to 2: 3 bits would do
    one = graph("small", FINE, ("Quant w eighth zero six", SIGNED), "Conv y0 y1", w=small)
    network = here(one.written(tmp_path), one.sample())[1].network
    assert [op.params[0].precision.label for op in network.running() if op.kind == "conv"] == ["int6"]


# ------------------------------------------------------------------ Brevitas' CNV


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """CNV_1W1A with random weights, by both of Brevitas' exporters."""
    pytest.importorskip("qonnx", reason="qonnx is the judge: pip install qonnx")
    pytest.importorskip("brevitas", reason="Brevitas writes CNV: pip install brevitas onnxoptimizer")
    import torch
    from brevitas.export import export_qonnx
    from brevitas_examples.bnn_pynq.models import model_with_cfg

    torch.manual_seed(0)
    model, _ = model_with_cfg("cnv_1w1a", pretrained=False)
    folder = tmp_path_factory.mktemp("cnv")
    paths = {}
    for name, dynamo in (("by export", True), ("by trace", False)):
        paths[name] = folder / f"{name}.onnx"
        export_qonnx(model.eval(), torch.randn(1, 3, 32, 32), export_path=str(paths[name]), dynamo=dynamo)
    return paths


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["by export", "by trace"])
def test_cnv_of_either_exporter_costs_what_cnv_does(name: str, exported: dict[str, Path]) -> None:
    from costmodel.designs.key import DesignKey
    from costmodel.importers.model.source import read_model
    from costmodel.networks.build import build

    read, design = fold(read_model(str(exported[name])).network), fold(build(DesignKey.parse("cnv")))
    macs = [{key: n for key, n in totals(count(one)).items() if key[0] == "mac"} for one in (read, design)]
    assert macs[0] == macs[1]
    weights = [compulsory_traffic(one).storage.weights for one in (read, design)]
    assert weights[0] == weights[1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["by export", "by trace"])
def test_cnv_has_the_bits_that_qonnx_counts(name: str, exported: dict[str, Path]) -> None:
    from qonnx.util.inference_cost import inference_cost

    from costmodel.importers.model.source import read_model

    theirs = inference_cost(str(exported[name]), discount_sparsity=False)["total_cost"]
    network = fold(read_model(str(exported[name])).network)
    ours = {key[1]: int(n) for key, n in totals(count(network)).items() if key[0] == "mac"}
    assert ours == {"1x1": theirs["op_mac_BIPOLAR_BIPOLAR"], "1x8": theirs["op_mac_SCALEDINT<8>_BIPOLAR"]}
    assert compulsory_traffic(network).storage.weights == theirs["total_mem_w_bits"]
