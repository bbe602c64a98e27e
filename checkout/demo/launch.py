"""A launch to try: a queue for the demo's mug, and the shop on another origin that its admitted may go to."""

from datetime import datetime
from urllib.parse import urlsplit

from checkout.admission import distributions
from offers import catalogue, signing_keys
from offers.lib.actors import SYSTEM
from offers.models import Retailer

BESIDE = 1000  # the external checkout listens so many ports above the product


def external_origin(base_url: str) -> str:
    """Return where `make run` starts the external checkout."""
    parts = urlsplit(base_url)
    return f"http://{parts.hostname}:{(parts.port or 80) + BESIDE}"


def open_queue(retailer: Retailer, *, base_url: str, now: datetime) -> dict[str, str]:
    """Open a queue, put the external checkout on the retailer's list; return both addresses."""
    origin = external_origin(base_url)
    retailer.settings = {
        **retailer.settings,
        "return_origins": [origin],
        "external_checkout": f"{origin}/checkout",
    }
    retailer.save(update_fields=["settings"])
    mug = catalogue.upsert_product(
        retailer_id=retailer.pk,
        source_id="midnight-mug",
        fields={"name": "Midnight mug", "price": 1900},
        actor=SYSTEM,
        now=now,
    )
    catalogue.upsert_sku(
        product=mug,
        source_id="midnight-mug-1",
        fields={"sku": "Midnight mug", "price": 1900, "currency": retailer.currency},
        actor=SYSTEM,
        now=now,
    )
    made = distributions.create(
        retailer_id=retailer.pk,
        mechanism="queue",
        fields={
            "open_at": now,
            "admission_rate": 60,
            "max_active": 50,
            "sku": "Midnight mug",
            "currency": retailer.currency,
        },
        actor=SYSTEM,
        now=now,
        experience={
            "name": "Midnight mug",
            "description": "One mug per person, in the order people come; fifty at a time may check out.",
        },
    )
    hook = signing_keys.active(retailer_id=retailer.pk, purpose=signing_keys.ORDERS, now=now)
    told = {"ORDER_SECRET": signing_keys.secret(hook), "ORGANIZATION_ID": retailer.public_id}
    return {**told, "LAUNCH_URL": f"{base_url}/shop/waiting/{made.uuid}/", "EXTERNAL_URL": origin}
