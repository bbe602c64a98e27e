"""Sales as tills send them: the seed's own sample with its damage mended, and small ones to vary."""

from typing import Any

SEED: dict[str, Any] = {
    "is_closed": "true",
    "pos_employee_id": "1",
    "channel": "Store",
    "transaction_id": "24222-2-424242-4qwe-q",
    "guest_count": "1",
    "subtotal": "2703.00",
    "tax_total": "0.25",
    "open_time": "2018-09-01 10:20:00.000",
    "modified_time": "2018-09-01 10:20:00.000",
    "items": [
        {"line_id": "1", "item_id": "2", "quantity": "1", "unit_price": "2701.50", "subtotal": "2701.50"},
        {"line_id": "2", "item_id": "2", "quantity": "1", "unit_price": "1.50", "subtotal": "1.50"},
    ],
    "payments": [
        {
            "payment_id": "df42224-462w-sdf89",
            "amount": "2703.25",
            "type": "CREDIT",
            "payment_time": "2018-09-01 10:20:00.000",
            "user_id": "7a5d1ba6-b1e3-11e8-842b-88002c64166c",
            "user_id_type": "SessionM_ID",
        }
    ],
    "discounts": [
        {
            "reference_id": "264310e3-34ad-42a9-bcf5-8ca16ff4bc91",
            "reference_id_type": "userofferid",
            "user_id": "57a7f64a-ab16-11e8-9c40-e1d6fdd3934a",
            "status": "LOCKED",
            "display_name": "10$",
            "discounted_line_ids": ["0"],
            "discount_source": "sessionm",
            "amount": 1,
            "stack_order": 0,
            "applied_time": "2018-08-29T06:59:04.5326816Z",
        }
    ],
}


def sale(transaction_id: str = "t1", *amounts: str, user_id: str = "", **fields: Any) -> dict[str, Any]:
    """Return a closed sale of lines worth these amounts, paid by the user."""
    lines = [
        {"line_id": str(at), "item_id": f"item-{at}", "quantity": "1", "unit_price": amount, "subtotal": amount}
        for at, amount in enumerate(amounts or ("10.00",))
    ]
    found = {
        "is_closed": "true",
        "transaction_id": transaction_id,
        "channel": "STORE",
        "open_time": "2026-11-21 09:00:00.000",
        "modified_time": "2026-11-21 09:30:00.000",
        "items": lines,
        **fields,
    }
    if user_id:
        paid = {"payment_id": "p1", "amount": "10.00", "type": "CREDIT", "user_id": user_id}
        found.setdefault("payments", [{**paid, "user_id_type": "SessionM_ID"}])
    return found


def line(number: int) -> dict[str, str]:
    return {"line_id": str(number), "item_id": "1", "quantity": "1", "unit_price": "1.00", "subtotal": "1.00"}
