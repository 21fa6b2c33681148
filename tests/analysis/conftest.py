"""The page and the browser that its tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from analysis.report.page.data import page_record, space_record
from analysis.report.page.html import write_page
from costmodel import load_profile

if TYPE_CHECKING:
    from page_window import Opened, Windows


@pytest.fixture(scope="session")
def data() -> dict[str, Any]:
    """What the page knows of two small spaces on three profiles."""
    from page_window import PROFILES, SPACES

    chips = [load_profile(name) for name in PROFILES]
    return page_record([space_record(space, chips) for space in SPACES], chips, "test")


@pytest.fixture(scope="session")
def page_file(data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of it."""
    return write_page(tmp_path_factory.mktemp("page"), data)


@pytest.fixture(scope="module")
def windows() -> Iterator[Windows]:
    """Windows of a Chromium."""
    from page_window import CHROMIUM, Windows, sync_api

    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Windows(running)
        running.close()


@pytest.fixture
def opened(windows: Windows, page_file: Path) -> Iterator[Opened]:
    """The page in a window; at the end nothing was fetched or complained of."""
    from page_window import Opened

    with Opened(windows, page_file.as_uri()) as page:
        yield page
        assert page.complaints == []
        assert page.fetched == [page_file.as_uri()]
