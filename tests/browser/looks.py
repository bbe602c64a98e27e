"""What several browser tests look for, asked so that no slow machine gets another answer."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Locator, Page

from offers.lib import clock

SLOW = 60_000  # for what takes several polls of a page, each as late as the page likes


def fits(page: Page) -> None:
    """Nothing is wider than the window, from a small phone's to a desk's."""
    page.wait_for_load_state()  # a heading can be seen before the sheets are there
    size = page.viewport_size
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, width
    if size:
        page.set_viewport_size(size)


def seconds_left(page: Page) -> int:
    minutes, seconds = page.get_by_role("timer", name="Time left").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


def counts_down_to(page: Page, moment: datetime) -> None:
    """The timer shows what is left until then, to a second. A look that took long is none: it is taken again."""
    seen = []
    for _ in range(100):
        most = (moment - clock.now()).total_seconds()
        shown = seconds_left(page)
        least = (moment - clock.now()).total_seconds()
        if most - least < 0.5:
            seen.append((least, shown, most))
            if least - 0.5 <= shown <= most + 1.5:
                return
        page.wait_for_timeout(100)
    pytest.fail(f"the timer does not count down to {moment}: {seen[-5:]}")


def come_back_until(page: Page, told: Locator) -> None:
    """Come back to the page's window until it says this. It asks its server then, unless it is just asking."""
    again_until(page, lambda: page.evaluate("window.dispatchEvent(new Event('focus'))"), told.is_visible)


def again_until(page: Page, do: Callable[[], object], done: Callable[[], bool]) -> None:
    for _ in range(100):
        do()
        page.wait_for_timeout(200)
        if done():
            return
    pytest.fail("it did not come about")
