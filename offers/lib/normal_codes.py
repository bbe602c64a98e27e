"""The one form in which codes of session offers are compared, so that no spelling walks around a reserved prefix."""

import unicodedata

from offers.lib.errors import Refusal

LONGEST = 64
# Format characters without width or direction, which a reader cannot see.
_INVISIBLE = {"Cf"}


class BadCode(Refusal):
    """This cannot be a code."""

    code = "bad_code"


class CodeRequired(Refusal):
    """Enter a code."""

    code = "code_required"


def folded(text: str) -> str:
    """Return NFKC without white space and zero-width characters, in upper case; whatever else it holds stays."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text.upper()  # nearly every code: nothing in it that the rest could change
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(
        letter for letter in plain if not letter.isspace() and unicodedata.category(letter) not in _INVISIBLE
    )
    return unicodedata.normalize("NFKC", kept.upper())


def normalise_code(text: str) -> str:
    """Return the code a shopper meant: 1 to 64 characters. Refuses `code_required` (nothing left) and `bad_code`."""
    found = folded(text)
    if not found:
        raise CodeRequired()
    if len(found) > LONGEST or any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in found):
        raise BadCode()
    return found
