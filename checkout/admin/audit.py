"""The audit trail with links to what was changed, by the names staff know."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model

from checkout.admission.models import Admission, Distribution
from checkout.models import Order, Redemption
from loyalty.models import Rule, TierSystem
from offers.admin import audit, show
from offers.models import (
    AuditEntry,
    Campaign,
    Channel,
    Client,
    Customer,
    Offer,
    Product,
    ProductCollection,
    PromotionTier,
    Retailer,
    SessionCampaign,
    SigningKey,
    Sku,
    Store,
    UserOffer,
    ValidationRule,
    Voucher,
)
from offers.outbox.models import Endpoint

# What an entry's object_type is, and the field its object_id names.
FOUND: dict[str, tuple[type[Model], str]] = {
    "campaign": (Campaign, "public_id"),
    "voucher": (Voucher, "public_id"),
    "promotion_tier": (PromotionTier, "public_id"),
    "validation_rules": (ValidationRule, "public_id"),
    "customer": (Customer, "public_id"),
    "product": (Product, "public_id"),
    "sku": (Sku, "public_id"),
    "products_collection": (ProductCollection, "public_id"),
    "redemption": (Redemption, "public_id"),
    "order": (Order, "public_id"),
    "retailer": (Retailer, "public_id"),
    "channel": (Channel, "public_id"),
    "session_campaign": (SessionCampaign, "public_id"),
    "webhook": (Endpoint, "public_id"),
    "client": (Client, "key"),
    "signing_key": (SigningKey, "kid"),
    "staff": (User, "username"),
    "offer": (Offer, "uuid"),
    "user_offer": (UserOffer, "uuid"),
    "store": (Store, "uuid"),
    "loyalty_rule": (Rule, "uuid"),
    "tier_system": (TierSystem, "uuid"),
    "distribution": (Distribution, "uuid"),
    "admission": (Admission, "uuid"),
}
# Named without a link: their pages are for admins, the trail is for reviewers as well.
SET_UP = {"retailer", "client", "signing_key", "staff", "webhook"}


@admin.register(AuditEntry)
class AuditEntryAdmin(audit.AuditEntryAdmin):
    def prepared(self, rows: list[AuditEntry]) -> list[AuditEntry]:
        """Find what the rows of a page speak of: a statement for each kind of thing on it."""
        wanted: dict[str, set[str]] = {}
        for row in rows:
            wanted.setdefault(row.object_type, set()).add(row.object_id)
        found: dict[tuple[str, str], Model] = {}
        for kind, idents in wanted.items():
            if kind in FOUND:
                model, field = FOUND[kind]
                for one in self._rows(model, field, idents):
                    found[(kind, str(getattr(one, field)))] = one
        for row in rows:
            row.changed = found.get((row.object_type, row.object_id))  # type: ignore[attr-defined]
        return rows

    def _rows(self, model: type[Model], field: str, idents: set[str]) -> Any:
        known = {show.uuid_of(ident) for ident in idents} - {None} if field == "uuid" else idents
        return model._default_manager.filter(**{f"{field}__in": known})

    def object_link(self, row: AuditEntry) -> str:
        changed: Model | None = getattr(row, "changed", None)
        if changed is None:
            return super().object_link(row)
        return str(changed) if row.object_type in SET_UP else show.to_page(changed)
