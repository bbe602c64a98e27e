"""Texts that hide something are told from those that do not."""

from uuid import UUID

import pytest

from offers.lib import idents


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "\x85", "a\u202eb", "\u200b", "\ufeffa", "\ud800", "\U000e0041"])
def test_a_hidden_character_is_found(text: str) -> None:
    assert not idents.visible(text)


@pytest.mark.parametrize("text", ["", "a", "cart 17/é", "日本", "😀"])
def test_what_can_be_seen_is_visible(text: str) -> None:
    assert idents.visible(text)


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        ("0d1fbd6a-5c5d-4b0e-9c0a-3f6f4c1d2e3f", True),
        ("0D1FBD6A-5C5D-4B0E-9C0A-3F6F4C1D2E3F", True),
        ("0d1fbd6a5c5d4b0e9c0a3f6f4c1d2e3f", False),  # without dashes it may be a key of the shop's own
        ("0d1fbd6a-5c5d-4b0e-9c0a-3f6f4c1d2e3g", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_a_uuid_is_what_is_spelt_with_dashes(raw: object, known: bool) -> None:
    found = idents.as_uuid(raw)
    assert (found == UUID("0d1fbd6a-5c5d-4b0e-9c0a-3f6f4c1d2e3f")) if known else found is None
