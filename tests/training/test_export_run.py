"""Exporting a run: its files, its records at every precision, ONNX, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from small_runs import small_data, small_run

from costmodel.designs.key import DesignKey
from costmodel.designs.records import Measurement
from costmodel.errors import BnncostError
from costmodel.evaluate.cost import cost
from costmodel.networks.build import build
from training.data.augment import eight_bit
from training.data.dataset import hold_out
from training.export import onnx_file
from training.export.files import load_deployment
from training.export.onnx_file import onnx_answers, write_onnx
from training.export.run import export_run
from training.module.lower import lower
from training.run.folders import RunSpec, measurement_of, open_folder
from training.run.loop import train, trained_model

DESIGN = "resnet20[double_residual]@w0.25/digits"


def test_a_run_becomes_files_and_records(finished: Callable[[RunSpec], Path], tmp_path: Path) -> None:
    spec, data = small_run(DESIGN), small_data()
    run, out = finished(spec), tmp_path / "out"
    record = measurement_of(run, spec)
    report = export_run(run, out, data, precisions=("fp32", "int8", "int4"), onnx=False)
    assert report.design == DESIGN and report.notes == () and report.onnx_same is None
    assert {str(path.relative_to(out)) for path in report.files} == {
        f"{features}/network.{end}"
        for features in ("fp32", "int8", "int4")
        for end in ("json", "safetensors")
    }
    assert report.torch_sums is not None and report.torch_sums.differing == 0
    assert report.torch_sums.bits == 60 * (
        7 * 4 * 64 + 6 * 8 * 16 + 5 * 16 * 4
    )  # read by each 3x3 convolution
    by_name = {row.features: row for row in report.precisions}
    assert record is not None and by_name["fp32"].top1 == pytest.approx(record.top1)
    assert (by_name["fp32"].same, by_name["fp32"].images) == (60, 60)
    assert not (run / "export" / "fp32.json").exists()  # the run's own record says it
    _, validation = hold_out(data.train, 24, 0)
    for features in ("int8", "int4"):
        place = run / "export" / f"{features}.json"
        found = Measurement.from_mapping(json.loads(place.read_text()), "test")
        program = load_deployment(out / features)
        right = [
            100 * float((program.classify(part.images.numpy()) == part.labels.numpy()).mean())
            for part in (data.test, validation)
        ]
        assert found == replace(record, features=features, top1=right[0], validation_top1=right[1])
        assert by_name[features].top1 == right[0]
    assert measurement_of(run, spec) == record


def test_sizes_are_counted_and_stored_alike(finished: Callable[[RunSpec], Path], tmp_path: Path) -> None:
    """What is stored beyond the count: exponents, and 16 bits for each step of the classifier's ten filters."""
    report = export_run(
        finished(small_run(DESIGN)), tmp_path / "out", small_data(), precisions=("int16", "int8"), onnx=False
    )
    for row in report.precisions:
        counted = cost(f"resnet20[double_residual]@w0.25,features={row.features}/digits").memory_bits
        assert row.counted_bits == counted["weights"] + counted["parameters"]
        arrays = load_file(tmp_path / "out" / row.features / "network.safetensors")
        described = json.loads((tmp_path / "out" / row.features / "network.json").read_text())["arrays"]
        packed = 8 * sum(array.size for name, array in arrays.items() if name != "input.pixels")
        shifts = [np.atleast_1d(described[name]["exponent"]) for name in arrays if name != "input.pixels"]
        exponents = 8 * sum(len(item) for item in shifts if item.any())
        assert (
            0 <= packed + exponents - row.stored_bits < 8 * len(arrays)
        )  # the last byte of each is filled up
        assert row.counted_bits < row.stored_bits < 1.2 * row.counted_bits
    assert [row.features for row in report.precisions] == ["int16", "int8"]
    assert report.torch_sums is None and report.numpy_sums is None


def test_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    design, data = "resnet20@w0.25,edge=fp32/digits", small_data()
    spec = small_run(design, epochs=1)
    train(spec, data, tmp_path)
    report = export_run(
        tmp_path / spec.name, tmp_path / "out", data, precisions=("fp32", "int8", "int4"), onnx=False
    )
    assert [row.features for row in report.precisions] == ["fp32"]
    (note,) = report.notes
    assert note.startswith("no network with features int8 or int4: ") and "'conv' in layer 'stem'" in note
    with pytest.raises(BnncostError, match="'conv' in layer 'stem' computes in fp32"):
        export_run(tmp_path / spec.name, tmp_path / "out", data, precisions=("int8",), onnx=False)
    with pytest.raises(BnncostError, match="unknown precision to export 'int7'; did you mean 'int"):
        export_run(tmp_path / spec.name, tmp_path / "out", data, precisions=("int7",))
    with pytest.raises(BnncostError, match="name at least one precision"):
        export_run(tmp_path / spec.name, tmp_path / "out", data, precisions=())


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    spec = small_run()
    folder = open_folder(spec, tmp_path)
    with pytest.raises(BnncostError, match="has not ended, so there is no network to export"):
        export_run(folder, tmp_path / "out", small_data())
    with pytest.raises(BnncostError, match="is not the folder of a run"):
        export_run(tmp_path / "nothing", tmp_path / "out", small_data())


# ------------------------------------------------------------------ ONNX


def test_without_the_packages_the_rest_is_exported(
    finished: Callable[[RunSpec], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(small_run(epochs=1))
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    report = export_run(run, tmp_path / "out", small_data(), precisions=("int8",))
    (note,) = report.notes
    assert "onnx and onnxscript is missing; install the extra: pip install 'bnncost[export]'" in note
    assert (tmp_path / "out" / "int8" / "network.json").is_file()
    assert not (tmp_path / "out" / "network.onnx").exists()


@pytest.mark.skipif(
    find_spec("onnxscript") is None, reason="torch exports ONNX only with onnxscript installed"
)
def test_onnx_runs_on_any_number_of_images(tmp_path: Path) -> None:
    import onnx

    model = lower(build(DesignKey.parse("vgg_small@w0.0625/digits"))).eval()
    path = write_onnx(model, tmp_path / "network.onnx")
    graph = onnx.load(path).graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["image", "scores"]
    sides = graph.input[0].type.tensor_type.shape.dim
    assert sides[0].dim_param and [side.dim_value for side in sides[1:]] == [1, 8, 8]
    data = small_data()
    answers = onnx_answers(path, data.test, eight_bit(1))  # 60 images, in batches of 50 and 10
    if answers is not None:
        pixels = (data.test.images.float() - 128) / 64
        expected = model(pixels).flatten(1).argmax(1).numpy()
        assert answers.shape == (60,) and np.mean(answers == expected) > 0.95


def test_the_trained_network_is_left_as_it_was(finished: Callable[[RunSpec], Path]) -> None:
    spec = small_run(epochs=1)
    run = finished(spec)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    export_run(run, run / "export", small_data(), precisions=("int6",), onnx=False)
    after = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert before == after
    assert trained_model(run, spec).trains
