"""The page in a browser: what a reader does with it, at three sizes, light and dark; nothing fetched or complained."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from page_window import PROFILES, Opened, Windows, needs_browser

from analysis.report.page import data as data_of_the_page
from analysis.report.page.data import Space, page_record, space_record
from analysis.report.page.html import page_html, write_page
from analysis.show.words import scope_sentence
from costmodel import cost, load_profile
from costmodel.evaluate.sensitivity import sensitivity

pytestmark = needs_browser

HOSTILE = '</script><img src=x onerror="window.hit=1"><b>bold</b>=1+1'
SIZES = (1400, 900, 390)


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_at_every_size_in_light_and_dark_and_fetches_nothing(
    windows: Windows, page_file: Path, width: int, scheme: str
) -> None:
    with Opened(windows, page_file.as_uri(), width, scheme) as window:
        for view in ("Methods", "Accuracy against cost"):
            window.page.get_by_role("tab", name=view).click()
            assert window.page.evaluate("document.documentElement.scrollWidth") <= width
        window.page.locator("tbody th button").first.click()
        assert window.page.locator("#pins article").count() == 1
        assert window.complaints == [] and window.fetched == [page_file.as_uri()]


def test_it_is_interactive_soon(opened: Opened) -> None:
    timing = "performance.getEntriesByType('navigation')[0].domInteractive"
    assert opened.page.evaluate(timing) < 5000  # a second on an idle machine
    assert opened.page.locator("#verdict").inner_text().startswith(tuple("0123456789"))


def test_repairs_for_a_microcontroller_within_a_budget_in_three_moves(opened: Opened) -> None:
    opened.page.get_by_label("Profile", exact=True).select_option("mcu-cortex-m33")
    before = opened.page.locator("tr.out").count()
    opened.slide("budget-energy", 300)
    assert before == 0 and opened.page.locator("tr.out").count() > 0
    assert "designs fit; the best is" in opened.page.locator("#verdict").inner_text()
    opened.slide("budget-energy", 0)
    opened.slide("budget-top1", 1000)
    assert "No design fits" in opened.page.locator("#verdict").inner_text()
    opened.page.get_by_role("button", name="No budgets").click()
    assert opened.page.locator("tr.out").count() == 0


def test_a_price_that_moves_moves_energies_ranks_and_the_front(opened: Opened) -> None:
    row = opened.page.locator("tr", has_text="plain BNN").first
    before = row.inner_text()
    opened.slide("price-sram", 3)  # eight times
    assert row.inner_text() != before
    assert "Mapping held" in opened.page.locator("#verdict").inner_text()
    truth = cost("resnet20/cifar10", "asic-45nm")
    moved = truth.energy_j + 7 * sum(one.energy_j for one in truth.memory)
    assert f"{moved * 1e6:.1f} µJ" in row.inner_text()
    opened.page.get_by_role("button", name="Prices of the profile").click()
    assert row.inner_text() == before


def test_classes_methods_and_sources_filter(opened: Opened) -> None:
    everything = opened.page.locator("#table tbody tr").count()
    opened.page.locator("#legend").get_by_label("full precision").uncheck()
    fewer = opened.page.locator("#table tbody tr").count()
    assert fewer < everything
    opened.page.locator("[data-name=with] summary").click()
    opened.page.locator("[data-name=with]").get_by_label("double_residual", exact=True).check()
    assert 0 < opened.page.locator("#table tbody tr").count() < fewer
    for study in ("cifar-40", "cifar-cpu"):
        opened.page.locator("[data-name=seen]").get_by_label(f"measured ({study})").uncheck()
    assert "measured" not in opened.page.locator("#table tbody").inner_text()


NAMES = """charts[0].getOption().series.find((one) => one.name === "designs").data
    .filter((one) => one.label.show).map((one) => one.label.formatter())"""


def test_where_two_studies_are_drawn_a_name_says_of_which_it_is(opened: Opened) -> None:
    assert {"full · cifar-40", "full · cifar-cpu", "ReCU"} <= set(opened.page.evaluate(NAMES))
    opened.page.locator("[data-name=seen]").get_by_label("measured (cifar-cpu)").uncheck()
    assert {"full", "ReCU"} <= set(opened.page.evaluate(NAMES))


def test_what_survives_is_said_and_stands_in_the_address(opened: Opened) -> None:
    opened.page.get_by_label("does the front survive?").check()
    assert "Does it survive?" in opened.page.locator("#verdict").inner_text()
    assert "robust=1" in opened.page.url
    cells = opened.page.locator("#table tbody tr").first.locator("td").all_inner_texts()
    assert re.fullmatch(r"[<>]? ?\d+ %", cells[-2])


def test_two_pinned_designs_are_compared_with_their_break_even(opened: Opened) -> None:
    for name in ("IR-Net", "plain BNN"):
        opened.page.get_by_role("row", name=name).first.locator("th button").click()
    pair = opened.page.get_by_label("The two pinned designs compared")
    assert "Break-even" in pair.inner_text() and "B less A" in pair.inner_text()
    card = opened.page.get_by_label("Pinned: IR-Net")
    assert "bnncost cost" in card.inner_text() and "Qin" in card.inner_text()
    for title in (
        "Energy by layer",
        "Area and memory",
        "Operations by origin",
        "What folded",
        "Assumed figures",
    ):
        card.locator("summary", has_text=title).click()
        assert card.locator("details[open]", has=opened.page.locator("summary", has_text=title)).count() == 1
    card.get_by_role("button", name="Unpin").click()
    assert opened.page.locator("#pins article").count() == 1


def test_the_address_holds_the_view(windows: Windows, page_file: Path, opened: Opened) -> None:
    opened.page.get_by_label("Profile", exact=True).select_option("fpga-zynq7020")
    opened.page.get_by_label("Beside it").select_option("asic-45nm")
    opened.page.get_by_label("Across").select_option("latency")
    opened.page.get_by_label("logarithmic").uncheck()
    opened.slide("price-binary", 1)
    opened.page.get_by_role("row", name="IR-Net").first.locator("th button").click()
    with Opened(windows, opened.page.url) as again:
        assert again.page.locator("#table").inner_text() == opened.page.locator("#table").inner_text()
        assert again.page.locator("#pins").inner_text() == opened.page.locator("#pins").inner_text()
        assert again.page.locator(".chart").count() == 2
        assert again.page.url == opened.page.url


@pytest.mark.parametrize(
    "fragment",
    [
        "#on=<img src=x onerror=alert(1)>&data=__proto__&x=constructor&pin=a~b~c&p.sram=-3&b.energy=NaN&p.clock=1e99",
        "#%E0%A4%A", "#pin=</script><script>window.hit=1</script>&view=__proto__&sort=toString&nets=~~&off=constructor",
    ],
)  # fmt: skip
def test_a_strangers_address_changes_nothing_but_the_view(
    windows: Windows, page_file: Path, fragment: str
) -> None:
    with Opened(windows, page_file.as_uri() + fragment) as window:
        assert window.page.evaluate("window.hit") is None
        assert window.page.locator("#table tbody tr").count() > 10
        assert window.complaints == []


def test_names_with_markup_appear_as_text(windows: Windows, data: dict[str, Any], tmp_path: Path) -> None:
    mine: dict[str, Any] = json.loads(json.dumps(data))
    point = mine["spaces"][0]["points"][0]
    point |= {"label": HOSTILE, "name": HOSTILE, "source": HOSTILE}
    mine["spaces"][0]["on"][HOSTILE] = mine["spaces"][0]["on"][PROFILES[0]]
    mine["spaces"][1]["on"][HOSTILE] = mine["spaces"][1]["on"][PROFILES[0]]
    mine["profiles"].insert(0, {**mine["profiles"][0], "name": HOSTILE, "title": HOSTILE})
    (tmp_path / "index.html").write_text(page_html(mine), "utf-8")
    with Opened(windows, (tmp_path / "index.html").as_uri()) as window:
        row = window.page.locator("tr", has_text="<b>bold</b>").first
        row.locator("th button").click()
        row.locator("th button").hover()
        window.page.locator(".chart").first.focus()
        for _ in range(3):
            window.page.keyboard.press("ArrowRight")
        assert HOSTILE in window.page.locator("#pins").inner_text()
        assert window.page.evaluate("window.hit") is None
        assert window.page.locator("img, b:text-is('bold')").count() == 0
        cells = list(csv.reader(io.StringIO(window.saved("CSV").decode())))
        assert any(HOSTILE in row for row in cells)
        assert window.complaints == []


def test_what_is_shown_can_be_saved(opened: Opened) -> None:
    rows = list(csv.DictReader(io.StringIO(opened.saved("CSV").decode())))
    truth = cost("ir-net/resnet20/cifar10", "asic-45nm")
    (mine,) = [row for row in rows if row["name"] == "ir-net/resnet20/cifar10"]
    assert float(mine["energy_j"]) == pytest.approx(truth.energy_j, rel=1e-12)
    assert len(rows) == opened.page.locator("#table tbody tr").count()
    assert opened.saved("PNG").startswith(b"\x89PNG")
    svg = opened.saved("SVG").decode()
    assert svg.startswith("<svg") and "IR-Net" in svg


def test_keys_go_along_the_designs_and_pin_them(opened: Opened) -> None:
    opened.page.locator(".chart").first.focus()
    opened.page.keyboard.press("ArrowRight")
    said = opened.page.locator("#said").inner_text()
    assert "Enter pins it" in said
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("#pins article").count() == 1
    assert said.split(",")[0] in opened.page.locator("#pins h2").first.inner_text()


def test_the_methods_view_sets_gains_against_widening(opened: Opened) -> None:
    opened.page.get_by_role("tab", name="Methods").click()
    assert "measured repairs bring more than widening" in opened.page.locator("#verdict").inner_text()
    text = opened.page.locator("#table").inner_text()
    assert "channel_scale" in text and "brings more" in text and "learned_threshold" in text
    opened.page.get_by_label("Data set").select_option("cifar100")
    assert "not priced one by one" in opened.page.locator("#verdict").inner_text()


def test_the_page_says_what_its_energies_count_which_traffic_and_which_figure_matters_most(
    windows: Windows, data: dict[str, Any], opened: Opened, tmp_path: Path
) -> None:
    note = opened.page.locator("#note")
    assert "best mapping of every layer" in note.inner_text() and "compulsory" not in note.inner_text()
    said = re.search(
        r"neither published nor measured \(sizes and ports of memories aside\), .*? moves the energy of "
        "resnet20/cifar10 most",
        note.inner_text(),
    )
    assert said is not None
    effects = {
        effect.figure.place: abs((effect.high_j or 0) - (effect.low_j or 0))
        for effect in sensitivity("resnet20/cifar10", "asic-45nm").effects
        if effect.figure.status not in ("published", "measured") and not effect.figure.place.endswith("size")
    }
    assert f"({max(effects, key=effects.__getitem__)}, " in note.inner_text()
    opened.page.get_by_label("Beside it").select_option("fpga-zynq7020")
    chips = [load_profile(name) for name in PROFILES]
    assert all(scope_sentence(chip) in note.inner_text() for chip in chips[:2])
    unlike = chips[0].scope != chips[1].scope
    assert ("compare designs within a profile" in note.inner_text()) == unlike
    mine = json.loads(json.dumps(data))
    mine["profiles"][0] |= {"traffic": "compulsory", "scope": "another"}
    (tmp_path / "index.html").write_text(page_html(mine), "utf-8")
    with Opened(windows, f"{(tmp_path / 'index.html').as_uri()}#beside=fpga-zynq7020") as window:
        text = window.page.locator("#note").inner_text()
        assert "asic-45nm" in text and "Memory traffic is compulsory" in text
        assert "differ in what their energies count: compare designs within a profile, not across" in text


def test_designs_that_do_not_run_are_named_with_the_reason(
    windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_of_the_page, "_has_methods", lambda _: False)  # none is looked at here
    chip = load_profile("mcu-cortex-m4")
    record = page_record([space_record(Space("resnet34", "imagenet"), [chip])], [chip], "test")
    with Opened(windows, write_page(tmp_path, record).as_uri()) as window:
        text = window.page.locator("#table").inner_text()
        assert re.search(r"Not here: .*resnet34@compute=fp32.*does not fit", text)
        assert "Full precision" not in window.page.locator("#table tbody").inner_text()
