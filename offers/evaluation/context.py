"""The facts an evaluation works on: plain frozen values, filled in by the caller, judged by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from offers.evaluation.rules import CompiledRule


class _Nothing(dict[str, Any]):
    """An empty mapping that stays empty, so that it can be everyone's default; hashable because dataclasses ask it."""

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError("NOTHING stays empty")

    def __hash__(self) -> int:  # type: ignore[override]
        return 0


NOTHING: Mapping[str, Any] = _Nothing()

RelatedObject = Literal["product", "sku"]
RedeemableObject = Literal["voucher", "promotion_tier"]
RedeemableKind = Literal["discount", "gift", "promotion", "loyalty"]
ApplicationMode = Literal["ALL", "PARTIAL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """A product or SKU as the retailer's catalogue knows it (units to add, prices a line left out)."""

    id: str
    kind: RelatedObject
    source_id: str | None = None
    name: str | None = None
    price: int | None = None
    product_id: str | None = None  # of a SKU: its product's public id
    product_source_id: str | None = None
    metadata: Mapping[str, Any] = NOTHING
    collections: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One order line. `amount` is price x quantity unless the client sent its own."""

    index: int
    quantity: int = 1
    price: int | None = None
    amount: int | None = None
    id: str | None = None
    source_id: str | None = None
    product_id: str | None = None
    product_source_id: str | None = None
    sku_id: str | None = None
    sku_source_id: str | None = None
    related_object: RelatedObject | None = None
    metadata: Mapping[str, Any] = NOTHING
    product_name: str | None = None
    product_metadata: Mapping[str, Any] = NOTHING
    sku_name: str | None = None
    sku_metadata: Mapping[str, Any] = NOTHING
    collections: frozenset[str] = frozenset()  # public ids of the collections its product or SKU is in
    discount_amount: int = 0  # taken off this line by earlier redemptions on the stored order
    discount_quantity: int = 0
    initial_quantity: int | None = None  # before units were added; None: this quantity
    initial_amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is bought. With items the amount is their sum; without, `amount` is all there is."""

    amount: int | None = None
    items: tuple[Line, ...] = ()
    metadata: Mapping[str, Any] = NOTHING
    initial_amount: int | None = None  # of a stored order whose units were raised before
    discount_amount: int = 0  # order-level discounts of earlier redemptions on the stored order
    beyond: int = 0  # what a stored order holds that none of its lines speaks of


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    id: str | None = None
    source_id: str | None = None
    metadata: Mapping[str, Any] = NOTHING
    segments: frozenset[str] = frozenset()  # seg_ ids
    loyalty_tiers: frozenset[str] = frozenset()  # ltr_ ids held now


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyHours:
    start_time: str = "00:00"  # "HH:mm"
    expiration_time: str = "24:00"
    days_of_week: tuple[int, ...] = ()  # 0 = Sunday; empty: every day


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When something may be used: half-open [start, expiration), and within it the recurring limits."""

    start: datetime | None = None
    expiration: datetime | None = None
    interval: str | None = None  # validity_timeframe, ISO 8601 durations; counted from `start`
    duration: str | None = None
    days_of_week: tuple[int, ...] = ()  # validity_day_of_week, 0 = Sunday
    hours: tuple[DailyHours, ...] = ()  # validity_hours.daily
    time_zone: str = "UTC"  # IANA


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOff:
    """Free units of one product or SKU; `unit_type` is its public id."""

    unit_type: str
    unit_off: int
    effect: str = "ADD_NEW_ITEMS"  # ADD_NEW_ITEMS | ADD_MISSING_ITEMS | ADD_SAME_ITEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """AMOUNT, PERCENT, FIXED or UNIT; money in minor units. A UNIT of one product is `units` of length one."""

    type: Literal["AMOUNT", "PERCENT", "FIXED", "UNIT", "FREE_SHIPPING"]
    effect: str | None = None  # None: items when a rule scopes it to products, else the order
    amount_off: int | None = None
    percent_off: Decimal | int | str | None = None  # as JSON had it; never a float
    fixed_amount: int | None = None
    amount_limit: int | None = None
    aggregated_amount_limit: int | None = None
    units: tuple[UnitOff, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """A gift card as this request sees it: what other sessions hold is already off the balance."""

    balance: int
    credits: int | None = None  # asked for; None: as much as is useful
    effect: Literal["APPLY_TO_ORDER", "APPLY_TO_ITEMS"] = "APPLY_TO_ORDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A loyalty card paying with points, as this request sees it: `points_ratio` points are worth `exchange_ratio`."""

    balance: int
    points: int | None = None  # asked for; None: as many as are useful
    exchange_ratio: Decimal = Decimal(1)  # minor units
    points_ratio: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    id: str
    name: str = ""
    hierarchy: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemable:
    """One voucher or promotion tier of the request, with everything its checks need.

    `available` are the uses free for this request (its own session's holds count as free); None is unlimited.
    `usage` holds the counts its rules read, by rule name and without this request.
    """

    id: str  # as the client asked for it
    key: int | str = ""  # the caller's own handle, never read
    object: RedeemableObject = "voucher"
    kind: RedeemableKind = "discount"
    code: str | None = None  # shown in error details; None: `id`
    found: bool = True
    barred: bool = False  # a code of a session offer that this session was not shown; judged before it is looked for
    active: bool = True
    campaign: str | None = None  # the caller's handle: redeemables of one campaign share its budgets in this request
    campaign_active: bool = True
    window: Window | None = None
    campaign_window: Window | None = None
    discount: Discount | None = None
    gift: Gift | None = None
    points: Points | None = None
    categories: tuple[Category, ...] = ()
    rules: tuple[CompiledRule, ...] = ()
    limit: int | None = None
    available: int | None = None
    usage: Mapping[str, int] = NOTHING
    holder_id: str | None = None  # customer the voucher was published to
    referrer_id: str | None = None  # customer who may not use it himself


@dataclass(frozen=True, slots=True, kw_only=True)
class StackingRules:
    """How several redeemables go together; the field names of the wire, category ids where it names categories."""

    redeemables_limit: int = 30
    applicable_redeemables_limit: int = 5
    applicable_redeemables_per_category_limit: int = 1
    applicable_redeemables_category_limits: Mapping[str, int] = NOTHING
    applicable_exclusive_redeemables_limit: int = 1
    applicable_exclusive_redeemables_per_category_limit: int = 1
    exclusive_categories: frozenset[str] = frozenset()
    joint_categories: frozenset[str] = frozenset()
    redeemables_application_mode: ApplicationMode = "ALL"
    redeemables_sorting_rule: Literal["REQUESTED_ORDER", "CATEGORY_HIERARCHY"] = "REQUESTED_ORDER"
    redeemables_products_application_mode: Literal["STACK", "ONCE"] = "STACK"
    redeemables_no_effect_rule: Literal["REDEEM_ANYWAY", "SKIP"] = "REDEEM_ANYWAY"
    no_effect_skip_categories: frozenset[str] = frozenset()
    no_effect_redeem_anyway_categories: frozenset[str] = frozenset()
    grouped_redeemables_sorting_rule: str = "JOINT_ALWAYS_LAST"
    discount_calculation_mode: Literal["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"] = "DISCOUNTED_AMOUNT"
    initial_amount_mode_categories: frozenset[str] = frozenset()
    discounted_amount_mode_categories: frozenset[str] = frozenset()


DEFAULT_STACKING = StackingRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything one evaluation may look at. `now` is aware; `catalogue` is keyed by public id and by source id."""

    redeemables: tuple[Redeemable, ...]
    now: datetime
    order: Order | None = None
    customer: Customer | None = None
    stacking: StackingRules = DEFAULT_STACKING
    catalogue: Mapping[str, CatalogueItem] = NOTHING
    metadata: Mapping[str, Any] = NOTHING  # of the redemption
    time_zone: str = "UTC"  # the retailer's, for dates in rules
    api_key_id: str | None = None
    user_login: str | None = None
    explain: bool = False
