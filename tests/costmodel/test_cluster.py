"""A cluster of Ray: what workers must have, what a lost one costs, and what is said where there is none."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from costmodel.errors import BnncostError
from costmodel.evaluate import cluster, versions
from costmodel.evaluate.cluster import Refusal, Surroundings, _told, engine_of, joined
from costmodel.evaluate.engine import Here, Processes
from costmodel.evaluate.versions import versions_of

ROOT = Path(__file__).parents[2]
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed: pip install 'bnncost[cluster]'"
)
PATIENCE_S = 120.0


def test_an_engine_is_what_is_asked_for() -> None:
    assert engine_of(None, 1, 9, "adds") == engine_of(None, 9, 1, "adds") == Here()
    assert engine_of(None, 2, 9, "adds") == Processes(2, "adds")
    assert engine_of("local", 1, 1, "adds") == cluster.Cluster("local", 1, "adds")


def test_without_ray_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(BnncostError, match=r"install it: pip install 'bnncost\[cluster\]'"),
        joined("local", 1),
    ):
        pass


def here() -> Surroundings:
    return Surroundings.here(("numpy",))


def test_a_worker_with_the_same_versions_works() -> None:
    assert _told(here(), max, 3, 5) == 5


def test_a_worker_with_other_versions_refuses() -> None:
    _, own = versions_of(("numpy",))
    assert own == ("numpy", np.__version__)
    other = Surroundings((("bnncost", "9.9 (00000000)"), ("numpy", "1.0")), "", "", gc.get_threshold(), ".")
    said = _told(other, max, 3, 5)
    assert isinstance(said, Refusal)
    assert "not 9.9 (00000000) and numpy" in said.sentence
    assert f"numpy {np.__version__}, not 1.0; install the same there." in said.sentence


def test_a_build_for_another_device_is_no_other_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version", lambda name: "2.13.0+cu130")
    assert versions_of(("torch",))[1] == ("torch", "2.13.0")


def test_a_worker_with_another_plugin_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("# nothing that a test would leave behind\n", "utf-8")
    monkeypatch.setenv("BNNCOST_PLUGINS", "")
    monkeypatch.setattr(cluster, "load_named_plugins", lambda: None)
    other = Surroundings(here().versions, str(tmp_path / "mine.py"), "00000000", gc.get_threshold(), ".")
    said = _told(other, max, 3, 5)
    assert isinstance(said, Refusal)
    assert "its files of --plugin, or of packages that declare methods, differ" in said.sentence


def test_a_worker_stands_where_network_files_are_named_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.yaml").touch()
    monkeypatch.chdir(tmp_path)
    asked = here()
    monkeypatch.chdir("/")
    assert _told(asked, os.path.isfile, "net.yaml") is True


def test_what_a_task_cannot_do_is_a_sentence() -> None:
    assert _told(here(), open, "/nowhere/at/all") == Refusal("'/nowhere/at/all': no such file or directory.")


@pytest.mark.parametrize("address", ["here", "10.0.0.1", ":6379", "10.0.0.1:", "10.0.0.1:99999", "ray://a:x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BnncostError, match="write local, or HOST:PORT"):
        cluster._require_cluster(address)


def test_no_cluster_at_an_address_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(cluster, "_HEALTHY_S", 1.0)
        with pytest.raises(BnncostError, match=f"what listens at 127.0.0.1:{port} is no Ray cluster"):
            cluster._require_cluster(f"127.0.0.1:{port}")
    with pytest.raises(BnncostError, match=f"no cluster is at 127.0.0.1:{port} .connection refused."):
        cluster._require_cluster(f"127.0.0.1:{port}")


# ---------------------------------------------------------------- with Ray

TASKS = """
import os, time
from pathlib import Path

def slow_square(folder, number):
    with open(Path(folder, "log"), "a") as log:
        log.write(f"{os.getpid()} {number}\\n")
    time.sleep(0.5)
    return number**2

def fatal(folder, number):
    with open(Path(folder, "log"), "a") as log:
        log.write(f"{os.getpid()} {number}\\n")
    os._exit(1)
"""
DRIVER = """
import sys
from functools import partial
import cluster_tasks
from costmodel.errors import BnncostError
from costmodel.evaluate.cluster import Cluster

results = []
work = partial(getattr(cluster_tasks, sys.argv[2]), sys.argv[1])
try:
    for task, result in Cluster(sys.argv[3], 2, "squares numbers").results(work, range(int(sys.argv[4]))):
        results.append((task, result))
except BnncostError as error:
    results.append((error,))
for result in results:
    print(*result)
"""


def driver(folder: Path, work: str, tasks: int, address: str = "local") -> subprocess.Popen[str]:
    """A process of its own that squares numbers on a cluster."""
    (folder / "cluster_tasks.py").write_text(TASKS, "utf-8")
    (folder / "driver.py").write_text(DRIVER, "utf-8")
    return subprocess.Popen(
        [sys.executable, "driver.py", str(folder), work, address, str(tasks)],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
    )  # fmt: skip


def logged(folder: Path) -> list[tuple[int, int]]:
    """Process and task of every begin."""
    lines = (folder / "log").read_text().splitlines() if (folder / "log").exists() else []
    return [(int(process), int(task)) for process, task in map(str.split, lines)]


@needs_ray
def test_a_killed_worker_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with driver(tmp_path, "slow_square", 12) as process:
        end = time.monotonic() + PATIENCE_S
        while len(logged(tmp_path)) < 5:
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        victim, task = logged(tmp_path)[-1]
        os.kill(victim, signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert Counter(out.splitlines()) == Counter(f"{number} {number**2}" for number in range(12)), err
    begun = logged(tmp_path)
    assert len({worker for worker, _ in begun}) >= 3, "two workers, and what came in the place of one"
    assert Counter(number for _, number in begun) == Counter([*range(12), task])


@needs_ray
def test_a_task_that_takes_every_worker_with_it_ends_in_a_sentence(tmp_path: Path) -> None:
    with driver(tmp_path, "fatal", 1) as process:
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert out.startswith("a worker of the cluster that squares numbers was lost 4 times")
    assert len(logged(tmp_path)) == 4


NODES = """
import os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": os.pathsep.join([sys.argv[1], os.environ["PYTHONPATH"]])})
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@needs_ray
def test_a_node_with_other_files_is_named_before_anything_runs(tmp_path: Path) -> None:
    """Two nodes of one cluster: the second has a bnncost whose files differ by a line."""
    for package in ("costmodel", "training", "analysis", "hardware_profiles"):
        shutil.copytree(
            ROOT / package, tmp_path / "copy" / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    with (tmp_path / "copy" / "costmodel" / "errors.py").open("a") as stream:
        stream.write("# another version\n")
    with subprocess.Popen(
        [sys.executable, "-c", NODES, str(tmp_path / "copy")],
        cwd=tmp_path, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
    ) as nodes:  # fmt: skip
        assert nodes.stdout is not None
        address = nodes.stdout.readline().strip()
        with driver(tmp_path, "slow_square", 4, address) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        nodes.communicate("", timeout=PATIENCE_S)
    assert out.startswith("nodes of the cluster do not fit: "), err
    assert out.count("it has bnncost ") == 1
    assert "install the same there" in out
    assert not logged(tmp_path)
