"""Gives a test a page in a real headless browser at a phone's and a desk's width."""

import os
import shutil
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect, sync_playwright

from project import env

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# How long a page may take to become what it must be: a loaded machine is slow, and waiting costs a pass nothing.
expect.set_options(timeout=30_000)


def find_browser() -> str | None:
    """Return the program of an installed browser; CHROMIUM names another one."""
    return os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        complaint = f"no browser: install one of {', '.join(NAMES)}, or name it in CHROMIUM"
        (pytest.fail if env.env_bool("CI", False) else pytest.skip)(complaint)
    # Playwright keeps a loop running in this thread, which Django would take for an asynchronous view.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A fresh page at both widths; anything the page complains about in its console fails the test."""
    context = browser.new_context(viewport=request.param)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console", lambda said: complaints.append(f"{said.text} {said.location}") if said.type == "error" else None
    )
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture(autouse=True)
def quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the live server finish what a closed page asked last, before its tables are emptied under it."""
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    busy = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    for _ in range(600):
        with connection.cursor() as cursor:
            cursor.execute(f"{busy} and state <> 'idle' and backend_type = 'client backend'")
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.05)
