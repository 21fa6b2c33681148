"""Packed bits and fixed-point numbers: what is stored, against hand calculations and plain Python."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import BnncostError
from costmodel.graph import precision
from training.export.calibration import best_exponent, best_step
from training.export.fixed_point import Number, aligned, rounded_to, shifted
from training.export.packing import NO_EXPONENT, bits_of, floats, mantissas, pack, unpack, whole


def test_bits_by_hand() -> None:
    signs = bits_of(np.array([[1, -1, 1, 1], [-1, -1, 1, -1], [1, 1, -1, -1]]))
    assert pack(signs).tolist() == [0b1011_0010, 0b1100_0000]
    assert signs.stored_bits == 12
    assert pack(whole(np.array([-8, 7, -1]), 4)).tolist() == [0b1000_0111, 0b1111_0000]
    assert pack(whole(np.array([-300]), 16)).tolist() == [0xFE, 0xD4]
    assert pack(floats(np.array([1.0]))).tolist() == [0, 0, 0x80, 0x3F]


@given(data=st.data(), bits=st.integers(2, 33))
def test_whole_numbers_survive_packing(data: st.DataObject, bits: int) -> None:
    numbers = data.draw(st.lists(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), max_size=20))
    packed = pack(whole(np.array(numbers), bits))
    assert packed.dtype == np.uint8 and len(packed) == -(-len(numbers) * bits // 8)
    assert unpack(packed, (len(numbers),), bits, NO_EXPONENT, "whole").values.tolist() == numbers


@given(st.lists(st.sampled_from([-1, 1]), max_size=40))
def test_signs_survive_packing(signs: list[int]) -> None:
    back = unpack(pack(bits_of(np.array(signs))), (len(signs),), 1, NO_EXPONENT, "sign")
    assert back.values.tolist() == signs and back.signs


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BnncostError, match="a number from -9 to 3 does not fit into 4 bits"):
        whole(np.array([-9, 3]), 4)
    with pytest.raises(BnncostError, match="3 bytes cannot hold 3 numbers of 4 bits"):
        unpack(np.zeros(3, np.uint8), (3,), 4, NO_EXPONENT, "whole")


def test_mantissas_by_hand() -> None:
    together = mantissas(np.array([0.3, -5.0]), 4, apart=False)  # 5 fits into -8..7 as it is
    assert together.values.tolist() == [0, -5] and together.exponent.tolist() == 0
    apart = mantissas(np.array([0.3, -5.0, 0.0, 7.6]), 4, apart=True)
    assert apart.values.tolist() == [5, -5, 0, 4] and apart.exponent.tolist() == [
        4,
        0,
        0,
        -1,
    ]  # 7.6 would give 8
    assert apart.numbers().tolist() == [0.3125, -5, 0, 8]
    assert mantissas(np.array([2.0**-50]), 8, apart=True, finest=40).values.tolist() == [0]


@given(st.floats(1e-9, 1e9), st.integers(3, 16))
def test_a_mantissa_is_as_near_as_its_bits_allow(value: float, bits: int) -> None:
    kept = mantissas(np.array([value]), bits, apart=True)
    top = 2 ** (bits - 1) - 1
    assert top // 2 <= kept.values[0] <= top
    assert abs(kept.numbers()[0] - value) <= 0.5 * 2.0 ** -float(kept.exponent[0])


@given(st.integers(-(2**40), 2**40), st.integers(-45, 12))
def test_shifts_round_halves_to_even(number: int, places: int) -> None:
    expected = round(Fraction(number) * Fraction(2) ** places)  # Python rounds halves to even
    assert shifted(np.array([number]), places).tolist() == [expected]
    beside = shifted(np.array([number, number, 3]), np.array([places, 0, 1])).tolist()
    assert beside == [expected, number, 6]


def test_unlike_maps_meet_at_the_finer_power_of_two() -> None:
    coarse, fine = Number(np.array([3], np.int16), -2), Number(np.array([5], np.int16), 4)
    (left, right), exponent = aligned(coarse, fine)
    assert (left.tolist(), right.tolist(), exponent) == ([3 * 64], [5], 4)
    tiny = Number(np.array([2**14 + 1], np.int16), 60)
    (left, right), exponent = aligned(Number(np.array([-(2**15)], np.int16), 0), tiny)
    assert (left.tolist(), right.tolist(), exponent) == ([-(2**61)], [1], 46)  # 60 places would not fit


def test_results_saturate() -> None:
    number = Number(np.array([1000, -1000, 6, -6, 10]), 2)  # 250, -250, 1.5, -1.5, 2.5
    assert rounded_to(number, precision("int8"), 0).tolist() == [127, -128, 2, -2, 2]
    assert rounded_to(number, precision("int4"), 1).tolist() == [7, -8, 3, -3, 5]
    assert rounded_to(number, precision("ternary"), 0).tolist() == [1, -1, 1, -1, 1]


def test_powers_of_two_by_hand() -> None:
    assert (
        best_exponent(np.array([0.5, -0.9]), precision("int8")) == 7
    )  # 0.9 * 128 = 115, 0.9 * 256 is too much
    assert best_exponent(np.array([100.0, -3.0]), precision("int16")) == 8  # 100 * 256 = 25600
    assert best_exponent(np.zeros(3), precision("int8")) == 0
    outlier = np.array([1.0] * 10_000 + [-0.75] * 10_000 + [9.0])  # saturating one at 7 quarters pays
    assert best_exponent(outlier, precision("int4")) == 2
    assert best_step(np.array([3.0, -3.0]), 0.8, precision("int4")) == 0  # no error at 0 and at 1
    assert (
        best_step(np.array([0.25, 0.75]), 0.3, precision("int4")) == 2
    )  # the nearest, whatever the values are


def test_thirty_two_bits_keep_one_in_reserve() -> None:
    exponent = best_exponent(np.array([3.0]), precision("int32"))
    assert 2**29 <= 3 * 2**exponent < 2**31
