"""What a shop asks: redeemables for an order of a customer, perhaps under a lock session. Shapes only, in cents."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from offers.lib.idents import VISIBLE

Money = Annotated[int, Meta(ge=0, le=10**15)]
Units = Annotated[int, Meta(ge=0, le=10**9)]
Text = Annotated[str, Meta(max_length=255)]
Ident = Annotated[str, Meta(max_length=255, pattern=VISIBLE)]
# What something is found or stored by: never an empty text, which would make one of all that send it.
Own = Annotated[str, Meta(min_length=1, max_length=255, pattern=VISIBLE)]
Key = Annotated[str, Meta(min_length=1, max_length=128, pattern=VISIBLE)]
Metadata = dict[str, Any]

TTL_UNITS: Mapping[str, Decimal] = {
    "DAYS": Decimal(86_400),
    "HOURS": Decimal(3_600),
    "MINUTES": Decimal(60),
    "SECONDS": Decimal(1),
    "MILLISECONDS": Decimal("0.001"),
    "MICROSECONDS": Decimal("0.000001"),
    "NANOSECONDS": Decimal("0.000000001"),
}


class GiftAsk(Struct, frozen=True):
    """How many credits of a gift card to use; None: as many as are useful."""

    credits: Money | None = None


class RewardAsk(Struct, frozen=True):
    """What the points of a loyalty card are spent on, and how many; None: as many as are useful."""

    id: Ident | None = None
    points: Money | None = None


class RedeemableAsk(Struct, frozen=True):
    """One voucher (by code or v_ id) or promotion tier (by promo_ id)."""

    id: Own
    object: Literal["voucher", "promotion_tier", "promotion_stack"] = "voucher"
    gift: GiftAsk | None = None
    reward: RewardAsk | None = None


class ProductAsk(Struct, frozen=True):
    """Product or SKU data that came along with an order line."""

    id: Ident | None = None
    source_id: Ident | None = None
    name: str | None = None
    sku: str | None = None
    price: Money | None = None
    metadata: Metadata | None = None
    override: bool | None = None


class ItemAsk(Struct, frozen=True):
    """An order line. `amount` wins over price x quantity."""

    id: Ident | None = None
    source_id: Ident | None = None
    related_object: Literal["product", "sku"] | None = None
    product_id: Ident | None = None
    sku_id: Ident | None = None
    quantity: Units | None = None
    price: Money | None = None
    amount: Money | None = None
    product: ProductAsk | None = None
    sku: ProductAsk | None = None
    metadata: Metadata | None = None


class ReferrerAsk(Struct, frozen=True):
    """Who sent the shopper, by `id` (cust_...) or the shop's own `source_id`."""

    id: Annotated[str, Meta(max_length=64, pattern=VISIBLE)] | None = None
    source_id: Ident | None = None


class OrderAsk(Struct, frozen=True):
    """The order, or a reference (`id`, or the `source_id` of a stored one)."""

    id: Own | None = None
    source_id: Own | None = None
    status: Literal["CREATED", "PAID", "CANCELED", "FULFILLED"] | None = None
    amount: Money | None = None
    items: Annotated[list[ItemAsk], Meta(max_length=500)] | None = None
    metadata: Metadata | None = None
    referrer: ReferrerAsk | None = None


class CustomerAsk(Struct, frozen=True):
    """The shopper: `id` (cust_...) or the shop's own `source_id`, with whatever the shop knows."""

    id: Own | None = None
    source_id: Own | None = None
    name: Text | None = None
    email: Text | None = None
    phone: Annotated[str, Meta(max_length=64)] | None = None
    birthdate: str | None = None
    birthday: str | None = None
    address: Metadata | None = None
    description: str | None = None
    metadata: Metadata | None = None

    def __post_init__(self) -> None:
        if self.born is not None:
            date.fromisoformat(self.born)  # what is no date is refused where the customer stands
        if self.address and not all(text is None or isinstance(text, str) for text in self.address.values()):
            raise ValueError("Expected `str | null` in .address")

    @property
    def born(self) -> str | None:
        """The day of birth, under its newer or its older name; a time behind it is dropped."""
        text = self.birthdate or self.birthday
        return text[:10] if text else None


class SessionAsk(Struct, frozen=True):
    """A lock session. `ttl` counts `ttl_unit`s; both missing: 7 days."""

    type: Literal["LOCK"]
    key: Key | None = None
    ttl: int | float | None = None
    ttl_unit: Literal["DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS", "MICROSECONDS", "NANOSECONDS"] | None = (
        None
    )


class ShopperAsk(Struct, frozen=True):
    """Whose visit this is: the shop's own session id, or the fingerprint that its pages were given."""

    session: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    session_fingerprint: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class OptionsAsk(Struct, frozen=True):
    """Additive switches; `explain` asks for the checks behind every verdict."""

    expand: list[str] | None = field(default_factory=list)
    explain: bool | None = False


class CartAsk(Struct, frozen=True, kw_only=True):
    """What a request says besides its redeemables."""

    order: OrderAsk | None = None
    customer: CustomerAsk | None = None
    session: SessionAsk | None = None
    tracking_id: Annotated[str, Meta(max_length=255)] | None = None
    metadata: Metadata | None = None
    options: OptionsAsk | None = None
    shopper: ShopperAsk | None = None


class Ask(CartAsk, frozen=True):
    """A validation or redemption request."""

    redeemables: list[RedeemableAsk]

    @property
    def explain(self) -> bool:
        return self.options is not None and bool(self.options.explain)


def named(items: Iterable[ItemAsk]) -> set[str]:
    """Return every id or source id by which order lines name products and variants."""
    names: set[str | None] = set()
    for item in items:
        names |= {item.product_id, item.sku_id, item.source_id if item.related_object else None}
        for part in (item.product, item.sku):
            if part is not None:
                names |= {part.id, part.source_id}
    return {name for name in names if name}
