"""What the page of the APIs (/docs, /openapi.json) says besides the code: its introduction and its headings."""

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Offerkeep",
    "VERSION": "1.0.0",
    "DESCRIPTION": (
        "Vouchers, gift cards and promotions: validate, lock, redeem, release, roll back. The wire is Voucherify's, so "
        "its official clients work with the base address changed.\n\n"
        "Offers, wallets, tills and loyalty under `/api/2.0` speak SessionM's wire: HTTP Basic, three spellings of "
        "success, errors as `OfferError`. `/session-offers` gives codes to one visit, `/admission/v1` lets shoppers "
        "into a checkout: a publishable key in pages, a secret key on servers, errors as `Error` and `AdmissionError`. "
        "What follows is said of `/v1`.\n\n"
        "Amounts are whole numbers of the smallest unit (cents), moments ISO 8601 in UTC. Errors have one body "
        "(`Error`). Writes take an `Idempotency-Key`. Where a limit applies, `X-Rate-Limit-*` tells what is left."
    ),
    "TAGS": [
        {"name": "Validations", "description": "Do these redeemables apply to this order, and hold them if so."},
        {"name": "Redemptions", "description": "Use them; look at what was used; roll it back."},
        {"name": "In the browser", "description": "Validate and redeem from a page, with a browser key."},
        {"name": "Vouchers", "description": "Discount codes and gift cards; their balances and locks."},
        {"name": "Campaigns", "description": "What many codes or promotion tiers have in common."},
        {"name": "Promotions", "description": "Discounts without a code."},
        {"name": "Categories", "description": "Groups of discounts that stack or exclude one another."},
        {"name": "Validation rules", "description": "Conditions, and what they are assigned to."},
        {"name": "Customers", "description": "Who redeems."},
        {"name": "Orders", "description": "What it was redeemed for."},
        {"name": "Products", "description": "What orders and rules refer to, with its variants."},
        {"name": "Async actions", "description": "How far work in the background is."},
        {"name": "Session offers", "description": "Codes that work only in the visit they were shown to; its cart."},
        {"name": "Admission: auth", "description": "Guests and their tokens."},
        {"name": "Admission: experiences", "description": "A launch, its ways in, and where a shopper stands in it."},
        {"name": "Admission: queues", "description": "Join the line, look how far it is, be admitted."},
        {"name": "Admission: draws", "description": "Take part; the draw, for anybody to recompute."},
        {"name": "Admission: auctions", "description": "Bid; who would win now; settle."},
        {"name": "Admission: handoffs", "description": "Carry an admission to a checkout by a one-time code."},
        {"name": "Admission: admissions", "description": "What a checkout asks and tells: hold, pay, complete."},
        {"name": "Admission: reservations", "description": "Stock kept for an admission."},
        {"name": "Admission: orders", "description": "The order hook of a shop elsewhere."},
        {"name": "Admission: webhooks", "description": "What is sent to receivers."},
    ],
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["checkout.api.sessionm.schema.describe", "checkout.api.admission.webhooks.describe"],
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {"code": "string"},
    "SCHEMA_PATH_PREFIX": "/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # No address of ours is told to anybody, not even to check the document.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None, "docExpansion": "none", "filter": True},
}
