"""Money as whole minor units: currency exponents, rounding half up, percentages, splitting without losing a unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

DEFAULT_EXPONENT = 2
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")
# ISO 4217: only what differs from two places.
NO_PLACES = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF"}
    | {"XPF"}
)
THREE_PLACES = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def exponent(currency: str) -> int:
    """Decimal places of the currency's minor unit."""
    code = currency.upper()
    if code in NO_PLACES:
        return 0
    return 3 if code in THREE_PLACES else DEFAULT_EXPONENT


def to_minor(amount: Decimal | int | str, currency: str) -> int:
    """Major units ("19.99") to minor units, half up."""
    return round_half_up(Decimal(amount).scaleb(exponent(currency)))


def to_major(minor: int, currency: str) -> Decimal:
    """Minor units to major units with the currency's places."""
    return Decimal(minor).scaleb(-exponent(currency))


def text(minor: int, currency: str) -> str:
    """Minor units as a decimal text with the currency's places, such as "12.50"."""
    return f"{to_major(minor, currency):.{exponent(currency)}f}"


def is_amount(written: str) -> bool:
    """Whether a text is an amount as wires carry it: digits and perhaps decimals, no sign and no exponent."""
    return _AMOUNT.fullmatch(written) is not None


def round_half_up(value: Decimal) -> int:
    """The nearest whole number; a half goes away from zero."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def divide_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator as the nearest whole number, a half away from zero; denominator above zero."""
    if numerator < 0:
        return -divide_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def percent_of(amount: int, percent: Decimal | int | str, share: tuple[int, int] = (1, 1)) -> int:
    """`percent` of `share` of the amount, rounded once, half up (share 2/3: two of three units)."""
    exact = Decimal(percent) if isinstance(percent, str) else percent
    numerator, denominator = exact.as_integer_ratio()
    return divide_half_up(amount * numerator * share[0], denominator * 100 * share[1])


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide the amount in proportion to the weights (none negative) by largest remainder: the parts sum exactly to it.

    Equal remainders favour the later part. No part exceeds its weight as long as the amount doesn't exceed their sum.
    """
    if amount < 0:
        return [-part for part in split(-amount, weights)]
    total = sum(weights)
    if total <= 0:
        if amount:
            raise ValueError("nothing to split over")
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    missing = amount - sum(parts)
    if missing:
        by_remainder = sorted(range(len(weights)), key=lambda index: (amount * weights[index] % total, index))
        for index in by_remainder[-missing:]:
            parts[index] += 1
    return parts
