"""Lock sessions: who holds what, how much longer, and letting go of it with a reason."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from checkout import sessions
from checkout.models import LockSession
from offers.admin import callers, lookups, show
from offers.admin.filters import CustomerFilter, DaysFilter, ExactFilter, PickFilter, RetailerFilter
from offers.admin.office import (
    ReadOnlyAdmin,
    View,
    actor_of,
    now,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Button, Facts, Figure, Figures, Page
from offers.models import AuditEntry, Campaign, Customer, PromotionTier, Voucher

Rows = QuerySet[LockSession]
LIVE = LockSession.State.LIVE


def lasting(row: LockSession) -> str:
    """Say for how long a lock was asked for: 1 day, 15 minutes."""
    unit = row.ttl_unit.lower()
    return f"{row.ttl.normalize():f} {unit.removesuffix('s') if row.ttl == 1 else unit}"


class StateFilter(PickFilter):
    """Live locks unless asked for the others; a lock past its time is not live, swept or not."""

    title = "state"
    parameter_name = "state"
    unset = "Live"
    choices_of = (("released", "Released"), ("redeemed", "Redeemed"), ("expired", "Expired"), ("all", "All"))

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return super().queryset(request, queryset) if self.value() else live(queryset)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        if value == "all":
            return queryset
        if value == LockSession.State.EXPIRED:
            return queryset.filter(expires_at__lte=now()).exclude(state__in=("released", "redeemed"))
        return queryset.filter(state=value)


class CodeFilter(ExactFilter):
    title = "code (or id of a promotion tier)"
    parameter_name = "code"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return of_code(queryset, text)


class KeyFilter(ExactFilter):
    title = "session key"
    parameter_name = "key"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(retailer_id__in=lookups.retailer_ids(), key=text)


def live(rows: Rows) -> Rows:
    """Narrow to locks that hold something at this moment."""
    return rows.filter(state=LIVE, expires_at__gt=now())


def of_code(rows: Rows, code: str) -> Rows:
    """Narrow to the locks of a code, or of a promotion tier by its id."""
    if code.startswith("promo_") and (tiers := tier_ids(code)):
        return rows.filter(object="promotion_tier", object_id__in=tiers)
    return rows.filter(object="voucher", object_id__in=lookups.voucher_ids(code))


def tier_ids(text: str) -> list[int]:
    """Return the promotion tiers with this public id or whose name holds this text; there are never many tiers."""
    found = lookups.called(PromotionTier.with_deleted.all(), text, "promo_")
    return list(found.values_list("pk", flat=True)[: lookups.MOST_MATCHES])


def state_chip(row: LockSession) -> str:
    if row.state == LIVE:
        return show.chip("Live", "info") if row.expires_at > now() else show.chip("Expired")
    tone = {"redeemed": "good", "released": "warn"}.get(row.state, "")
    return show.chip(LockSession.State(row.state).label, tone)


def left(row: LockSession) -> str:
    """Return the time left of a live lock, or when and by whom it ended."""
    if row.state == LIVE and row.expires_at > now():
        return show.remaining(row.expires_at, now())
    ended = row.ended_at or row.expires_at
    return show.moment(ended, row.retailer.timezone)


def why_released(row: LockSession) -> str:
    """Return the reason a colleague gave for releasing a lock."""
    if row.state != LockSession.State.RELEASED or row.ended_at is None:
        return ""
    told = AuditEntry.objects.filter(object_type=row.object, object_id=row.object_label, at=row.ended_at)
    entry = told.filter(retailer_id=row.retailer_id, action="session.release").first()
    return entry.reason if entry else ""


def locked_by(row: LockSession) -> Voucher | PromotionTier | None:
    """Return what a lock keeps."""
    if row.object == "promotion_tier":
        return PromotionTier.with_deleted.filter(pk=row.object_id).first()
    return Voucher.objects.filter(pk=row.object_id).first()


def gone(locks: Voucher | PromotionTier | None) -> bool:
    """Say whether what is locked has no page any more."""
    return locks is None or (isinstance(locks, PromotionTier) and locks.deleted_at is not None)


def called(row: LockSession, tier: PromotionTier | None) -> str:
    """Return what a lock keeps, as staff know it: a code, or the name of a promotion tier."""
    return str(tier) if tier and tier.name else show.mono(row.object_label)


@admin.register(LockSession)
class LockSessionAdmin(OwnSearch, ReadOnlyAdmin):
    called = ("lock", "locks")
    list_display = ("code_", "key_", "state_", "left_", "money", "made")
    list_filter = (StateFilter, CodeFilter, KeyFilter, CustomerFilter, DaysFilter, RetailerFilter)
    search_fields = ("key",)
    search_help_text = "Code, promotion tier, session key or customer"
    list_select_related = ("retailer",)
    nothing_text = "Nothing is locked at this moment."

    def search(self, rows: Rows, text: str) -> Rows:
        if vouchers := lookups.voucher_ids(text):
            return rows.filter(object="voucher", object_id__in=vouchers)
        if customers := lookups.customer_ids(text):
            return rows.filter(customer_id__in=customers)
        by_key = rows.filter(retailer_id__in=lookups.retailer_ids(), key=text)
        if (tiers := tier_ids(text)) and not by_key.exists():
            return rows.filter(object="promotion_tier", object_id__in=tiers)
        return by_key

    def prepared(self, rows: list[LockSession]) -> list[LockSession]:
        wanted = {row.object_id for row in rows if row.object == "promotion_tier"}
        tiers = PromotionTier.with_deleted.in_bulk(wanted) if wanted else {}
        for row in rows:
            row.called = called(row, tiers.get(row.object_id))  # type: ignore[attr-defined]
        return rows

    @display(description="What")
    def code_(self, row: LockSession) -> str:
        return row.called  # type: ignore[attr-defined, no-any-return]

    @display(description="Session key")
    def key_(self, row: LockSession) -> str:
        return show.mono(row.key)

    @display(description="State")
    def state_(self, row: LockSession) -> str:
        return state_chip(row)

    @display(description="Time left / ended")
    def left_(self, row: LockSession) -> str:
        return left(row)

    @display(description="Money off")
    def money(self, row: LockSession) -> str:
        return show.amount(row.discount_amount, row.retailer.currency)

    @display(description="Locked")
    def made(self, row: LockSession) -> str:
        return show.moment(row.created_at, row.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {"<id>/release": self.release}

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: LockSession = self.find(key, "retailer")
        zone, currency = row.retailer.timezone, row.retailer.currency
        is_live = row.state == LIVE and row.expires_at > now()
        locks = locked_by(row)
        name = str(locks) if isinstance(locks, PromotionTier) else row.object_label
        known = {
            "Locks": name if gone(locks) else show.to_page(locks, name),
            "Session key": show.mono(row.key),
            "Campaign": show.to_page(Campaign.objects.filter(pk=row.campaign_id or 0).first()),
            "Customer": show.to_page(Customer.objects.filter(pk=row.customer_id or 0).first()),
            "Locked": show.moment(row.created_at, zone),
            "Locked for": lasting(row),
            "Until": show.moment(row.expires_at, zone),
            "Ended": show.moment(row.ended_at, zone),
            "Ended by": callers.said(row.ended_by),
            "Why": why_released(row),
            "Asked by": callers.said(row.actor),
            "Retailer": row.retailer.name,
        }
        figures = [
            Figure(label="Time left", value=left(row) if is_live else "none"),
            Figure(
                label="Money off held" if is_live else "Money off", value=show.amount(row.discount_amount, currency)
            ),
        ]
        if row.credits is not None:
            held = show.on_card(
                row.credits, currency, loyalty=isinstance(locks, Voucher) and locks.type == Voucher.Type.LOYALTY
            )
            figures.append(Figure(label="Held of the card" if is_live else "Of the card", value=held))
        facts = [(name, value) for name, value in known.items() if value and value != show.NOTHING]
        others = self.prepared(list(self.same_session(row)))
        also = format_html_join(", ", "{}", ((show.to_page(one, one.called),) for one in others))  # type: ignore[attr-defined]
        said = format_html("The same key also locks: {}.", also) if others else ""
        may = is_live and self.may(request, "checkout.release_locksession")
        release = Button(text="Release…", url=self.url("release", row.pk), tone="danger")
        return Page(
            title=name,
            subtitle=row.public_id,
            chips=[state_chip(row)],
            buttons=[release] if may else [],
            blocks=[Figures(figures=figures), Facts(title="The lock", text=said, facts=facts)],
        )

    def same_session(self, row: LockSession) -> Rows:
        same = LockSession.objects.filter(retailer_id=row.retailer_id, key=row.key)
        return live(same.exclude(pk=row.pk))[:30]

    def release(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, "checkout.view_locksession", "checkout.release_locksession")
        row: LockSession = self.find(key)
        locks = locked_by(row)
        name = str(locks) if isinstance(locks, PromotionTier) else row.object_label

        def act(reason: str) -> str:
            whose: dict[str, Any] = {"retailer_id": row.retailer_id, "key": row.key}
            why: dict[str, Any] = {"reason": reason, "actor": actor_of(request), "now": now()}
            if row.object == "promotion_tier":
                sessions.release_tier(tier_public_id=row.object_label, **whose, **why)
            else:
                sessions.release(voucher_code=row.object_label, **whose, **why)
            return f"{name} has been released: what it held can be used by others again."

        return self.ask_reason(
            request,
            key,
            act,
            title=f"Release {name}?",
            text="The customer who locked it may find it gone at the checkout.",
            button="Release",
            danger=True,
        )
