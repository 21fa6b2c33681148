"""Which joint states there are, which lead where, and which prefixes each needs: the same for layers alike.

Each operand's links get their cuts one after the other, from the lanes outwards. An operand with two links begins with
no cut, `0`, and ends with both, `2`. Sums have two ways there, since what lies outside their first cut may be partial,
`1`, or final, `1*`:

    weights, one link:   0 --> 1        sums, two links:   0 -+-> 1  -+-> 2
                                                              +-> 1* -+

A joint state is a state of every operand. An option leads from one to the next: it gives one operand one more cut, here
the sums to the right, the weights downwards:

    start  0,0 -+-> 0,1  -+-> 0,2
            |   +-> 0,1* -+    |
            v                  v        and down from `0,1` to `1,1`, from `0,1*` to `1,1*`
           1,0 -+-> 1,1  -+-> 1,2  end
                +-> 1,1* -+

Its rank is the number of its cuts: 0 at the start, 1 for `0,1`, `0,1*` and `1,0`, 3 at the end. All of one rank are
solved together, from those of the next. For each state the search keeps the least cost of the rest at every prefix
where its last cut may lie, which makes three kinds of tables:

    . . . . #     wide: every prefix
    . . . . #     narrow: only `#`, where all loops of the reduction lie inside, as they do where sums are final
    o . . . #     lone: only `o`, the empty prefix, where the operands can agree on no other: a register of one weight
                  lets only OY and OX lie inside its cut, one of sums only C, FY and FX; a number will do
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

State = tuple[int, bool]
"""Links that have their cut, and whether the sums outside it are final (False for W and I)."""
Joint = tuple[State, ...]
Edge = tuple[State, State, int]
"""A choice of an operand: from a state to a state, and the kinds of loops that may lie inside its cut, a bit each."""
Option = tuple[int, Joint]
"""The number of a choice among those of all operands, and the joint state that it leads to."""
ALL_LOOPS = 15

WIDE, NARROW, LONE = "wide", "narrow", "lone"

Slots = tuple[tuple[np.ndarray, np.ndarray], ...]
"""Options of the rows of a rank: the n-th entry is the n-th option of each row that has so many.

Rows with more options come first. An option is a choice, by its number, and a row of the next rank.
"""


@dataclass(frozen=True)
class Rank:
    """Joint states with equally many cuts, by kind of table; a state's place in its tuple is its row.

    `wide_slots` lead from wide states to wide ones, `narrow_slots` from narrow states to narrow rows; `crossing_slots`
    lead from wide states to narrow ones, and `crossing` are the wide rows that have any. `copied` are the wide rows
    that narrow states of the rank before lead to, copied behind the narrow ones.
    """

    wide: tuple[Joint, ...]
    narrow: tuple[Joint, ...]
    lone: tuple[Joint, ...]
    copied: np.ndarray
    wide_slots: Slots
    narrow_slots: Slots
    crossing: np.ndarray
    crossing_slots: Slots


@dataclass(frozen=True)
class States:
    """All joint states on a way from the start to the end, with their options.

    `place` is the rank, the kind of table and the row of each; `copies` is the row of a wide state's copy among the
    narrow ones of its rank.
    """

    joints: tuple[Joint, ...]
    after: Mapping[Joint, tuple[Option, ...]]
    place: Mapping[Joint, tuple[int, str, int]]
    copies: Mapping[Joint, int]
    ranks: tuple[Rank, ...]


@lru_cache(maxsize=256)
def states_of(graphs: tuple[tuple[Edge, ...], ...], ends: Joint) -> States:
    """Find the joint states and lay out their tables; no joints where the end is out of reach.

    A cut that can lie at the empty prefix alone is placed before all others: at one prefix their order is free.
    """
    inside = [_inside(edges, end) for edges, end in zip(graphs, ends, strict=True)]
    start: Joint = tuple((0, False) for _ in graphs)
    after = _reached(_options(graphs, inside, ends), start, ends)
    kinds: dict[Joint, str] = {}
    elsewhere: set[Joint] = set()  # led to from other prefixes than the empty one
    for joint in after:
        final = any(flag for _, flag in joint)
        alone = joint not in elsewhere and not _common(joint, inside)
        kinds[joint] = NARROW if final else LONE if alone else WIDE
        if kinds[joint] != LONE:
            elsewhere.update(to for _, to in after[joint])
    return _laid_out(after, kinds)


def _cuts(joint: Joint) -> int:
    return sum(number for number, _ in joint)


def _inside(edges: Sequence[Edge], end: State) -> dict[State, int]:
    """Find the states that lead to the end, with the loops that may lie inside the cut that each leaves with."""
    leave = {end: ALL_LOOPS}
    for before, to, loops in reversed(edges):
        if to in leave:
            leave[before] = leave.get(before, 0) | (loops & leave[to])
    return leave


def _common(joint: Joint, inside: Sequence[Mapping[State, int]]) -> int:
    loops = ALL_LOOPS
    for state, leave in zip(joint, inside, strict=True):
        loops &= leave[state]
    return loops


def _options(
    graphs: Sequence[Sequence[Edge]], inside: Sequence[Mapping[State, int]], ends: Joint
) -> dict[Joint, list[Option]]:
    """List the options of every combination of states that is worth a look, in the order of their cuts."""
    start = (0, False)
    first = [place for place, leave in enumerate(inside) if leave.get(start) == 0]
    onwards: list[dict[State, list[tuple[int, State]]]] = []
    number = 0
    for edges, leave in zip(graphs, inside, strict=True):
        way: dict[State, list[tuple[int, State]]] = {state: [] for state in leave}
        for before, to, _ in edges:
            if before in leave and to in leave:
                way[before].append((number, to))
            number += 1
        onwards.append(way)
    found: dict[Joint, list[Option]] = {}
    for joint in sorted(product(*(sorted(leave) for leave in inside)), key=_cuts):
        waiting = [place for place in first if joint[place] == start]
        if waiting and any(
            joint[place] != start for place in range(len(joint)) if place not in first or place > waiting[0]
        ):
            continue
        places = waiting[:1] or range(len(joint))
        found[joint] = [
            (choice, (*joint[:place], to, *joint[place + 1 :]))
            for place in places
            for choice, to in onwards[place][joint[place]]
            if to[1] or not joint[place][1] or to == ends[place]  # final sums stay final
        ]
    return found


def _reached(
    options: dict[Joint, list[Option]], start: Joint, ends: Joint
) -> dict[Joint, tuple[Option, ...]]:
    """Keep the joint states on some way from the start to the end."""
    live: dict[Joint, tuple[Option, ...]] = {}
    for joint in reversed(options):
        kept = tuple(option for option in options[joint] if option[1] in live)
        if kept or joint == ends:
            live[joint] = kept
    seen = {start} & set(live)
    for joint in reversed(live):
        if joint in seen:
            seen.update(to for _, to in live[joint])
    return {joint: live[joint] for joint in options if joint in seen}


def _laid_out(after: Mapping[Joint, tuple[Option, ...]], kinds: Mapping[Joint, str]) -> States:
    joints = tuple(after)
    rows: dict[tuple[int, str], list[Joint]] = {}
    for joint in after:
        rows.setdefault((_cuts(joint), kinds[joint]), []).append(joint)
    place: dict[Joint, tuple[int, str, int]] = {}
    for (number, kind), some in rows.items():
        some.sort(
            key=lambda joint: (
                -sum(kinds[to] == kinds[joint] or kinds[joint] == NARROW for _, to in after[joint])
            )
        )
        place |= {joint: (number, kind, row) for row, joint in enumerate(some)}
    copies: dict[Joint, int] = {}
    copied: dict[int, list[int]] = {}
    for joint in (joint for joint in after if kinds[joint] == NARROW):
        for _, to in after[joint]:
            if kinds[to] != NARROW and to not in copies:
                number, _, row = place[to]
                copies[to] = len(rows.get((number, NARROW), ())) + len(copied.setdefault(number, []))
                copied[number].append(row)
    ranks = []
    for number in range(_cuts(joints[-1]) + 1 if joints else 0):
        wide, narrow = rows.get((number, WIDE), []), rows.get((number, NARROW), [])
        crossing = [
            row for row, joint in enumerate(wide) if any(kinds[to] == NARROW for _, to in after[joint])
        ]
        ranks.append(
            Rank(
                tuple(wide),
                tuple(narrow),
                tuple(rows.get((number, LONE), [])),
                np.array(copied.get(number, []), dtype=np.intp),
                _slots([[(c, place[to][2]) for c, to in after[j] if kinds[to] == WIDE] for j in wide]),
                _slots([[(c, copies.get(to, place[to][2])) for c, to in after[j]] for j in narrow]),
                np.array(crossing, dtype=np.intp),
                _slots(
                    [
                        [(c, place[to][2]) for c, to in after[wide[row]] if kinds[to] == NARROW]
                        for row in crossing
                    ]
                ),
            )
        )
    return States(joints, after, place, copies, tuple(ranks))


def _slots(options: Sequence[Sequence[tuple[int, int]]]) -> Slots:
    most = max(map(len, options), default=0)
    return tuple(
        (
            np.array([row[slot][0] for row in options if len(row) > slot], dtype=np.intp),
            np.array([row[slot][1] for row in options if len(row) > slot], dtype=np.intp),
        )
        for slot in range(most)
    )
