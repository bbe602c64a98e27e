"""How customers look on the wire."""

from typing import Any

from checkout.customer_summary import CustomerSummary
from offers.models import Customer

ADDRESS = ("city", "state", "line_1", "line_2", "country", "postal_code")


def customer_json(customer: Customer, summary: CustomerSummary) -> dict[str, Any]:
    """Return a customer in full."""
    return {
        "id": customer.public_id,
        "source_id": customer.source_id,
        "name": customer.name,
        "description": customer.description,
        "email": customer.email,
        "phone": customer.phone,
        "birthday": customer.birthdate,
        "birthdate": customer.birthdate,
        "address": customer.address and {name: customer.address.get(name) for name in ADDRESS},
        "metadata": customer.metadata,
        "summary": {"redemptions": _redemptions(summary), "orders": _orders(summary)},
        "loyalty": {"points": summary.points_to_go, "referred_customers": 0, "campaigns": {}},
        "referrals": {"total": 0, "campaigns": []},
        "system_metadata": {},
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
        "assets": {},
        "object": "customer",
    }


def _redemptions(summary: CustomerSummary) -> dict[str, Any]:
    return {
        "total_redeemed": summary.redeemed,
        "total_failed": summary.failed,
        "total_succeeded": summary.succeeded,
        "total_rolled_back": summary.rolled_back,
        "total_rollback_failed": summary.rollbacks_failed,
        "total_rollback_succeeded": summary.rollbacks_succeeded,
        "gift": {"redeemed_amount": summary.gift_redeemed, "amount_to_go": summary.gift_to_go},
        "loyalty_card": {"redeemed_points": summary.points_redeemed, "points_to_go": summary.points_to_go},
    }


def _orders(summary: CustomerSummary) -> dict[str, Any]:
    return {
        "total_amount": summary.orders_amount,
        "total_count": summary.orders_count,
        "average_amount": summary.average_amount,
        "last_order_amount": summary.last_order_amount,
        "last_order_date": summary.last_order_date,
    }
