"""What happened, and by whom: a voucher's whole life in one list, the changes of a campaign or a tier."""

from collections.abc import Iterator, Sequence

from django.utils.html import format_html, format_html_join

from checkout.admin import history
from checkout.models import LockSession, Redemption
from offers.admin import audit, audit_words, callers, show
from offers.admin.page import Happening, Timeline
from offers.ledger.models import Counter, Entry
from offers.lib import clock
from offers.models import AuditEntry, Campaign, PromotionTier, Retailer, Voucher

MOST = 40  # of each kind, so that a code with a million uses opens as fast as a new one
ENDED = {"redeemed": ("Lock used for a redemption", ""), "released": ("Released", "warn"), "expired": ("Expired", "")}
# What the audit trail says again that locks and redemptions tell already.
TOLD = ("session.release", "redemption.rollback", "voucher.create")


def of(voucher: Voucher, retailer: Retailer) -> Timeline:
    """Return what happened to a voucher, newest first; a handful of statements, each along an index."""
    named = ["voucher", voucher.public_id, voucher.code]
    sources = (_locks(voucher, retailer), _redemptions(voucher, retailer), _changes(retailer, *named))
    found = [event for source in (*sources, _credits(voucher, retailer)) for event in source]
    made = AuditEntry.objects.filter(
        object_type="voucher", object_id=voucher.public_id, action="voucher.create"
    ).first()
    oldest = Happening(
        at=voucher.created_at,
        when="",
        text="Created",
        by=made.actor if made else "",
        note=f"For the campaign {voucher.campaign}" if voucher.campaign else "",
        tone="info",
    )
    return _dated([oldest, *found], retailer, "Timeline", cut=len(found) >= MOST)


def of_campaign(campaign: Campaign) -> Timeline:
    """Return who changed a campaign, and why."""
    found = list(_changes(campaign.retailer, "campaign", campaign.public_id))
    return _dated(found, campaign.retailer, "Changes", cut=len(found) >= MOST)


def of_tier(tier: PromotionTier) -> Timeline:
    """Return who changed a promotion tier or released a lock of it, and why."""
    found = list(_changes(tier.retailer, "promotion_tier", tier.public_id, told=()))
    return _dated(found, tier.retailer, "Changes", cut=len(found) >= MOST)


def _dated(found: list[Happening], retailer: Retailer, title: str, *, cut: bool) -> Timeline:
    names = callers.named(event.by for event in found)
    happenings = sorted(found, key=lambda event: event.at, reverse=True)
    dated = [
        Happening(
            at=event.at,
            when=show.moment(event.at, retailer.timezone),
            text=event.text,
            by=callers.said(event.by, names),
            note=event.note,
            tone=event.tone,
        )
        for event in happenings[: 3 * MOST]
    ]
    return Timeline(
        title=title, text="The newest; the lists hold the rest." if cut else "", happenings=dated, empty="None so far."
    )


def _locks(voucher: Voucher, retailer: Retailer) -> Iterator[Happening]:
    until_now = LockSession.objects.filter(object="voucher", object_id=voucher.pk, created_at__lte=clock.now())
    said = AuditEntry.objects.filter(object_type="voucher", object_id=voucher.code, action="session.release")
    reasons = dict(said.filter(retailer_id=retailer.pk).order_by("-id").values_list("at", "reason")[:MOST])
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
            why = reasons.get(row.ended_at, "") if row.state == LockSession.State.RELEASED else ""
            note = " · ".join(filter(None, [f"Session {row.key}", why]))
            yield Happening(at=row.ended_at, when="", text=text, by=row.ended_by, note=note, tone=tone)


def _redemptions(voucher: Voucher, retailer: Retailer) -> Iterator[Happening]:
    rows = Redemption.objects.filter(voucher=voucher).select_related("order", "customer").order_by("-id")
    for row in rows.only(*history.COLUMNS, "order__source_id", "order__public_id", "customer__source_id")[:MOST]:
        words, tone = history.result(row)
        if row.succeeded and row.kind == Redemption.Kind.REDEMPTION:
            words, tone = "Redeemed", "good"
        elif row.kind == Redemption.Kind.REDEMPTION:
            words = f"Refused: {words}"
        parts = [
            f"Order {row.order or row.order_ident}" if row.order or row.order_ident else "",
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


def _changes(retailer: Retailer, kind: str, *idents: str, told: Sequence[str] = TOLD) -> Iterator[Happening]:
    rows = AuditEntry.objects.filter(object_type=kind, object_id__in=idents, retailer_id=retailer.pk)
    for row in rows.order_by("-id")[:MOST]:
        if row.action in told:
            continue
        said = [] if row.before is None else audit_words.changes(row, retailer)
        lines = [format_html("{}: {}" if row.after is None else "{}: {} → {}", *line) for line in said]
        word = audit.DONE.get(row.action.rpartition(".")[2], row.action.rpartition(".")[2].replace("_", " "))
        if row.action == "session.release":
            word = audit.words(row.action)
        note = format_html_join("; ", "{}", ((line,) for line in lines))
        note = format_html_join(" · ", "{}", ((part,) for part in (note, row.reason) if part))
        tone = "info" if row.action.endswith(".create") else "warn"
        yield Happening(at=row.at, when="", text=word.capitalize(), by=row.actor, note=note, tone=tone)


def _credits(voucher: Voucher, retailer: Retailer) -> Iterator[Happening]:
    counters = Counter.objects.filter(owner=voucher.pk, kind="voucher.credits").values_list("pk", flat=True)
    rows = Entry.objects.filter(counter_id__in=list(counters), kind__in=(Entry.Kind.GRANT, Entry.Kind.WITHDRAW))
    for row in rows.order_by("-id")[:MOST]:
        loyalty = voucher.type == Voucher.Type.LOYALTY
        much, what = show.on_card(abs(row.delta), retailer.currency, loyalty=loyalty), "Points" if loyalty else "Credit"
        text = f"{what} added: {much}" if row.delta > 0 else f"{what} taken off: {much}"
        yield Happening(at=row.created_at, when="", text=text, note=row.reason, tone="info")
