"""Codes: which texts may be one, how random ones are described, and drawing them.

One rule for all of them, given or generated: a code is compared exactly as stored. `SAVE` and `save` are two codes;
texts that only look alike (full-width letters, decomposed accents, invisible or turning characters, blanks around) are
refused when a code is made, never folded, so that no two stored codes look the same and none is found by two spellings.
"""

import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from offers import worth
from offers.lib.errors import InvalidPayload, Refusal
from offers.lib.ids import random_text

LENGTH_LIMIT = 255
CHARSET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 8
VALUABLE_BITS = 64  # a gift card is money: nobody may find one by trying
HASH = "#"
# Control, format (turning, invisible), surrogate, private, unassigned; line and paragraph separators.
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class InvalidCodeConfig(Refusal):
    """The code settings cannot make the codes that are wanted."""

    code = "invalid_code_config"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeConfig:
    """How codes look: prefix, then the pattern with every # replaced by a character of the charset, then postfix."""

    length: int | None = None
    charset: str = CHARSET
    prefix: str = ""
    postfix: str = ""
    pattern: str = ""

    @property
    def body(self) -> str:
        return self.pattern or HASH * (self.length or LENGTH)

    @property
    def places(self) -> int:
        """How many characters are random."""
        return self.body.count(HASH)

    @property
    def space(self) -> int:
        """How many different codes there can be."""
        return int(len(self.charset) ** self.places)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(code: object, path: str = ".code") -> str:
    """Return the text when it may be a code, else refuse `invalid_payload`."""
    if not isinstance(code, str) or not 1 <= len(code) <= LENGTH_LIMIT:
        raise InvalidPayload(f"Property {path} should be a text of 1 to {LENGTH_LIMIT} characters")
    problem = flaw(code)
    if problem:
        raise InvalidPayload(f"Property {path} {problem}")
    return code


def flaw(text: str) -> str:
    """Return what forbids a text in a code, or nothing."""
    if any(unicodedata.category(letter) in FORBIDDEN for letter in text):
        return "should not contain control, invisible or direction-changing characters"
    if text != text.strip():
        return "should not begin or end with a blank"
    if not unicodedata.is_normalized("NFKC", text):
        return "should be in Unicode normal form (NFKC): look-alike characters are refused"
    return ""


def config(raw: object, *, valuable: bool = False, base: Mapping[str, Any] | None = None) -> CodeConfig:
    """Return checked code settings; what is missing comes from `base`, then from the defaults.

    Refuses `invalid_code_config`. The default length is 8, for valuable codes as much as 64 random bits need.
    """
    if raw is not None and not isinstance(raw, Mapping):
        raise InvalidPayload("Property .code_config should be an object")
    merged = {**(base or {}), **{name: value for name, value in (raw or {}).items() if value is not None}}
    charset = _text(merged, "charset") or CHARSET
    if len(set(charset)) != len(charset) or not 1 < len(charset) <= 256:
        raise InvalidCodeConfig("charset should hold 2 to 256 different characters")
    if any(letter.isspace() or letter == HASH for letter in charset) or flaw(charset):
        raise InvalidCodeConfig("charset should hold visible characters without #")
    made = CodeConfig(
        length=_length(merged, charset, valuable),
        charset=charset,
        prefix=_text(merged, "prefix"),
        postfix=_text(merged, "postfix"),
        pattern=_text(merged, "pattern"),
    )
    if HASH not in made.body:
        raise InvalidCodeConfig("pattern should have at least one #, which stands for a random character")
    sample = made.prefix + made.body.replace(HASH, charset[0]) + made.postfix
    if len(sample) > LENGTH_LIMIT:
        raise InvalidCodeConfig(f"codes should not be longer than {LENGTH_LIMIT} characters")
    problem = flaw(sample)
    if problem:
        raise InvalidCodeConfig(f"codes {problem}")
    return made


def require_space(config: CodeConfig, count: int, *, taken: int = 0) -> None:
    """Refuse `invalid_code_config` when fewer different codes exist than are wanted."""
    if count + taken > config.space:
        raise InvalidCodeConfig(
            f"these settings make only {config.space} different codes, {count} are wanted and {taken} exist"
        )


def draw(config: CodeConfig, count: int) -> list[str]:
    """Return `count` random codes; two may be equal, and a code may exist already: the constraint decides."""
    places = config.places
    letters = random_text(count * places, config.charset)
    return [_fill(config, letters[at : at + places]) for at in range(0, count * places, places)]


def sweep(config: CodeConfig, start: int, count: int) -> Iterator[str]:
    """Yield the codes with the numbers start, start + 1, ... up to the end of the space: for nearly full spaces."""
    base = len(config.charset)
    for number in range(start, min(config.space, start + count)):
        letters = []
        rest = number
        for _ in range(config.places):
            rest, digit = divmod(rest, base)
            letters.append(config.charset[digit])
        yield _fill(config, "".join(letters))


def _fill(config: CodeConfig, letters: str) -> str:
    if not config.pattern:
        return config.prefix + letters + config.postfix
    parts = iter(letters)
    body = "".join(next(parts) if sign == HASH else sign for sign in config.pattern)
    return config.prefix + body + config.postfix


def _length(merged: Mapping[str, Any], charset: str, valuable: bool) -> int:
    length = merged.get("length")
    if length is None:
        return max(LENGTH, math.ceil(VALUABLE_BITS / math.log2(len(charset)))) if valuable else LENGTH
    try:
        return worth.whole(length, ".code_config.length", least=1, most=LENGTH_LIMIT)
    except InvalidPayload as error:
        raise InvalidCodeConfig(error.message) from error


def _text(merged: Mapping[str, Any], name: str) -> str:
    value = merged.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 2 * LENGTH_LIMIT:
        raise InvalidCodeConfig(f"{name} should be a text")
    # A mark or jamo would join some random neighbours into one character and not others.
    if any(unicodedata.category(letter)[0] == "M" or "HANGUL J" in unicodedata.name(letter, "") for letter in value):
        raise InvalidCodeConfig(f"{name} should not contain combining characters")
    if any(unicodedata.category(letter) in FORBIDDEN for letter in value):
        raise InvalidCodeConfig(f"{name} should not contain control, invisible or direction-changing characters")
    return value
