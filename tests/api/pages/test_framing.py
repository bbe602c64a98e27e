"""Who may frame a checkout, and what its answers let others keep."""

import pytest
from django.test import Client

from checkout.admission import handoffs

pytestmark = pytest.mark.django_db


def test_a27_nobody_but_ourselves_frames_it_unless_listed(client: Client) -> None:
    answer = client.get("/shop/checkout/")
    assert "frame-ancestors 'self' ;" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert "no-store" in answer["Cache-Control"] and "private" in answer["Cache-Control"]


def test_only_exact_origins_of_the_list_count() -> None:
    listed = [
        "https://a.example",
        "https://b.example/path",
        "javascript:alert(1)",
        "https://*.example",
        "*",
        "http://c:80",
    ]
    assert handoffs.allowed_origins({"return_origins": listed}) == ["https://a.example"]


def test_a18_a_code_leaves_the_address_without_a_trace(client: Client) -> None:
    answer = client.get("/shop/checkout/?admission=not-a-code")
    assert (answer.status_code, answer["Location"]) == (302, "/shop/checkout/")
    assert answer["Referrer-Policy"] == "no-referrer" and "no-store" in answer["Cache-Control"]
    assert b"You are not admitted" in client.get("/shop/checkout/").content
