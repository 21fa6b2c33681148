"""Products of two maps, norms of each sample, curves and resizing, as cases for the judge of count rules."""

from __future__ import annotations

from operation_case import SIZE, C, Case, H, W, macs

FILTERS = 5
UP = {"stride": 2, "padding": (0, 0, 0, 0), "groups": 1}
TOKENS = (("h", C), ("d", 4), ("t", H), ("s", W))
SCORES = {"factors": TOKENS, "left": ("hd", "t", ""), "right": ("hd", "s", ""), "made": ("h", "t", "s")}
MIX = {"factors": TOKENS, "left": ("h", "t", "s"), "right": ("hd", "s", ""), "made": ("hd", "t", "")}
GROUP = C * W
"""Elements over which a test's norm of each row goes; there are H groups."""
LOCAL = {"channels": 3, "alpha": 0.5, "beta": 0.75, "bias": 2}
ROWS, COLUMNS = (0, 0, 1, 2, 3, 3, 3), (0, 2, 4)
CUBIC = {
    "rows": ((0, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 3)), "row_weights": ((-0.25, 0.75, 0.75, -0.25),) * 3,
    "columns": ((0, 1, 2, 3), (2, 3, 4, 5)), "column_weights": ((-0.25, 0.5, 0.5, 0.25), (0.5, 0.5, 0.25, -0.25)),
}  # fmt: skip
BILINEAR = {
    "rows": (0, 1, 2),
    "row_shares": (0.5, 0.25, 0.5),
    "columns": (0, 0, 1, 4),
    "column_shares": (0, 0.5, 0.5, 0.5),
}


PRODUCTS = (
    # products: n MACs for each output, of two maps too; a transposed one spreads each element over its outputs
    Case("matrix_product", ((4 * C, H, 1), (4 * C, W, 1)), (C, H, W), attributes=SCORES, convention=macs(SIZE, 4)),
    Case("matrix_product", ((C, H, W), (4 * C, W, 1)), (4 * C, H, 1), attributes=MIX, convention=macs(4 * C * H, W)),
    Case(
        "transposed_conv", output=(FILTERS, 9, 13), params=(("OIKK", (FILTERS, C, 3, 3)),), attributes=UP,
        convention=({"mul": SIZE * 9 * FILTERS, "add": SIZE * 9 * FILTERS}, {"mac": SIZE * 9 * FILTERS}),
    ),
    Case(
        "transposed_conv", ((4, H, W),), (6, 8, 12), (("OIKK", (6, 2, 2, 2)),), {**UP, "groups": 2},
        convention=({"mul": 6 * H * W * 8, "add": 6 * H * W * 8}, {"mac": 6 * H * W * 8}),
    ),
    Case("axis_sum", output=(C, 1, W), attributes={"over": "H"}),
    Case("axis_maximum", output=(1, H, 1), attributes={"over": "CW"}),
    Case(
        "softmax", attributes={"over": "W"},
        convention=(
            {"compare": C * H * (W - 1), "add": C * H * (2 * W - 1), "exp": SIZE, "divide": C * H, "mul": SIZE},
            {"compare": C * H * (W - 1), "add": C * H * (2 * W - 1), "lookup": SIZE, "divide": C * H, "mul": SIZE},
        ),
    ),
    Case(
        "layer_norm", attributes={"over": "CW", "epsilon": 1e-6},
        convention=(
            {"add": H * (3 * GROUP - 1), "mul": H * (2 * GROUP + 2), "root": H, "divide": H},
            {"add": H * (3 * GROUP - 1), "mul": H * (2 * GROUP + 2), "lookup": H},
        ),
    ),
    Case(
        "local_response_norm", ((5, H, W),), (5, H, W), attributes=LOCAL,
        convention=(
            {"add": (1 + 2 + 2 + 2 + 1 + 5) * H * W, "mul": 15 * H * W, "power": 5 * H * W},
            {"add": (1 + 2 + 2 + 2 + 1 + 5) * H * W, "mul": 15 * H * W, "lookup": 5 * H * W},
        ),
    ),
    Case("top", output=(C, 2, W), attributes={"over": "H", "kept": 2, "numbers": False}),
    Case("top", output=(1, H, W), attributes={"over": "C", "kept": 1, "numbers": True}),
    Case("table", attributes={"function": "exp"}, convention=({"exp": SIZE}, {"lookup": SIZE})),
    Case("multi_threshold", params=(("CT", (C, 15)),), attributes={"low": -8}),
    Case("multi_threshold", params=(("CT", (1, 4)),), attributes={"low": 0}),
    Case("interpolate", output=(C, 3, 4), attributes=BILINEAR),
    Case("interpolate", output=(C, 3, 4), attributes={**BILINEAR, "row_shares": (0, 0, 0)}),
    Case("weigh_neighbours", output=(C, 3, 2), attributes=CUBIC),
    Case(
        "weigh_neighbours", output=(C, H, 2),
        attributes={**CUBIC, "rows": ((0,), (1,), (2,), (3,)), "row_weights": ((1,),) * H},
    ),
)  # fmt: skip

ARRANGED = (
    Case("repeat_positions", output=(C, 7, 3), attributes={"rows": ROWS, "columns": COLUMNS}),
    Case(
        "rearrange",
        ((8, H, W),),
        (2, 2 * H, 2 * W),
        attributes={
            "factors": (("c", 2), ("a", 2), ("b", 2), ("h", H), ("w", W)),
            "read": ("cab", "h", "w"),
            "made": ("c", "ha", "wb"),
        },
    ),
)
