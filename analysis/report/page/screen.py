"""The fronts of a page in words, for a terminal: energy is counts times prices, as the page itself has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.fronts.nondominated import on_front
from analysis.show.units import readable
from analysis.show.words import accuracy_text

Row = tuple[str, str, str, str, str]


def front_rows(data: Mapping[str, Any]) -> Iterator[Row]:
    """Network, profile, its scope, energy of the plain BNN, and the front: of what is published, and of each study."""
    for space in data["spaces"]:
        for profile in data["profiles"]:
            energies = energies_j(space, profile)
            plain = readable(energies[0], "J") if 0 in energies and space["has_plain"] else ""
            for study, points in _apart(space["points"]).items():
                title = ", ".join([space["title"], *([points[0]["evidence"]] if study else [])])
                front = (
                    ", ".join(_front(points, energies))
                    or "none of its designs has a cost here; the page says why"
                )
                yield title, profile["name"], profile["scope"], plain, front


def energies_j(space: Mapping[str, Any], profile: Mapping[str, Any]) -> dict[int, float]:
    """Energy [J] of each design of a space that has a cost on a profile, by its number.

    counts @ energy_per_operation + traffic @ energy_per_bit + control + leakage
    """
    known = profile["operations"]
    prices = [known[name]["price_j"][0] if name in known else np.nan for name in space["operations"]]
    energies = {}
    for number, priced in space["on"][profile["name"]]["priced"].items():
        counts: defaultdict[int, int] = defaultdict(int)
        for *_, operation, count in space["designs"][int(number)]["counts"]:
            counts[operation] += count
        operations_j = sum(prices[operation] * count for operation, count in counts.items())
        memory_j = 0.0
        for level, read, write, *own in priced["levels"]:
            read_j, write_j = own or profile["levels"][level]["price_j"]
            memory_j += read * read_j + write * write_j
        control_j = priced["control_cycles"] * profile["control_j"][0]
        control_j += sum(
            cycles * profile["arrays"][name][0] for name, cycles in priced["array_cycles"].items()
        )
        leakage_j = sum(priced["leakage_w"].values()) * priced["cycles"] / profile["clock_hz"][0]
        energies[int(number)] = float(operations_j + memory_j + control_j + leakage_j)
    return energies


def _apart(points: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    groups: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for point in points:
        groups[point["study"]].append(point)
    return dict(groups)


def _front(points: Sequence[Mapping[str, Any]], energies: Mapping[int, float]) -> list[str]:
    kept = sorted((p for p in points if p["design"] in energies), key=lambda p: energies[p["design"]])
    if not kept:
        return []
    x, top1 = (
        np.array(column) for column in zip(*((energies[p["design"]], p["top1"]) for p in kept), strict=True)
    )
    marks = on_front(x, top1)
    return [f"{p['label']} {accuracy_text(p['top1'])}" for p, mark in zip(kept, marks, strict=True) if mark]
