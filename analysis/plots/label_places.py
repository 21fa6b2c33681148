"""Where labels go: beside their points, clear of each other, of the points and of the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel import BnncostError

_DISTANCES = np.array([4.5, 8.0, 13.0, 19.0, 26.0, 35.0, 46.0, 60.0, 76.0, 95.0, 120.0, 150.0, 190.0])
"""Free space between point and label that is tried [pt]."""
_ANGLES = np.deg2rad(np.arange(0, 360, 15))
_GAP = 2.5
"""Free space between two labels [pt]."""
_ROUNDS = 10
_LIKELY = 120
_BLOCKED = 1e6
_ON_POINT, _ON_LINE = 400.0, 250.0
_LEADER_OVER_LABEL, _LEADER_OVER_LEADER, _LEADER_OVER_POINT = 250.0, 100.0, 70.0
"""Penalties, against which the length of a leader line [pt] is weighed."""

_NEARER_TO_ANOTHER = 40.0
"""Penalty of a label that lies nearer to another point than to its own."""

Floats = np.ndarray
Point = tuple[Floats, Floats]
"""Both coordinates of many points."""


LONGEST = 100
"""Characters of a label: the longest name of a published design has half of them."""


def short(label: str, most: int = LONGEST) -> str:
    """A label cut to what a picture has room for.

    >>> short("plain BNN"), len(short("a" * 3000))
    ('plain BNN', 100)
    """
    return label if len(label) <= most else f"{label[: most - 3]}..."


def no_room(title: str) -> BnncostError:
    """Say that the labels of a picture cannot be placed."""
    return BnncostError(
        f"the labels find no room in the picture '{title}'; name fewer designs, or give shorter labels."
    )


@dataclass(frozen=True)
class Room:
    """What is taken before labels come [pt]: the frame, points as boxes, lines as segments.

    `frame` is (x0, y0, x1, y1), as is each row of `boxes`; a row of `segments` is (ax, ay, bx, by).
    """

    frame: tuple[float, float, float, float]
    boxes: Floats
    segments: Floats


def place_labels(anchors: Floats, sizes: Floats, room: Room, weights: Floats | None = None) -> Floats | None:
    """Lower left corners [pt] of labels of these sizes for these points; None where they find no room.

    The heavier a label, the nearer to its point it is to stay. Each in turn takes the best free spot, and
    moves to a better one that the others leave, until none moves; the best of several orders counts.
    """
    weights = np.ones(len(anchors)) if weights is None else weights
    for wide in (False, True):
        chosen = _settled(anchors, sizes, room, weights, wide)
        if chosen is not None:
            return chosen
    return None


def _settled(anchors: Floats, sizes: Floats, room: Room, weights: Floats, wide: bool) -> Floats | None:
    """The best of the placements that several orders lead to, from spots near the points or all over the frame."""
    candidates: Sequence[Floats] = [
        _candidates(one, size, room.frame, wide) for one, size in zip(anchors, sizes, strict=True)
    ]
    if not all(map(len, candidates)):
        return None
    fixed: Sequence[Floats] = [
        weight * _fixed_penalty(corners, anchor, size, room)
        for corners, anchor, size, weight in zip(candidates, anchors, sizes, weights, strict=True)
    ]
    if not wide:
        candidates, fixed = zip(*map(_likely, candidates, fixed), strict=True)
    tries = [_improved(order, candidates, fixed, anchors, sizes) for order in _orders(anchors)]
    chosen, _ = min(tries, key=lambda tried: tried[1])
    return None if _any_overlap(np.column_stack([chosen, chosen + sizes])) else chosen


def _likely(corners: Floats, penalty: Floats) -> tuple[Floats, Floats]:
    """The candidates of the least penalty, nearly always enough to choose from."""
    best = np.argsort(penalty, kind="stable")[:_LIKELY]
    return corners[best], penalty[best]


def _improved(
    order: Floats, candidates: Sequence[Floats], fixed: Sequence[Floats], anchors: Floats, sizes: Floats
) -> tuple[Floats, float]:
    """Corners after all rounds in this order, and their total penalty.

    What a label's candidates pay for another label stays as it is for as long as that one does.
    """
    chosen = np.full((len(anchors), 2), np.nan)
    least = np.zeros(len(anchors))
    known = np.full((len(anchors), *chosen.shape), np.nan)
    paid = [np.zeros((len(corners), len(anchors))) for corners in candidates]
    for _ in range(_ROUNDS):
        before = chosen.copy()
        for index in order:
            moved = ~np.isnan(chosen[:, 0]) & (chosen != known[index]).any(axis=1)
            moved[index] = False
            if moved.any():
                own, theirs = (anchors[index], sizes[index]), (anchors[moved], sizes[moved], chosen[moved])
                paid[index][:, moved] = _penalty_of_others(candidates[index], *own, *theirs)
                known[index][moved] = chosen[moved]
            penalty = fixed[index] + paid[index].sum(axis=1)
            best = np.argmin(penalty)
            chosen[index], least[index] = candidates[index][best], penalty[best]
        if np.array_equal(before, chosen):
            break
    return chosen, float(least.sum())


def leader_end(anchor: Floats, corner: Floats, size: Floats) -> Floats:
    """The point of a label's box that is nearest to its anchor, where the leader line ends."""
    return np.clip(anchor, corner, corner + size)


def _orders(anchors: Floats) -> tuple[Floats, ...]:
    """Orders of the points: those with the nearest neighbours first, from the top down, from the bottom up."""
    distance = np.hypot(*(anchors[:, None] - anchors[None]).transpose(2, 0, 1))
    crowded = np.argsort(np.sort(distance, axis=1)[:, : min(6, len(anchors))].sum(axis=1), kind="stable")
    upward = np.argsort(anchors[:, 1], kind="stable")
    return crowded, upward[::-1], upward


def _candidates(anchor: Floats, size: Floats, frame: tuple[float, float, float, float], wide: bool) -> Floats:
    """Corners in rings round the point and, if `wide`, on a coarse grid over the frame; all inside it."""
    radius, angle = (part.ravel() for part in np.meshgrid(_DISTANCES, _ANGLES, indexing="ij"))
    round_shape = np.column_stack([np.cos(angle), np.sin(angle)])
    direction = round_shape / np.abs(round_shape).max(
        axis=1, keepdims=True
    )  # rings are boxes: as far everywhere
    rings = anchor + direction * (size / 2 + radius[:, None]) - size / 2
    corners = rings
    if wide:
        across = np.arange(frame[0], frame[2] - size[0], 14.0)
        upward = np.arange(frame[1], frame[3] - size[1], size[1] + 2 * _GAP)
        corners = np.concatenate([rings, np.stack(np.meshgrid(across, upward), axis=-1).reshape(-1, 2)])
    inside = (corners >= frame[:2]).all(axis=1) & (corners + size <= frame[2:]).all(axis=1)
    return corners[inside]


def _fixed_penalty(corners: Floats, anchor: Floats, size: Floats, room: Room) -> Floats:
    """Penalty of distance, of lying on points and lines, and of a leader over points."""
    boxes = np.column_stack([corners, corners + size])
    ends = np.clip(anchor, corners, corners + size)
    reach = np.hypot(*(ends - anchor).T)
    upright = np.abs(corners[:, 1] + size[1] / 2 - anchor[1])
    penalty = reach + 0.06 * reach**1.5 + 0.15 * upright + 2.0 * (corners[:, 0] + size[0] < anchor[0])
    penalty += _ON_POINT * _overlap(boxes, room.boxes).sum(axis=1)
    leaders = np.column_stack([np.broadcast_to(anchor, ends.shape), ends])
    others = room.boxes[~_contains(room.boxes, anchor)]
    penalty += _LEADER_OVER_POINT * _segments_cross_boxes(leaders, others).sum(axis=1)
    penalty += _NEARER_TO_ANOTHER * (_nearest(boxes, others) < reach + _GAP)
    return penalty + _ON_LINE * _segments_cross_boxes(room.segments, boxes).sum(axis=0)


def _penalty_of_others(
    corners: Floats, anchor: Floats, size: Floats, anchors: Floats, sizes: Floats, chosen: Floats
) -> Floats:
    """Penalty (corners, others) of what placed labels do with one's candidates; an overlap is as good as barred."""
    own = np.column_stack([corners, corners + size])
    ends = np.clip(anchor, corners, corners + size)
    leaders = np.column_stack([np.broadcast_to(anchor, ends.shape), ends])
    boxes = np.column_stack([chosen, chosen + sizes])
    their_leaders = np.column_stack([anchors, np.clip(anchors, chosen, chosen + sizes)])
    penalty = _BLOCKED * _overlap(own, boxes, _GAP)
    penalty += _LEADER_OVER_LABEL * _segments_cross_boxes(leaders, boxes)
    penalty += _LEADER_OVER_LABEL * _segments_cross_boxes(their_leaders, own).T
    return np.asarray(penalty + _LEADER_OVER_LEADER * _segments_cross(leaders, their_leaders))


def _overlap(ours: Floats, theirs: Floats, gap: float = 0.0) -> Floats:
    """Which boxes overlap, or come nearer than `gap`: (ours, theirs)."""
    apart = (
        (ours[:, None, 0] >= theirs[None, :, 2] + gap)
        | (ours[:, None, 2] + gap <= theirs[None, :, 0])
        | (ours[:, None, 1] >= theirs[None, :, 3] + gap)
        | (ours[:, None, 3] + gap <= theirs[None, :, 1])
    )
    return np.asarray(~apart)


def _any_overlap(boxes: Floats) -> bool:
    return bool(np.triu(_overlap(boxes, boxes), k=1).any())


def _nearest(boxes: Floats, points: Floats) -> Floats:
    """Distance [pt] from each box to the middle of the nearest point, infinite where there is none."""
    middle = (points[None, :, :2] + points[None, :, 2:]) / 2
    gap = np.maximum(np.maximum(boxes[:, None, :2] - middle, middle - boxes[:, None, 2:]), 0)
    return np.asarray(np.hypot(gap[..., 0], gap[..., 1]).min(axis=1, initial=np.inf))


def _contains(boxes: Floats, point: Floats) -> Floats:
    return np.asarray((boxes[:, :2] <= point).all(axis=1) & (boxes[:, 2:] >= point).all(axis=1))


def _segments_cross_boxes(segments: Floats, boxes: Floats) -> Floats:
    """Which segments pass through which boxes (slab method): (segments, boxes)."""
    (x_enter, x_leave), (y_enter, y_leave) = (_within_slab(segments, boxes, axis) for axis in (0, 1))
    enter, leave = np.maximum(x_enter, y_enter), np.minimum(x_leave, y_leave)
    return np.asarray((enter < leave) & (leave > 1e-6) & (enter < 1 - 1e-6))


def _within_slab(segments: Floats, boxes: Floats, axis: int) -> tuple[Floats, Floats]:
    """Where along segments the sides of boxes on one axis are passed, the first and the last: (segments, boxes)."""
    start, step = segments[:, None, axis], segments[:, None, axis + 2] - segments[:, None, axis]
    safe = np.where(np.abs(step) < 1e-9, 1e-9, step)
    low, high = (boxes[None, :, axis] - start) / safe, (boxes[None, :, axis + 2] - start) / safe
    return np.minimum(low, high), np.maximum(low, high)


def _segments_cross(ours: Floats, theirs: Floats) -> Floats:
    """Which segments cross which: (ours, theirs)."""

    def side(origin: Point, end: Point, point: Point) -> Floats:
        (x0, y0), (x1, y1), (x, y) = origin, end, point
        return np.sign((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0))

    ax, ay, bx, by = ours.T[:, :, None]
    cx, cy, dx, dy = theirs.T[:, None, :]
    a, b, c, d = (ax, ay), (bx, by), (cx, cy), (dx, dy)
    return np.asarray((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0))
