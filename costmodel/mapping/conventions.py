"""What two cost models may do differently on the same machine; see docs/mapping.md for who is right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conventions:
    """How partial sums are charged, and how the array waits for its memories.

    `first_partial_read`: an accumulation begins by reading a partial sum that nobody wrote.
    `partial_to_every_lane`: a partial sum that comes back is written into each lane whose results are summed.
    `final_as_partial`: where outputs are ever exchanged as partial sums, the last write is as wide as those.
    `opportunistic`: a tile that fills at most half of its level is exchanged behind the array's back, another in
    the steps at the end of its use in which it is not needed; otherwise the level's own `double_buffered` says.
    `even_edges`: lanes that idle in a loop's last step count as a fraction of a lane in all its steps; windows of
    such tiles are cut to whole positions, and count in full wherever they lie.
    """

    first_partial_read: bool = False
    partial_to_every_lane: bool = False
    final_as_partial: bool = False
    opportunistic: bool = False
    even_edges: bool = False


OURS = Conventions()
ZIGZAG = Conventions(True, True, True, True, True)
"""ZigZag 3.9.1 (Mei et al., IEEE Trans. Computers 70(8), 2021; latency: Mei et al., DATE 2022)."""
