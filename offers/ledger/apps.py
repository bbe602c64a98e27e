"""The ledger app: counters, holds and the journal of everything that can run out."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "offers.ledger"
    label = "ledger"
    verbose_name = "Ledger"
