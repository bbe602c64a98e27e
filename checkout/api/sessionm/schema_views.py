"""What each call of this dialect needs, may be told and answers.

tests/api/sessionm/test_schema.py sends and checks all of it against the views.
"""

from checkout.api.sessionm import lookup, loyalty, offers, pos, reward_store, transactions, user_offers
from checkout.api.sessionm.envelope import DialectView
from checkout.api.sessionm.schema_components import ENTRY, SHOWN
from checkout.api.sessionm.schema_words import (
    ANYTHING,
    COUNT,
    FLAG,
    ID,
    MAYBE_ID,
    MAYBE_TEXT,
    MOMENT,
    NOTHING,
    PAGE,
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

MOVEMENT = record({"amount": COUNT, "reference": TEXT}, {"account_name": TEXT, "point_account_id": ID, "reason": TEXT})
PAGED: Fields = {"total_records": WHOLE, "skip": WHOLE, "take": WHOLE}
PRICED: tuple[Fields, Fields] = (
    {
        "offer_lookup_code": TEXT,
        "offer_lookup_type": {"type": "string", "description": "`userofferid` or `TTLCode`, in any case."},
        "transaction": ref("Transaction"),
    },
    {},
)
OF_ENTRY: tuple[Fields, Fields] = ({"user_offer_id": ID}, {"employee_id": TEXT})
OF_OFFER: tuple[Fields, Fields] = ({"offer_id": ID}, {})

# view -> (what its body or request_payload needs, what it may say, its answer's payload)
VIEWS: dict[type[DialectView], tuple[Fields, Fields, Schema]] = {
    offers.Create: ({}, {}, ref("OfferChange")),
    offers.Update: ({"offer_id": ID}, {}, ref("OfferChange")),
    offers.Publish: (*OF_OFFER, ref("OfferChange")),
    offers.Pause: (*OF_OFFER, ref("OfferChange")),
    offers.Expire: (*OF_OFFER, ref("OfferChange")),
    offers.Archive: (*OF_OFFER, ref("OfferChange")),
    offers.Fetch: ({"offer_id": ID}, {"culture": TEXT}, whole(offer=ref("Offer"))),
    offers.FetchMany: (
        {"offer_ids": listed(ID, maxItems=offers.MOST_TAKEN)},
        {"culture": TEXT, **PAGE},
        whole(**PAGED, offers=listed(ref("Offer"))),
    ),
    user_offers.Wallet: (
        {"user_id": TEXT},
        {"culture": TEXT, "include_pending_extended_data": YES, **PAGE},
        whole(
            user=ANYTHING,
            user_id=TEXT,
            user_offers=listed(ref("WalletEntry")),
            **PAGED,
            offer_groups=listed(ANYTHING),
            offer_categories=listed(ANYTHING),
            total_points=WHOLE,
            available_points=WHOLE,
        ),
    ),
    user_offers.History: (
        {"user_ids": listed(TEXT, minItems=1, maxItems=user_offers.MOST_USERS)},
        {
            "rollback_option": {**COUNT, "description": "0 as it is, 1 with what was given back, 2 only that."},
            "culture": TEXT,
            **PAGE,
        },
        whole(**PAGED, results=listed(whole(**SHOWN, rolled_back_at=STAMP))),
    ),
    user_offers.Issue: (
        {"user_id": TEXT, "offer_id": ID},
        {
            "quantity": COUNT,
            "issue_exact_version": YES,
            "redemption_start_date": MOMENT,
            "redemption_end_date": MOMENT,
        },
        whole(
            status_list=listed(
                record(
                    {
                        "user_id": TEXT,
                        "user_offer_id": MAYBE_ID,
                        "offer_id": ID,
                        "root_offer_id": MAYBE_ID,
                        "pending_extended_data": FLAG,
                        "fail_reason": {
                            **WHOLE,
                            "description": "0 none, 1 offer not available, 2 user unknown, 3 inventory, 4 frequency.",
                        },
                    }
                )
            )
        ),
    ),
    user_offers.Revoke: ({"user_offer_id": ID}, {"user_id": TEXT, "reason": TEXT, "force": YES}, ref("EntryChange")),
    user_offers.Change: (
        {"user_id": TEXT, "user_offer_id": ID},
        {
            "custom_data": TEXT,
            "update_redemption_dates": YES,
            "remain_pending_extended_data": YES,
            "redemption_start_date": MOMENT,
            "redemption_end_date": MOMENT,
        },
        ref("EntryChange"),
    ),
    reward_store.Shelf: ({}, {"culture": TEXT, **PAGE}, whole(**PAGED, offers=listed(ref("Offer")))),
    reward_store.Purchase: ({"user_id": TEXT, "offer_id": ID}, {"reference": TEXT}, whole(**ENTRY, points_spent=WHOLE)),
    lookup.Lookup: (
        {},
        {**dict.fromkeys(lookup.KEYS, TEXT), "transaction": ref("Transaction")},
        listed(ref("Customer"), minItems=1, maxItems=1),
    ),
    pos.Lock: (*PRICED, ref("Discount")),
    pos.Redeem: (*PRICED, ref("Discount")),
    pos.Unlock: (OF_ENTRY[0], {**OF_ENTRY[1], "transaction_id": TEXT}, NOTHING),
    pos.Reinstate: (OF_ENTRY[0], {**OF_ENTRY[1], "extend_to": MOMENT}, NOTHING),
    pos.ManualRedeem: ({"user_offer_id": ID}, {"location": TEXT}, ref("Discount")),
    pos.NewCode: (
        {"user_offer_id": ID},
        {},
        whole(offer_lookup_code=TEXT, offer_lookup_type={"const": "TTLCode"}, user_offer_id=ID, expires_at=STAMP),
    ),
    transactions.SendTransaction: ({}, {}, NOTHING),
    transactions.TransactionStatus: (
        {},
        {},
        whole(
            transaction_id=TEXT,
            store_id=ID,
            state={"enum": ["open", "queued", "retry", "processed", "dead", "stale"]},
            revision=WHOLE,
            result={"type": ["object", "null"]},
            error=MAYBE_TEXT,
            received_at=STAMP,
            processed_at=STAMP,
        ),
    ),
    loyalty.AllBalances: ({"user_id": TEXT}, {}, ref("Balances")),
    loyalty.Deposit: ({"user_id": TEXT, "deposits": listed(MOVEMENT)}, {}, ref("Balances")),
    loyalty.SpendMultiple: ({"user_id": TEXT, "spends": listed(MOVEMENT)}, {}, ref("Balances")),
    loyalty.TranslateUser: ({"external_id": TEXT}, {"external_id_type": TEXT}, whole(user_id=TEXT)),
}
