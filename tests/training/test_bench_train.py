"""The benchmark of training compares like with like: the same layers, the same data, and whole epochs of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.per_image import PerImage
from benchmarks.resnet20_torch import VARIANTS, LeanSign, ResNet20, Sign
from benchmarks.train import measure, race_table, tables
from benchmarks.training_speed import Setting, compare_loops, design, ratio, take_turns
from benchmarks.training_time import Finish, Race, race
from costmodel.networks.build import build
from training.data.dataset import Dataset, Part
from training.module.lower import lower

SMALL = Setting(size=16, batch=2, batches=1)


def macs(network: torch.nn.Module, size: int) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [32, 16])
def test_both_have_the_same_layers(variant: str, size: int) -> None:
    mine = lower(build(design(variant, Setting(size, 2, 1))))
    # the only ones that theirs has not; rounding to floats has none
    steps = [step for op in mine.network.ops if op.kind == "quantize" for step in op.params]
    numbers = sum(weight.numel() for weight in mine.parameters()) - len(steps)
    assert numbers == sum(weight.numel() for weight in ResNet20(variant).parameters())
    assert macs(mine, size) == macs(ResNet20(variant), size)


def test_signs_by_hand() -> None:
    for sign, at_zero in ((Sign, 1.0), (LeanSign, 0.0)):
        x = torch.tensor([-2.0, -1.0, 0.0, 0.5, 1.0, 1.5], requires_grad=True)
        y = sign.apply(x)
        y.sum().backward()
        assert y.tolist() == [-1, -1, at_zero, 1, 1, 1]
        assert x.grad is not None and x.grad.tolist() == [0, 1, 1, 1, 1, 0]


def test_images_one_by_one_are_shifted_mirrored_and_normalized() -> None:
    image = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    image[..., 1, 2] = 255
    images = PerImage(image, torch.tensor([7]), padding=1)
    low, high = (
        -images.mean[0].item() / images.std[0].item(),
        (1 - images.mean[0].item()) / images.std[0].item(),
    )
    torch.manual_seed(0)
    found = set()
    for _ in range(200):
        made, label = images[0]
        assert label == 7 and made.shape == (3, 4, 4)
        assert torch.isclose(made[0].min(), torch.tensor(low)) and torch.isclose(
            made[0].max(), torch.tensor(high)
        )
        found.add(int(made[0].argmax()))
    # row 1 moves to 0 .. 2; column 2 to 1 .. 3, or mirrored to 0 .. 2
    assert found == {4 * row + column for row in range(3) for column in range(4)}


def test_contestants_take_turns_after_a_round_to_warm_up() -> None:
    called: list[str] = []

    def contestant(name: str) -> int:
        called.append(name)
        return 1

    speeds = take_turns({name: lambda name=name: contestant(name) for name in "ab"}, rounds=2)
    assert called == list("ababab")
    assert {name: len(found) for name, found in speeds.items()} == {"a": 2, "b": 2}
    assert ratio([2, 9, 8], [1, 3, 2]) == 3


def test_loops_train_on_the_same_images() -> None:
    told = compare_loops(SMALL, rounds=1)
    assert list(told) == ["this project", "usual, 0 workers", "usual, 2 workers"]
    assert told["this project"]["ours_times_as_fast"] == 1
    assert all(found["images_per_s"] > 0 for found in told.values())


def test_figures_are_json_and_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.train.compare_loops", lambda *_: {"this project": _speeds()})
    monkeypatch.setattr("benchmarks.train.compare_steps", lambda *_: {"plain": _speeds()})
    figures = json.loads(json.dumps(measure([32, 16], 2, 1, 1, Path("nowhere"), Console(quiet=True))))
    assert set(figures) > {"torch", "threads", "32x32", "16x16"}
    assert [table.row_count for table in tables(figures)] == [1, 1, 1, 1]


def _speeds() -> dict[str, float]:
    return {"images_per_s": 1.0, "ours_times_as_fast": 1.0, "passes_images_per_s": 1.0, "times_as_long": 1.0}


def _images(count: int) -> Part:
    made = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, 3, 32, 32), generator=made, dtype=torch.uint8)
    return Part(pixels, torch.arange(count) % 10)


def test_runs_get_longer_until_one_is_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 % after 90 s by the usual loop; here 40 % after 10 s, 50 % after 30 s: three times as fast."""
    finishes = {2: Finish(2, 40.0, 10.0), 4: Finish(4, 50.0, 30.0)}
    monkeypatch.setattr("benchmarks.training_time.usual_run", lambda *_: Finish(6, 50.0, 90.0))
    monkeypatch.setattr("benchmarks.training_time.own_run", lambda _, recipe: finishes[recipe.epochs])
    data = Dataset("generated", tuple("0123456789"), _images(50), _images(10))
    figures = race(data, Race(50, 6, (2, 4, 8)))
    assert figures["times_as_fast"] == 3
    assert figures["images"] == 40
    assert race_table(figures).row_count == 3
    assert race(data, Race(50, 6, (2,)))["times_as_fast"] is None


def test_both_train_on_the_same_images_and_take_time() -> None:
    data = Dataset("generated", tuple("0123456789"), _images(160), _images(10))
    figures = race(data, Race(160, usual_epochs=1, own_epochs=(1,)))
    usual, (own,) = figures["usual"], figures["this project"]  # type: ignore[misc]
    assert figures["images"] == 128
    assert usual["cpu_s"] > 0 and own["cpu_s"] > 0
    assert all(0 <= run["top1"] <= 100 for run in (usual, own))
