"""What wraps requests: pages have sessions, users and messages; an API's address has none of them."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.mark.django_db
def test_an_api_knows_no_cookies(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.get("/v1/vouchers")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")
    assert "Cookie" not in answer.get("Vary", "")
    assert not hasattr(answer.wsgi_request, "session")
    assert not hasattr(answer.wsgi_request, "user")


@pytest.mark.django_db
def test_a_page_knows_its_user(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/admin/")
    assert page.status_code == 200
    assert "Cookie" in page["Vary"]
    assert page.wsgi_request.user == alice
