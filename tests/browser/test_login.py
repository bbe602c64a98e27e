"""Staff log in to the back office with a real browser."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_staff_log_in_and_see_the_back_office(page: Page, live_server: LiveServer) -> None:
    User.objects.create_superuser("alice", password="correct horse")
    page.goto(f"{live_server.url}/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{live_server.url}/admin/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0


def test_who_opens_the_login_itself_comes_to_the_back_office(page: Page, live_server: LiveServer) -> None:
    User.objects.create_superuser("alice", password="correct horse")
    page.goto(f"{live_server.url}/admin/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{live_server.url}/admin/")


def test_a_stranger_sees_no_back_office(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/admin/auth/user/")
    expect(page.get_by_label("Username")).to_be_visible()
    assert "/admin/login/" in page.url


def test_the_api_s_description_is_readable(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/docs")
    expect(page.get_by_role("heading", name="Offerkeep").first).to_be_visible()
