"""One voucher's life in one list: made, locked, let go, redeemed, rolled back, changed, and by whom."""

from collections.abc import Iterator

from django.db.models import Q

from checkout.admin import history
from checkout.models import LockSession, Redemption
from offers.admin import show
from offers.admin.page import Happening, Timeline
from offers.ledger.models import Counter, Entry
from offers.lib import clock
from offers.models import AuditEntry, Retailer, Voucher

MOST = 40  # of each kind, so that a code with a million uses opens as fast as a new one
ENDED = {"redeemed": ("Lock used for a redemption", ""), "released": ("Released", "warn"), "expired": ("Expired", "")}
# What the audit trail says again that locks and redemptions tell already.
TOLD = ("session.release", "redemption.rollback", "voucher.create")


def of(voucher: Voucher, retailer: Retailer) -> Timeline:
    """Return what happened to a voucher, newest first; four statements, each along an index."""
    sources = (
        _locks(voucher, retailer),
        _redemptions(voucher, retailer),
        _changes(voucher),
        _credits(voucher, retailer),
    )
    found = [event for source in sources for event in source]
    oldest = Happening(at=voucher.created_at, when="", text="Created", tone="info")
    happenings = sorted([oldest, *found], key=lambda event: event.at, reverse=True)
    dated = [
        Happening(
            at=event.at,
            when=show.moment(event.at, retailer.timezone),
            text=event.text,
            by=event.by,
            note=event.note,
            tone=event.tone,
        )
        for event in happenings[: 3 * MOST]
    ]
    cut = len(found) >= MOST
    return Timeline(title="Timeline", text="The newest; the lists hold the rest." if cut else "", happenings=dated)


def _locks(voucher: Voucher, retailer: Retailer) -> Iterator[Happening]:
    until_now = LockSession.objects.filter(object="voucher", object_id=voucher.pk, created_at__lte=clock.now())
    for row in until_now.order_by("-id")[:MOST]:
        note = f"Session {row.key}, for {row.ttl.normalize():f} {row.ttl_unit.lower()}"
        if row.credits is not None:
            loyalty = voucher.type == Voucher.Type.LOYALTY
            note += (
                f", {show.on_card(row.credits, retailer.currency, loyalty=loyalty)}{'' if loyalty else ' of credit'}"
            )
        yield Happening(at=row.created_at, when="", text="Locked", by=row.actor, note=note, tone="info")
        if row.state in ENDED and row.ended_at:
            text, tone = ENDED[row.state]
            yield Happening(at=row.ended_at, when="", text=text, by=row.ended_by, note=f"Session {row.key}", tone=tone)


def _redemptions(voucher: Voucher, retailer: Retailer) -> Iterator[Happening]:
    rows = Redemption.objects.filter(voucher=voucher).select_related("order", "customer").order_by("-id")
    for row in rows.only(*history.COLUMNS, "order__source_id", "order__public_id", "customer__source_id")[:MOST]:
        words, tone = history.result(row)
        if row.succeeded and row.kind == Redemption.Kind.REDEMPTION:
            words, tone = "Redeemed", "good"
        elif row.kind == Redemption.Kind.REDEMPTION:
            words = f"Refused: {words}"
        parts = [
            f"Order {row.order}" if row.order else "",
            f"customer {row.customer}" if row.customer else "",
            f"{show.amount(row.discount_amount, retailer.currency)} off" if row.discount_amount else "",
            row.reason,
        ]
        yield Happening(
            at=row.created_at,
            when="",
            text=show.to_page(row, words),
            by=row.channel_id,
            note=", ".join(filter(None, parts)),
            tone=tone,
        )


def _changes(voucher: Voucher) -> Iterator[Happening]:
    named = Q(object_type="voucher", object_id__in=[voucher.public_id, voucher.code])
    for row in AuditEntry.objects.filter(named, retailer_id=voucher.retailer_id).order_by("-id")[:MOST]:
        if row.action in TOLD:
            continue
        changed = "; ".join(
            f"{name.replace('_', ' ')}: {show.plain((row.before or {}).get(name))} → {show.plain(value)}"
            for name, value in (row.after or {}).items()
        )
        text = row.action.rpartition(".")[2].replace("_", " ").capitalize()
        yield Happening(
            at=row.at, when="", text=text, by=row.actor, note=" ".join(filter(None, [changed, row.reason])), tone="warn"
        )


def _credits(voucher: Voucher, retailer: Retailer) -> Iterator[Happening]:
    counters = Counter.objects.filter(owner=voucher.pk, kind="voucher.credits").values_list("pk", flat=True)
    rows = Entry.objects.filter(counter_id__in=list(counters), kind__in=(Entry.Kind.GRANT, Entry.Kind.WITHDRAW))
    for row in rows.order_by("-id")[:MOST]:
        loyalty = voucher.type == Voucher.Type.LOYALTY
        much, what = show.on_card(abs(row.delta), retailer.currency, loyalty=loyalty), "Points" if loyalty else "Credit"
        text = f"{what} added: {much}" if row.delta > 0 else f"{what} taken off: {much}"
        yield Happening(at=row.created_at, when="", text=text, note=row.reason, tone="info")
