"""Back-office pages of what is on offer. Checkout registers codes, campaigns and customers, with their history."""

from offers.admin import (
    audit,
    categories,
    clients,
    jobs,
    offers,
    products,
    promotions,
    retailers,
    rules,
    signing_keys,
    webhooks,
)

__all__ = [
    "audit",
    "categories",
    "clients",
    "jobs",
    "offers",
    "products",
    "promotions",
    "retailers",
    "rules",
    "signing_keys",
    "webhooks",
]
