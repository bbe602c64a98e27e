"""Codes: which texts may be one, how random ones look, and that no two spellings meet."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers import codes
from offers.lib.errors import InvalidPayload

LETTERS = st.text(string.ascii_letters + string.digits, min_size=2, max_size=62).map(
    lambda text: "".join(dict.fromkeys(text))
)


@pytest.mark.parametrize(
    "code", ["SAVE-10", "a", "Übergröße", "with blank inside", "50%/off#1", "v_x", "日本語", "x" * 255]
)
def test_code_is_kept_as_given(code: str) -> None:
    assert codes.check(code) == code


@pytest.mark.parametrize(
    "code",
    [
        "", " SAVE", "SAVE ", "SA\x00VE", "SA\nVE", "SA\x7fVE", "SA\u200bVE", "SA\u202eVE", "\ufeffSAVE", "SA\u2028VE",
        "ＳＡＶＥ", "e\u0301", "ﬁve", "\u00a0SAVE", "SA\ue000VE", "x" * 256, None, 7, "SA\U000e0041VE", "\ud800",
    ],
)  # fmt: skip
def test_code_that_could_be_taken_for_another_is_refused(code: object) -> None:
    with pytest.raises(InvalidPayload):
        codes.check(code)


def test_default_code_is_eight_alphanumerics() -> None:
    config = codes.config(None)
    code = codes.draw(config, 1)[0]
    assert len(code) == 8
    assert set(code) <= set(codes.CHARSET)


@given(LETTERS.filter(lambda letters: len(letters) > 1))
def test_valuable_codes_have_64_random_bits(charset: str) -> None:
    config = codes.config({"charset": charset}, valuable=True)
    assert config.places * math.log2(len(charset)) >= 64


@given(
    charset=LETTERS.filter(lambda letters: len(letters) > 1),
    prefix=st.sampled_from(["", "PRE-", "#"]),
    postfix=st.sampled_from(["", "-END"]),
    pattern=st.sampled_from(["", "##-##", "A#B#C#", "#"]),
    length=st.integers(1, 30),
)
def test_codes_fit_their_settings(charset: str, prefix: str, postfix: str, pattern: str, length: int) -> None:
    config = codes.config(
        {"charset": charset, "prefix": prefix, "postfix": postfix, "pattern": pattern, "length": length}
    )
    body = pattern or "#" * length
    for code in codes.draw(config, 20):
        assert codes.check(code) == code
        assert code.startswith(prefix)
        assert code.endswith(postfix)
        inner = code[len(prefix) : len(code) - len(postfix)]
        assert len(inner) == len(body)
        assert all(mine == sign if sign != "#" else mine in charset for mine, sign in zip(inner, body, strict=True))


@given(charset=LETTERS.filter(lambda letters: 1 < len(letters) < 8), places=st.integers(1, 3))
def test_a_sweep_meets_every_code_once(charset: str, places: int) -> None:
    config = codes.config({"charset": charset, "pattern": "#" * places, "prefix": "x"})
    swept = [code for start in range(0, config.space, 5) for code in codes.sweep(config, start, 5)]
    assert len(swept) == len(set(swept)) == config.space == len(charset) ** places


@pytest.mark.parametrize(
    "raw",
    [
        {"length": 0}, {"length": 256}, {"length": 2.5}, {"length": "8"}, {"length": True}, {"charset": "aa"},
        {"charset": "a"}, {"charset": "a#"}, {"charset": "a b"}, {"charset": 7}, {"pattern": "FIXED"},
        {"prefix": "\u202e"}, {"postfix": " "}, {"prefix": "x" * 250}, {"postfix": "\u0301"}, {"charset": "a\u1161"},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(codes.InvalidCodeConfig):
        codes.config(raw)


def test_a_whole_float_length_is_a_length() -> None:
    assert codes.config({"length": 10.0}).length == 10


def test_more_codes_than_the_pattern_can_make_are_refused() -> None:
    config = codes.config({"pattern": "##", "charset": "0123456789"})
    codes.require_space(config, 100)
    with pytest.raises(codes.InvalidCodeConfig):
        codes.require_space(config, 101)
    with pytest.raises(codes.InvalidCodeConfig):
        codes.require_space(config, 50, taken=51)


def test_settings_of_the_campaign_fill_the_gaps() -> None:
    config = codes.config({"prefix": "NEW-"}, base={"length": 12, "charset": "01", "prefix": "OLD-"})
    assert (config.prefix, config.length, config.charset) == ("NEW-", 12, "01")
