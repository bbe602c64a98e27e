"""Judges all redeemables of a request: checks, stacking and discounts, in applied order."""

from __future__ import annotations

from offers.evaluation.context import Context
from offers.evaluation.verdicts import Outcome


def evaluate(context: Context) -> Outcome:
    """One verdict per redeemable in applied order, and the order's totals; never raises for a well-formed context."""
    raise NotImplementedError
