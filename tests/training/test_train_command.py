"""`bnncost train` as a process: what it prints, that a killed one goes on, and mistakes in a sentence."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from analysis import cli

DESIGN = "resnet20[prelu]@w0.25/digits"
MODULE = (sys.executable, "-m", "analysis.cli", "train")
ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    """The command line of `bnncost train` with one thread."""
    return [*MODULE, *arguments, "--threads", "1"]


def listen_to_control_c() -> None:
    """Undo what a shell does to processes in its background, where these tests may run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=240)


def here(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `bnncost train` prints in this process, which has torch already."""
    assert cli.run(command(*arguments)[3:]) == 0
    return capsys.readouterr().out


def test_a_killed_run_comes_to_the_weights_of_a_whole_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = (DESIGN, "--epochs", "4", "--out", str(tmp_path / "cut"))
    with subprocess.Popen(command(*cut), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert first.startswith(f"{DESIGN}: epoch 1/4, loss ")
    assert not list((tmp_path / "cut").glob("*/record.json"))
    resumed = here(capsys, *cut)
    whole = here(capsys, DESIGN, "--epochs", "4", "--out", str(tmp_path / "whole"))
    (left,), (right,) = (
        list((tmp_path / part).glob("*/checkpoint.safetensors")) for part in ("cut", "whole")
    )
    one, two = load_file(left), load_file(right)
    assert all(torch.equal(one[name], two[name]) for name in one | two)
    top1 = [next(line for line in text.splitlines() if "top-1" in line) for text in (resumed, whole)]
    assert top1[0] == top1[1]
    assert "on 360 test images" in top1[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnet20/digits", "--epochs", "9" * 30), "training has at most 1000000 epochs, not 999"),
        (("resnet20/digit",), "unknown data set 'digit'; did you mean 'digits'?"),
        (("resnet20[prelo]",), "unknown method 'prelo'; did you mean 'prelu'?"),
        (("resnet20", "--data", "nix.npz"), "'nix.npz' does not exist"),
        (("resnet20/cifar10", "--data", "digits"), "images of 1x8x8 (C, H, W), but cifar10 needs 3x32x32"),
        (("resnet20", "--recipe", "digit"), "unknown recipe 'digit'; did you mean 'digits'?"),
        (("resnet20", "--device", "gpu"), "unknown device 'gpu'"),
        (("resnet20", "--epochs", "0"), "at least one epoch, not 0"),
        (("resnet20", "--seed", "-1"), "the seed must be 0 to 9223372036854775807, not -1"),
        (
            ("resnet20", "--seed", str(2**63)),
            "the seed must be 0 to 9223372036854775807, not 9223372036854775808",
        ),
        (("resnet20[two_stage]", "--epochs", "1"), "needs at least 2 epochs, not 1"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["train", *arguments, "--threads", "1", "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*/record.json"))


def test_a_mistake_ends_the_process_with_2_and_no_traceback(tmp_path: Path) -> None:
    done = run("resnet20/digit", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.run(["train", "resnet20", "--epochs", "1", "--out", str(tmp_path / "file")]) == 2
    assert "is a file; name another folder" in capsys.readouterr().err


def test_control_c_ends_a_run_without_a_word(tmp_path: Path) -> None:
    arguments = (DESIGN, "--epochs", "50", "--out", str(tmp_path))
    with subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=listen_to_control_c,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--profile", "asic-45n"), "unknown hardware profile 'asic-45n'"),
        (("--budget", "soon"), "a budget of 'soon' is not a length of time"),
        (("--budget", "soon", "--dry-run"), "a budget of 'soon' is not a length of time"),
        (("--jobs", "0", "--dry-run"), "at least one worker, not --jobs 0"),
    ],
)
def test_a_study_is_refused_before_it_trains(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["review", "digits", *arguments, "--out", str(tmp_path / "runs")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
