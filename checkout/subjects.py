"""The redeemables of a request as the engine judges them, and the rows and counters behind each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from checkout import counts, order_facts, shopper_sessions
from checkout.asks import Ask, RedeemableAsk
from checkout.counts import Calendar, Owner
from checkout.reading import CAMPAIGN_KINDS, CounterRow, Reading, VoucherRow
from offers import redeemables, vouchers
from offers.configuration import CampaignConfig, Config, TierConfig
from offers.evaluation.context import CatalogueItem, Category, Customer, Gift, Points, Redeemable, RedeemableKind
from offers.ledger import counters
from offers.ledger.counters import Name
from offers.lib import metadata
from offers.lib.actors import Actor
from offers.lib.normal_codes import folded
from offers.models import Voucher

KINDS: Mapping[str, RedeemableKind] = {Voucher.Type.GIFT: "gift", Voucher.Type.LOYALTY: "loyalty"}
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
class Builder:
    """Makes the engine's values of what was read, one redeemable after the other."""

    config: Config
    found: Reading
    ask: Ask
    actor: Actor
    now: datetime
    barred: frozenset[str] = frozenset()

    def redeemable(self, ask: RedeemableAsk, position: int) -> tuple[Redeemable, Subject]:
        if ask.object == "voucher":
            if ask.id in self.barred:
                return self._barred(ask, position)
            row = self.found.vouchers.get(ask.id)
            if row is None and (plain := folded(ask.id)).startswith(self.config.prefixes):
                row = self.found.vouchers.get(plain)
            by_id = row is not None and row.code != ask.id and bool(self.config.prefixes)
            if by_id and row and shopper_sessions.of_code(self.config, self.ask, self.actor, row.code, self.now):
                return self._barred(ask, position)
            return self._missing(ask, position) if row is None else self._voucher(ask, row, position)
        tier = self.config.tier(ask.id) if ask.object == "promotion_tier" else None
        return self._missing(ask, position) if tier is None else self._tier(ask, tier, position)

    def _barred(self, ask: RedeemableAsk, position: int) -> tuple[Redeemable, Subject]:
        return Redeemable(id=ask.id, key=position, object="voucher", found=False, barred=True), Subject(ask)

    def _missing(self, ask: RedeemableAsk, position: int) -> tuple[Redeemable, Subject]:
        object_ = "voucher" if ask.object == "voucher" else "promotion_tier"
        return Redeemable(id=ask.id, key=position, object=object_, found=False), Subject(ask)  # type: ignore[arg-type]

    def _voucher(self, ask: RedeemableAsk, row: VoucherRow, position: int) -> tuple[Redeemable, Subject]:
        campaign = None if row.campaign_id is None else self.config.campaign(row.campaign_id)
        zone = campaign.zone if campaign else self.config.retailer.timezone
        rules = (*self.config.rules_of(row.rule_ids), *(campaign.rules if campaign else ()))
        if row.customer_limit is not None:
            rules = (*rules, self.config.customer_limit(row.customer_limit))
        card = row.type in vouchers.CARDS
        own = redeemables.discount(row.discount)
        base = Redeemable(
            id=ask.id,
            key=position,
            object="voucher",
            kind=KINDS.get(row.type, "discount"),
            code=row.code,
            active=row.active,
            campaign=campaign.public_id if campaign else None,
            campaign_active=campaign.active if campaign else True,
            window=redeemables.window(row, zone),
            campaign_window=campaign.window if campaign else None,
            discount=None if card else own or (campaign.discount if campaign else None),
            gift=_gift(ask, row) if row.type == Voucher.Type.GIFT else None,
            points=_points(ask, row, campaign) if row.type == Voucher.Type.LOYALTY else None,
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
            metadata=metadata.merged(stored, ask.metadata or {}),
            segments=frozenset(row.segments if row else ()),
        )

    def catalogue(self, redeemables_: Iterable[Redeemable]) -> Mapping[str, CatalogueItem]:
        found = {key: item for row in self.found.products for key, item in order_facts.catalogue_rows(row, self.config)}
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
            found.update(order_facts.look_up(self.config, missing))
        return found


def _gift(ask: RedeemableAsk, row: VoucherRow) -> Gift:
    effect: Any = row.gift_effect
    return Gift(balance=_balance(row), credits=ask.gift.credits if ask.gift else None, effect=effect)


def _points(ask: RedeemableAsk, row: VoucherRow, campaign: CampaignConfig | None) -> Points | None:
    """None when the request does not say what the points are for."""
    if ask.reward is None or not ask.reward.id:
        return None
    points = Points(balance=_balance(row), points=ask.reward.points)
    if campaign is None:
        return points
    return replace(points, exchange_ratio=campaign.exchange_ratio, points_ratio=campaign.points_ratio)


def _balance(row: VoucherRow) -> int:
    """What is on a card for this request: all that other sessions do not hold."""
    for one in row.counters:
        if one.kind == "voucher.credits":
            return max(0, one.own, (one.granted or 0) - one.taken_by_others)
    return row.gift_amount or 0


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
