"""What the benchmark of searches looks at is as large as it says, and its lines say it."""

from __future__ import annotations

import pytest

from benchmarks import search


@pytest.mark.parametrize(
    ("part", "least"), [("million", 10**6), ("million_mapped", 10**6), ("hundred_million", 10**8)]
)
def test_searches_are_as_large_as_their_names(part: str, least: int) -> None:
    space = search.request(part).space
    assert least <= space.designs < 1.5 * least
    # 4 activations x 2^5 methods, 2 operands x 3 features, 76 widths.
    assert space.priced == 128 * 6 * 76


def test_lines_name_goal_and_rate() -> None:
    one = {
        "designs": 10**6,
        "priced": 10**5,
        "wall_s": 4.0,
        "cpu_s": 7.0,
        "workers": 2,
        "peak_memory_mb": 600.0,
    }
    one |= {"designs_per_s": 250_000.0, "priced_per_s": 25_000.0}
    figures = {"million": one, "million_cold": one, "million_mapped": one, "hundred_million": one}
    told = search.lines(figures)
    assert told[-2].startswith("  no cluster is measured")
    assert told[0].startswith("1,000,000 designs searched, traffic compulsory: 4.0 s (goal: 1 s; 7.0 s CPU)")
    assert told[-1].endswith("would take 1.1 h at that rate")
    figures["processes"] = {"chunks": 96, "first_s": 2.0, "rest_s": 4.0, "cpu_s": 8.0}
    figures["local"] = {"chunks": 96, "first_s": 8.0, "rest_s": 5.0, "cpu_s": 10.0}
    assert search.lines(figures)[-2] == (
        "  96 chunks take 1.25 times the CPU on Ray that they take on processes (10.0 s, 8.0 s); the first has ended "
        "after 8.0 s and 2.0 s, the others 5.0 s and 4.0 s later"
    )
