"""Describes this dialect for /openapi.json: every route from the list of addresses, bodies and answers by their views.

Addresses, methods, scopes, words of the envelope and whether a store is needed are read from the views. What a body may
say and what an answer holds is written here; tests/api/sessionm/test_schema.py sends and checks it against the views.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern

from checkout.api.sessionm import lookup, loyalty, offers, pos, reward_store, transactions, urls, user_offers
from checkout.api.sessionm.envelope import ConnectView, DialectView, PosView
from offers import offer_terms

Schema = dict[str, Any]
Fields = dict[str, Schema]

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
ID: Schema = {"type": "string", "format": "uuid", "description": "In either case; answered in lower case."}
MAYBE_ID: Schema = {"type": ["string", "null"], "format": "uuid"}
MOMENT: Schema = {"type": "string", "description": "`2018-06-10 9:20:00.000` or ISO 8601, with or without a zone."}
STAMP: Schema = {"type": ["string", "null"], "format": "date-time"}
AMOUNT: Schema = {
    "type": ["string", "number"],
    "description": "A number, or its text: `10`, `.77`, `-5.00`.",
    "examples": ["11.77"],
}
COUNT: Schema = {"type": ["string", "integer"], "description": "A whole number, or its text."}
YES: Schema = {"type": ["string", "boolean"], "description": '`true`, `false`, or their text in any case: `"true"`.'}
ANYTHING: Schema = {"type": "object", "additionalProperties": True}
PAGE: Fields = {"skip": COUNT, "take": COUNT}


def listed(one: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": one, **more}


def record(needed: Fields | None = None, optional: Fields | None = None, **more: Any) -> Schema:
    """Return the schema of an object; what it says besides is allowed, as it is on the wire."""
    needed = needed or {}
    schema: Schema = {"type": "object", "properties": {**needed, **(optional or {})}, **more}
    return {**schema, "required": list(needed)} if needed else schema


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def whole(**fields: Schema) -> Schema:
    """Return the schema of an answer, in which every field is always there."""
    return {**record(fields), "additionalProperties": False}


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
NOTHING: Schema = {"type": "null"}

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
TAGS = {
    "Offers": "Make offers, change them, look at them.",
    "Wallets": "Who holds what; issue, revoke, change.",
    "Tills": "Look up a customer; lock, redeem, unlock and reinstate offers; send transactions.",
    "Loyalty": "Points and identities.",
}
_TAG_OF = {offers: "Offers", reward_store: "Offers", user_offers: "Wallets", loyalty: "Loyalty"}
RESPONSES = {
    "400": "The request cannot be understood; `details` name the places.",
    "401": "The credentials are missing or wrong.",
    "403": "The credential lacks the scope, or names a retailer, store or client that is not its own.",
    "404": "There is no such thing, for this retailer.",
    "409": "It is locked, used, or not in a state for that; or the request_id came before with another body.",
    "413": "The body is above 5 MiB.",
    "415": "Only application/json is read here.",
    "422": "It does not apply; `details` name the restriction.",
    "429": "Too many calls. `Retry-After` says when to come back.",
}


def routes() -> Iterator[tuple[str, type[DialectView]]]:
    """Yield every address, written as the samples write it, with its view."""
    for pattern in urls.urlpatterns:
        view = getattr(pattern.callback, "view_class", None) if isinstance(pattern, URLPattern) else None
        if view is not None and issubclass(view, DialectView):
            yield spelled(str(pattern.pattern)), view


def spelled(regex: str) -> str:
    """Return the address behind a route that takes any case and any slashes at the end."""
    path = re.sub(r"\[([a-z])[A-Z]\]", r"\1", regex.removeprefix("^").removesuffix("/*$").replace("\\.", "."))
    return "/" + re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)


def describe(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Add this dialect to the document; a hook of drf-spectacular."""
    parts = result["components"]
    parts["schemas"].update(COMPONENTS)
    parts["securitySchemes"]["basic"] = {
        "type": "http",
        "scheme": "basic",
        "description": "The client id and its secret, as the offer and POS calls take them.",
    }
    result["tags"] = [*result.get("tags", []), *({"name": name, "description": text} for name, text in TAGS.items())]
    first: dict[type[DialectView], str] = {}
    for path, view in routes():
        main = first.setdefault(view, path)
        for method in view.methods:
            result["paths"].setdefault(path, {})[method.lower()] = operation(path, method, view, main)
    return result


def operation(path: str, method: str, view: type[DialectView], main: str) -> Schema:
    said = " ".join(inspect.cleandoc(view.__doc__ or "").split())
    summary, _, rest = said.partition(": ")
    scopes = " or ".join(f"`{scope}`" for scope in view.scopes)
    alias = f" Another address of `{main}`." if path != main else ""
    found: Schema = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
        "tags": [_TAG_OF.get(inspect.getmodule(view), "Tills")],  # type: ignore[arg-type]
        "summary": summary.rstrip("."),
        "description": f"{rest[:1].upper()}{rest[1:]}{alias}\n\nNeeds the scope {scopes}.".strip(),
        "parameters": parameters(path, view),
        "security": [{"basic": []}],
        "responses": responses(view),
    }
    if method != "GET":
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body(view)}}}
    return found


def parameters(path: str, view: type[DialectView]) -> list[Schema]:
    found = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in re.findall(r"{(\w+)}", path)]
    if view is transactions.TransactionStatus:
        found.append({"name": "store_id", "in": "query", "required": True, "schema": ID})
    return found


def body(view: type[DialectView]) -> Schema:
    """Return the schema of a request: flat for the offer family, in its envelope for tills."""
    needed, optional, _ = VIEWS[view]
    if issubclass(view, PosView):
        inner = ref("Transaction") if view is transactions.SendTransaction else record(needed, optional)
        store: Fields = {"store_id": ID}
        request = {"client_id": ID, "request_id": {"type": ["string", "integer"]}, "request_payload": inner}
        if view.store_optional:
            return record(request, {**store, "culture": TEXT})
        return record({**store, **request}, {"culture": TEXT})
    assert issubclass(view, ConnectView)
    flat = record({"retailer_id": ID, **needed}, optional)
    return {"allOf": [flat, ref("OfferTerms")]} if view in (offers.Create, offers.Update) else flat


def responses(view: type[DialectView]) -> Schema:
    payload = VIEWS[view][2]
    envelope = {"status": {"const": view.word}, "payload": payload}
    if issubclass(view, PosView):
        envelope["errors"] = NOTHING
    wrong = {"application/json": {"schema": ref("OfferError")}}
    right = {"description": "Done.", "content": {"application/json": {"schema": whole(**envelope)}}}
    return {"200": right} | {code: {"description": text, "content": wrong} for code, text in RESPONSES.items()}
