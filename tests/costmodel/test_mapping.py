"""Mappings by hand: costs, orders, unrollings, merged factors, the nest as text, and every mistake."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tpu_like import conv, tpu_like

from costmodel.errors import BnncostError
from costmodel.mapping import (
    ZIGZAG,
    Architecture,
    Array,
    Level,
    LoopNest,
    Port,
    Temporal,
    best_mapping,
    cost_of,
    nest_text,
)
from costmodel.mapping.architecture import DIRECTIONS, Unrolling
from costmodel.mapping.nest import OPERANDS
from costmodel.mapping.search.lattice import factored, primes, spread_loops

EVERY = frozenset((operand, direction) for operand in OPERANDS for direction in DIRECTIONS)
TOY = LoopNest("toy", K=2, C=2, OX=2, weight_bits=1, feature_bits=1, partial_bits=4, output_bits=1)


def home(width: int = 100, axes: tuple[str, ...] = ()) -> Level:
    return Level("home", 10_000, ("weights", "features", "sums"), axes, 1.0, 2.0, (Port("rw", width, EVERY),))


def machine(*inner: Level, unrolling: Unrolling = (), axes: dict[str, int] | None = None) -> Architecture:
    axes = axes or {}
    return Architecture("chip", Array(axes, (unrolling,)), (*inner, home(axes=tuple(axes))), 0.5)


def buffer(size: int, operand: str, double: bool = False) -> Level:
    uses = frozenset(use for use in EVERY if use[0] == operand)
    return Level("buffer", size, (operand,), (), 0.1, 0.2, (Port("rw", 100, uses),), 1, double)


# ------------------------------------------------------------------ by hand


def test_one_memory_by_hand() -> None:
    """8 MACs of 0.5 J. Each of 4 outputs is written twice, first 4 bits, then 1, and read back once: 2 x 20 + 16.

    With OX or K innermost, weights or features are read 4 times, the others 8 times, a bit each; with C both 8.
    """
    found = best_mapping(TOY, machine())
    assert found.mac_energy_j == 4.0
    assert found.energy_j == pytest.approx(4 + 40 + 16 + 4 + 8)
    assert found.mapping.order[0][0] in ("OX", "K")
    worse = Temporal((), (("C", 2), ("OX", 2), ("K", 2)), {"weights": (0,), "features": (0,), "sums": (0,)})
    assert cost_of(TOY, machine(), worse).energy_j == pytest.approx(4 + 40 + 16 + 8 + 8)


def test_sums_that_stay_inside_until_they_are_final() -> None:
    """A buffer of one sum (4 bits): home sees 4 final bits, the buffer 8 writes, 4 reads back and 4 on the way out.

    C runs inside, so weights and features change in each of 8 steps.
    """
    found = best_mapping(TOY, machine(buffer(4, "sums")))
    inside = 0.2 * (4 * 4 + 4 * 1) + 0.1 * (4 * 4) + 0.1 * (4 * 1)
    assert found.energy_j == pytest.approx(4 + inside + 2.0 * 4 + 8 + 8)
    rows = {(row.level, row.direction): row.bits for row in found.moved if row.operand == "sums"}
    assert rows == {
        ("buffer", "collect"): 20,
        ("buffer", "feed"): 16,
        ("buffer", "drain"): 4,
        ("home", "collect"): 4,
    }


def test_a_level_of_final_values_holds_more_of_them_than_of_sums() -> None:
    """Both outputs of one position fit as final values of 1 bit in 2 bits, but not as sums of 4."""
    middle = replace(buffer(2, "sums"), name="middle")
    found = best_mapping(TOY, machine(buffer(4, "sums"), middle))
    assert ("middle", "collect") in {(row.level, row.direction) for row in found.moved}
    with pytest.raises(BnncostError, match=r"level 'middle' of chip lacks 6 bits"):
        mapping = Temporal(
            (), (("K", 2), ("OX", 2), ("C", 2)), {"weights": (0,), "features": (0,), "sums": (0, 0, 1)}
        )
        cost_of(TOY, machine(buffer(4, "sums"), middle), mapping)


def test_where_sums_arrive_there_is_room_for_what_they_become() -> None:
    """An output of 3 bits is made of sums of 1 bit; the last of them arrives in the second buffer as 3 bits."""
    wide = replace(TOY, partial_bits=1, output_bits=3)
    roomy, short = (
        machine(buffer(3, "sums"), replace(buffer(room, "sums"), name="middle")) for room in (3, 2)
    )
    found = best_mapping(wide, roomy)
    assert cost_of(wide, roomy, found.mapping).energy_j == found.energy_j
    with pytest.raises(BnncostError, match=r"level 'middle' lacks 1 bits"):
        best_mapping(wide, short)


def test_lanes_share_what_they_read_and_sum_what_they_write() -> None:
    """C on two lanes below one memory: one output leaves both, final at once; each lane reads weights and features."""
    chip = machine(unrolling=(("D1", (("C", 2),)),), axes={"D1": 2})
    found = best_mapping(TOY, chip)
    assert found.latency.steps == 4
    assert found.energy_j == pytest.approx(4 + 2.0 * 4 + 4 + 8)


def test_idle_lanes_at_the_edge_read_nothing() -> None:
    """Five weights on two lanes take three steps; the second lane rests in the last."""
    layer = LoopNest("edge", K=5, weight_bits=8)
    found = best_mapping(layer, machine(unrolling=(("D1", (("K", 2),)),), axes={"D1": 2}))
    assert found.latency.steps == 3
    assert sum(row.bits for row in found.moved if row.operand == "weights") == 40


def test_features_on_the_border_are_read_as_far_as_they_exist() -> None:
    """3 taps on 4 positions, 1 zero on each side: 12 MACs, of which 10 read the map; the whole map has 4 elements."""
    layer = LoopNest("row", OX=4, FX=3, padding=(0, 1), feature_bits=1)
    found = best_mapping(layer, machine())
    assert sum(row.bits for row in found.moved if row.operand == "features") == 10
    assert layer.elements("features") == 4


def test_a_strided_window_leaves_holes() -> None:
    assert LoopNest("s2", OX=4, FX=1, stride=(1, 2)).elements("features") == 4
    assert LoopNest("s2", OX=4, FX=3, stride=(1, 2)).elements("features") == 9


def test_several_loops_on_one_axis_and_a_factor_that_shrinks() -> None:
    layer = LoopNest("many", K=3, OX=10)
    unrolling = (("D1", (("K", 4), ("OX", 4))), ("D2", (("OX", 8),)))
    found = spread_loops(layer, unrolling)
    assert (found["K"].width, found["K"].steps) == (3, 1)
    assert (found["OX"].lanes, found["OX"].steps) == ((("D1", 4), ("D2", 3)), 1)


def test_the_best_unrolling_is_chosen() -> None:
    axes = {"D1": 4}
    array = Array(axes, ((("D1", (("K", 4),)),), (("D1", (("OX", 2), ("OY", 2))),)))
    chip = Architecture("chip", array, (home(axes=("D1",)),), 0.0)
    assert best_mapping(LoopNest("k", K=8), chip, "latency").mapping.unrolling == array.unrollings[0]
    assert best_mapping(LoopNest("o", OX=4, OY=4), chip, "latency").mapping.unrolling == array.unrollings[1]


def test_latency_by_hand() -> None:
    """A buffer of one weight, filled from a 1-bit port; 4 weights of 8 bits, each used twice in a row.

    Each exchange takes 8 cycles, 1 of them hidden: 3 exchanges stall 7 each, the first takes 8 before the start.
    """
    layer = LoopNest("slow", K=4, OX=2, weight_bits=8, feature_bits=1, partial_bits=1, output_bits=1)
    slow = Port("w", 1, frozenset({("weights", "feed")}))
    rest = Port("rw", 1000, frozenset(EVERY - {("weights", "feed")}))
    outer = replace(home(), ports=(slow, rest))
    chip = Architecture("chip", Array({}, ((),)), (buffer(8, "weights"), outer))
    found = best_mapping(layer, chip, "latency")
    assert found.latency.steps == 8
    assert (found.latency.stall_cycles, found.latency.start_cycles) == (21, 8)
    hidden = Architecture("chip", Array({}, ((),)), (buffer(16, "weights", double=True), outer))
    found = best_mapping(layer, hidden, "latency")
    assert found.latency.stall_cycles == 3 * (8 - 2)  # each weight is in use for two cycles


def test_double_buffering_takes_twice_the_room_unless_the_tile_stays() -> None:
    layer = LoopNest("two", K=2, OX=2, weight_bits=8)
    for size, fits in ((16, True), (15, False)):
        chip = machine(buffer(size, "weights", double=True))
        whole = Temporal((), (("K", 2), ("OX", 2)), {"weights": (0, 1), "features": (0,), "sums": (0,)})
        if fits:
            assert cost_of(layer, chip, whole).cycles > 0
        else:
            with pytest.raises(BnncostError, match="lacks 1 bits"):
                cost_of(layer, chip, whole)
    one = Temporal((), (("OX", 2), ("K", 2)), {"weights": (0, 1), "features": (0,), "sums": (0,)})
    with pytest.raises(BnncostError, match="lacks 1 bits: the tiles take 16"):
        cost_of(layer, machine(buffer(15, "weights", double=True)), one)


# ------------------------------------------------------------------ factors and text


def test_primes_and_merging() -> None:
    assert primes(1) == () and primes(97) == (97,) and primes(360) == (2, 2, 2, 3, 3, 5)
    spreads = spread_loops(LoopNest("f", K=16, C=6), ())
    assert factored(spreads, 24, 10**6)[1] == 0
    factors, merged = factored(spreads, 4, 10**6)
    assert (factors["K"], factors["C"], merged) == ([4, 4], [2, 3], 2)
    assert factored(spreads, 1, 10**6)[0]["K"] == [16]  # a loop is never split off or lost


def test_a_merged_search_says_so_and_is_never_better() -> None:
    layer, chip = conv("l", 128, 128, 28, 3, 1), tpu_like()
    whole, merged = best_mapping(layer, chip), best_mapping(layer, chip, most_factors=7)
    assert whole.exact and whole.merged == 0 and "merged" not in whole.note
    assert not merged.exact and merged.merged == 5 and "merged 5 times" in merged.note
    assert merged.energy_j >= whole.energy_j
    few = best_mapping(layer, chip, most_prefixes=300)
    assert not few.exact and few.prefixes <= 300


def test_the_nest_as_text() -> None:
    text = nest_text(best_mapping(conv("stem", 64, 3, 112, 7, 2), tpu_like()))
    assert text.splitlines()[0].startswith("stem on tpu_like: least energy over all orders")
    assert "weights in rf_128B" in text and "partial sums in sram_2MB" in text
    assert "parallel for k in 32  # along D1" in text and "mac  # on " in text.splitlines()[-1]


def test_a_found_mapping_costs_the_same_when_given() -> None:
    for goal in ("energy", "latency", "product"):
        found = best_mapping(conv("l4", 512, 512, 7, 3, 1), tpu_like(), goal)
        given = cost_of(found.layer, found.machine, found.mapping)
        assert (given.energy_j, given.cycles) == pytest.approx((found.energy_j, found.cycles), rel=1e-12)
        assert "nothing was searched" in given.note


def test_goals_pull_apart() -> None:
    layer = conv("l4", 512, 512, 7, 3, 1)
    found = {goal: best_mapping(layer, tpu_like(), goal) for goal in ("energy", "latency", "product")}
    assert found["latency"].cycles < found["energy"].cycles
    assert found["energy"].energy_j < found["latency"].energy_j
    product = {goal: x.energy_j * x.cycles for goal, x in found.items()}
    assert product["product"] <= min(product.values())


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"K": 0}, "layer 'l': K is 0; it must be a whole number from 1 on"),
        ({"weight_bits": 0}, "weight_bits is 0"),
        ({"stride": (0, 1)}, "stride is 0"),
        ({"padding": (-1, 0)}, "must not be negative"),
        ({"padding": (3, 0)}, "leaves no map"),
    ],
)
def test_impossible_layers(layer: dict[str, int], message: str) -> None:
    with pytest.raises(BnncostError, match=message):
        LoopNest("l", **layer)  # type: ignore[arg-type]


def test_a_level_too_small_for_one_tile_names_layer_level_and_bits() -> None:
    sixteen = replace(conv("l", 32, 32, 7, 3, 1), partial_bits=32, output_bits=32)
    with pytest.raises(BnncostError, match=r"layer 'l' does not fit tpu_like: level 'rf_2B' lacks 16 bits"):
        best_mapping(sixteen, tpu_like())


def test_a_shared_level_too_small_for_all_its_tiles() -> None:
    with pytest.raises(
        BnncostError,
        match=r"level 'sram_2MB' lacks \d+ bits; it has 300.*256 bits of features, 256 bits of sums",
    ):
        best_mapping(conv("l", 32, 32, 7, 3, 1), tpu_like(sram_bits=300))


def test_a_home_too_small_for_the_layer() -> None:
    small = replace(home(), size_bits=10)
    least = "4 bits of weights, 4 bits of features, 16 bits of sums"
    with pytest.raises(BnncostError, match=rf"level 'home' lacks 14 bits; it has 10, .* {least}"):
        best_mapping(TOY, Architecture("chip", Array({}, ((),)), (small,)))


def test_sums_that_would_fit_only_as_final_values_fit_no_mapping() -> None:
    """One output of 1 bit fits, but with C in time its sums of 4 bits do not, in any order."""
    with pytest.raises(BnncostError, match=r"layer 'toy'.*'buffer'.*lacks 3 bits"):
        best_mapping(TOY, machine(buffer(1, "sums")))


def test_a_gap_in_the_hierarchy() -> None:
    with pytest.raises(BnncostError, match="no level holds features: the hierarchy has a gap"):
        Architecture("chip", Array({}, ((),)), (replace(home(), operands=("weights", "sums")),))


def test_zero_bandwidth() -> None:
    with pytest.raises(BnncostError, match="level 'home': port 'rw' moves 0 bits a cycle"):
        Architecture("chip", Array({}, ((),)), (home(width=0),))
    uses = frozenset(EVERY - {("sums", "feed")})
    with pytest.raises(BnncostError, match="holds sums but no port can feed them, so its bandwidth is zero"):
        Architecture("chip", Array({}, ((),)), (replace(home(), ports=(Port("rw", 8, uses),)),))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operands": ("weights", "features", "sums", "X")}, "unknown operand 'X'"),
        ({"serves": ("D9",)}, "unknown array axis 'D9'"),
        ({"size_bits": 0}, "size_bits is 0"),
        ({"read_energy_j": -1.0}, "an energy is negative"),
        ({"read_energy_j": float("nan")}, "an energy is negative or no number"),
        ({"ports": (Port("rw", 8, EVERY | {("weights", "fly")}),)}, "unknown direction 'fly'"),
        ({"serves": ()}, "is the home of weights but does not serve axis D1"),
    ],
)
def test_impossible_levels(change: dict[str, object], message: str) -> None:
    level = replace(home(axes=("D1",)), **change)  # type: ignore[arg-type]
    with pytest.raises(BnncostError, match=message):
        Architecture("chip", Array({"D1": 2}, ((),)), (level,))


@pytest.mark.parametrize(
    ("axes", "unrolling", "message"),
    [
        ({"D1": 2}, (("D2", (("K", 2),)),), "unknown array axis 'D2'"),
        ({"D1": 2}, (("D1", (("Q", 2),)),), "unknown loop 'Q'"),
        ({"D1": 2}, (("D1", (("K", 2), ("C", 2))),), "has 2 lanes, but 4 are unrolled"),
        ({"D1": 2}, (("D1", (("K", 0),)),), "unrolls K by 0"),
        ({"D1": 0}, (), "it needs at least 1"),
    ],
)
def test_impossible_arrays(axes: dict[str, int], unrolling: Unrolling, message: str) -> None:
    with pytest.raises(BnncostError, match=message):
        Architecture("chip", Array(axes, (unrolling,)), (home(axes=tuple(axes)),))


def test_levels_that_do_not_nest() -> None:
    inner = replace(buffer(99, "weights"), serves=("D1",))
    middle = replace(buffer(99, "weights"), name="middle", serves=("D2",))
    with pytest.raises(
        BnncostError, match="'middle' lies outside 'buffer' for weights but does not serve axis D1"
    ):
        machine(inner, middle, axes={"D1": 2, "D2": 2})


@pytest.mark.parametrize(
    ("order", "cuts", "message"),
    [
        ((("K", 2), ("C", 2)), (0,), "steps 1 times along OX; it needs 2"),
        ((("K", 2), ("C", 2), ("OX", 2), ("Z", 2)), (0,), "unknown loop 'Z'"),
        ((("K", 2), ("C", 2), ("OX", 2)), (0, 0), "must be 1 numbers"),
        ((("K", 2), ("C", 2), ("OX", 2)), (4,), "rise to at most 3"),
        ((("K", 2), ("C", 2), ("OX", 2)), (1,), "a lane holds one element of weights"),
        ((("K", 1), ("K", 2), ("C", 2), ("OX", 2)), (0,), "a loop of 1"),
    ],
)
def test_mappings_of_another_layer(
    order: tuple[tuple[str, int], ...], cuts: tuple[int, ...], message: str
) -> None:
    with pytest.raises(BnncostError, match=message):
        cost_of(TOY, machine(), Temporal((), order, {"weights": cuts, "features": (0,), "sums": (0,)}))


def test_unknown_goals_and_goals_that_zigzags_rules_cannot_serve() -> None:
    with pytest.raises(BnncostError, match="unknown goal 'enrgy'; did you mean 'energy'"):
        best_mapping(TOY, machine(), "enrgy")
    with pytest.raises(BnncostError, match="use the goal 'energy'"):
        best_mapping(TOY, machine(), "latency", ZIGZAG)
    with pytest.raises(BnncostError, match="outputs of 5 bits are made of sums of 4, which ZigZag's"):
        best_mapping(replace(TOY, output_bits=5), machine(), conventions=ZIGZAG)
