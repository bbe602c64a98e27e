"""What is sealed reads as it was, and only for whoever has the server's secret."""

from typing import Any

import pytest

from offers.lib import sealing


def test_what_is_sealed_reads_as_it_was_and_looks_different_every_time() -> None:
    one, other = sealing.seal("s€cret\0"), sealing.seal("s€cret\0")
    assert one != other
    assert "cret" not in one
    assert sealing.unseal(one) == sealing.unseal(other) == "s€cret\0"


def test_what_was_stored_before_there_was_sealing_and_nothing_at_all_read_as_they_are() -> None:
    assert sealing.unseal("plain") == "plain"
    assert sealing.seal("") == sealing.unseal("") == ""


def test_a_new_secret_key_reads_what_the_earlier_sealed_only_while_it_is_told(settings: Any) -> None:
    sealed, earlier = sealing.seal("secret"), settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [earlier]
    assert sealing.unseal(sealed) == "secret"


def test_an_altered_one_is_refused() -> None:
    sealed = sealing.seal("secret")
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed[:-4] + "AAA=")
