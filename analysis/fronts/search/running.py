"""A search from its first chunk to its last: on any engine, stopped and taken up again, with one result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from analysis.fronts.search.chunks import COUNTS, POINT, ChunkFront, front_of_chunk, nondominated
from analysis.fronts.search.request import SearchRequest
from costmodel import BnncostError
from costmodel.evaluate.engine import Engine
from costmodel.output import make_folder, parse_json


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
) -> SearchResult:
    """Search all chunks that a file in `out` does not have yet, and put their fronts together.

    A chunk is appended to that file as soon as it ends, so that a search that was stopped goes on where it was, and
    ends with the same points. `ended` is called with the number of chunks that are there. Raises BnncostError
    where the search is too large.
    """
    request.check_size()
    log = make_folder(out) / f".search-{request.digest}.jsonl"
    done = _read(log, request)
    taken_up = len(done)
    ended(taken_up)
    left = [number for number in range(request.chunks) if number not in done]
    for number, front in engine.results(partial(front_of_chunk, request), left):
        done[number] = front
        _append(log, json.dumps(front.to_row()) + "\n")
        ended(len(done))
    result = _together(request, [done[number] for number in range(request.chunks)], taken_up)
    log.unlink(missing_ok=True)
    return result


def _append(log: Path, line: str) -> None:
    try:
        with log.open("a", encoding="utf-8") as stream:
            stream.write(line)
    except OSError as error:
        raise BnncostError(
            f"'{log}' cannot be written: {(error.strerror or str(error)).lower()}; make room, and give the same "
            "command again: it goes on from there."
        ) from None


def _read(log: Path, request: SearchRequest) -> dict[int, ChunkFront]:
    """The chunks in a file; a line that broke off in the middle is taken away, and its chunk is searched again."""
    try:
        whole = log.read_bytes() if log.exists() else b""
    except OSError as error:
        raise BnncostError(f"'{log}' cannot be read: {(error.strerror or str(error)).lower()}.") from None
    end = whole.rfind(b"\n") + 1
    if end < len(whole):
        log.write_bytes(whole[:end])
    done: dict[int, ChunkFront] = {}
    for number, line in enumerate(whole[:end].splitlines(), start=1):
        try:
            front = ChunkFront.from_row(parse_json(line))
        except (ValueError, KeyError, TypeError):
            raise BnncostError(
                f"'{log}', line {number} is damaged; delete the file and search again."
            ) from None
        if 0 <= front.number < request.chunks:
            done[front.number] = front
    return done


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
