"""Results as tidy pandas frames: one row per thing counted, one column per property."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from analysis.fronts.published import RESOURCES
from analysis.methods.marginal import Change, MethodTable
from costmodel import Cost

SIDE_OPERATIONS = ("mul", "add", "compare", "shift", "lookup", "divide")


def cost_frame(found: Cost) -> pd.DataFrame:
    """Every operation and memory row of a cost, with design and profile; `part` says which of the two it is."""
    operations = [{"part": "operation", **asdict(row)} for row in found.operations]
    memory = [{"part": "memory", **asdict(row)} for row in found.memory]
    frame = pd.DataFrame([*operations, *memory])
    frame.insert(0, "design", found.design)
    frame.insert(1, "profile", found.profile)
    return frame


def method_frame(table: MethodTable) -> pd.DataFrame:
    """One row per method: energies of the three views, what it adds alone, and the width that costs the same."""
    plain = table.plain.energy_j
    rows = []
    for row in table.rows:
        resource = next((name for name in RESOURCES if name in row.alone.area), "bit")
        area = row.alone.area
        rows.append(
            {
                "use": row.use,
                "name": row.name,
                "branch": row.branch,
                "category": row.category,
                "emitted_j": row.emitted.energy_j,
                "alone_j": row.alone.energy_j,
                "alone_percent": 100 * row.alone.energy_j / plain,
                "left_out_j": row.left_out.energy_j,
                "left_out_percent": 100 * row.left_out.energy_j / plain,
                "alone_latency_s": row.alone.latency_s,
                "alone_area": area[resource] if resource in area else sum(area.values()),
                "area_unit": resource,
                "equivalent_width": row.equivalent_width,
                **_counts(row.alone),
                "reason": row.reason,
            }
        )
    return pd.DataFrame(rows)


def _counts(change: Change) -> dict[str, int]:
    """Added operations by sort, and MACs in binary and other ones."""
    counts = dict.fromkeys(("mac_binary", "mac_other", *SIDE_OPERATIONS), 0)
    for (operation, precision), count in change.operations.items():
        if operation == "mac":
            operation = "mac_binary" if precision == "1x1" else "mac_other"
        counts[operation] += count
    return counts
