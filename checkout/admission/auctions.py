"""Auctions: bidding upwards, the end that late bids put off, settlement at what everybody bid, and backfill.

Every bid and the settlement own the auction's standing row while they are judged, so of many at once one goes first and
the others see what it did; two bids of one amount are also kept apart by a constraint.
"""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from checkout.admission import admissions, bid_rules, entering, standings, told, upkeep, winning
from checkout.admission.models import Admission, AuctionStanding, Bid, Consumer, Distribution, Entry
from offers import audit
from offers.lib import money
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload, Refusal

PAUSE_SECONDS = 15  # after which it is worth asking again


class BidTooLow(Refusal):
    """The bid is below the start price."""

    code = "bid_too_low"


class Paused(Refusal):
    """Bidding is paused for a moment; what was bid stands."""

    code = "paused"


class BidIncrement(Refusal):
    """The bid does not exceed the highest one by the increment."""

    code = "bid_increment"


def bid(*, auction: Distribution, consumer: Consumer, amount: int, now: datetime) -> standings.Standing:
    """Take a bid in minor units; of two equal ones the earlier stands. A late bid moves the end.

    Refuses not_open_yet, closed, guest_too_young, paused, bid_too_low, bid_increment, not_waiting (denied).
    """
    with transaction.atomic():
        standing = _own(auction)
        entering.check_open(auction, consumer, over=standing.settled_at is not None, now=now)
        if auction.paused:
            raise Paused(retry_after=PAUSE_SECONDS)
        least = bid_rules.least(
            start_price=auction.start_price, increment=auction.min_bid_increment, current=standing.highest
        )
        if amount < least:
            raise (BidTooLow if standing.highest is None else BidIncrement)(least=least)
        entry = _entry(auction, consumer, now)
        standing.bids += 1
        made = Bid(distribution=auction, entry=entry, amount=amount, order=standing.bids, created_at=now)
        fallen = winning.place(auction=auction, standing=standing, entry=entry, bid=made)
        standing.save()
        closes = bid_rules.closing(close_at=auction.close_at, extend_seconds=auction.auto_extend_seconds, now=now)
        if closes != auction.close_at:
            auction.close_at = closes
            auction.save(update_fields=["close_at"])
        said = {**told.price(amount, auction.currency), "close_at": closes.isoformat() if closes else None}
        told.of_entries(auction, "bid.placed", {entry.pk: said}, now=now)
        if fallen is not None:
            told.of_entries(auction, "bid.outbid", {fallen: said}, now=now)
    return standings.rows(auction, consumer.pk)


def stand(*, auction: Distribution, consumer_id: int, now: datetime) -> standings.Standing:
    """Return where a consumer stands, after settling an auction whose time has come."""
    if auction.decided_at is None and is_due(auction, now):
        with suppress(admissions.NoRoom):  # somebody took of the stock since it was counted; the next look counts again
            settle(auction=auction, now=now)
    return standings.rows(auction, consumer_id)


def is_due(auction: Distribution, now: datetime) -> bool:
    """Whether the auction has closed and its settlement's time has come; settled or not. A paused one admits nobody."""
    if auction.paused or auction.close_at is None or now < auction.close_at:
        return False
    return auction.settle_at is None or now >= auction.settle_at


def settle(*, auction: Distribution, now: datetime, actor: Actor | None = None, reason: str = "") -> bool:
    """Admit the highest bidders at or above the reserve, each at his own bid; the others have lost.

    Settling again, or before its time, changes nothing (False): a late bid may just have moved the end. By hand
    (`actor`, audited) an open auction closes now. Refuses not_open_yet.
    """
    with transaction.atomic():
        standing = _own(auction)
        if standing.settled_at is not None:
            return False
        entering.check_opened(auction, since=auction.open_at, now=now)
        if actor is None and not is_due(auction, now):
            return False  # a bid a moment ago moved the end
        if auction.close_at is None or now < auction.close_at:
            auction.close_at = now
            auction.save(update_fields=["close_at"])
        chosen = bid_rules.winners(bids=_bids(auction), quantity=auction.quantity, reserve=auction.reserve_price)
        room = admissions.room(distribution=auction)
        chosen = chosen if room is None else chosen[:room]
        _admit(auction, chosen, now)
        lost = Entry.objects.filter(distribution=auction, state=Entry.State.BIDDING)
        lost.update(state=Entry.State.LOST, ended_at=now)
        standing.settled_at = now
        standing.save(update_fields=["settled_at"])
        upkeep.decide(auction, now=now)
        told.of(auction, "settled", _result(auction, standing, len(chosen)), now=now)
        if actor is not None:
            audit.record(
                retailer_id=auction.retailer_id,
                actor=actor,
                action="auction.settle",
                object_type="distribution",
                object_id=str(auction.uuid),
                now=now,
                after={"winners": len(chosen), "highest": standing.highest},
                reason=reason,
            )
    return True


def backfill(*, auction: Distribution, now: datetime) -> int:
    """Offer what winners let go to the next bidders at or above the reserve, each unit once; returns how many.

    Once nobody holds an admission and nobody can follow, the auction is finished.
    """
    admissions.expire_due(distribution=auction, now=now)
    with transaction.atomic():
        if _own(auction).settled_at is None:
            return 0
        used = upkeep.used([auction], now=now)[auction.pk]
        free = max(0, min(auction.quantity - used.kept, 2 * auction.quantity - used.issued))
        follow = _followers(auction)[:free] if free and auction.backfill else []
        chosen = [] if auction.paused else follow
        room = admissions.room(distribution=auction) if chosen else None
        chosen = chosen if room is None else chosen[:room]
        _admit(auction, chosen, now)
        if not chosen and not used.open and (not follow or upkeep.is_stale(auction, now=now)):
            upkeep.finish(auction, now=now)
    return len(chosen)


def work(*, now: datetime) -> int:
    """Settle every auction whose time has come, and fill up the settled ones; returns how many were settled."""
    rows = upkeep.unfinished(Distribution.Mechanism.AUCTION, now=now)
    due = [row for row in rows if row.decided_at is None and is_due(row, now)]
    upkeep.each(due, lambda auction: settle(auction=auction, now=now), what="settlement")
    decided = [row for row in rows if row.decided_at is not None]
    used = upkeep.used(decided, now=now)
    short = [row for row in decided if not used[row.pk].open or (row.backfill and used[row.pk].kept < row.quantity)]
    upkeep.each(short, lambda auction: backfill(auction=auction, now=now), what="backfill")
    return len(due)


def highest(auction: Distribution) -> int | None:
    """Return the highest bid, in minor units."""
    return AuctionStanding.objects.filter(distribution=auction).values_list("highest", flat=True).first()


def details(auction: Distribution, entry: Entry | None) -> dict[str, Any]:
    """Return what the status document says of an auction: amounts as decimal texts, the reserve never.

    WINNING are the bidders who would get a unit if it ended now; `leading` is the highest of them.
    """
    now = winning.position(auction, entry)
    least = bid_rules.least(start_price=auction.start_price, increment=auction.min_bid_increment, current=now.highest)
    found: dict[str, Any] = {
        name: text(amount, auction.currency)
        for name, amount in (("highest_bid", now.highest), ("own_bid", now.own), ("least_bid", least))
    }
    found["leading"] = now.leads
    if entry is None:
        found["status"] = "NOT_BID"
    elif entry.state == Entry.State.BIDDING:
        found["status"] = "WINNING" if now.wins else "OUTBID"
    return found


def text(amount: int | None, currency: str) -> str | None:
    """Return an amount as a decimal text."""
    return None if amount is None else money.text(amount, currency)


def in_minor(written: str, currency: str) -> int:
    """Return a decimal text in minor units. Refuses invalid_payload."""
    if not money.is_amount(written):
        raise InvalidPayload('amount should be a decimal text such as "10.00"', field="amount")
    found = Decimal(written).scaleb(money.exponent(currency))
    if found != found.to_integral_value():
        raise InvalidPayload("amount has more decimals than its currency", field="amount")
    return int(found)


def _own(auction: Distribution) -> AuctionStanding:
    """Own the standing, and read the auction's moments anew: a bid a moment ago may have moved its end."""
    owned = AuctionStanding.objects.select_for_update().filter(distribution=auction)
    standing = owned.first()
    if standing is None:
        AuctionStanding.objects.get_or_create(distribution=auction)
        standing = owned.get()
    auction.refresh_from_db(fields=["close_at", "open_at", "settle_at", "paused", "quantity", "backfill", "decided_at"])
    return standing


def _entry(auction: Distribution, consumer: Consumer, now: datetime) -> Entry:
    entry, _ = Entry.objects.get_or_create(
        distribution=auction, consumer=consumer, defaults={"state": Entry.State.BIDDING, "entered_at": now}
    )
    if entry.state == Entry.State.DENIED:
        raise entering.NotWaiting()
    if entry.state != Entry.State.BIDDING:
        entry.state, entry.ended_at = Entry.State.BIDDING, None
        entry.save(update_fields=["state", "ended_at"])
    return entry


def _bids(auction: Distribution) -> list[bid_rules.Offered]:
    """The highest bid of every bidder."""
    best = Bid.objects.filter(distribution=auction, best=True)
    return [bid_rules.Offered(*row) for row in best.values_list("entry_id", "amount", "order")]


def _followers(auction: Distribution) -> list[bid_rules.Offered]:
    """Return who has not been offered a unit yet, in the order in which they win."""
    had = set(Admission.objects.filter(distribution=auction).values_list("entry_id", flat=True))
    ranked = bid_rules.ranking(bids=_bids(auction), reserve=auction.reserve_price)
    return [one for one in ranked if one.entry not in had]


def _admit(auction: Distribution, chosen: list[bid_rules.Offered], now: datetime) -> None:
    rows = {row.pk: row for row in Entry.objects.filter(pk__in=[one.entry for one in chosen])}
    entries = [rows[one.entry] for one in chosen]
    prices = {one.entry: one.amount for one in chosen}
    admissions.issue(distribution=auction, entries=entries, now=now, amounts=prices)


def _result(auction: Distribution, standing: AuctionStanding, winners: int) -> dict[str, Any]:
    top = text(standing.highest, auction.currency)
    return {"winners": winners, "bids": standing.bids, "highest_bid": top, "currency": auction.currency}
