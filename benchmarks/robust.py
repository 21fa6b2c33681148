"""How long it takes to try a front: 2,000 draws of 100 designs, apart from what one draw needs too."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from analysis.fronts.robust import Candidate, robustness
from analysis.show.classes import DesignClass
from costmodel import DesignKey
from costmodel.demand.arrays import joined
from costmodel.evaluate.cost import prepared
from costmodel.evaluate.uncertain import uncertain_energies
from costmodel.hardware import load_profile
from costmodel.pricing.price import price

DESIGNS, DRAWS = 100, 2000
GOAL_S = 2.0


def measure() -> dict[str, Any]:
    """Try 100 widths of ResNet-20."""
    widths = np.linspace(0.5, 2.5, DESIGNS).round(4)
    keys = [DesignKey.parse(f"resnet20@w{width}") for width in widths.tolist()]
    candidates = [
        Candidate(str(key), key, DesignClass.BINARY, 80.0 + 4.0 * float(width), 0.4)
        for key, width in zip(keys, widths, strict=True)
    ]
    demand = joined([prepared(key).demand for key in keys])
    points = price(demand, load_profile("asic-45nm"))
    started = time.perf_counter()
    model = uncertain_energies(demand, points)
    found = time.perf_counter()
    robustness(candidates, model, draws=DRAWS)
    return {"model_s": found - started, "draws_s": time.perf_counter() - found}


def lines(figures: dict[str, Any]) -> list[str]:
    """What a person wants to see, with the goal beside it."""
    return [
        f"bnncost robust: {DRAWS:,} draws of {DESIGNS} designs in {figures['draws_s']:.2f} s (goal: {GOAL_S} s); how "
        f"their energies follow every figure is found before, in {figures['model_s']:.2f} s"
    ]
