"""Checkpoints that are damaged, foreign or of another network are refused in a sentence and change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_runs import small_data, small_run

from costmodel.designs.key import DesignKey
from costmodel.errors import BnncostError
from costmodel.networks.build import build
from training.module.lower import lower
from training.run.checkpoints import load_checkpoint, read_header
from training.run.folders import CHECKPOINT, RECORD, RunSpec, load_spec, measurement_of
from training.run.loop import train, trained_model
from training.run.optimizers import learned_tensors, make_optimizer


@pytest.fixture
def run(finished: Callable[[RunSpec], Path]) -> Path:
    return finished(small_run(epochs=1))


def test_a_run_says_what_it_is(run: Path) -> None:
    assert load_spec(run) == small_run(epochs=1)
    header = read_header(run / CHECKPOINT)
    assert (header.run, header.phase, header.epochs_done) == (small_run(epochs=1).digest, 1, 1)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b'{"a": 1}', b"\xff" * 8 + b"{}"])
def test_damaged_checkpoints(run: Path, content: bytes) -> None:
    (run / CHECKPOINT).write_bytes(content)
    with pytest.raises(BnncostError, match=r"cannot be used as a checkpoint: it is damaged; delete it"):
        trained_model(run, load_spec(run))


def test_a_cut_checkpoint(run: Path) -> None:
    whole = (run / CHECKPOINT).read_bytes()
    (run / CHECKPOINT).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BnncostError, match="damaged"):
        read_header(run / CHECKPOINT)


def test_a_foreign_file(run: Path) -> None:
    save_file({"weight": torch.zeros(3)}, run / CHECKPOINT)
    with pytest.raises(BnncostError, match="not of the form 'bnncost checkpoint 1'"):
        read_header(run / CHECKPOINT)


@pytest.mark.parametrize(
    "lie", [{"epoch": 2}, {"validation_top1": 101.0}, {"wall_s": -1.0}, {"loss": "low"}, {"rate": None}]
)
def test_epochs_that_no_run_has_are_damage(run: Path, lie: dict[str, object]) -> None:
    with safe_open(run / CHECKPOINT, "pt") as stream:
        told = dict(stream.metadata())
    content = json.loads(told["header"])
    content["history"][0] |= lie
    tensors = load_file(run / CHECKPOINT)
    save_file(tensors, run / CHECKPOINT, told | {"header": json.dumps(content)})
    with pytest.raises(BnncostError, match="damaged"):
        read_header(run / CHECKPOINT)


@pytest.mark.parametrize("renamed", ["optimizer/9999/step", "optimizer/first/step", "optimizer/0/pace"])
def test_a_state_that_the_optimizer_has_not_is_refused(run: Path, renamed: str) -> None:
    with safe_open(run / CHECKPOINT, "pt") as stream:
        told = dict(stream.metadata())
    tensors = load_file(run / CHECKPOINT)
    tensors[renamed] = tensors.pop("optimizer/0/step")
    save_file(tensors, run / CHECKPOINT, told)
    model = lower(build(small_run().design))
    with pytest.raises(BnncostError, match="delete it to train again"):
        load_checkpoint(run / CHECKPOINT, model, torch.optim.Adam(model.parameters()), {})


@pytest.mark.parametrize("lost", ["exp_avg", "exp_avg_sq", "step"])
@pytest.mark.parametrize("of", ["optimizer/", "optimizer/3/"])
def test_a_state_that_lacks_a_part_is_refused(run: Path, lost: str, of: str) -> None:
    with safe_open(run / CHECKPOINT, "pt") as stream:
        told = dict(stream.metadata())
    tensors = load_file(run / CHECKPOINT)
    model = lower(build(small_run().design))
    optimizer = make_optimizer("adam", model.network, learned_tensors(model))
    load_checkpoint(run / CHECKPOINT, model, optimizer, {})
    kept = {
        name: one for name, one in tensors.items() if not (name.startswith(of) and name.endswith(f"/{lost}"))
    }
    save_file(kept, run / CHECKPOINT, told)
    with pytest.raises(BnncostError, match=f"state of parameter [0-9]+ \\('{lost}' is missing"):
        load_checkpoint(run / CHECKPOINT, model, optimizer, {})


def test_a_checkpoint_of_another_network(run: Path) -> None:
    model = lower(build(DesignKey.parse("resnet20[prelu]@w0.25/digits")))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(BnncostError, match="another network"):
        load_checkpoint(run / CHECKPOINT, model)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("name", ["model/extra", "weights", "model/stem.weight"])
def test_tensors_that_no_training_leaves_are_refused(run: Path, name: str) -> None:
    with safe_open(run / CHECKPOINT, "pt") as stream:
        told = dict(stream.metadata())
    tensors = load_file(run / CHECKPOINT)
    tensors[name] = tensors.get(name, torch.zeros(3)).double()
    save_file(tensors, run / CHECKPOINT, told)
    with pytest.raises(BnncostError, match=r"another network .* delete it to train again"):
        load_checkpoint(run / CHECKPOINT, lower(build(small_run().design)))


def test_a_checkpoint_of_another_run(run: Path, tmp_path: Path) -> None:
    other = small_run(epochs=1, seed=1)
    folder = tmp_path / other.name
    folder.mkdir()
    (folder / CHECKPOINT).write_bytes((run / CHECKPOINT).read_bytes())
    with pytest.raises(BnncostError, match="belongs to another run"):
        train(other, small_data(), tmp_path)


def test_a_checkpoint_without_what_a_loss_has_learned(run: Path) -> None:
    model = lower(build(DesignKey.parse("resnet20@w0.25/digits")))
    with pytest.raises(BnncostError, match=r"another network \('distance' differs\)"):
        load_checkpoint(run / CHECKPOINT, model, others={"distance": torch.zeros(2)})


def test_weights_of_another_run_are_not_taken_for_those_of_this_one(run: Path) -> None:
    with pytest.raises(BnncostError, match="belongs to another run"):
        trained_model(run, small_run(epochs=1, seed=1))


def test_a_damaged_record(run: Path) -> None:
    (run / RECORD).write_text('{"design": ')
    with pytest.raises(BnncostError, match=r"record\.json' is damaged"):
        measurement_of(run, small_run(epochs=1))
    (run / RECORD).write_text("{}")
    with pytest.raises(BnncostError, match="the field 'design' of a measurement is missing"):
        measurement_of(run, small_run(epochs=1))


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(BnncostError, match="is not the folder of a run"):
        load_spec(tmp_path)


def test_a_run_that_is_not_done_cannot_be_used(tmp_path: Path) -> None:
    spec = small_run(epochs=2)
    with pytest.raises(RuntimeError, match="stop"):
        train(spec, small_data(), tmp_path, watch=_stop_in_second_epoch)
    with pytest.raises(BnncostError, match="has 1 of 2 epochs"):
        trained_model(tmp_path / spec.name, spec)


def _stop_in_second_epoch(state: object) -> None:
    if getattr(state, "epoch", 0) == 2:
        raise RuntimeError("stop")
