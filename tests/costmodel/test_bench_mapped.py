"""The benchmarks of mapped traffic measure what they say: the layers, the points, and what grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import mapped, mapping_growth
from benchmarks.mapping_growth import composed, deep
from benchmarks.mapping_growth_points import Point, slope, slopes
from benchmarks.tpu_like import resnet18, tpu_like
from costmodel.hardware import load_profile, shipped_profiles
from costmodel.mapping import best_mapping
from costmodel.mapping.cache import opened


@pytest.fixture(autouse=True)
def an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BNNCOST_CACHE", str(tmp_path / "cache"))
    opened.cache_clear()
    yield
    opened.cache_clear()


def test_the_layers_are_searched_once_each() -> None:
    """conv1; of each stage the 3x3; of the last three the strided 3x3 and the 1x1; the classifier: 1 + 4 + 6 + 1."""
    found = mapped.layers(rounds=1)
    assert (found["layers"], found["searched"]) == (21, 12)
    assert found["cold"]["cpu_s"] > found["from_file"]["cpu_s"] > found["from_memory"]["cpu_s"]


def test_the_sweep_takes_every_chip_that_is_no_processor() -> None:
    chips = {name for name in shipped_profiles() if load_profile(name).processor is None}
    assert set(mapped.PROFILES) == chips
    assert len(mapped.PROFILES) == 7


def test_a_sweep_from_the_file_needs_the_same_mappings_and_searches_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cold = mapped.swept(sets=1, widths=1)
    opened.cache_clear()
    monkeypatch.setattr("costmodel.mapping.cache.best_mapping", None)  # a search would fail
    warm = mapped.swept(sets=1, widths=1)
    assert cold["points"] == warm["points"] == cold["points_that_fit"] == 7
    assert cold["mappings"] == warm["mappings"] >= 7 * 10


@pytest.mark.parametrize("factors", [4, 9, 14])
def test_a_composed_layer_has_so_many_prime_factors(factors: int) -> None:
    found = best_mapping(composed(factors), tpu_like(2**60))
    assert len(found.mapping.order) == factors
    assert found.exact


def test_levels_are_as_many_as_said_and_tiles_compete_only_where_said() -> None:
    layer = resnet18()["/layer2/layer2.0/conv2/Conv"]
    loose, tight = best_mapping(layer, deep(2, False)), best_mapping(layer, deep(2, True))
    assert len(loose.machine.levels) == len(tight.machine.levels) == 4
    assert tight.energy_j > loose.energy_j


def test_slopes_are_exponents_and_leave_out_searches_that_are_too_short(tmp_path: Path) -> None:
    assert slope([1, 2, 4], [3, 12, 48]) == pytest.approx(2)
    flat = [Point(4, 10, 1e-3), Point(6, 100, 1e-3)]
    steady = [Point(n, sets, 1e-6 * sets) for n, sets in ((12, 6000), (14, 60_000))]
    others = [Point(n, n, 1e-3 * n**3) for n in (2, 4, 8)]
    series = {
        "factors": [*flat, *steady],
        "levels": others,
        "levels that tiles compete for": others,
        "layers": steady,
    }
    found = slopes(series)
    assert found["sets"] == pytest.approx(1)
    assert found["levels"] == pytest.approx(3)
    told = "\n".join(mapping_growth.lines(mapping_growth.figures(series)))
    assert "4: 1 ms, 6: 1 ms, 12: 6 ms, 14: 60 ms" in told
    drawn = mapping_growth.draw(series, tmp_path / "new" / "growth")
    assert [path.name for path in drawn] == ["growth.png", "growth.svg"]
    assert "slope 1.00" in drawn[1].read_text(encoding="utf-8")


def test_the_lines_say_each_figure_beside_its_goal() -> None:
    times = {"wall_s": 0.0435, "cpu_s": 0.05}
    one = {
        "points": 7168,
        "points_per_s": 1024.0,
        "mappings": 10285,
        "peak_memory_mb": 250.4,
        "wall_s": 7.0,
        "cpu_s": 6.5,
    }
    part = {"design": "d", "profile": "p", "searched": 12, "first": times, "again": times}
    names = ("cold", "cold_each_layer", "from_file", "from_memory")
    told = mapped.lines(
        {
            "layers": {"layers": 21, "searched": 12} | dict.fromkeys(names, times),
            "design": {"cold": part, "from_file": part},
            "sweep": {"cold": one, "from_file": one},
        }
    )
    assert "mapped in 43.5 ms (50 ms CPU) (goal: 100 ms)" in told[0]
    assert "goal: 0.68 ms" in told[1]
    assert (
        "7,168 design points" in told[3] and "7.0 s (6.5 s CPU), 1,024 a second; 10,285 distinct" in told[3]
    )
