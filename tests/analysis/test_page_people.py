"""What three people do: on the command line, and on the page, recorded step by step."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_outputs import said
from page_window import SPACES, Opened, Windows, needs_browser, points_of, sync_api

from analysis.report.page.data import operations_of, page_record, space_record, spaces
from analysis.report.page.html import write_page
from analysis.report.page.own import read_own
from analysis.report.page.server import PageServer
from costmodel import cost, load_profile

pytestmark = needs_browser
LARGER_MEMORY = """\
name: larger
extends: asic-45nm
memories:
  feature_sram:
    size: {value: 1024, unit: kB, source: engineering-estimate, status: assumed}
"""


@contextmanager
def served(page_file: Path, data: dict[str, Any]) -> Iterator[PageServer]:
    """A page behind `explore --serve`."""
    with PageServer(page_file, SPACES[:1], operations_of(data["spaces"])) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def recorded(window: Opened, folder: Path) -> Iterator[None]:
    """Record every step with its picture in a trace, as `playwright show-trace` shows it."""
    window.windows.context.tracing.start(screenshots=True, snapshots=True)
    yield
    window.windows.context.tracing.stop(path=folder / "trace.zip")
    assert (folder / "trace.zip").stat().st_size > 10_000


def test_a_served_page_runs_the_model_for_an_edited_profile(
    windows: Windows, page_file: Path, data: dict[str, Any]
) -> None:
    with served(page_file, data) as server, Opened(windows, f"{server.address}#on=fpga-zynq7020") as window:
        before = window.page.locator("tr", has_text="plain BNN").first.inner_text()
        window.page.get_by_label("Profile as YAML").fill(
            "name: edited\nextends: fpga-zynq7020\n"
            "clock: {value: 50, unit: MHz, source: engineering-estimate, status: assumed}\n"
        )
        window.page.get_by_role("button", name="Run the model").click()
        sync_api.expect(window.page.locator(".chart")).to_have_count(2, timeout=60_000)
        assert window.page.get_by_label("Profile", exact=True).input_value() == "edited"
        assert window.page.locator("tr", has_text="plain BNN").first.inner_text() != before
        window.page.get_by_label("Profile as YAML").fill("name: b\nextends: /etc/passwd")
        window.page.get_by_role("button", name="Run the model").click()
        sync_api.expect(window.page.locator("[data-name=model] [role=status]")).to_contain_text("extends")


def test_the_engineer_asks_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    question = ("best", "--network", "resnet20", "--profile", "mcu-cortex-m33", "--energy", "10mJ")
    text = " ".join(said(capsys, *question).split())
    eight, binary = (
        cost(name, "mcu-cortex-m33").energy_j for name in ("int8/resnet20/cifar10", "resnet20/cifar10")
    )
    assert binary < eight < 10e-3
    assert "Against int8: int8 (91.55 %" in text and f"{eight * 1e3:.3g} mJ" in text
    assert "IE-Net" in text and "double_residual" in text


def test_the_engineer_finds_the_repairs_within_ten_millijoules_in_three_clicks(
    opened: Opened, tmp_path: Path
) -> None:
    with recorded(opened, tmp_path):
        _three_clicks(opened)


def _three_clicks(opened: Opened) -> None:
    chip = "mcu-cortex-m33"
    energies = [cost(one["name"], chip).energy_j for one in points_of(opened)]
    low, high = math.log(min(energies)), math.log(max(energies) * 1.001)
    opened.page.get_by_label("Profile", exact=True).select_option(chip)
    opened.slide("budget-energy", math.floor(1000 * (math.log(10e-3) - low) / (high - low)))
    opened.page.locator("#table tbody tr").filter(has_text=re.compile("int8")).first.locator(
        "th button"
    ).click()
    said = opened.page.locator("label[for=budget-energy] + output").inner_text()
    amount, unit = re.fullmatch(r"at most ([\d.]+) (m?J)", said).groups()  # type: ignore[union-attr]
    assert unit == "mJ" and 9.8 <= float(amount) <= 10
    inside = [energy <= float(amount) * 1.0005e-3 for energy in energies]
    assert opened.page.locator("#table tbody tr:not(.out)").count() == sum(inside) > 0
    published = [fits for fits, one in zip(inside, points_of(opened), strict=True) if not one["study"]]
    assert f"{sum(published)} of {len(published)} designs fit" in opened.page.locator("#verdict").inner_text()
    card = opened.page.get_by_label("Pinned: int8").inner_text()
    assert f"{cost('int8/resnet20/cifar10', chip).energy_j * 1e3:.3g}"[:4] in card


def test_the_architect_moves_a_price_and_a_memory_and_reads_a_break_even(
    windows: Windows, page_file: Path, data: dict[str, Any], tmp_path: Path
) -> None:
    with served(page_file, data) as server, Opened(windows, f"{server.address}#on=asic-45nm") as window:
        with recorded(window, tmp_path):
            window.page.get_by_label("Beside it").select_option("mcu-cortex-m33")
            assert window.page.locator(".chart").count() == 2
            before = window.front()
            window.slide("price-mul16", 4)
            assert window.front() != before
            _read_a_break_even(window)
            window.page.get_by_role("button", name="Prices of the profile").click()
            assert window.front() == before
            points = window.page.locator("tr.front").all_inner_texts()
            window.page.get_by_label("Profile as YAML").fill(LARGER_MEMORY)
            window.page.get_by_role("button", name="Run the model").click()
            profile = window.page.get_by_label("Profile", exact=True)
            sync_api.expect(profile).to_have_value("larger", timeout=240_000)
            assert window.page.locator("tr.front").all_inner_texts() != points, "the front has moved"
        assert window.complaints == []


def _read_a_break_even(window: Opened) -> None:
    for name in ("IR-Net", "width 1.5"):
        window.page.get_by_role("row", name=name).first.locator("th button").click()
    pair = window.page.get_by_label("The two pinned designs compared").inner_text()
    assert re.search(r"Break-even.*×[\d.]+", pair, re.DOTALL)


def test_the_researcher_puts_an_own_point_on_the_published_front_for_a_paper(
    windows: Windows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A column of two on a page is 3.5 inches wide, 252 points; what the table cites stands in the file beside it."""
    mine, out = tmp_path / "mine.csv", tmp_path / "paper"
    mine.write_text("design,top1\nresnet20[double_residual+prelu]/cifar10,89.2\n", "utf-8")
    sources = ("--accuracy", "literature", "--accuracy", str(mine))
    look = ("--size", "column", "--title", "none", "--columns", "label,top1,energy_j,reference")
    said(capsys, "pareto", *sources, *look, "--out", str(out))
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ", (out / "front-energy.pdf").read_bytes())
    assert 200 < float(box) <= 252.1
    table, bibliography = ((out / f"front-energy.{end}").read_text("utf-8") for end in ("tex", "bib"))
    assert "89.2" in table and "mine.csv" in table
    cited = {key.strip() for keys in re.findall(r"\\cite\{([^}]*)\}", table) for key in keys.split(",")}
    assert cited and cited <= set(re.findall(r"^@\w+\{([^,]+),", bibliography, re.MULTILINE))

    space, chip = spaces(read_own([str(mine)]).records)[0], load_profile("asic-45nm")
    record = page_record([space_record(space, [chip])], [chip], "test")
    with Opened(windows, write_page(tmp_path, record).as_uri()) as window:
        with recorded(window, tmp_path):
            window.page.get_by_role("row", name="double_residual+prelu").locator("th button").first.click()
        assert "own (mine.csv)" in window.page.locator("#pins").inner_text()
        assert "double_residual+prelu" in window.saved("SVG").decode()


def test_own_points_and_estimates_stand_on_fronts_of_their_own(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("design,top1\nresnet20[double_residual+prelu]/cifar10,86.4\n", "utf-8")
    (tmp_path / "front.csv").write_text(
        "design,top1,top1_low,top1_high,kind\nresnet20[prelu]/cifar10,80.1,78.0,82.2,estimated\n", "utf-8"
    )
    chip = load_profile("asic-45nm")
    own = read_own([str(tmp_path / name) for name in ("mine.csv", "front.csv")]).records
    first = spaces(own)[0]
    assert first.name == "resnet20/cifar10"
    record = page_record([space_record(first, [chip])], [chip], "test")
    with Opened(windows, write_page(tmp_path, record).as_uri()) as window:
        assert "estimated" in window.page.locator("#legend").inner_text()
        mine = window.page.get_by_role("row", name="double_residual+prelu")
        assert "86.4 %" in mine.inner_text() and "own (mine.csv)" in mine.inner_text()
        estimate = window.page.get_by_role("row").filter(has_text="estimated (front.csv)")
        assert "80.1 %" in estimate.inner_text()
        assert [
            mine.locator("path").get_attribute("fill"),
            estimate.locator("path").get_attribute("fill"),
        ] == [
            "var(--binary)",
            "none",
        ]
        window.page.get_by_label("does the front survive?").check()
        deviations = {one["study"]: one["deviation"] for one in record["spaces"][0]["points"]}
        assert deviations["mine.csv"] == 0.4
        assert deviations["front.csv"] == pytest.approx(2.1 / 1.645)  # its interval holds nine tenths
        assert window.complaints == []
