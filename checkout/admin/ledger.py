"""The ledger for staff: what is counted and how much of it is left, what is held, and every line of the journal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from loyalty.models import MemberAccount
from offers.admin import show
from offers.admin.office import ReadOnlyAdmin, now
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page, Table
from offers.ledger.models import Counter, Entry, Hold
from offers.models import Campaign, Offer, PromotionTier, Retailer, UserOffer, Voucher

LARGEST = 2**63 - 1
NEWEST = 20
KINDS = {
    "voucher.uses": "Uses of a code",
    "voucher.credits": "Credit or points of a card",
    "campaign.budget": "Budget of a campaign",
    "campaign.rule": "Uses a condition of a campaign counts",
    "voucher.rule": "Uses a condition of a code counts",
    "tier.rule": "Uses a condition of a promotion counts",
    "offer.inventory": "Copies of an offer",
    "offer.issued": "Copies given of an offer",
    "offer.used": "Uses of an offer",
    "points": "Points of a member",
    "stock.units": "Units in stock",
    "voucher.customer_uses": "Uses of a code by a customer",
    "loyalty.user": "Rewards of a rule for a member",
    "loyalty.all": "Rewards of a rule in all",
    "loyalty.points": "Points a rule may give",
    "loyalty.offers": "Offers a rule may give",
}
MONEY = {"voucher.credits", "campaign.budget"}
OWNERS: dict[str, type[Model]] = {
    "voucher": Voucher,
    "campaign": Campaign,
    "tier": PromotionTier,
    "offer": Offer,
    "points": MemberAccount,
}
STATES = {
    "live": ("Held", "info"),
    "settled": ("Used", "good"),
    "voided": ("Given back", ""),
    "expired": ("Lapsed", ""),
}
ENTRIES = {
    "open": "Taken before it was counted here",
    "grant": "Made available",
    "withdraw": "Taken off what was available",
    "settle": "Used",
    "reverse": "Given back",
}


def kind(counter: Counter) -> str:
    return KINDS.get(counter.kind) or counter.kind.replace(".", ": ").replace("_", " ").capitalize()


class Names:
    """What counters belong to, read in one statement for each kind of owner."""

    def __init__(self, counters: Iterable[Counter]) -> None:
        rows = list(counters)
        self.owners: dict[tuple[str, int], Model] = {}
        for prefix, model in OWNERS.items():
            keys = {row.owner for row in rows if row.kind.partition(".")[0] == prefix}
            found = model._default_manager.filter(pk__in=keys) if keys else []
            if prefix == "points" and keys:
                found = MemberAccount.objects.filter(pk__in=keys).select_related("member__customer", "account")
            self.owners |= {(prefix, row.pk): row for row in found}
        shops = Retailer.objects.filter(pk__in={row.retailer_id for row in rows})
        self.currencies = {shop.pk: shop.currency for shop in shops}

    def whose(self, counter: Counter) -> str:
        """Return a link to what is counted, its key where it is gone."""
        prefix = counter.kind.partition(".")[0]
        row: Any = self.owners.get((prefix, counter.owner))
        if row is None:
            return f"No. {counter.owner}"
        if isinstance(row, MemberAccount):
            named = f"{row.member.first_name} {row.member.last_name}".strip() or row.member.customer.public_id
            return show.to_page(row.member.customer, f"{named}, {row.account.name}")
        if isinstance(row, Offer):
            return show.to_page(row, row.texts[0]["title"] if row.texts else str(row.uuid))
        return show.to_page(row)

    def much(self, counter: Counter, amount: int | None) -> str:
        owner = self.owners.get(("voucher", counter.owner)) if counter.kind == "voucher.credits" else None
        if isinstance(owner, Voucher) and owner.type == Voucher.Type.LOYALTY:
            return show.points(amount or 0)
        if counter.kind in MONEY:
            return show.amount(amount, self.currencies.get(counter.retailer_id, "USD"), show.ENDLESS)
        return show.count(amount)


def granted(counter: Counter) -> int | None:
    return None if counter.granted is None else counter.granted + counter.withheld


def left(counter: Counter) -> int | None:
    return None if counter.granted is None else max(0, counter.granted - counter.taken)


def state_chip(hold: Hold, at: datetime) -> str:
    words, tone = STATES.get(hold.state, (hold.state, ""))
    if hold.state == Hold.State.LIVE and not hold.pinned and hold.expires_at <= at:
        words, tone = STATES["expired"]
    return show.chip(words, tone)


class LedgerAdmin(OwnSearch, ReadOnlyAdmin):
    """Nobody edits the ledger; search finds by an indexed column and nothing else."""

    searched: ClassVar[str] = "reference"
    search_fields = ("reference",)
    search_help_text = "Whole reference: of a lock, redemption or order"

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(**{self.searched: text})

    def prepared(self, rows: list[Any]) -> list[Any]:
        """Give holds and lines of the journal their counter and its names."""
        counters = Counter.objects.in_bulk({row.counter_id for row in rows})
        names = Names(counters.values())
        for row in rows:
            row.counted, row.names = counters.get(row.counter_id), names
        return rows

    @display(description="Of")
    def of(self, row: Any) -> str:
        return kind(row.counted) if row.counted else show.NOTHING

    @display(description="Belongs to")
    def whose(self, row: Any) -> str:
        return row.names.whose(row.counted) if row.counted else show.NOTHING


@admin.register(Counter)
class CounterAdmin(LedgerAdmin):
    called = ("counter", "counters")
    list_display = ("counts", "belongs", "period_", "granted_", "taken_", "left_")
    search_fields = ("owner",)
    search_help_text = "Number of the code, campaign, offer or tier that is counted"
    nothing_text = "Nothing has been counted yet: a counter begins with the first use of what can run out."

    def search(self, rows: QuerySet[Counter], text: str) -> QuerySet[Counter]:
        if not (text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST):
            return rows.none()
        return rows.filter(owner=int(text[:20]))

    def prepared(self, rows: list[Counter]) -> list[Counter]:
        names = Names(rows)
        for row in rows:
            row.names = names  # type: ignore[attr-defined]
        return rows

    @display(description="What is counted")
    def counts(self, row: Counter) -> str:
        return kind(row)

    @display(description="Belongs to")
    def belongs(self, row: Counter) -> str:
        return str(row.names.whose(row))  # type: ignore[attr-defined]

    @display(description="For")
    def period_(self, row: Counter) -> str:
        return ", ".join(told(row)) or "everybody, always"

    @display(description="Available")
    def granted_(self, row: Counter) -> str:
        return str(row.names.much(row, granted(row)))  # type: ignore[attr-defined]

    @display(description="Taken")
    def taken_(self, row: Counter) -> str:
        return str(row.names.much(row, row.taken))  # type: ignore[attr-defined]

    @display(description="Left")
    def left_(self, row: Counter) -> str:
        return str(row.names.much(row, left(row)))  # type: ignore[attr-defined]

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: Counter = self.find(key)
        names = Names([row])
        holds = Hold.objects.filter(counter=row, state=Hold.State.LIVE).order_by("expires_at")[:NEWEST]
        lines = Entry.objects.filter(counter=row).order_by("-id")[:NEWEST]
        blocks: list[Block] = [
            Figures(
                figures=[
                    Figure(label="Available", value=names.much(row, granted(row))),
                    Figure(label="Taken", value=names.much(row, row.taken), note="held and used"),
                    Figure(label="Left", value=names.much(row, left(row))),
                    *([Figure(label="Above the limit", value=names.much(row, row.overdrawn), tone="warn")] * over(row)),
                ]
            ),
            Facts(
                facts=[
                    ("Belongs to", names.whose(row)),
                    ("For", ", ".join(told(row)) or "everybody, always"),
                    ("Counted as", show.mono(row.kind)),
                ]
            ),
            Table(
                title="Held now",
                text="Locks that are neither redeemed nor given up. They lapse by themselves.",
                headers=["Reference", "How much", "Until"],
                rows=[
                    [
                        show.to_page(one, one.reference),
                        names.much(row, one.amount),
                        "its sale is processed" if one.pinned else show.remaining(one.expires_at, now()),
                    ]
                    for one in holds
                ],
                empty="Nothing is held.",
                more=Button(text="All that is held", url=f"{show.list_of(Hold)}?counter={row.pk}&state=live"),
            ),
            Table(
                title="Journal",
                text="Every change, newest first. A line is never changed; what is taken back is another line.",
                headers=["When", "What", "How much", "Reference", "Why"],
                rows=[
                    [
                        show.moment(one.created_at),
                        ENTRIES[one.kind],
                        names.much(row, one.delta),
                        show.to_page(one, one.reference),
                        one.reason or show.NOTHING,
                    ]
                    for one in lines
                ],
                empty="Nothing has been used yet.",
                more=Button(text="The whole journal", url=f"{show.list_of(Entry)}?counter={row.pk}"),
            ),
        ]
        return Page(title=kind(row), subtitle="Counter of the ledger", blocks=blocks)


def over(row: Counter) -> int:
    return 1 if row.overdrawn else 0


def told(row: Counter) -> list[str]:
    """Say which part of the uses a counter counts."""
    found = []
    if row.subject:
        found.append(f"customer no. {row.subject}")
    if row.period:
        found.append(row.period)
    if row.shards > 1:
        found.append(f"part {row.shard + 1} of {row.shards}")
    return found


@admin.register(Hold)
class HoldAdmin(LedgerAdmin):
    called = ("hold", "holds")
    list_display = ("reference_", "of", "whose", "amount_", "state_", "until")
    nothing_text = "Nothing has been locked yet."

    @display(description="Reference")
    def reference_(self, row: Hold) -> str:
        return row.reference

    @display(description="How much")
    def amount_(self, row: Any) -> str:
        return str(row.names.much(row.counted, row.amount)) if row.counted else str(row.amount)

    @display(description="State")
    def state_(self, row: Hold) -> str:
        return state_chip(row, now())

    @display(description="Ends")
    def until(self, row: Hold) -> str:
        if row.ended_at:
            return show.moment(row.ended_at)
        return "when its sale is processed" if row.pinned else show.moment(row.expires_at)

    def page(self, request: HttpRequest, key: Any) -> Page:
        row = self.prepared([self.find(key)])[0]
        facts = [
            ("Of", show.to_page(row.counted, self.of(row))),
            ("Belongs to", self.whose(row)),
            ("How much", self.amount_(row)),
            ("Held since", show.moment(row.created_at)),
            ("Ends", self.until(row)),
            ("Reference", show.mono(row.reference)),
        ]
        return Page(
            title="Hold", subtitle="A claim on a counter", chips=[self.state_(row)], blocks=[Facts(facts=facts)]
        )


@admin.register(Entry)
class EntryAdmin(LedgerAdmin):
    called = ("line of the journal", "lines of the journal")
    list_display = ("when", "what", "of", "whose", "amount_", "reference_", "why")
    nothing_text = "Nothing has been used yet."

    @display(description="When")
    def when(self, row: Entry) -> str:
        return show.moment(row.created_at)

    @display(description="What")
    def what(self, row: Entry) -> str:
        return ENTRIES.get(row.kind, row.kind)

    @display(description="How much")
    def amount_(self, row: Any) -> str:
        return str(row.names.much(row.counted, row.delta)) if row.counted else str(row.delta)

    @display(description="Reference")
    def reference_(self, row: Entry) -> str:
        return row.reference

    @display(description="Why")
    def why(self, row: Entry) -> str:
        return row.reason or show.NOTHING

    def page(self, request: HttpRequest, key: Any) -> Page:
        row = self.prepared([self.find(key)])[0]
        held = UserOffer.objects.filter(uuid=ident).first() if (ident := show.uuid_of(row.reference)) else None
        facts = [
            ("When", show.moment(row.created_at)),
            ("Of", show.to_page(row.counted, self.of(row))),
            ("Belongs to", self.whose(row)),
            ("How much", self.amount_(row)),
            ("Reference", show.to_page(held, row.reference) if held else show.mono(row.reference)),
            ("Why", self.why(row)),
        ]
        return Page(title=self.what(row), subtitle="Line of the journal", blocks=[Facts(facts=facts)])
