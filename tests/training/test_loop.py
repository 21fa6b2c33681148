"""The loop: what a run leaves behind, that it resumes exactly, and how it stops when it must."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_runs import DESIGN, SHORT, small_data, small_run

from costmodel.errors import BnncostError
from training.data.augment import eight_bit, normalize
from training.run.checkpoints import read_header
from training.run.folders import CHECKPOINT, CURVE, HISTORY, RECORD, claimed, measurement_of
from training.run.loop import Progress, evaluate, train, trained_model


class Stopped(Exception):
    """Stands for whatever ends a process."""


def stop_in(epoch: int):
    def watch(state: Progress) -> None:
        if state.epoch == epoch:
            raise Stopped

    return watch


def test_a_run_leaves_weights_history_curve_and_one_record(tmp_path: Path) -> None:
    spec = small_run()
    record = train(spec, small_data(), tmp_path)
    folder = tmp_path / spec.name
    assert record is not None
    assert record == measurement_of(folder, spec)
    assert (record.design, record.epochs, record.seed, record.features) == (DESIGN, 3, 0, "fp32")
    assert (record.train_images, record.test_images, record.image) == (72, 60, "1x8x8")
    rows = list(csv.DictReader((folder / HISTORY).read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["validation_top1"]) == record.validation_top1
    assert (folder / CURVE).read_bytes().startswith(b"\x89PNG")
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]


def test_top1_is_that_of_the_last_weights_on_all_test_images(
    small_runs_once: Callable[..., Path],
) -> None:
    spec, data = small_run(), small_data()
    folder = small_runs_once(spec)
    record, model = measurement_of(folder, spec), trained_model(folder, spec)
    images = (data.test.images.double() - 128) / 64
    answers = model(images.float()).flatten(1).argmax(1)
    assert record is not None
    assert record.top1 == pytest.approx(100 * (answers == data.test.labels).float().mean().item())
    assert not model.training


def test_a_finished_run_is_read_not_trained(tmp_path: Path) -> None:
    spec, data = small_run(epochs=1), small_data()
    first = train(spec, data, tmp_path)
    assert train(spec, data, tmp_path, watch=stop_in(1)) == first


@pytest.mark.parametrize(
    "design", [DESIGN, f"{SHORT}[two_stage+ede]@w0.25/digits", f"{SHORT}[warm_start+sgd]@w0.25/digits",
               f"{SHORT}[bop+binary_regularizer+prelu]@w0.25/digits"],
)  # fmt: skip
@pytest.mark.parametrize("stopped_in", [2, 3])
def test_a_stopped_run_comes_to_the_very_same_weights(
    design: str, stopped_in: int, small_runs_once: Callable[..., Path], tmp_path: Path
) -> None:
    spec, data = small_run(design, epochs=4), small_data()
    whole, cut = small_runs_once(spec), tmp_path / spec.name
    with pytest.raises(Stopped):
        train(spec, data, tmp_path, watch=stop_in(stopped_in))
    assert measurement_of(cut, spec) is None
    resumed = train(spec, data, tmp_path)
    record = measurement_of(whole, spec)
    assert record is not None
    assert resumed is not None
    left, right = (load_file(folder / CHECKPOINT) for folder in (whole, cut))
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert replace(record, wall_s=0) == replace(resumed, wall_s=0)


def test_a_run_killed_behind_its_last_checkpoint_has_the_history_of_all_epochs(tmp_path: Path) -> None:
    spec, data = small_run(epochs=2), small_data()
    train(spec, data, tmp_path)
    folder = tmp_path / spec.name
    whole = (folder / HISTORY).read_text()
    (folder / HISTORY).write_text("".join(whole.splitlines(keepends=True)[:2]))
    (folder / RECORD).unlink()
    train(spec, data, tmp_path)
    assert (folder / HISTORY).read_text() == whole


def test_the_deadline_stops_after_an_epoch(tmp_path: Path) -> None:
    spec, data = small_run(), small_data()
    assert train(spec, data, tmp_path, deadline_s=time.monotonic() - 1) is None
    assert not (tmp_path / spec.name / CHECKPOINT).exists()
    watched: list[int] = []

    class OnceWatched(float):
        """A deadline that passes while the first epoch trains."""

        def __le__(self, now: object) -> bool:
            return bool(watched)

    later = OnceWatched()
    assert (
        train(spec, data, tmp_path, deadline_s=later, watch=lambda state: watched.append(state.epoch)) is None
    )
    assert read_header(tmp_path / spec.name / CHECKPOINT).epochs_done == 1
    assert not (tmp_path / spec.name / RECORD).exists()
    assert train(spec, data, tmp_path) is not None


def test_a_run_belongs_to_one_process(tmp_path: Path) -> None:
    spec, data = small_run(epochs=1), small_data()
    folder = tmp_path / spec.name
    folder.mkdir()
    with claimed(folder) as mine:
        assert mine
        with claimed(folder) as other:
            assert not other
        assert train(spec, data, tmp_path) is None
    assert train(spec, data, tmp_path) is not None


def test_a_loss_that_is_no_number_stops_with_epoch_and_cause(tmp_path: Path) -> None:
    spec = small_run(optimizers={"adam": {"rate": 1e30}})
    with pytest.raises(
        BnncostError, match=r"no longer a number in epoch [12] of 3.*times the published 0.0025"
    ):
        train(spec, small_data(), tmp_path)
    assert not (tmp_path / spec.name / RECORD).exists()


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, data = small_run(), small_data()
    with pytest.raises(Stopped):
        train(spec, data, tmp_path, watch=stop_in(2))

    def full(*names: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("costmodel.output.os.replace", full)
        with pytest.raises(BnncostError, match=r"checkpoint.safetensors' cannot be written: no space left"):
            train(spec, data, tmp_path)
    assert read_header(tmp_path / spec.name / CHECKPOINT).epochs_done == 1
    assert train(spec, data, tmp_path) is not None


def test_the_teacher_is_a_run_of_its_own_and_shared(tmp_path: Path) -> None:
    design, teacher = (
        "resnet20[attention_teacher+logits_teacher]@w0.25/digits",
        "resnet20@w0.25,compute=fp32/digits",
    )
    spec, data = small_run(design, teacher=teacher), small_data()
    record = train(spec, data, tmp_path)
    assert record is not None
    designs = {json.loads(path.read_text())["design"] for path in tmp_path.glob("*/record.json")}
    assert designs == {design, teacher}
    again = replace(spec, seed=1)
    seen: set[str] = set()
    train(again, data, tmp_path, watch=lambda state: seen.add(str(state.spec.design)))
    assert seen == {str(spec.design)}


def test_training_learns(small_runs_once: Callable[..., Path]) -> None:
    spec = small_run("resnet20@w0.5/digits", epochs=8)
    record = measurement_of(small_runs_once(spec, images=480), spec)
    assert record is not None
    assert record.top1 > 30  # chance is 10


def test_evaluation_counts_every_image_once(small_runs_once: Callable[..., Path]) -> None:
    spec, data = small_run(epochs=1), small_data()
    model = trained_model(small_runs_once(spec), spec).train()
    top1 = evaluate(model, data.test, eight_bit(1))
    factors = eight_bit(1).factors("cpu")
    model.eval()
    right = [
        int(model(normalize(image[None], *factors)).flatten().argmax()) == int(label)
        for image, label in zip(data.test.images, data.test.labels, strict=True)
    ]
    assert top1 == pytest.approx(100 * sum(right) / len(right))
