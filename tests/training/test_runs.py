"""Run folders: what makes two runs the same one, what is refused, and how long one process waits for another."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import TWO_BLOCKS, small_data, small_run

from costmodel.designs.records import Measurement
from costmodel.errors import BnncostError
from training.run.folders import (
    CHECKPOINT,
    RECORD,
    SPEC,
    RunSpec,
    claimed,
    load_spec,
    measurement_of,
    open_folder,
    require_own,
)
from training.run.loop import train, trained_model


def test_a_recipe_described_in_other_words_is_the_same_run(tmp_path: Path) -> None:
    folder = open_folder(small_run(), tmp_path)
    assert open_folder(small_run(description="said better"), tmp_path) == folder
    assert open_folder(small_run(epochs=4), tmp_path) != folder


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = open_folder(small_run(), tmp_path)
    (folder / SPEC).write_text(small_run(seed=1).to_json())
    with pytest.raises(BnncostError, match="belongs to another run; move it away"):
        open_folder(small_run(), tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("seed", "x", r"does not describe a run of this version \(ValueError\)"),
        ("seed", None, "does not describe a run of this version"),
        ("recipe", {"name": "x"}, "does not describe a run of this version"),
        ("recipe", [], "does not describe a run of this version"),
        ("design", 5, "run.json': design '5': unknown network '5'"),
    ],
)
def test_a_run_that_describes_nothing_is_told_in_a_sentence(
    field: str, value: object, said: str, tmp_path: Path
) -> None:
    folder = open_folder(small_run(), tmp_path)
    (folder / SPEC).write_text(json.dumps({**json.loads(small_run().to_json()), field: value}))
    with pytest.raises(BnncostError, match=said):
        load_spec(folder)


def test_waiting_for_another_process_ends_at_the_deadline(tmp_path: Path) -> None:
    with claimed(tmp_path) as first:
        assert first
        started = time.monotonic()
        with claimed(tmp_path, wait=True, deadline_s=started + 0.2) as second:
            assert not second
        assert time.monotonic() - started >= 0.2
    with claimed(tmp_path, wait=True) as later:
        assert later


def test_a_lock_that_was_not_had_is_not_given_back(tmp_path: Path) -> None:
    with claimed(tmp_path) as first:
        with claimed(tmp_path) as second:
            assert (first, second) == (True, False)
        with claimed(tmp_path) as third:
            assert not third


def test_a_run_without_its_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    folder = open_folder(small_run(), tmp_path)
    with pytest.raises(BnncostError, match="no checkpoint yet; train it first"):
        trained_model(folder, small_run())
    (folder / RECORD).touch()
    assert not (folder / CHECKPOINT).exists()
    with pytest.raises(BnncostError, match="lost its checkpoint; delete the folder and train it"):
        trained_model(folder, small_run())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"design": "resnet20[prelu]/digits"},
            "has the design resnet20.prelu./digits, but lies in .* with the design",
        ),
        ({"seed": 1}, "has the seed 1, but lies in the folder of a run with the seed 0; move it"),
        ({"recipe": "other"}, r"has the recipe other \(1f3a5b7c\), but lies in .* with the recipe small \("),
        ({}, r"has the recipe small \(1f3a5b7c\)"),
    ],
)
def test_a_record_of_another_run_is_refused(changed: dict[str, object], said: str, tmp_path: Path) -> None:
    spec = small_run()
    folder = open_folder(spec, tmp_path)
    record = Measurement(
        str(spec.design), "fp32", 50.0, 50.0, spec.recipe.name, spec.recipe.digest, "generated", "1x8x8", 72, 60, 3, 0,
        1.0, "cpu", "2.13.0", "abc", "2026-01-01",
    )  # fmt: skip
    (folder / RECORD).write_text(record.to_json())
    assert measurement_of(folder, spec) == record
    (folder / RECORD).write_text(replace(record, recipe_digest="1f3a5b7c", **changed).to_json())
    with pytest.raises(BnncostError, match=said):
        measurement_of(folder, spec)


# ------------------------------------------------------------------ what a design's text does not say


def test_the_name_of_a_shipped_run_is_as_it_was() -> None:
    """Records that lie in folders of such names stay with them."""
    spec = small_run()
    parts = ("resnet20@w0.25/digits", "small", spec.recipe.digest, "generated", "0")
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
    assert spec.name == f"resnet20-w0.25-digits-small-s0-{digest}"
    assert "content" not in json.loads(spec.to_json())


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network file in the working folder."""
    monkeypatch.chdir(tmp_path)
    path = Path("net.yaml")
    path.write_text(Path(TWO_BLOCKS).read_text("utf-8"), "utf-8")
    return path


def edit(net: Path) -> None:
    """Change what a network does, and neither its shape nor that of its values."""
    before = net.read_text("utf-8")
    net.write_text(before.replace("pool=false", "pool=true"), "utf-8")
    assert net.read_text("utf-8") != before


def test_another_network_under_the_same_name_is_another_run(net: Path) -> None:
    first = small_run("net.yaml/digits", epochs=1)
    record = train(first, small_data(), Path("runs"))
    assert record is not None and record.content == first.content != ""
    assert load_spec(Path("runs") / first.name) == first
    before = net.read_text("utf-8")
    edit(net)
    second = small_run("net.yaml/digits", epochs=1)
    assert measurement_of(open_folder(second, Path("runs")), second) is None
    with pytest.raises(
        BnncostError, match=r"is of 'net.yaml/digits' as it was before: 'net.yaml' has been edited"
    ):
        load_spec(Path("runs") / first.name)
    net.write_text(before, "utf-8")
    assert load_spec(Path("runs") / first.name) == first


def test_another_teacher_under_the_same_name_is_another_run(net: Path) -> None:
    def student() -> RunSpec:
        teacher = "net.yaml@compute=fp32/digits"
        return small_run("resnet20[logits_teacher]@w0.25/digits", teacher=teacher)

    first = student()
    assert first.content == "" and load_spec(open_folder(first, Path("runs"))) == first
    edit(net)
    assert student().name != first.name
    assert small_run("resnet20@w0.25/digits", teacher="net.yaml/digits").teacher_content == ""


def test_a_record_may_spell_the_path_of_its_network_in_another_way(net: Path) -> None:
    spec = small_run("net.yaml/digits", epochs=1)
    record = train(spec, small_data(), Path("runs"))
    assert record is not None
    require_own(replace(record, design="./net.yaml/digits"), spec, Path("record.json"))


def test_a_file_that_is_edited_while_it_waits_is_not_trained(net: Path) -> None:
    spec = small_run("net.yaml/digits", epochs=1)
    edit(net)
    with pytest.raises(
        BnncostError, match=r"^run 'net.yaml-digits-small-s0-.*: 'net.yaml' has been edited since"
    ):
        train(spec, small_data(), Path("runs"))


@pytest.mark.parametrize("content", ["x", "1F3A5B7C", 5])
def test_a_run_with_a_content_that_is_none_is_refused(content: object, tmp_path: Path) -> None:
    folder = open_folder(small_run(), tmp_path)
    (folder / SPEC).write_text(json.dumps({**json.loads(small_run().to_json()), "content": content}))
    with pytest.raises(BnncostError, match=r"does not describe a run of this version \(ValueError\)"):
        load_spec(folder)
