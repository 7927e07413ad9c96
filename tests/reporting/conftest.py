from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CHROMIUM, WHY_NOT, Tab, chromium


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A real browser, for all tests that look at pages."""
    if CHROMIUM is None:
        pytest.skip(WHY_NOT)
    profile: Path = tmp_path_factory.mktemp("chromium")
    with chromium(profile) as tab:
        yield tab


@pytest.fixture
def tab(browser: Tab) -> Tab:
    """The browser's tab, with nothing to complain about yet."""
    browser.complaints.clear()
    return browser
