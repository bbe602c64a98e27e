"""What more than one call of this dialect takes or answers: offers, terms, wallet entries, discounts, receipts."""

from checkout.api.sessionm.schema_words import (
    AMOUNT,
    ANYTHING,
    COUNT,
    FLAG,
    ID,
    MAYBE_ID,
    MAYBE_TEXT,
    MOMENT,
    NUMBER,
    STAMP,
    TEXT,
    WHOLE,
    YES,
    Fields,
    Schema,
    listed,
    record,
    ref,
    whole,
)
from offers import offer_terms

ENTRY: Fields = {
    "user_offer_id": ID,
    "offer_id": ID,
    "root_offer_id": ID,
    "user_id": TEXT,
    "acquire_date": STAMP,
    "redemption_start_date": STAMP,
    "redemption_end_date": STAMP,
    "status": {"type": "integer", "enum": [1, 2, 3, 4], "description": "Issued, redeemed, revoked, expired."},
    "status_description": TEXT,
    "custom_data": MAYBE_TEXT,
}
SHOWN: Fields = {
    **ENTRY,
    **dict.fromkeys(("title", "description", "terms", "offer_type"), TEXT),
    **dict.fromkeys(("culture", "media_uri", "media_culture"), TEXT),
    "source": ANYTHING,
}
DISCOUNT: Fields = {
    "reference_id": ID,
    "user_id": TEXT,
    "reference_id_type": {"const": "userofferid"},
    "pos_discount_id": MAYBE_TEXT,
    "status": {"enum": ["INFO", "LOCKED", "REDEEMED"]},
    "display_name": TEXT,
    "image_url": MAYBE_TEXT,
    "discounted_line_ids": listed(TEXT),
    "discounted_line_id_quantities": listed(record({"line_id": TEXT, "quantity": NUMBER})),
    "discount_source": {"type": "string", "examples": ["sessionm"]},
    "amount": NUMBER,
    "stack_order": WHOLE,
    "applied_time": STAMP,
}
COMPONENTS: dict[str, Schema] = {
    "OfferError": record(
        {
            "status": {"const": "error"},
            "payload": {"description": "null, but for `validation_errors` of create and update."},
            "errors": record(
                {
                    "code": {"type": "string", "description": "Stable.", "examples": ["offer_locked"]},
                    "message": TEXT,
                    "details": listed(ANYTHING),
                }
            ),
        },
        description="Every error of the offer, POS and loyalty calls has this body.",
    ),
    "OfferTerms": record(
        None,
        {
            "offer_type": {"type": "string", "enum": list(offer_terms.TYPES)},
            "publish": YES,
            "text_config": listed(
                record({"title": TEXT, "culture": TEXT}, {"description": TEXT, "terms_and_conditions": TEXT})
            ),
            "media_config": listed(record({"uri": TEXT}, {"culture": TEXT, "kind": TEXT, "alt": TEXT})),
            "common_config": record(
                None,
                {
                    "acquisition_start_date": MOMENT,
                    "acquisition_end_date": MOMENT,
                    "does_not_expire": YES,
                    "valid_after_end_date": YES,
                    "reward_store": YES,
                    "validity_unit": {"enum": ["minutes", "hours", "days", "weeks", "months", "years"]},
                    "validity_period": COUNT,
                    "custom_data": {"type": "string", "description": "A text that holds JSON; echoed as it is."},
                    "points_cost": COUNT,
                    "stackable": YES,
                    "stack_group": TEXT,
                    "key": {"type": "string", "description": "A name of your own, which rules may use."},
                },
            ),
            "discount_config": {**ANYTHING, "description": "By type; `{}` for manual_fulfillment."},
            "offer_config": {**ANYTHING, "description": "`type` has to be the offer_type."},
            **{name: listed(ANYTHING) for name in offer_terms.RESTRICTIONS},
        },
    ),
    "Discount": {**record(DISCOUNT, {"lock_expires_at": STAMP, "warnings": listed(TEXT)})},
    "Line": record(
        {"line_id": TEXT, "item_id": TEXT},
        {
            **dict.fromkeys(("quantity", "unit_price", "subtotal", "tax_included"), AMOUNT),
            "modifies_line_id": {"type": ["string", "null"], "description": "Empty: none."},
            "custom_data": ANYTHING,
        },
    ),
    "Payment": record(
        None,
        {
            "payment_id": TEXT,
            "amount": AMOUNT,
            "type": TEXT,
            "payment_time": MOMENT,
            "user_id": TEXT,
            "user_id_type": {"type": "string", "examples": ["SessionM_ID", "External_ID"]},
            "receipt_code": TEXT,
            "custom_data": ANYTHING,
        },
    ),
    "Transaction": record(
        {"transaction_id": TEXT},
        {
            "is_closed": YES,
            "is_voided": YES,
            **dict.fromkeys(("pos_employee_id", "table_id", "channel"), TEXT),
            "guest_count": COUNT,
            **dict.fromkeys(("subtotal", "tax_total", "TaxTotal"), AMOUNT),
            **dict.fromkeys(("open_time", "modified_time"), MOMENT),
            "receipt_code": TEXT,
            "custom_data": {**ANYTHING, "description": "At most 1,000 values in all, 6 deep, 256 KiB."},
            "items": listed(ref("Line"), maxItems=1000),
            "payments": listed(ref("Payment"), maxItems=100),
            "discounts": listed({"type": ["object", "array"]}, maxItems=100),
        },
    ),
    "Offer": record(
        {
            "offer_type_id": TEXT,
            "id": ID,
            "root_offer_id": ID,
            "retailer_id": ID,
            "title": TEXT,
            "status": {"type": "integer", "enum": [0, 1, 2, 3, 4], "description": "As of now: draft, published, ..."},
            **dict.fromkeys(("acquisition_start_date", "acquisition_end_date", "start_date", "end_date"), STAMP),
            "validity_period": {"type": ["integer", "null"]},
            "validity_unit": MAYBE_TEXT,
            **dict.fromkeys(("reward_store", "requires_extended_data", "all_items_eligible", "check_level"), FLAG),
            **dict.fromkeys(("valid_after_end_date", "does_not_expire"), FLAG),
            "custom_data": MAYBE_TEXT,
            "parent_offer_ids": listed(ID),
            "offer_text": listed(
                whole(id=TEXT, offer_id=ID, culture=TEXT, title=TEXT, description=TEXT, terms=TEXT),
            ),
            "offer_media": listed(ANYTHING),
        }
    ),
    "OfferChange": whole(
        offer_id=MAYBE_ID,
        root_offer_id=MAYBE_ID,
        validation_errors={"type": "object", "additionalProperties": listed(TEXT)},
        revisioned=FLAG,
        new_status={"type": ["integer", "null"]},
        state_transition={"type": "string", "examples": ["created_new-(unknown_status>published)"]},
    ),
    "WalletEntry": whole(**SHOWN),
    "EntryChange": whole(**ENTRY),
    "Balances": whole(
        summary=whole(total_points=WHOLE, life_time_points=WHOLE),
        details=listed(
            whole(
                account_name=TEXT,
                user_point_account_id=MAYBE_ID,
                point_account_id=ID,
                grouping_label=TEXT,
                available_balance=WHOLE,
                life_time_value=WHOLE,
            )
        ),
    ),
    "Customer": whole(
        **dict.fromkeys(("user_reference_id", "user_account_id", "first_name", "last_name", "phone", "email"), TEXT),
        partial_response={"type": "boolean", "description": "Points could not be read."},
        points=WHOLE,
        profile_fields=ANYTHING,
        offers=listed(ref("Discount")),
        accounts=listed(
            whole(
                AccountName=TEXT,
                UserPointAccountID=MAYBE_ID,
                PointAccountID=ID,
                GroupingLabel=TEXT,
                AvailableBalance=WHOLE,
                LifeTimeValue=WHOLE,
            )
        ),
    ),
}
