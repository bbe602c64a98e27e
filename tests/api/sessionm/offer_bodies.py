"""Bodies of offers as marketers' tools send them."""

from typing import Any

# The sample of the workflow's first step; the brace it lacks stands where it makes common_config end early.
SAMPLE: dict[str, Any] = {
    "offer_type": "manual_fulfillment",
    "publish": "true",
    "text_config": [
        {
            "title": "Test Image URL",
            "description": "Session M Test Offer - KY",
            "terms_and_conditions": "Subject to availability, XXX reserves the right to to void any offer.",
            "culture": "en",
        }
    ],
    "media_config": [],
    "common_config": {
        "acquisition_start_date": "2018-03-01 00:00:00.0",
        "acquisition_end_date": "2019-03-31 23:59:00.0",
        "does_not_expire": False,
        "valid_after_end_date": False,
        "reward_store": False,
        "validity_unit": "years",
        "validity_period": 100,
        "custom_data": '{"CustomAttribute":"CustomValue"}',
    },
    "discount_config": {},
    "offer_config": {"type": "manual_fulfillment"},
    "use_restrictions": [],
    "purchase_restrictions": [],
    "catalog_restrictions": [],
    "location_restrictions": [],
}


def simple(**fields: Any) -> dict[str, Any]:
    """Return a small published offer that can be acquired at any time; `common` adds to its common_config."""
    common = fields.pop("common", {})
    return {
        "offer_type": "manual_fulfillment",
        "publish": True,
        "text_config": [{"title": "Coffee", "culture": "en"}],
        "common_config": {"validity_unit": "days", "validity_period": 10, **common},
        **fields,
    }
