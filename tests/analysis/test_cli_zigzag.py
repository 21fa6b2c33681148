"""`bnncost profiles import-zigzag` from the outside: a profile that prices designs, or one message and no file."""

from __future__ import annotations

from pathlib import Path

import pytest
from zigzag_files import TPU_LIKE, TPU_LIKE_MAPPING, written

from analysis.cli import run
from costmodel import load_profile

Captured = pytest.CaptureFixture[str]


def test_the_written_profile_prices_a_design(tmp_path: Path, capsys: Captured) -> None:
    file, mapping = written(tmp_path, "chip", TPU_LIKE), written(tmp_path, "map", TPU_LIKE_MAPPING)
    out = tmp_path / "mine.yaml"
    given = ["profiles", "import-zigzag", str(file), "--mapping", str(mapping), "--out", str(out)]
    assert run(given) == 0
    assert f"Wrote {out}" in capsys.readouterr().out
    assert load_profile(out).name == "tpu_like"
    assert run(["profiles", "check", str(out)]) == 0
    assert run(["cost", "resnet20", "--profile", str(out)]) == 0
    assert "resnet20/cifar10 on tpu_like" in capsys.readouterr().out
    before = out.read_text("utf-8")
    assert run(given) == 2
    assert "is there already" in capsys.readouterr().err
    assert out.read_text("utf-8") == before


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        (TPU_LIKE.replace("r_cost", "r_cots"), [], ["r_cots", "did you mean 'r_cost'", "chip.yaml:"]),
        (TPU_LIKE + "  is_imc: true\n", [], ["is_imc", "memory cells"]),
        (TPU_LIKE, ["--mapping", "nowhere.yaml"], ["nowhere.yaml", "does not exist"]),
        (TPU_LIKE, ["--extends", "asic-45"], ["did you mean 'asic-45nm'"]),
        (TPU_LIKE, ["--precision", "8x9"], ["unknown MAC precision '8x9'"]),
    ],
)
def test_a_mistake_is_one_message_and_no_file(
    text: str, more: list[str], told: list[str], tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "mine.yaml"
    file = written(tmp_path, "chip", text)
    assert run(["profiles", "import-zigzag", str(file), "--out", str(out), *more]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("Error:") == 1
    assert "Traceback" not in captured.err
    assert all(part in captured.err for part in told), captured.err
    assert not out.exists()
