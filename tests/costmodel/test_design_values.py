"""Designs made of values, not read from a text: what is one is the same one, and what is none is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from costmodel import DesignKey, build, cost, load_profile, resolve
from costmodel.errors import BnncostError
from costmodel.evaluate.space import Space
from costmodel.evaluate.sweep import sweep
from costmodel.methods import MethodUse


def designed(**changed: Any) -> DesignKey:
    """ResNet-20 on CIFAR-10, but for what is changed."""
    return DesignKey("resnet20", "cifar10", **changed)


@pytest.mark.parametrize("kind", [np.int16, np.int32])
def test_numbers_of_few_bits_do_not_wrap(kind: type[np.integer]) -> None:
    """They are equal to Python's, so that what wrapped would be found in their place afterwards."""
    sides = np.array([3, 300, 200], dtype=kind)
    narrow = designed(image=tuple(sides), classes=kind(20), width=kind(2))
    assert cost(narrow).operation_totals() == cost("resnet20@w2,input=300x200,classes=20").operation_totals()
    assert [type(number) for number in (*(narrow.image or ()), narrow.classes, narrow.width)] == [int] * 4 + [
        float
    ]


def test_widths_and_sides_of_few_bits_do_not_wrap() -> None:
    wide = build(designed(), widths=np.array([4, 8], dtype=np.int8))
    assert [op.output.shape[0].max() for op in wide.ops if op.kind == "conv"][-1] == 512
    large = build(designed(), side=np.int16(200))  # type: ignore[arg-type]
    assert large.input.size == 3 * 200 * 200


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"methods": (MethodUse("prelu"), MethodUse("double_residual"))}, "resnet20[double_residual+prelu]"),
        ({"methods": [MethodUse("prelu")]}, "resnet20[prelu]"),
        ({"methods": (MethodUse.parse("width(factor=2)"),), "width": 1.5}, "resnet20@w3"),
        ({"image": [3, 64, 64]}, "resnet20@input=64x64"),
        ({"image": (3, 32, 32), "classes": 10}, "resnet20"),
        ({"width": np.float64(1.5)}, "resnet20@w1.5"),
        ({"methods": (MethodUse("squeeze_excitation", (("reduction", np.int8(4)),)),)},
         "resnet20[squeeze_excitation(reduction=4)]"),
        ({"methods": (MethodUse("squeeze_excitation", (("normed", True), ("reduction", 8))),)},
         "resnet20[squeeze_excitation(normed=true)]"),
    ],
)  # fmt: skip
def test_one_design_is_one_key(changed: Any, text: str) -> None:
    assert designed(**changed) == DesignKey.parse(text)
    assert repr(designed(**changed)) == repr(DesignKey.parse(text))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"classes": -3}, "classes '-3' must be a whole number from 1 to 65536"),
        ({"classes": 0}, "classes '0' must be"),
        ({"classes": True}, "classes 'True' must be"),
        ({"classes": 2.0}, "classes '2.0' must be"),
        ({"image": "3x32x32"}, "image '3x32x32' must be three whole numbers"),
        ({"image": (3, 2.5, 32)}, r"image \(3, 2.5, 32\) must be three whole numbers"),
        ({"image": (3, 32)}, r"image \(3, 32\) must be three whole numbers"),
        ({"image": (3, 0, 32)}, "input '3x0x32' must have sides from 1"),
        ({"image": (3, 16_385, 1)}, "must have a height and a width of at most 16384"),
        ({"width": [1]}, r"width '\[1\]' must be a number"),
        ({"width": 1 / 3}, "more than 4 digits behind the point; write w0.3333"),
        ({"padding": "two"}, "unknown value of 'padding' 'two'; did you mean 'one'"),
        ({"features": None}, "unknown value of 'features' 'None'"),
        ({"compute": ["binary"]}, "unknown value of 'compute'"),
        ({"edge": "int6"}, "unknown value of 'edge' 'int6'"),
        ({"methods": (MethodUse("prelu"), MethodUse("rprelu"))}, "both fill the slot 'activation'"),
        ({"methods": (MethodUse("prelu"), MethodUse("prelu"))}, "'prelu' is given twice"),
        ({"methods": None}, "its methods are a tuple such as"),
        ({"methods": ("prelu",)}, "its methods are a tuple such as"),
    ],
)  # fmt: skip
def test_values_that_no_text_says_are_no_design(changed: Any, said: str) -> None:
    with pytest.raises(BnncostError, match=f"^(design 'resnet20': )?.*{said}"):
        designed(**changed)
    with pytest.raises(BnncostError, match=said):
        replace(designed(), **changed)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("squeeze_excitation", (("reduction", -1),), "option 'reduction' is -1, but must lie above 0"),
        ("squeeze_excitation", (("reduction", 0),), "option 'reduction' is 0, but must lie above 0"),
        ("squeeze_excitation", (("reduction", 2.5),), "'2.5', but must be a whole number"),
        ("squeeze_excitation", (("reductio", 4),), "unknown option 'reductio'; did you mean 'reduction'"),
        ("squeeze_excitation", (("reduction", 4), ("reduction", 2)), "'reduction' is given twice"),
        ("squeeze_excitation", {"reduction": 4}, r"options are pairs such as \(\('early', True\),\)"),
        ("squeeze_excitation", None, "options are pairs such as"),
        ("squeeze", (), "unknown method 'squeeze'; did you mean 'squeeze_excitation'"),
        (None, (), "unknown method 'None'"),
    ],
)
def test_values_that_no_text_says_are_no_method(name: Any, options: Any, said: str) -> None:
    with pytest.raises(BnncostError, match=said):
        MethodUse(name, options)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: DesignKey(None, "cifar10"), "a network is a name"),  # type: ignore[arg-type]
        (lambda: DesignKey("resnet20", "cifar"), "unknown data set 'cifar'; did you mean 'cifar10'"),
        (lambda: DesignKey.parse(None), "a design is a text, not None"),  # type: ignore[arg-type]
        (lambda: resolve(None), "a design is a text, not None"),  # type: ignore[arg-type]
        (lambda: load_profile(None), "a profile is a name, a path or a HardwareProfile, not None"),  # type: ignore[arg-type]
        (lambda: build("resnet20"), r"a DesignKey is asked for, such as resolve\('resnet20'\), not 'resnet20'"),  # type: ignore[arg-type]
        (lambda: sweep(["resnet20"], [1], [load_profile("asic-45nm")]), "a DesignKey is asked for"),  # type: ignore[arg-type, list-item]
        (lambda: Space.of(["resnet20"], None, [1], ["int16"], ["binary"]), "a DesignKey is asked for"),  # type: ignore[list-item]
    ],
)  # fmt: skip
def test_what_is_no_design_is_a_sentence_at_every_door(call: Callable[[], object], said: str) -> None:
    with pytest.raises(BnncostError, match=said):
        call()
