"""A study on a cluster has the records of one on this machine, also where a worker is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from benchmarks.processes import alive, family_of
from costmodel.errors import BnncostError
from training.review.on_cluster import OnCluster, _find, crew_of
from training.review.processes import Processes
from training.run.folders import CHECKPOINT, HISTORY, RECORD
from training.run.recipe import Recipe

ROOT = Path(__file__).parents[2]
PATIENCE_S = 200.0
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed: pip install 'bnncost[cluster]'"
)
PLAN = """
name: tiny
baseline: resnet20@w0.25/digits
recipe: {base: digits, epochs: 12, train_images: 250}
alone: [prelu]
references: [int4]
"""
RUNS = 3


def test_a_crew_is_what_is_asked_for() -> None:
    for jobs, processes in ((3, 3), (None, 4)):
        crew = crew_of(None, jobs, 4, 0.5)
        assert isinstance(crew, Processes)
        assert crew.jobs == processes
    for address, jobs, cores in (("head:1", None, 4), ("local", 2, 2)):
        crew = crew_of(address, jobs, 4, 0.5)
        assert isinstance(crew, OnCluster)
        assert (crew.address, crew.jobs, crew.gpu, crew.cores) == (address, jobs, 0.5, cores)
    with pytest.raises(BnncostError, match="not --jobs 0"):
        crew_of("local", 0, 4, 0.5)


def test_the_part_of_a_gpu_is_no_part_of_a_recipe_s_digest() -> None:
    whole, half = (Recipe(name="a", epochs=1, batch_size=1, gpu=gpu) for gpu in (1, 0.5))
    assert whole.digest == half.digest
    with pytest.raises(ValueError, match="gpu"):
        Recipe(name="a", epochs=1, batch_size=1, gpu=1.5)


def test_a_folder_that_a_node_does_not_see_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        BnncostError, match=r"does not see what is written to .*; name a folder that all nodes share"
    ):
        _find(tmp_path, "word")
    (tmp_path / ".shared-word").touch()
    _find(tmp_path, "word")
    assert [path.name for path in tmp_path.iterdir()] == [".shared-word"]


def study(plan: Path, runs: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "analysis.cli", "review", str(plan), "--jobs", "2", "--out", str(runs), *more],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def records(runs: Path) -> dict[str, dict[str, Any]]:
    """All records of a folder, without the time that they took."""
    found = {path.parent.name: json.loads(path.read_text("utf-8")) for path in runs.glob(f"*/{RECORD}")}
    for record in found.values():
        del record["wall_s"]
    return found


def tensors(path: Path) -> dict[str, list[float]]:
    return {name: tensor.tolist() for name, tensor in load_file(path).items()}


def training(process: int) -> Iterator[int]:
    """Workers of a command's cluster that have a run now."""
    for child in family_of(process):
        if alive(child) and Path(f"/proc/{child}/comm").read_text("utf-8").startswith("ray::_told"):
            yield child


@needs_ray
def test_a_study_whose_worker_is_killed_has_the_same_records(tmp_path: Path) -> None:
    plan = tmp_path / "tiny.yaml"
    plan.write_text(PLAN, "utf-8")
    with study(plan, tmp_path / "here") as process:
        assert process.wait(PATIENCE_S) == 0
    killed = 0
    with study(plan, tmp_path / "cluster", "--cluster", "local") as process:
        end = time.monotonic() + PATIENCE_S
        while not killed:
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
            if any(len(path.read_text().splitlines()) > 3 for path in tmp_path.glob(f"cluster/*/{HISTORY}")):
                killed = next(training(process.pid), 0)
        os.kill(killed, signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "(raylet)" not in out
    assert len(records(tmp_path / "here")) == RUNS
    assert records(tmp_path / "cluster") == records(tmp_path / "here")
    for name in records(tmp_path / "here"):
        one, other = (tensors(tmp_path / folder / name / CHECKPOINT) for folder in ("here", "cluster"))
        assert one == other
        assert len((tmp_path / "cluster" / name / HISTORY).read_text().splitlines()) == 13
    assert not list((tmp_path / "cluster").glob(".shared*"))


SEATS = """
import sys
from pathlib import Path
from ray.cluster_utils import Cluster
from training.review.on_cluster import OnCluster
from training.review.worker import Setup

if __name__ == "__main__":
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 5, "num_gpus": 2, "include_dashboard": False})
    for device in ("auto", "cpu"):
        crew = OnCluster(nodes.address, None, 0.4, 1)
        with crew.at_work(Setup("digits", Path(sys.argv[1]), device), 99) as seats:
            found = len(seats)
        print(device, found, flush=True)
    nodes.shutdown()
"""


@needs_ray
def test_a_run_takes_the_part_of_a_gpu_that_its_recipe_states(tmp_path: Path) -> None:
    """Two GPUs, of which Ray only counts: two runs of 0.4 on each; runs on the CPU take a core each."""
    (tmp_path / "seats.py").write_text(SEATS, "utf-8")
    (tmp_path / "runs").mkdir()
    done = subprocess.run(
        [sys.executable, "seats.py", str(tmp_path / "runs")], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["auto 4", "cpu 5"], done.stderr
