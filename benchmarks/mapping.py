"""`python -m benchmarks.mapping`: ZigZag's accelerators and ResNet-18, mapped by ZigZag 3.9.1 and by this project.

ZigZag gets an environment of its own (.venv-zigzag). Its results are kept beside the figures and are not made again
unless asked (--again), for its accelerator files and ours stay the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.bench import ROOT, machine
from benchmarks.mapping_tables import summary, tables
from costmodel import BnncostError
from costmodel.importers.zigzag import architecture_of
from costmodel.output import write_whole

ZIGZAG = "zigzag-dse==3.9.1"
PACKAGES = (ZIGZAG, "six")  # which its YAML check needs and its wheel does not ask for
NEEDS = (3, 11)
LPF_LIMIT = 6  # the tool's own default
NETWORK = "resnet18.onnx"
_WHERE = "import zigzag, pathlib; print(pathlib.Path(zigzag.__file__).parent / 'inputs')"
_CLEAN = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def environment(folder: Path, python: str) -> Path:
    """The interpreter of an environment with ZigZag in it, made where there is none."""
    made, done = folder / "bin" / "python", folder / ".installed"
    if not done.exists():
        version = _answer([python, "-c", "import sys; print(*sys.version_info[:2])"])
        if tuple(map(int, version.split())) < NEEDS:
            raise BnncostError(
                f"{ZIGZAG} needs Python 3.11 or newer, and '{python}' is older; name one with --python."
            )
        _answer([python, "-m", "venv", str(folder)])
        _answer([str(made), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES])
        write_whole(done, ZIGZAG + "\n")
    return made


def _answer(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BnncostError(f"'{' '.join(command[:6])} ...' failed: {last}")
    return done.stdout


def mapping_for(accelerator: Path) -> tuple[Path, str]:
    """The shipped mapping file of an accelerator, and why it is another than the one of its name."""
    folder = accelerator.parents[1] / "mapping"
    named = [folder / f"{stem}.yaml" for stem in (accelerator.stem, f"{accelerator.stem}_like")]
    own = next((path for path in named if path.exists()), None)
    default = folder / "default.yaml"
    if own is None:
        return default, "it has no mapping file of its own"
    try:
        architecture_of(accelerator, own)
    except BnncostError as error:
        return (
            default,
            f"its own mapping file is not for convolutions: {str(error).splitlines()[0].split(': ', 2)[-1]}",
        )
    return own, ""


def run_there(
    python: Path, accelerator: Path, mapping: Path, limit_s: float, kept: Path, again: bool
) -> None:
    """Let ZigZag search, and keep its lines; the last one says the totals, or why there are none."""
    if kept.exists() and not again:
        last = json.loads(kept.read_text(encoding="utf-8").splitlines()[-1])
        if "total" in last or last["limit_s"] >= limit_s:
            return
    script = str(Path(__file__).with_name("mapping_there.py"))
    network = accelerator.parents[1] / "workload" / NETWORK
    command = [str(python), script, str(accelerator), str(mapping), str(network), str(LPF_LIMIT)]
    why = ""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
        try:
            done = subprocess.run(
                command, stdout=lines, stderr=subprocess.PIPE, text=True, timeout=limit_s, check=False,
                cwd=folder, env=os.environ | _CLEAN,
            )  # fmt: skip
            if done.returncode:
                error = [
                    line for line in done.stderr.splitlines() if line and not line.startswith((" ", "-"))
                ]
                why = f"it ended with: {(error or ['no message'])[-1].split('. Please')[0]}"
        except subprocess.TimeoutExpired:
            why = f"it had not ended after {limit_s:g} s"
        lines.seek(0)
        text = lines.read()
    if why:
        text = text[: text.rfind("\n") + 1] + json.dumps({"failed": why, "limit_s": limit_s}) + "\n"
    write_whole(kept, text)


def run_here(accelerator: Path, mapping: Path, kept: Path) -> dict[str, Any]:
    """Map the same layers in a fresh process, with a cache that is empty at first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.mapping_here", str(accelerator), str(mapping), str(kept)]
        done = subprocess.run(
            [*command, str(LPF_LIMIT), folder],
            cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | _CLEAN,
        )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(python: Path, accelerator: Path, given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One accelerator on both sides, or the reason why not."""
    try:
        mapping, why_default = mapping_for(accelerator)
        architecture_of(accelerator, mapping)
    except BnncostError as error:
        return {"left_out": f"refused by the importer: {str(error).split(': ', 1)[1]}"}
    kept = (folder / f"{accelerator.stem}.jsonl").resolve()
    run_there(python, accelerator, mapping, given.limit_s, kept, given.again)
    *layers, last = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    found: dict[str, Any] = {"mapping_file": mapping.name, "why_this_mapping_file": why_default}
    if "failed" in last:
        return found | {"left_out": f"ZigZag mapped {len(layers)} layers: {last['failed']}"}
    here = run_here(accelerator, mapping, kept)
    rows = [
        {
            "layer": there["layer"],
            "there": {key: there[key] for key in ("energy_pj", "cycles", "wall_s", "cpu_s")},
        }
        | ours
        for there, ours in zip(layers, here.pop("layers"), strict=True)
    ]
    return found | {"there": last, "here": here, "layers": rows}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench_mapping.json"), help="the file to write")
    parser.add_argument(
        "--limit-s", type=float, default=300.0, help="seconds that ZigZag gets for an accelerator"
    )
    parser.add_argument("--again", action="store_true", help="run ZigZag again where its results are kept")
    parser.add_argument("--only", nargs="+", default=[], help="names of accelerators, such as tpu_like")
    parser.add_argument("--python", default=sys.executable, help="the interpreter for ZigZag's environment")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        python = environment(ROOT / ".venv-zigzag", given.python)
        inputs = Path(_answer([str(python), "-c", _WHERE]).strip())
        accelerators = sorted((inputs / "hardware").glob("*.yaml"))
        names = [path.stem for path in accelerators]
        if unknown := [name for name in given.only if name not in names]:
            raise BnncostError(f"ZigZag ships no accelerator '{unknown[0]}'; it ships {', '.join(names)}.")
        found = {}
        for accelerator in accelerators:
            if not given.only or accelerator.stem in given.only:
                console.print(f"{accelerator.stem} ...")
                found[accelerator.stem] = compare(python, accelerator, given, given.out.parent / "zigzag")
        figures = {"machine": machine(), "zigzag": ZIGZAG, "lpf_limit": LPF_LIMIT, "accelerators": found}
        write_whole(given.out, json.dumps(figures, indent=2) + "\n")
    except BnncostError as error:
        console.print(str(error), style="red", highlight=False)
        sys.exit(2)
    for table in tables(figures):
        console.print(table)
    for line in summary(figures):
        console.print(line, highlight=False)
    console.print(f"written to {given.out}")


if __name__ == "__main__":
    main()
