"""Turns what was read into the facts an evaluation judges, and remembers which counters stand behind them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from checkout import counts, reading
from checkout.asks import Ask, ItemAsk, RedeemableAsk
from checkout.counts import Calendar, Owner
from checkout.reading import CAMPAIGN_KINDS, CounterRow, CustomerRow, Reading, VoucherRow
from offers import configuration, redeemables
from offers.configuration import CampaignConfig, Config, TierConfig
from offers.evaluation.context import (
    CatalogueItem,
    Category,
    Context,
    Customer,
    Gift,
    Line,
    Order,
    Redeemable,
)
from offers.ledger import counters
from offers.ledger.counters import Name
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload, NotFound
from offers.models import Product, Retailer, Sku, Voucher

Confirm = Callable[[int], None]

TIER_KINDS = ["tier.rule", *CAMPAIGN_KINDS]


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter that a redeemable's rules read. `opening`: taken before the counter was opened."""

    count: str
    name: Name
    opening: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """The rows behind one redeemable of the request."""

    ask: RedeemableAsk
    item: str = ""
    voucher: VoucherRow | None = None
    tier: TierConfig | None = None
    campaign: CampaignConfig | None = None
    counted: tuple[Counted, ...] = ()


@dataclass(slots=True)
class Facts:
    """One request's facts: the engine's context, and the rows it was made of in request order."""

    ask: Ask
    config: Config
    context: Context
    subjects: list[Subject]
    customer: CustomerRow | None
    order: dict[str, Any] | None
    now: datetime
    actor: Actor
    catalogue: Mapping[str, CatalogueItem] = field(default_factory=dict)

    def subject(self, redeemable: Redeemable) -> Subject:
        return self.subjects[int(redeemable.key)]


def gather(
    *, retailer_id: int, ask: Ask, reference: str, actor: Actor, now: datetime, confirm: Confirm | None = None
) -> Facts:
    """Read everything about a request in one statement (more only for history, unit discounts and tiers' limits).

    `confirm` is told the version of the configuration that was read, and may refuse a caller who lost his right.
    Refuses `not_found` for a customer or order by an id (not a source id) that doesn't exist.
    """
    found = _read(retailer_id, ask, reference, now)
    if confirm is not None:
        confirm(found.version)
    config = configuration.current(retailer_id, found.version)
    if ask.customer is not None and ask.customer.id and found.customer is None:
        raise NotFound("customer", ask.customer.id)
    if ask.order is not None and ask.order.id and found.order is None:
        raise NotFound("order", ask.order.id)
    builder = _Builder(config, found, ask, actor, now)
    built = [builder.redeemable(one, position) for position, one in enumerate(ask.redeemables)]
    catalogue = builder.catalogue([redeemable for redeemable, _ in built])
    context = Context(
        redeemables=tuple(redeemable for redeemable, _ in built),
        now=now,
        order=builder.order(catalogue),
        customer=builder.customer(),
        stacking=config.stacking,
        catalogue=catalogue,
        metadata=ask.metadata or {},
        time_zone=config.retailer.timezone,
        api_key_id=actor.ident,
        user_login=actor.label or None,
        explain=ask.explain,
    )
    return Facts(
        ask, config, context, [subject for _, subject in built], found.customer, found.order, now, actor, catalogue
    )


def _read(retailer_id: int, ask: Ask, reference: str, now: datetime) -> Reading:
    """Read in the zone this process knows of; once more if the retailer's days turn out to begin elsewhere."""
    cached = configuration.peek(retailer_id)
    zone = cached.retailer.timezone if cached else "UTC"
    for _ in range(2):
        periods = Calendar.at(now, zone).periods
        found = reading.read(retailer_id=retailer_id, ask=ask, reference=reference, periods=periods, now=now)
        actual = configuration.current(retailer_id, found.version).retailer.timezone
        if actual == zone:
            break
        zone = actual
    return found


@dataclass(slots=True)
class _Builder:
    config: Config
    found: Reading
    ask: Ask
    actor: Actor
    now: datetime

    def redeemable(self, ask: RedeemableAsk, position: int) -> tuple[Redeemable, Subject]:
        if ask.object == "voucher":
            row = self.found.vouchers.get(ask.id)
            return self._missing(ask, position) if row is None else self._voucher(ask, row, position)
        tier = self.config.tier(ask.id) if ask.object == "promotion_tier" else None
        return self._missing(ask, position) if tier is None else self._tier(ask, tier, position)

    def _missing(self, ask: RedeemableAsk, position: int) -> tuple[Redeemable, Subject]:
        object_ = "voucher" if ask.object == "voucher" else "promotion_tier"
        return Redeemable(id=ask.id, key=position, object=object_, found=False), Subject(ask)  # type: ignore[arg-type]

    def _voucher(self, ask: RedeemableAsk, row: VoucherRow, position: int) -> tuple[Redeemable, Subject]:
        campaign = None if row.campaign_id is None else self.config.campaign(row.campaign_id)
        zone = campaign.zone if campaign else self.config.retailer.timezone
        rules = (*self.config.rules_of(row.rule_ids), *(campaign.rules if campaign else ()))
        if row.customer_limit is not None:
            rules = (*rules, self.config.customer_limit(row.customer_limit))
        gift = row.type == Voucher.Type.GIFT
        own = redeemables.discount(row.discount)
        base = Redeemable(
            id=ask.id,
            key=position,
            object="voucher",
            kind="gift" if gift else "discount",
            code=row.code,
            active=row.active,
            campaign=campaign.public_id if campaign else None,
            campaign_active=campaign.active if campaign else True,
            window=redeemables.window(
                start=row.start_date,
                expiration=row.expiration_date,
                timeframe=row.validity_timeframe,
                days=row.validity_day_of_week,
                hours=row.validity_hours,
                zone=zone,
            ),
            campaign_window=campaign.window if campaign else None,
            discount=None if gift else own or (campaign.discount if campaign else None),
            gift=self._gift(ask, row) if gift else None,
            categories=self.config.categories_of(
                row.category_id,
                campaign.category.pk if campaign and campaign.category and not row.category_id else None,
            ),
            rules=rules,
            limit=row.redemption_limit,
            available=_available(row),
            holder_id=row.holder_public_id,
        )
        owner = Owner(kind="voucher", id=row.id, campaign_id=row.campaign_id)
        used_before = any(one.kind == "voucher.uses" for one in row.counters)
        counted, usage = self._counted(base, owner, row.counters, used_before)
        redeemable = _with_usage(base, usage) if usage else base
        return redeemable, Subject(ask, f"v{row.id}", row, None, campaign, counted)

    def _tier(self, ask: RedeemableAsk, tier: TierConfig, position: int) -> tuple[Redeemable, Subject]:
        row = tier.row
        base = Redeemable(
            id=ask.id,
            key=position,
            object="promotion_tier",
            kind="promotion",
            active=row.active,
            campaign=tier.campaign.public_id,
            campaign_active=tier.campaign.active,
            window=tier.window,
            campaign_window=tier.campaign.window,
            discount=tier.discount,
            categories=self._categories(row.category_id, tier.campaign),
            rules=tier.rules,
        )
        owner = Owner(kind="tier", id=row.pk, campaign_id=row.campaign_id)
        rows = self._tier_counters(owner) if any(rule.counts for rule in tier.rules) else ()
        counted, usage = self._counted(base, owner, rows, used_before=True)
        redeemable = _with_usage(base, usage) if usage else base
        return redeemable, Subject(ask, f"t{row.pk}", None, tier, tier.campaign, counted)

    def _categories(self, own: int | None, campaign: CampaignConfig | None) -> tuple[Category, ...]:
        """The redeemable's own category, else its campaign's."""
        inherited = campaign.category.pk if own is None and campaign and campaign.category else None
        return self.config.categories_of(own, inherited)

    def _gift(self, ask: RedeemableAsk, row: VoucherRow) -> Gift:
        balance = row.gift_amount or 0
        for one in row.counters:
            if one.kind == "voucher.credits":
                balance = max(one.own, (one.granted or 0) - one.taken_by_others)
        effect: Any = row.gift_effect
        return Gift(balance=max(0, balance), credits=ask.gift.credits if ask.gift else None, effect=effect)

    def _counted(
        self, redeemable: Redeemable, owner: Owner, rows: Sequence[CounterRow], used_before: bool
    ) -> tuple[tuple[Counted, ...], dict[str, int]]:
        if not any(rule.counts for rule in redeemable.rules):
            return (), {}
        calendar = Calendar.at(self.now, self.config.retailer.timezone)
        customer_id = self.found.customer.id if self.found.customer else None
        known = {(one.kind, one.subject, one.scope, one.period): one for one in rows}
        counted: list[Counted] = []
        usage: dict[str, int] = {}
        for count, scopes in counts.scopes(redeemable, self.config.revisions).items():
            for scope in scopes:
                name = counts.counter_of(
                    count, owner, scope, customer_id=customer_id, calendar=calendar, caller=self.actor.ident
                )
                if name is None:
                    continue
                row = known.get((name.kind, name.subject, name.scope, name.period))
                opening = 0
                if row is None and (used_before or name.kind.startswith("campaign.")):
                    opening = counts.history(
                        count, owner, name, calendar=calendar, caller=self.actor.ident, now=self.now
                    )
                counted.append(Counted(count, name, opening, row is not None))
                used = opening if row is None else _used_by_others(row, count, redeemable)
                usage[count] = max(usage.get(count, 0), used)
        return tuple(counted), usage

    def _tier_counters(self, owner: Owner) -> tuple[CounterRow, ...]:
        states = counters.states(kinds=TIER_KINDS, owners={owner.id, owner.campaign_id or 0}, now=self.now)
        return tuple(
            CounterRow(
                name.kind, name.subject, name.scope, name.period, state.granted, state.held + state.settled, 0, 0, 0
            )
            for name, state in states.items()
            if name.owner == (owner.id if name.kind == "tier.rule" else owner.campaign_id)
        )

    def customer(self) -> Customer | None:
        ask, row = self.ask.customer, self.found.customer
        if ask is None:
            return None
        stored = row.metadata if row else {}
        return Customer(
            id=row.public_id if row else None,
            source_id=row.source_id if row else ask.source_id,
            metadata={**stored, **(ask.metadata or {})},
            segments=frozenset(row.segments if row else ()),
        )

    def order(self, catalogue: Mapping[str, CatalogueItem]) -> Order | None:
        ask, stored = self.ask.order, self.found.order
        if ask is None:
            return None
        if stored is not None:
            return _stored_order(stored, catalogue, self.config)
        lines = tuple(line(item, index, catalogue, self.config) for index, item in enumerate(ask.items or ()))
        total = sum(line_amount(one) for one in lines)
        if total > 10**15:
            raise InvalidPayload("Property .order.items adds up to more than can be counted")
        return Order(amount=None if lines else ask.amount, items=lines, metadata=ask.metadata or {})

    def catalogue(self, redeemables_: Iterable[Redeemable]) -> Mapping[str, CatalogueItem]:
        found = {key: item for row in self.found.products for key, item in _catalogue_rows(row, self.config)}
        missing = {
            unit.unit_type
            for redeemable in redeemables_
            if redeemable.discount
            for unit in redeemable.discount.units
            if unit.unit_type not in found
        }
        if self.found.order is not None:
            missing |= {
                key
                for item in self.found.order["items"]
                for key in (item.get("product_id"), item.get("sku_id"))
                if key and key not in found
            }
        if missing:
            found.update(look_up(self.config, missing))
        return found


def look_up(config: Config, names: Iterable[str]) -> dict[str, CatalogueItem]:
    """Return catalogue items by public or source id, for the few requests that name some only in their discounts."""
    wanted = list(names)
    retailer: Retailer = config.retailer
    match = Q(public_id__in=wanted) | Q(source_id__in=wanted)
    rows: list[list[Any]] = [
        ["product", row.public_id, row.source_id, row.name, row.price, row.metadata, None, None]
        for row in Product.objects.filter(match, retailer=retailer)
    ]
    rows += [
        [
            "sku",
            row.public_id,
            row.source_id,
            row.sku or row.product.name,
            row.product.price if row.price is None else row.price,
            row.metadata,
            row.product.public_id,
            row.product.source_id,
        ]
        for row in Sku.objects.filter(match, retailer=retailer).select_related("product")
    ]
    return {key: item for row in rows for key, item in _catalogue_rows(row, config)}


def _catalogue_rows(row: list[Any], config: Config) -> list[tuple[str, CatalogueItem]]:
    kind, public_id, source_id, name, price, metadata, product_id, product_source_id = row
    item = CatalogueItem(
        id=public_id,
        kind=kind,
        source_id=source_id,
        name=name,
        price=price,
        product_id=product_id,
        product_source_id=product_source_id,
        metadata=metadata or {},
        collections=config.collections_of(public_id, product_id),
    )
    return [(public_id, item), *([(source_id, item)] if source_id else [])]


def _available(row: VoucherRow) -> int | None:
    if row.redemption_limit is None:
        return None
    for one in row.counters:
        if one.kind == "voucher.uses" and one.granted is not None:
            # A limit lowered meanwhile does not take back what the own session holds.
            return max(one.own, one.granted - one.taken_by_others)
    return row.redemption_limit


def _used_by_others(row: CounterRow, count: str, redeemable: Redeemable) -> int:
    """What others took of a count; a bound lowered meanwhile leaves room for what the own session holds."""
    bounds = [need.limit for rule in redeemable.rules for need in rule.counts if need.name == count]
    known = [bound for bound in bounds if bound is not None]
    if row.own and known:
        return min(row.taken_by_others, max(0, min(known) - row.own))
    return row.taken_by_others


def _with_usage(base: Redeemable, usage: dict[str, int]) -> Redeemable:
    values = {name: getattr(base, name) for name in Redeemable.__dataclass_fields__}
    return Redeemable(**{**values, "usage": usage})


def line_amount(line: Line) -> int:
    return line.amount if line.amount is not None else (line.price or 0) * line.quantity


def line(item: ItemAsk, index: int, catalogue: Mapping[str, CatalogueItem], config: Config) -> Line:
    """Resolve a sent line: what the request says wins, then the catalogue."""
    sku = _named(catalogue, item.sku_id, item.sku, item.source_id if item.related_object == "sku" else None, "sku")
    product = _named(
        catalogue,
        item.product_id or (sku.product_id if sku else None),
        item.product,
        item.source_id if item.related_object == "product" else None,
        "product",
    )
    price = item.price
    for part in (item.sku, item.product, sku, product):
        if price is None and part is not None:
            price = part.price
    quantity = 1 if item.quantity is None else item.quantity
    amount = item.amount if item.amount is not None else None if price is None else price * quantity
    product_id = product.id if product else sku.product_id if sku else None
    sent_product, sent_sku = item.product, item.sku
    return Line(
        index=index,
        quantity=quantity,
        price=price,
        amount=amount,
        id=item.id,
        source_id=item.source_id,
        product_id=product_id or item.product_id or (sent_product.id if sent_product else None),
        product_source_id=(product.source_id if product else None)
        or (sent_product.source_id if sent_product else None)
        or (item.source_id if item.related_object == "product" else None),
        sku_id=(sku.id if sku else None) or item.sku_id or (sent_sku.id if sent_sku else None),
        sku_source_id=(sku.source_id if sku else None)
        or (sent_sku.source_id if sent_sku else None)
        or (item.source_id if item.related_object == "sku" else None),
        related_object=item.related_object
        or ("sku" if item.sku_id or item.sku else "product" if item.product_id or item.product else None),
        metadata=item.metadata or {},
        product_name=(sent_product.name if sent_product else None) or (product.name if product else None),
        product_metadata={**(product.metadata if product else {}), **((sent_product and sent_product.metadata) or {})},
        sku_name=(sent_sku.sku if sent_sku else None) or (sku.name if sku else None),
        sku_metadata={**(sku.metadata if sku else {}), **((sent_sku and sent_sku.metadata) or {})},
        collections=config.collections_of(product_id, sku.id if sku else None),
    )


def _named(
    catalogue: Mapping[str, CatalogueItem], key: str | None, part: Any, source_id: str | None, kind: str
) -> CatalogueItem | None:
    names = (key, part.id if part else None, part.source_id if part else None, source_id)
    for name in names:
        if name and (found := catalogue.get(name)) is not None and found.kind == kind:
            return found
    return None


def _stored_order(stored: dict[str, Any], catalogue: Mapping[str, CatalogueItem], config: Config) -> Order:
    """An order that was stored before: its own lines and earlier discounts count, not what is sent again."""
    lines = tuple(
        _stored_line(item, index, catalogue, config) for index, item in enumerate(stored["items"]) if item is not None
    )
    return Order(
        amount=None if lines else stored["amount"],
        items=lines,
        metadata=stored["metadata"] or {},
        initial_amount=stored["initial_amount"],
        discount_amount=stored["discount_amount"],
    )


def _stored_line(item: dict[str, Any], index: int, catalogue: Mapping[str, CatalogueItem], config: Config) -> Line:
    product = catalogue.get(item.get("product_id") or "")
    sku = catalogue.get(item.get("sku_id") or "")
    return Line(
        index=index,
        quantity=item.get("quantity") or 0,
        price=item.get("price"),
        amount=item.get("amount"),
        id=item.get("id"),
        source_id=item.get("source_id"),
        product_id=item.get("product_id"),
        product_source_id=(item.get("product") or {}).get("source_id") or (product.source_id if product else None),
        sku_id=item.get("sku_id"),
        sku_source_id=(item.get("sku") or {}).get("source_id") or (sku.source_id if sku else None),
        related_object=item.get("related_object"),
        metadata=item.get("metadata") or {},
        product_name=(item.get("product") or {}).get("name") or (product.name if product else None),
        product_metadata=product.metadata if product else {},
        sku_name=(item.get("sku") or {}).get("sku"),
        sku_metadata=sku.metadata if sku else {},
        collections=config.collections_of(item.get("product_id"), item.get("sku_id")),
        discount_amount=item.get("discount_amount") or 0,
        discount_quantity=item.get("discount_quantity") or 0,
        initial_quantity=item.get("initial_quantity"),
        initial_amount=item.get("initial_amount"),
    )
