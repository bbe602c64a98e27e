"""What requests say about vouchers, as the verbs take it."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from checkout.api.voucherify import bodies
from offers import vouchers
from offers.lib.errors import InvalidPayload

MAX_RULES = 5
RECURRING = ("validity_timeframe", "validity_day_of_week", "validity_hours")


class RedemptionBody(Struct):
    """How often: `quantity` in all; `per_customer` is ours."""

    quantity: Any = UNSET
    per_customer: Any = UNSET


class VoucherBody(Struct):
    code: str | UnsetType | None = UNSET
    code_config: dict[str, Any] | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    discount: Any = UNSET
    gift: Any = UNSET
    loyalty_card: Any = UNSET
    campaign: bodies.Text | UnsetType | None = UNSET
    campaign_id: bodies.Text | UnsetType | None = UNSET
    category: bodies.Text | UnsetType | None = UNSET
    category_id: bodies.Text | UnsetType | None = UNSET
    start_date: str | UnsetType | None = UNSET
    expiration_date: str | UnsetType | None = UNSET
    validity_timeframe: Any = UNSET
    validity_day_of_week: Any = UNSET
    validity_hours: Any = UNSET
    active: bool | UnsetType | None = UNSET
    additional_info: bodies.LongText | UnsetType | None = UNSET
    metadata: bodies.Metadata | UnsetType | None = UNSET
    validation_rules: list[bodies.Text] | UnsetType | None = UNSET
    redemption: RedemptionBody | UnsetType | None = UNSET

    @property
    def campaign_ident(self) -> str | None:
        return self.campaign_id or self.campaign or None

    def changes(self) -> vouchers.Fields:
        """What may be said of a voucher that exists; the rest of a body is skipped."""
        fields = common(self)
        fields |= bodies.sent(self, "additional_info")
        fields |= {name: value for name, value in bodies.sent(self, "type", "discount").items() if value is not None}
        return fields  # type: ignore[return-value]

    def overrides(self) -> vouchers.Fields:
        """What may be said of a voucher that is added to a campaign, over the campaign's terms."""
        fields = common(self) | bodies.sent(self, "additional_info")
        return fields | limits(self.redemption)  # type: ignore[return-value]

    def terms(self) -> vouchers.Fields:
        """Everything a new voucher can be given."""
        fields: dict[str, Any] = {**self.changes(), **self.overrides()}
        fields |= {
            "gift": self.gift or None,
            "loyalty_card": self.loyalty_card or None,
            "rules": rules(self.validation_rules),
        }
        return fields  # type: ignore[return-value]


def common(body: Any) -> dict[str, Any]:
    """Return what vouchers and campaigns have in common: windows, active, metadata, category."""
    fields = bodies.sent(body, *RECURRING, "metadata")
    if isinstance(body.active, bool):
        fields["active"] = body.active
    for name, text in bodies.sent(body, "start_date", "expiration_date").items():
        fields[name] = bodies.moment(text, f".{name}")
    for value in bodies.sent(body, "category", "category_id").values():
        fields["category"] = value or fields.get("category")
    return fields


def limits(redemption: RedemptionBody | UnsetType | None) -> dict[str, Any]:
    """Return the limits a body sets; null is unlimited."""
    if not isinstance(redemption, RedemptionBody):
        return {}
    names = {"quantity": "redemption_limit", "per_customer": "customer_limit"}
    return {names[name]: value for name, value in bodies.sent(redemption).items()}


def rules(idents: list[str] | UnsetType | None) -> list[str]:
    if isinstance(idents, UnsetType) or idents is None:
        return []
    if len(idents) > MAX_RULES:
        raise InvalidPayload(f"Property .validation_rules should have no more than {MAX_RULES} items")
    return idents
