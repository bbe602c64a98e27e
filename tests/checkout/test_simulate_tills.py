"""manage.py simulate_tills: plays sales against a server and sums up what became of them."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.live_server_helper import LiveServer

from checkout.models import OfferLock, Revision


@pytest.mark.django_db(transaction=True)
def test_tills_sell_and_the_queue_is_worked_off(
    live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BASE_URL", live_server.url)
    call_command("load_demo", stdout=StringIO())
    said = StringIO()
    call_command("simulate_tills", sales=30, tills=2, no_wait=False, stdout=said)
    text = said.getvalue()
    assert "30/30" in text
    assert "processed" in text
    assert Revision.objects.filter(state="processed").exists()
    assert OfferLock.objects.exists()


def test_it_is_bounded(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("simulate_tills", sales=10_001)
