"""A trained network as ONNX: written by torch, checked by onnxruntime where it is installed."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from costmodel.errors import BnncostError
from costmodel.output import write_whole
from training.data.augment import Normalization, normalize
from training.data.dataset import Part, in_order
from training.export.program import BATCH
from training.module.lower import Lowered

INSTALL = "install the extra: pip install 'bnncost[export]'"


def onnx_missing() -> str:
    """Say what ONNX files need and is not installed; nothing where all is there."""
    absent = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    return f"no ONNX file was written, since {' and '.join(absent)} is missing; {INSTALL}." if absent else ""


def write_onnx(model: Lowered, path: Path) -> Path:
    """Write a trained network in eval mode as ONNX: input `image` (N, C, H, W), normalized floats, any N.

    Raises BnncostError where a package is missing or torch cannot express the network.
    """
    if missing := onnx_missing():
        raise BnncostError(missing)
    image = torch.zeros((2, *(int(side) for side in model.network.input.shape)))
    batch = {"image": {0: torch.export.Dim("batch", min=1)}}
    try:
        with warnings.catch_warnings(), _quiet(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own parts
            made = torch.onnx.export(
                model.eval(), (image,), dynamo=True, verbose=False, dynamic_shapes=batch, input_names=["image"],
                output_names=["scores"],
            )  # fmt: skip
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise BnncostError(f"network '{model.network.name}' cannot be written as ONNX: {reason}") from None
    assert made is not None
    return write_whole(path, made.model_proto.SerializeToString())


@contextlib.contextmanager
def _quiet():  # type: ignore[no-untyped-def]
    """Keep the exporter from printing its progress, and from remarking that torchvision is not installed."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def onnx_answers(path: Path, part: Part, normalization: Normalization) -> np.ndarray | None:
    """Classes that onnxruntime predicts, (N,); None where it is not installed."""
    if find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    factors = normalization.factors("cpu")
    answers = [
        session.run(None, {"image": normalize(batch.images, *factors).numpy()})[0]
        .reshape(len(batch), -1)
        .argmax(1)
        for batch in in_order(part, BATCH)
    ]
    return np.concatenate(answers)
