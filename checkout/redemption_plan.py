"""The rows a redemption will write: redemptions, the parent of a stack, and the order with its new totals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checkout import calculation, traces
from checkout.facts import Facts
from checkout.models import Order, Redemption
from offers.evaluation.verdicts import Outcome, Verdict
from offers.lib import metadata
from offers.lib.ids import new_id


@dataclass(slots=True, kw_only=True)
class NewRedemption:
    """A redemption about to be stored. The columns of checkout.models.Redemption, without what a model costs."""

    public_id: str
    discount_amount: int
    metadata: dict[str, Any] | None
    detail: dict[str, Any]
    tracking_id: str
    session_key: str
    channel_type: str
    channel_id: str
    created_at: datetime
    voucher_id: int | None = None
    tier_id: int | None = None
    campaign_id: int | None = None
    code: str = ""
    amount: int | None = None
    trace: list[dict[str, Any]] | None = None
    kind: str = Redemption.Kind.REDEMPTION.value
    succeeded: bool = True
    rolled_back_at: datetime | None = None
    failure_code: str = ""
    failure_message: str = ""
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class NewOrder:
    """An order about to be stored or changed. The columns of checkout.models.Order."""

    public_id: str
    source_id: str | None
    status: str
    referrer_id: str | None
    amount: int | None
    initial_amount: int | None
    discount_amount: int
    items_discount_amount: int
    total_discount_amount: int
    total_amount: int | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime | None
    items: list[dict[str, Any]]
    redemptions: dict[str, Any]


@dataclass(slots=True)
class Plan:
    """Rows about to be written."""

    facts: Facts
    outcome: Outcome
    tracking_id: str
    session_key: str
    rows: list[NewRedemption]
    parent: NewRedemption | None
    order: NewOrder | None

    @property
    def journal(self) -> dict[int, str]:
        return {
            int(verdict.redeemable.key): row.public_id for verdict, row in zip(self.applied, self.rows, strict=True)
        }

    @property
    def applied(self) -> tuple[Verdict, ...]:
        return self.outcome.applicable


def plan(facts: Facts, outcome: Outcome, tracking_id: str, key: str) -> Plan:
    """Return what redeeming the applicable verdicts of `outcome` will store."""
    applied = outcome.applicable
    rows = [row(facts, verdict, tracking_id, key) for verdict in applied]
    parent = None
    if len(rows) > 1:
        parent = NewRedemption(
            public_id=new_id("r_"),
            tracking_id=tracking_id,
            session_key=key,
            discount_amount=sum(row.discount_amount for row in rows),
            metadata=facts.ask.metadata,
            detail={"order": calculation.order(outcome.order)} if outcome.order else {},
            channel_type=facts.actor.kind,
            channel_id=facts.actor.ident,
            created_at=facts.now,
        )
    return Plan(facts, outcome, tracking_id, key, rows, parent, _order(facts, outcome, rows, parent))


def row(facts: Facts, verdict: Verdict, tracking_id: str, key: str) -> NewRedemption:
    """Return the redemption of one verdict, not saved."""
    subject = facts.subject(verdict.redeemable)
    detail: dict[str, Any] = {}
    if verdict.order is not None:
        detail["order"] = calculation.order(verdict.order)
    if verdict.redeemable.points is not None and subject.ask.reward is not None:
        detail["reward"] = subject.ask.reward.id
    return NewRedemption(
        public_id=new_id("r_"),
        voucher_id=subject.voucher.id if subject.voucher else None,
        tier_id=subject.tier.row.pk if subject.tier else None,
        campaign_id=subject.campaign.id if subject.campaign else None,
        code=verdict.redeemable.code or verdict.redeemable.id,
        tracking_id=tracking_id,
        session_key=key,
        amount=verdict.from_card,
        discount_amount=verdict.discount_amount,
        metadata=facts.ask.metadata,
        detail=detail,
        trace=traces.all_of([verdict]) if verdict.trace else None,
        channel_type=facts.actor.kind,
        channel_id=facts.actor.ident,
        created_at=facts.now,
    )


def _order(facts: Facts, outcome: Outcome, rows: list[NewRedemption], parent: NewRedemption | None) -> NewOrder | None:
    ask, stored, totals = facts.ask.order, facts.order, outcome.order
    if ask is None:
        return None
    items: list[dict[str, Any]] = []
    if totals is not None:
        items = [{**calculation.line(line), "id": line.line.id or new_id("ordli_")} for line in totals.items]
    return NewOrder(
        public_id=stored["public_id"] if stored else new_id("ord_"),
        source_id=stored["source_id"] if stored else ask.source_id,
        status=ask.status or Order.Status.PAID.value,
        referrer_id=facts.referrer_id,
        amount=totals.amount if totals else ask.amount,
        initial_amount=totals.initial_amount if totals else ask.amount,
        discount_amount=totals.discount_amount if totals else 0,
        items_discount_amount=totals.items_discount_amount if totals else 0,
        total_discount_amount=totals.total_discount_amount if totals else 0,
        total_amount=totals.total_amount if totals else ask.amount,
        metadata=metadata.merged(stored["metadata"] if stored else {}, ask.metadata or {}),
        created_at=datetime.fromisoformat(stored["created_at"]) if stored else facts.now,
        updated_at=facts.now if stored else None,
        items=items,
        redemptions={**(stored["redemptions"] if stored else {}), **_redeemed_by(facts, outcome, rows, parent)},
    )


def _redeemed_by(
    facts: Facts, outcome: Outcome, rows: list[NewRedemption], parent: NewRedemption | None
) -> dict[str, dict[str, Any]]:
    date = moment(facts.now)
    if parent is not None:
        children = [row.public_id for row in rows]
        return {
            parent.public_id: {
                "date": date,
                "related_object_type": "redemption",
                "related_object_id": parent.public_id,
                "stacked": children,
            }
        }
    subject = facts.subject(outcome.applicable[0].redeemable)
    entry = {
        "date": date,
        "related_object_type": "voucher" if subject.voucher else "promotion_tier",
        "related_object_id": subject.voucher.public_id if subject.voucher else rows[0].code,
    }
    if subject.campaign is not None:
        entry["related_object_parent_id"] = subject.campaign.public_id
    return {rows[0].public_id: entry}


def moment(when: datetime) -> str:
    """Return a UTC moment as orders keep it, with milliseconds."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
