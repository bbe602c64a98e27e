"""Back-office pages of what happened at the checkout, and of codes, campaigns and customers with their history."""

from checkout.admin import (
    campaigns,
    customers,
    ledger,
    loyalty_rules,
    orders,
    redemptions,
    session_offers,
    sessions,
    staff,
    stores,
    tiers,
    transactions,
    validations,
    vouchers,
    wallets,
)

__all__ = [
    "campaigns",
    "customers",
    "ledger",
    "loyalty_rules",
    "orders",
    "redemptions",
    "session_offers",
    "sessions",
    "staff",
    "stores",
    "tiers",
    "transactions",
    "validations",
    "vouchers",
    "wallets",
]
