"""A search from its first chunk to its last: on any engine, stopped and taken up again, with one result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from analysis.fronts.search.chunks import COUNTS, POINT, ChunkFront, front_of_chunk, nondominated
from analysis.fronts.search.log import opened_log
from analysis.fronts.search.request import SearchRequest
from costmodel.evaluate.engine import Engine


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The fronts of a search, and how many of its designs each reason kept from them.

    `points` has those of all profiles, by profile and cost; `counts` are by `COUNTS`, each design once
    for each profile.
    """

    points: np.ndarray
    counts: dict[str, int]
    reasons: tuple[str, ...]
    taken_up: int
    """Chunks that were there from before."""


def run_search(
    request: SearchRequest,
    out: Path,
    engine: Engine,
    ended: Callable[[int], None] = lambda chunks: None,
    keep: Callable[[SearchResult], None] = lambda result: None,
) -> SearchResult:
    """Search all chunks that a file in `out` does not have yet, and put their fronts together.

    A chunk is appended to that file as soon as it ends, so that a search that was stopped goes on where it was, and
    ends with the same points; the file is deleted after `keep` had the result. `ended` is called with the number
    of chunks that are there. Raises BnncostError where the search is too large, or another process does it.
    """
    request.check_size()
    with opened_log(request, out) as log:
        taken_up = len(log.done)
        ended(taken_up)
        left = [number for number in range(request.chunks) if number not in log.done]
        for _, front in engine.results(partial(front_of_chunk, request), left):
            log.add(front)
            ended(len(log.done))
        result = _together(request, [log.done[number] for number in range(request.chunks)], taken_up)
        keep(result)
    return result


def _together(request: SearchRequest, fronts: list[ChunkFront], taken_up: int) -> SearchResult:
    points = np.concatenate([np.empty(0, POINT), *(front.points for front in fronts)])
    kept = [
        nondominated(points[points["profile"] == place], request) for place in range(len(request.profiles))
    ]
    first = request.axes[0].column
    ordered = [one[np.argsort(one[first], kind="stable")] for one in kept]
    return SearchResult(
        points=np.concatenate(ordered),
        counts={name: sum(front.counts[name] for front in fronts) for name in COUNTS},
        reasons=tuple(dict.fromkeys(reason for front in fronts for reason in front.reasons))[:3],
        taken_up=taken_up,
    )
