"""Schedules of a study: what is skipped, what fits, what fails, and what killing costs. Epochs here only sleep."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.processes import alive
from costmodel.errors import BnncostError
from training.review.processes import Processes
from training.review.schedule import Sitting, _assign, _listen, missing, run_all
from training.review.view import View, view_for
from training.review.worker import Setup
from training.run.folders import RECORD, RunSpec, open_folder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers, which inherit the path, find the stand-in."""
    monkeypatch.syspath_prepend(str(HERE))


def view(out: StringIO | None = None) -> View:
    return view_for(Console(file=out or StringIO(), width=200), {"resnet20[maxout]/digits": "maxout"})


def run(
    specs: list[RunSpec],
    runs: Path,
    *,
    jobs: int = 1,
    seconds: float | None = None,
    out: StringIO | None = None,
) -> dict[str, str]:
    from quick_training import open_quick

    deadline_s = None if seconds is None else time.monotonic() + seconds
    setting = Setup(specs[0].data, runs, "cpu", deadline_s)
    return run_all(specs, setting, view(out), Processes(jobs, open_quick))


def log(runs: Path, name: str = "epochs.log") -> list[str]:
    return (runs / name).read_text().splitlines() if (runs / name).exists() else []


def test_runs_with_a_record_are_skipped_and_the_rest_keeps_its_order(tmp_path: Path) -> None:
    from quick_training import spec

    specs = [spec(design) for design in ("resnet20", "resnet20[maxout]", "resnet20[sgd]")]
    assert run(specs[1:2], tmp_path) == {}
    out = StringIO()
    assert run(specs, tmp_path, out=out) == {}
    order = list(dict.fromkeys(log(tmp_path)))
    assert order == [specs[1].name, specs[0].name, specs[2].name]
    assert Counter(log(tmp_path)) == {one.name: 3 for one in specs}
    assert "resnet20/digits, seed 0: top-1 40.00 %" in out.getvalue()
    assert out.getvalue().rstrip().endswith("3 of 3 runs are done")
    assert "maxout, seed" not in out.getvalue()
    run(specs, tmp_path)
    assert len(log(tmp_path, "workers.log")) == 2, "a study that is done starts no process"


def test_a_run_that_fails_stops_no_other_and_is_tried_again(tmp_path: Path) -> None:
    from quick_training import spec

    specs = [spec(f"resnet20[{name}]") for name in ("prelu", "hardtanh", "maxout")]
    for _ in range(2):
        failures = run(specs, tmp_path)
        assert failures == {
            specs[0].name: "the loss is no longer a number in epoch 2.",
            specs[1].name: "RuntimeError: out of memory",
        }
    assert missing(specs, tmp_path) == specs[:2]


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    from quick_training import spec

    specs = [spec("resnet20[relu]"), spec("resnet20[maxout]")]
    failures = run(specs, tmp_path)
    assert list(failures) == [specs[0].name]
    assert "its process ended (exit code -9)" in failures[specs[0].name]
    assert missing(specs, tmp_path) == specs[:1]


def test_a_worker_that_dies_idle_is_replaced_and_no_run_is_blamed(tmp_path: Path) -> None:
    from quick_training import open_quick, spec

    crew = Processes(1, open_quick)
    setting = Setup("0.01", tmp_path, "cpu")
    sitting = Sitting((spec("resnet20"),), setting, view(), crew)
    with crew.at_work(setting, 1) as sitting.seats:
        (worker,) = crew.workers
        while not worker.seat.ready:
            _listen(sitting)
        worker.process.kill()
        worker.process.join()
        _assign(sitting)
        _listen(sitting)
        assert (sitting.refused, sitting.failures) == ("", {})
        assert crew.workers[0].process.pid != worker.process.pid


def test_a_missing_data_set_is_told_once(tmp_path: Path) -> None:
    from quick_training import spec

    with pytest.raises(BnncostError, match=r"^data set 'nowhere' does not exist\.$"):
        run([spec("resnet20", "nowhere")], tmp_path, jobs=2)


def test_only_what_fits_is_started_but_always_the_first(tmp_path: Path) -> None:
    """Epochs of three designs took 3,000 s, so others of as many MACs do not fit into a minute; what was fast does."""
    from quick_training import spec, write_history

    known = [spec(design) for design in ("resnet20[sgd]", "resnet20[ede]", "resnet20[two_stage]")]
    for one in known:
        write_history(open_folder(one, tmp_path), [3000.0] * 3)
        (tmp_path / one.name / RECORD).write_text("{}")
    first, second, almost = (spec(design) for design in ("resnet20", "resnet20[bop]", "resnet20[maxout]"))
    write_history(open_folder(almost, tmp_path), [0.01, 0.01])
    specs = [*known, first, second, almost]
    assert run(specs, tmp_path, seconds=60) == {}
    assert missing(specs, tmp_path) == [second]
    assert Counter(log(tmp_path)) == {first.name: 3, almost.name: 1}


def test_a_running_one_stops_after_an_epoch_at_the_deadline(tmp_path: Path) -> None:
    from quick_training import spec

    long = spec("resnet20", "0.2", epochs=1000)
    out, started = StringIO(), time.monotonic()
    assert run([long, spec("resnet20[sgd]", "0.2", epochs=1000)], tmp_path, seconds=3, out=out) == {}
    assert time.monotonic() - started < 30  # a thousand epochs would take 200 s
    assert missing([long], tmp_path) == [long]
    assert "stopped at the deadline" in out.getvalue()


def test_a_terminal_shows_a_bar_for_each_worker(tmp_path: Path) -> None:
    from quick_training import open_quick, spec

    out = StringIO()
    bars = view_for(Console(file=out, width=120, force_terminal=True, color_system=None), {})
    specs = [spec("resnet20", "0.2"), spec("resnet20[prelu]", "0.2")]
    run_all(specs, Setup("0.2", tmp_path, "cpu"), bars, Processes(2, open_quick))
    shown = out.getvalue()
    assert "resnet20/digits, seed 0: top-1 40.00 %" in shown
    assert "resnet20[prelu]/digits, seed 0: failed: the loss is no longer a number" in shown
    assert "epoch 2, 100 images/s, 1 s left" in shown
    assert "1 of 2" in shown


SITTING = """
import sys
from pathlib import Path
from quick_training import open_quick, spec
from rich.console import Console
from training.review.processes import Processes
from training.review.schedule import run_all
from training.review.view import view_for
from training.review.worker import Setup
if __name__ == "__main__":
    specs = [spec("resnet20", sys.argv[2], 4, seed) for seed in range(4)]
    print(run_all(specs, Setup(sys.argv[2], Path(sys.argv[1])), view_for(Console(), {}), Processes(2, open_quick)))
"""


def sitting(runs: Path, script: Path, epoch_s: str) -> subprocess.Popen[str]:
    """A process of its own that trains four runs of four epochs with two workers."""
    script.write_text(SITTING)
    paths = os.pathsep.join([str(ROOT), str(HERE)])
    return subprocess.Popen(
        [sys.executable, str(script), str(runs), epoch_s],
        env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=listen_to_control_c,
    )  # fmt: skip


def listen_to_control_c() -> None:
    """Undo what a shell does to processes in its background, where these tests may run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def waits_until(true: object, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killing_costs_at_most_the_epoch_that_runs(tmp_path: Path, how: signal.Signals) -> None:
    from quick_training import spec

    runs = tmp_path / "runs"
    with sitting(runs, tmp_path / "sitting.py", "0.1") as process:
        waits_until(lambda: len(log(runs)) >= 5)
        process.send_signal(how)
        process.communicate(timeout=20)
    workers = log(runs, "workers.log")
    assert len(workers) == 2
    waits_until(lambda: not any(alive(int(pid)) for pid in workers), 5)
    before = len(log(runs))
    specs = [spec("resnet20", "0.1", 4, seed) for seed in range(4)]
    left = missing(specs, runs)
    assert left
    time.sleep(0.3)
    assert len(log(runs)) == before, "nobody trains on"
    assert run(specs, runs, jobs=2) == {}
    assert not missing(specs, runs)
    repeated = Counter(log(runs)) - Counter({one.name: 4 for one in specs})
    assert sum(repeated.values()) <= 2, "an epoch of either worker may have been cut after its last line"


def test_two_sittings_share_a_folder(tmp_path: Path) -> None:
    from quick_training import spec

    runs = tmp_path / "runs"
    both = [sitting(runs, tmp_path / f"sitting{number}.py", "0.05") for number in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all(text.rstrip().endswith("{}") for text in said)
    specs = [spec("resnet20", "0.05", 4, seed) for seed in range(4)]
    assert Counter(log(runs)) == {one.name: 4 for one in specs}
    assert len(log(runs, "workers.log")) == 4


def test_a_disk_without_room_ends_the_study_with_a_sentence(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: no other run would find room either."""
    process = subprocess.run(
        [sys.executable, "-m", "analysis.cli", "review", "digits", "--jobs", "1", "--out", str(tmp_path / "runs")],
        cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    said = " ".join(process.stderr.split())
    assert process.returncode == 2, said
    assert (
        "checkpoint.safetensors' cannot be written: file too large. Make room, and give the same command"
        in said
    )
    assert "Traceback" not in process.stderr
    assert not list((tmp_path / "runs").glob(f"*/{RECORD}"))
