"""Products of two maps, norms of each sample, curves and resizing, as cases for the rules in torch."""

from __future__ import annotations

from operation_case import C, Case, H, W

WEIGHT = ("OIKK", (5, C, 3, 3))

PRODUCTS = (
    Case("quantize", params=(("", ()),), attributes={"bits": 4, "rounding": "down"}, stored=("int16", "int4")),
    Case("quantize", params=(("", ()),), attributes={"bits": 4, "rounding": "up"}, stored=("int16", "int4")),
    Case(
        "transposed_conv", output=(5, 7, 12), params=(WEIGHT,),
        attributes={"stride": 2, "padding": (1, 1, 1, 1), "groups": 1},
    ),
    Case(
        "transposed_conv", ((4, H, W),), (6, 8, 9), (("OIKK", (6, 2, 2, 2)),),
        {"stride": (2, 1), "dilation": (1, 3), "padding": (0, 0, 0, 0), "groups": 2},
    ),
    Case(
        "matrix_product", ((4 * C, H, 1), (4 * C, W, 1)), (C, H, W),
        attributes={
            "factors": (("h", C), ("d", 4), ("t", H), ("s", W)), "left": ("hd", "t", ""), "right": ("hd", "s", ""),
            "made": ("h", "t", "s"),
        },
    ),
    Case(
        "rearrange", ((8, H, W),), (2, 2 * H, 2 * W),
        attributes={
            "factors": (("c", 2), ("a", 2), ("b", 2), ("h", H), ("w", W)), "read": ("cab", "h", "w"),
            "made": ("c", "ha", "wb"),
        },
    ),
    Case("axis_sum", output=(C, 1, 1), attributes={"over": "HW"}),
    Case("axis_maximum", output=(1, H, W), attributes={"over": "C"}),
    Case("softmax", attributes={"over": "W"}),
    Case("layer_norm", attributes={"over": "CW", "epsilon": 1e-6}),
    Case(
        "local_response_norm", ((6, H, W),), (6, H, W),
        attributes={"channels": 4, "alpha": 0.5, "beta": 0.75, "bias": 2},
    ),
    Case("top", output=(C, 2, W), attributes={"over": "H", "kept": 2, "numbers": False}),
    Case("top", output=(2, H, W), attributes={"over": "C", "kept": 2, "numbers": True}),
    Case("divide", ((C, H, W), (C, 1, 1))),
    *(
        Case("table", attributes={"function": name})
        for name in ("exp", "reciprocal", "erf", "gelu", "gelu_by_tanh", "silu", "mish", "softplus", "elu")
    ),
    Case("table", attributes={"function": "log"}),
    Case("table", attributes={"function": "sqrt"}),
    Case("multi_threshold", params=(("CT", (C, 15)),), attributes={"low": -8}),
    Case("multi_threshold", params=(("CT", (1, 5)),), attributes={"low": 0}),
    Case("repeat_positions", output=(C, 7, 3), attributes={"rows": (0, 0, 1, 2, 3, 3, 3), "columns": (0, 2, 4)}),
    Case(
        "interpolate", output=(C, 3, 4),
        attributes={
            "rows": (0, 1, 2), "row_shares": (0.5, 0.25, 0.5), "columns": (0, 0, 1, 4),
            "column_shares": (0, 0.5, 0.5, 0.5),
        },
    ),
    Case(
        "weigh_neighbours", output=(C, 3, 2),
        attributes={
            "rows": ((0, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 3)), "row_weights": ((-0.25, 0.75, 0.75, -0.25),) * 3,
            "columns": ((0,), (4,)), "column_weights": ((1,), (1,)),
        },
    ),
)  # fmt: skip
