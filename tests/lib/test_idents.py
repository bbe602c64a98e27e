"""Texts that hide something are told from those that do not."""

import pytest

from offers.lib import idents


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "\x85", "a\u202eb", "\u200b", "\ufeffa", "\ud800", "\U000e0041"])
def test_a_hidden_character_is_found(text: str) -> None:
    assert not idents.visible(text)


@pytest.mark.parametrize("text", ["", "a", "cart 17/é", "日本", "😀"])
def test_what_can_be_seen_is_visible(text: str) -> None:
    assert idents.visible(text)
