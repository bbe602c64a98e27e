"""The ledger's pages tell staff what is counted, whose it is, and what became of it, in words and money."""

from django.test import Client

from offers.ledger.models import Counter, Entry, Hold
from tests.admin.scene import Scene


def said(client: Client, path: str) -> str:
    answer = client.get(f"/admin/ledger/{path}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_counters_are_told_by_what_they_count_and_whose_they_are(chief: Client, scene: Scene) -> None:
    page = said(chief, "counter")
    for words in ("Uses of a code", "SUMMER10", "Budget of a campaign", "Summer sale", "50.00 USD"):
        assert words in page, words
    for words in ("Points of a member", "Ada, Points", "Credit or points of a card", "20.00 USD", "unlimited"):
        assert words in page, words
    budget = Counter.objects.get(kind="campaign.budget")
    page = said(chief, f"counter/{budget.pk}/change")
    for words in ("Held now", "Journal", "50.00 USD", "Summer sale", "cart-3"):
        assert words in page, words


def test_holds_and_journal_lead_to_their_counter(chief: Client, scene: Scene) -> None:
    held = Hold.objects.filter(state="live").latest("pk")
    assert "Held" in said(chief, "hold")
    page = said(chief, f"hold/{held.pk}/change")
    assert f"/admin/ledger/counter/{held.counter_id}/change/" in page
    used = Entry.objects.filter(kind="settle").latest("pk")
    assert "Used" in said(chief, "entry")
    page = said(chief, f"entry/{used.pk}/change")
    assert f"/admin/ledger/counter/{used.counter_id}/change/" in page
