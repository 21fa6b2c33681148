"""Measurements: written and read back whole, and refused with the field that is wrong."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from costmodel.designs.records import Measurement
from costmodel.errors import BnncostError

MADE = Measurement(
    "resnet20[prelu]/cifar10", "fp32", 81.25, 80.5, "cifar", "0123abcd", "cifar10", "3x32x32", 49000, 10000,
    60, 1, 123.5, "a GPU", "2.13.0", "abc", "2026-01-31",
)  # fmt: skip


def test_a_measurement_is_read_back_from_json_and_from_texts() -> None:
    assert Measurement.from_mapping(json.loads(MADE.to_json()), "a.json") == MADE
    texts = {name: str(value) for name, value in asdict(MADE).items()}
    assert Measurement.from_mapping(texts, "a.csv:2") == MADE


def test_a_time_that_is_not_known_is_an_empty_cell() -> None:
    unknown = replace(MADE, wall_s=None)
    assert Measurement.from_mapping(json.loads(unknown.to_json()), "a.json") == unknown
    texts = {name: str(value) for name, value in asdict(MADE).items()}
    assert Measurement.from_mapping({**texts, "wall_s": ""}, "a.csv:2") == unknown
    with pytest.raises(BnncostError, match="'wall_s' of a measurement is missing"):
        Measurement.from_mapping({name: text for name, text in texts.items() if name != "wall_s"}, "a.csv:2")
    with pytest.raises(BnncostError, match="field 'top1' is '', but must be a number"):
        Measurement.from_mapping({**texts, "top1": ""}, "a.csv:2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": "many"}, "a.csv:2: field 'epochs' is 'many', but must be a whole number."),
        ({"top1": "-"}, "a.csv:2: field 'top1' is '-', but must be a number."),
        ({"top1": "101"}, "a.csv:2: top1 is 101.0, but must be a number from 0 to 100 (percent)."),
        ({"top1": "nan"}, "a.csv:2: field 'top1' is 'nan', but must be a number."),
        ({"validation_top1": "1e999"}, "a.csv:2: field 'validation_top1' is '1e999', but must be a number."),
        ({"epochs": "-3"}, "a.csv:2: epochs is -3, but must be from 0 to 10^9."),
        ({"epochs": float("inf")}, "a.csv:2: field 'epochs' is inf, but must be a whole number."),
        ({"epochs": 2.5}, "a.csv:2: field 'epochs' is 2.5, but must be a whole number."),
        ({"test_images": "0"}, "a.csv:2: test_images is 0, but must be from 1 to 10^12."),
        (
            {"train_images": "9" * 400},
            f"a.csv:2: field 'train_images' is '{'9' * 59}..., but must be a whole number.",
        ),
        ({"wall_s": "-inf"}, "a.csv:2: field 'wall_s' is '-inf', but must be a number."),
        ({"top1": 10**400}, f"a.csv:2: field 'top1' is 1{'0' * 59}..., but must be a number."),
        ({"train_images": "1_0"}, "a.csv:2: field 'train_images' is '1_0', but must be a whole number."),
        ({"epochs": "\u0663"}, "a.csv:2: field 'epochs' is '\u0663', but must be a whole number."),
        ({"epochs": True}, "a.csv:2: field 'epochs' is true, but must be a whole number."),
        ({"device": ["cpu"]}, "a.csv:2: field 'device' is a list, but must be text."),
        ({"seed": "-1"}, "a.csv:2: seed is -1, but must be from 0 to 2^64 - 1."),
        ({"seed": None}, "a.csv:2: the field 'seed' of a measurement is missing."),
        ({"image": "32x32"}, "a.csv:2: image is '32x32', but must be channels and sides, as in 3x32x32."),
        ({"image": "3x0x32"}, "a.csv:2: image is '3x0x32', but must be channels and sides, as in 3x32x32."),
        ({"date": "2026-99-99"}, "a.csv:2: date is '2026-99-99', but must be a day, as in 2026-01-31."),
        ({"date": "20260131"}, "a.csv:2: date is '20260131', but must be a day, as in 2026-01-31."),
        ({"sed": "1"}, "a.csv:2: unknown field of a measurement 'sed'; did you mean 'seed'?"),
    ],
)
def test_mistakes_name_place_and_field(change: dict[str, str | None], said: str) -> None:
    with pytest.raises(BnncostError) as caught:
        Measurement.from_mapping({**asdict(MADE), **change}, "a.csv:2")
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("field", ["recipe_digest", "data", "image", "train_images", "epochs", "recipe"])
def test_the_protocol_follows_all_that_has_to_be_the_same(field: str) -> None:
    other = 7 if isinstance(getattr(MADE, field), int) else "other"
    assert replace(MADE, **{field: other}).protocol != MADE.protocol


@pytest.mark.parametrize("field", ["design", "seed", "device", "wall_s", "date"])
def test_the_protocol_is_the_same_for_other_designs_and_machines(field: str) -> None:
    other = 7 if isinstance(getattr(MADE, field), (int, float)) else "other"
    assert replace(MADE, **{field: other}).protocol == MADE.protocol


def test_a_content_is_eight_digits_or_nothing() -> None:
    """Nothing is what records have that were made before it was noted, and those of what is shipped."""
    assert MADE.content == "" and "content" not in json.loads(MADE.to_json())
    noted = replace(MADE, content="1f3a5b7c")
    assert Measurement.from_mapping(json.loads(noted.to_json()), "a.json") == noted
    assert Measurement.from_mapping({**asdict(MADE), "content": ""}, "a.csv:2") == MADE
    with pytest.raises(
        BnncostError, match=r"a.csv:2: content is 'x', but must be eight digits from 0 to f, or empty"
    ):
        Measurement.from_mapping({**asdict(MADE), "content": "x"}, "a.csv:2")
