"""The ledger in the back office: to look at, not to edit, and never counted through."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from offers.ledger.models import Counter, Entry, Hold
from tests.ledger.words import hold, open_counter, use, want

pytestmark = pytest.mark.django_db

PAGES = ["counter", "hold", "entry"]


@pytest.fixture
def alice(client: Client) -> Client:
    """Alice owns the shop."""
    client.force_login(User.objects.create_superuser("alice"))
    return client


@pytest.fixture
def rows() -> dict[str, int]:
    open_counter(5)
    hold("s1", want())
    use("", want(entry="r_1"))
    return {"counter": Counter.objects.get().pk, "hold": Hold.objects.get().pk, "entry": Entry.objects.latest("id").pk}


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_rows_open(alice: Client, rows: dict[str, int], page: str) -> None:
    assert alice.get(f"/admin/ledger/{page}/").status_code == 200
    response = alice.get(f"/admin/ledger/{page}/{rows[page]}/change/")
    assert response.status_code == 200
    assert b'name="_save"' not in response.content


@pytest.mark.parametrize("page", PAGES)
def test_nothing_can_be_changed_even_by_alice(alice: Client, rows: dict[str, int], page: str) -> None:
    at = f"/admin/ledger/{page}/{rows[page]}"
    assert alice.get(f"/admin/ledger/{page}/add/").status_code == 403
    assert alice.post(f"{at}/change/", {"taken": 0, "amount": 0, "delta": 0}).status_code == 403
    assert alice.post(f"{at}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.usefixtures("rows")
def test_charlie_sees_nothing_and_bob_what_he_may(client: Client) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    client.force_login(bob)
    assert client.get("/admin/ledger/counter/").status_code == 403
    bob.user_permissions.add(Permission.objects.get(codename="view_counter"))
    assert client.get("/admin/ledger/counter/").status_code == 200
    client.force_login(User.objects.create_user("charlie"))
    assert client.get("/admin/ledger/counter/").status_code == 302


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("page", "query", "found"),
    [
        ("counter", "q=7", 1),
        ("counter", "q=8", 0),
        ("counter", "q=seven", 0),
        ("counter", "q=" + "9" * 30, 0),
        ("hold", "q=s1", 1),
        ("hold", "q=s", 0),
        ("entry", "q=r_1", 1),
        ("entry", "q=r", 0),
        ("hold", "state=settled", 0),
    ],
)
def test_search_finds_by_what_is_indexed(alice: Client, page: str, query: str, found: int) -> None:
    response = alice.get(f"/admin/ledger/{page}/?{query}")
    assert response.context["cl"].result_count == found


@pytest.mark.usefixtures("rows")
def test_a_counter_leads_to_its_holds_and_its_journal(alice: Client, rows: dict[str, int]) -> None:
    text = alice.get(f"/admin/ledger/counter/{rows['counter']}/change/").content.decode()
    for page in ("hold", "entry"):
        query = f"counter={rows['counter']}" + ("&amp;state=live" if page == "hold" else "")
        assert f"/admin/ledger/{page}/?{query}" in text
        assert alice.get(f"/admin/ledger/{page}/?{query.replace('&amp;', '&')}").context["cl"].result_count >= 1


def test_no_list_counts_a_whole_table(alice: Client, django_assert_max_num_queries: Any) -> None:
    for n in range(3):
        hold(f"s{n}", want(granted=5))
    for page in PAGES:
        with django_assert_max_num_queries(12) as queries:
            alice.get(f"/admin/ledger/{page}/")
        counts = [q["sql"] for q in queries.captured_queries if "COUNT(" in q["sql"] and "ledger_" in q["sql"]]
        assert all("LIMIT" in statement for statement in counts), counts
