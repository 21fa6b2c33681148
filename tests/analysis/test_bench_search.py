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
    told = search.lines({"million": one, "million_cold": one, "million_mapped": one, "hundred_million": one})
    assert told[0].startswith("1,000,000 designs searched, traffic compulsory: 4.0 s (goal: 1 s; 7.0 s CPU)")
    assert told[-1].endswith("would take 1.1 h at that rate")
