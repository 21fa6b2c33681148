"""Frames with the columns of `front_frame` and `method_frame`, of figures that a test can reckon with."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

PARTS = ("binary_compute_j", "other_macs_j", "side_operations_j", "memory_j", "control_j", "leakage_j")
SHARES = (0.1, 0.2, 0.05, 0.4, 0.15, 0.1)

Design = tuple[str, float, float]  # label, energy [J], top-1 [%]


def designs_frame(
    designs: Sequence[Design], front: Sequence[str] = (), reference: Sequence[str] = (), kind: str = "author"
) -> pd.DataFrame:
    """A frame of designs; those in `front` are on it, those in `reference` are not binary."""
    rows = [
        {
            "label": label, "name": label, "design": label, "top1": top1, "top1_low": top1, "top1_high": top1,
            "kind": kind, "reference": "", "compute": "fp32" if label in reference else "binary",
            "energy_j": energy, "latency_s": 2 * energy, "area": 3.0, "area_unit": "mm2", "memory_bits": 8192 * 5,
            **{part: share * energy for part, share in zip(PARTS, SHARES, strict=True)},
            "x": energy, "on_front": label in front,
        }
        for label, energy, top1 in designs
    ]  # fmt: skip
    return pd.DataFrame(rows)


def methods_frame() -> pd.DataFrame:
    """Methods that cost, that save, that fold, that are wiring, and that act in training."""
    rows = [
        ("prelu", "topology", "activation function", 2e-9, 5.0, 10.0, 1.03),
        ("maxout", "topology", "activation function", 3e-9, 7.5, 9.0, 1.05),
        ("boolean_shortcut", "topology", "double residual", -1e-9, -40.0, -30.0, 0.6),
        ("channel_scale", "topology", "scaling factor", 1e-9, 0.0, 0.0, 1.0),
        ("option_a_shortcut", "topology", "downsampling shortcut", 0.0, 0.0, 0.0, 1.0),
        ("branches", "topology", "ensemble", 9e-9, 900.0, 1200.0, None),
        ("ede", "training", "feature binarizer", 0.0, 0.0, 0.0, 1.0),
        ("learned_threshold", "training", "feature binarizer", 1e-10, 0.0, 0.0, 1.0),
        ("adam", "training", "optimizer", 0.0, 0.0, 0.0, 1.0),
        ("bop", "training", "optimizer", 0.0, 0.0, 0.0, 1.0),
    ]
    columns = (
        "use", "branch", "category", "emitted_j", "alone_percent", "left_out_percent", "equivalent_width",
    )  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(columns))
    frame["name"] = frame["use"]
    return frame
