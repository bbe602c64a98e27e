"""Back-office pages of what is on offer. Checkout registers codes, campaigns and customers, with their history."""

from offers.admin import (
    categories,
    clients,
    deliveries,
    jobs,
    offers,
    products,
    retailers,
    rules,
    signing_keys,
    webhooks,
)

__all__ = [
    "categories",
    "clients",
    "deliveries",
    "jobs",
    "offers",
    "products",
    "retailers",
    "rules",
    "signing_keys",
    "webhooks",
]
