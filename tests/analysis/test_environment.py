"""Where commands run: homes, languages, folders and outputs that are not there, or not as one would wish."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAIN = "import sys; sys.argv[0] = 'bnncost'; from analysis.cli import main; main()"
EXPLORE = ("explore", "--network", "cnv", "--profile", "asic-28nm-bnn")
WAIT_S = 120.0
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Python would cut the compiled modules, too, where files may not grow, and leave them cut in the checkout."""


@pytest.fixture
def caches() -> Path:
    """The folder of mappings that all tests share, so that each is searched once."""
    return Path(os.environ["BNNCOST_CACHE"])


def started(
    caches: Path | None, *arguments: str, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """A command as the installed script runs it: the working folder is not where modules are looked for."""
    known = {**os.environ} if environment is None else environment
    known["PYTHONPATH"] = str(ROOT)
    known |= {"PYTHONSAFEPATH": "1"} | ({} if caches is None else {"BNNCOST_CACHE": str(caches)})
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=cwd or ROOT,
        env=known,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=WAIT_S)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def test_without_a_home_commands_run(caches: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    bare["BNNCOST_CACHE"] = ""
    code, out, err = ended(started(None, "cost", "resnet20", environment=bare))
    assert (code, err) == (0, "") and "resnet20/cifar10" in out


def test_in_plain_c_the_output_is_spelled_out(caches: Path) -> None:
    plain = {**os.environ, "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code, out, err = ended(started(caches, "cost", "resnet20", environment=plain))
    assert (code, err) == (0, "") and "resnet20/cifar10" in out and out.isascii()


def test_modules_of_the_working_folder_are_none_of_ours(tmp_path: Path, caches: Path) -> None:
    for name in ("numpy.py", "training.py", "yaml.py", "analysis/__init__.py", "costmodel/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemError('the wrong one')\n", "utf-8")
    code, _, err = ended(started(caches, *EXPLORE, "--out", "out", cwd=tmp_path))
    assert code == 0, err
    assert (tmp_path / "out" / "index.html").is_file()


def test_a_network_of_ones_own_beside_modules_with_our_names(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="a module needs torch; install the train extra")
    for name in ("numpy.py", "training.py", "json.py", "costmodel/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemError('the wrong one')\n", "utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.py").write_text(
        "from torch import nn\n\ndef make():\n    return nn.Conv2d(3, 4, 3)\n"
    )
    script = tmp_path / "bin" / "bnncost"
    script.parent.mkdir()
    script.write_text("from analysis.cli import main\n\nmain()\n", "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), "cost", "mine.net:make", "--input", "3x8x8", "--traffic", "compulsory"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "mine.net:make" in done.stdout


def test_a_closed_input_is_the_number_of_no_file_of_ours() -> None:
    """A process that is started has its own input there: a pipe with this number would be lost to it."""
    code = "import os; from analysis import cli; cli.run = lambda: print(min(os.pipe())) or 0; cli.main()"
    command = f'{sys.executable} -c "{code}" <&-'
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_is_a_sentence(closed: str) -> None:
    command = f"{sys.executable} -m analysis.cli designs {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    if closed == "2>&-":
        assert (done.returncode, done.stderr) == (0, "") and "reactnet" in done.stdout
    else:
        said = "" if "2>" in closed else "Error: the output cannot be written: standard output is closed.\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_full_output_is_a_sentence() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "analysis.cli", "designs"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "Error: the output cannot be written: No space left on device.\n"


def test_messages_that_nobody_can_hear_do_not_change_how_a_command_ends() -> None:
    command = f"{sys.executable} -m analysis.cli cost nonet 2>/dev/full"
    assert subprocess.run(["sh", "-c", command], cwd=ROOT, check=False).returncode == 2


def test_a_reader_that_has_enough_ends_a_command_without_a_word() -> None:
    command = f"{sys.executable} -m analysis.cli designs | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_a_file_that_may_not_grow_is_a_sentence_and_nothing_half_written(
    tmp_path: Path, caches: Path
) -> None:
    arguments = [
        "robust",
        "--network",
        "cnv",
        "--dataset",
        "cifar10",
        "--draws",
        "20",
        "--out",
        "out/r.svg",
    ]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", sys.executable, "-c", MAIN, *arguments],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT), "BNNCOST_CACHE": str(caches)} | NO_BYTECODE,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "Error: 'out/r.svg' cannot be written: file too large.\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_without_a_folder_for_temporary_files_commands_run(caches: Path) -> None:
    lost = {**os.environ, "TMPDIR": "/nowhere/at/all"}
    code, out, err = ended(started(caches, "cost", "resnet20", environment=lost))
    assert (code, err) == (0, "") and "resnet20/cifar10" in out


def test_two_explorations_of_one_folder_agree(tmp_path: Path, caches: Path) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    assert ended(started(caches, *EXPLORE, "--out", str(alone)))[0] == 0
    both = [started(caches, *EXPLORE, "--out", str(shared)) for _ in range(2)]
    assert [ended(one)[0] for one in both] == [0, 0]
    assert (shared / "index.html").read_bytes() == (alone / "index.html").read_bytes()


def test_a_folder_that_goes_away_is_a_sentence_or_made_again(tmp_path: Path, caches: Path) -> None:
    out = tmp_path / "out"
    process = started(caches, *EXPLORE, "--tables", "--out", str(out))
    end = time.monotonic() + WAIT_S
    while not out.is_dir() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    shutil.rmtree(out, ignore_errors=True)
    code, _, err = ended(process)
    if code == 0:
        assert (out / "index.html").is_file()
    else:
        assert code == 2 and err.count("Error: ") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, which a page does not fit on."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_cannot_be_written_is_a_sentence(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, _, err = ended(started(None, *EXPLORE, "--out", str(small_disk / "out")))
    assert (code, err.count("Error: ")) == (2, 1)
    assert "read-only file system" in err.lower()


def test_a_disk_too_small_is_a_sentence_and_nothing_half_written(small_disk: Path, caches: Path) -> None:
    code, _, err = ended(started(caches, *EXPLORE, "--out", str(small_disk / "out")))
    assert code == 2
    assert "no space left on device" in err.lower()
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path.name == "index.html"]
    assert not [path for path in small_disk.rglob("*") if path.name.endswith((".part", ".tmp"))]
