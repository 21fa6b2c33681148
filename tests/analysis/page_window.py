"""A window of Chromium on the page, with all that it fetches and complains of."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.report.page.data import Space
from analysis.report.page.html import read_page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no page is opened")
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first needs a sixth less of two cores for these tests than the second, of which it is a part."""
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found: no page is opened")
PROFILES = ("asic-45nm", "fpga-zynq7020", "mcu-cortex-m33")
SPACES = (Space("resnet20", "cifar10"), Space("resnet20", "cifar100"))


class Windows:
    """Windows of one browser; one is kept for page after page: a new one needs thrice the time to show the page."""

    def __init__(self, browser: Any) -> None:
        self.context = browser.new_context(accept_downloads=True)
        self._free: list[Any] = []

    def take(self, width: int, scheme: str) -> Any:
        """Give an empty window."""
        window = self._free.pop() if self._free else self.context.new_page()
        window.set_viewport_size({"width": width, "height": 900})
        window.emulate_media(color_scheme=scheme)
        return window

    def put_back(self, window: Any) -> None:
        """Leave nothing of the page, and the pointer in the corner; close the second of two, which hides the first."""
        if len(self.context.pages) > 1:
            window.close()
            return
        window.goto("about:blank")
        window.mouse.move(0, 0)
        self._free.append(window)


class Opened:
    """A page in a window, with all that it fetched and complained of."""

    def __init__(self, windows: Windows, address: str, width: int = 1400, scheme: str = "light") -> None:
        self.windows = windows
        self.page = windows.take(width, scheme)
        self.complaints: list[str] = []
        self.fetched: list[str] = []
        self._listeners = {
            "console": lambda message: self.complaints.append(message.text),
            "pageerror": lambda error: self.complaints.append(str(error)),
            "request": lambda request: self.fetched.append(request.url),
        }
        for event, listener in self._listeners.items():
            self.page.on(event, listener)
        self.page.goto(address)
        sync_api.expect(self.page.locator("body[data-ready]")).to_have_count(1, timeout=20_000)

    def front(self) -> list[str]:
        """The designs on the front of the first profile, as the table names them."""
        return [text.strip() for text in self.page.locator("tr.front th button").all_inner_texts()]

    def slide(self, control: str, value: float) -> None:
        """Put a slider at a value, as a hand does."""
        self.page.locator(f"#{control}").evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )

    def saved(self, button: str) -> bytes:
        """What a button saves."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=button, exact=True).click()
        return Path(waiting.value.path()).read_bytes()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)
        self.windows.put_back(self.page)


def points_of(opened: Opened) -> list[dict[str, Any]]:
    """The points of ResNet-20 on CIFAR-10 that the page has."""
    return read_page(Path(opened.page.url.partition("#")[0].removeprefix("file://")).parent)["spaces"][0][
        "points"
    ]  # type: ignore[no-any-return]
