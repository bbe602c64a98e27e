"""Random texts: uniform, of any alphabet, as long as asked for."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.lib.ids import ALPHABET, ID_LENGTH, new_id, random_text


@given(length=st.integers(0, 2000), alphabet=st.text(min_size=1, max_size=256))
def test_text_has_the_length_and_the_letters_asked_for(length: int, alphabet: str) -> None:
    text = random_text(length, alphabet)
    assert len(text) == length
    assert set(text) <= set(alphabet)


@pytest.mark.parametrize("alphabet", [ALPHABET, "abc", "äöüß日本語", "01"])
def test_every_letter_is_equally_likely(alphabet: str) -> None:
    found = Counter(random_text(20_000 * len(alphabet), alphabet))
    assert all(19_000 < found[letter] < 21_000 for letter in alphabet)


def test_no_two_ids_are_alike() -> None:
    assert len({new_id("v_") for _ in range(1000)}) == 1000
    assert len(new_id("v_")) == len("v_") + ID_LENGTH


@pytest.mark.parametrize("alphabet", ["", "x" * 257])
def test_an_impossible_alphabet_is_refused(alphabet: str) -> None:
    with pytest.raises(ValueError, match="alphabet"):
        random_text(1, alphabet)
