"""Wallets: what customers hold, who locked it and for how long yet, and letting go, giving back, taking away."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from checkout import offer_locks
from checkout.admin import wallet_words
from checkout.models import OfferLock
from offers import audit, user_offers, wallets
from offers.admin import fields, lookups, show
from offers.admin.filters import CustomerFilter, ExactFilter, PickFilter, RetailerFilter
from offers.admin.office import OfficeForm, ReadOnlyAdmin, ReasonForm, View, actor_of, now, posted
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page
from offers.models import Offer, UserOffer

Rows = QuerySet[UserOffer]
Status = UserOffer.Status
State = OfferLock.State


class StatusFilter(PickFilter):
    title = "status"
    parameter_name = "status"
    choices_of = tuple((str(value), label) for value, label in Status.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        issued = queryset.filter(status=Status.ISSUED)
        if value == str(Status.EXPIRED.value):
            return issued.filter(ends_at__lte=now()) | queryset.filter(status=Status.EXPIRED)
        if value == str(Status.ISSUED.value):
            return issued.exclude(ends_at__lte=now())
        return queryset.filter(status=int(value))


class OfferFilter(ExactFilter):
    title = "offer (id or key)"
    parameter_name = "offer"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(offer_id__in=offers_of(text))


class IssuedByFilter(PickFilter):
    title = "issued by"
    parameter_name = "issued_by"
    choices_of = tuple(wallet_words.ISSUERS.items())

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(source__kind=value)


def offers_of(text: str) -> list[int]:
    """Return all revisions of the offers with this id or key."""
    ident = show.uuid_of(text)
    named = Offer.objects.filter(uuid=ident) if ident else Offer.objects.filter(key=text)
    return list(Offer.objects.filter(root__in=named.values("root")).values_list("pk", flat=True))


@admin.register(UserOffer)
class UserOfferAdmin(OwnSearch, ReadOnlyAdmin):
    called = ("wallet entry", "wallets")
    list_display = ("title", "customer_", "status_", "lock_", "ends", "acquired")
    list_filter = (StatusFilter, IssuedByFilter, CustomerFilter, OfferFilter, RetailerFilter)
    list_select_related = ("offer", "customer", "retailer")
    search_fields = ("uuid",)
    search_help_text = "Wallet entry id, customer or offer"
    nothing_text = "Nobody holds an offer yet."

    def prepared(self, rows: list[UserOffer]) -> list[UserOffer]:
        held = OfferLock.objects.filter(user_offer__in=rows, state__in=(State.ACTIVE, State.CLAIMED))
        found = {lock.user_offer_id: lock for lock in held}
        for row in rows:
            lock = found.get(row.pk)
            row.lock = lock if lock and (lock.state == State.CLAIMED or lock.expires_at > now()) else None  # type: ignore[attr-defined]
        return rows

    def search(self, rows: Rows, text: str) -> Rows:
        if (ident := show.uuid_of(text)) and UserOffer.objects.filter(uuid=ident).exists():
            return rows.filter(uuid=ident)
        if customers := lookups.customer_ids(text):
            return rows.filter(customer_id__in=customers)
        return rows.filter(offer_id__in=offers_of(text))

    @display(description="Offer")
    def title(self, row: UserOffer) -> str:
        return str(row.offer)

    @display(description="Customer")
    def customer_(self, row: UserOffer) -> str:
        return row.customer.name or str(row.customer)

    @display(description="Status")
    def status_(self, row: UserOffer) -> str:
        return wallet_words.status_chip(row)

    @display(description="Locked for yet")
    def lock_(self, row: UserOffer) -> str:
        lock: OfferLock | None = row.lock  # type: ignore[attr-defined]
        return wallet_words.time_left(lock) if lock else show.NOTHING

    @display(description="Can be used until")
    def ends(self, row: UserOffer) -> str:
        return show.moment(row.ends_at, row.retailer.timezone, "no end")

    @display(description="Got it")
    def acquired(self, row: UserOffer) -> str:
        return show.moment(row.acquired_at, row.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {"<id>/revoke": self.revoke, "<id>/reinstate": self.reinstate, "<id>/unlock": self.unlock}

    # --- what is done to an entry ---
    def settle(
        self,
        request: HttpRequest,
        key: int,
        verb: Callable[[UserOffer, dict[str, Any]], object],
        word: str,
        text: str,
        said: str,
        form: OfficeForm | None = None,
        danger: bool = True,
    ) -> HttpResponse:
        self.demand(request, self.permission("view"), self.permission("change"))
        row: UserOffer = self.find(key, "offer", "customer")

        def act(values: dict[str, Any]) -> str:
            verb(row, values)
            return f"{row.offer} {said}."

        return self.ask(
            request,
            form=form or ReasonForm(posted(request)),
            title=f"{word} {row.offer}?",
            text=text,
            button=word,
            back=self.url("change", key),
            act=act,
            danger=danger,
        )

    def revoke(self, request: HttpRequest, key: int) -> HttpResponse:
        def verb(row: UserOffer, values: dict[str, Any]) -> object:
            return user_offers.revoke(user_offer_id=row.pk, actor=actor_of(request), now=now(), reason=values["reason"])

        text = "The customer loses it for good. An offer that was used or is locked stays as it is."
        return self.settle(request, key, verb, "Take away", text, "has been taken away")

    def reinstate(self, request: HttpRequest, key: int) -> HttpResponse:
        def verb(row: UserOffer, values: dict[str, Any]) -> object:
            until = fields.in_zone(values["until"], row.retailer.timezone)
            return user_offers.reinstate(
                user_offer_id=row.pk, actor=actor_of(request), now=now(), extend_to=until, reason=values["reason"]
            )

        text = "The customer can use it again. The earlier use stays in its history as rolled back."
        form = ReinstateForm(posted(request))
        return self.settle(request, key, verb, "Give back", text, "has been given back", form, danger=False)

    def unlock(self, request: HttpRequest, key: int) -> HttpResponse:
        def verb(row: UserOffer, values: dict[str, Any]) -> object:
            with transaction.atomic():
                if lock := wallet_words.lock_of(row):
                    offer_locks.unlock(
                        retailer_id=row.retailer_id,
                        store_id=lock.store_id,
                        user_offer_id=row.uuid,
                        transaction_id=lock.transaction_id,
                        now=now(),
                    )
                    held = {"transaction": lock.transaction_id, "store": str(lock.store)}
                    audit.record(
                        retailer_id=row.retailer_id,
                        actor=actor_of(request),
                        action="offer.unlock",
                        object_type="user_offer",
                        object_id=str(row.uuid),
                        before=held,
                        after=None,
                        reason=values["reason"],
                        now=now(),
                    )
            return None

        text = "The customer can use it in another sale; the till that locked it finds it gone."
        return self.settle(request, key, verb, "Unlock", text, "is free again")

    # --- one entry ---
    def page(self, request: HttpRequest, key: Any) -> Page:
        row: UserOffer = self.find(key, "offer", "customer", "retailer")
        zone, lock = row.retailer.timezone, wallet_words.lock_of(row)
        known = {
            "Offer": show.to_page(row.offer),
            "Customer": show.to_page(row.customer, row.customer.name or None),
            "Wallet entry id": show.mono(str(row.uuid)),
            "Got it": show.moment(row.acquired_at, zone),
            "From": wallet_words.source(row),
            "Can be used from": show.moment(row.starts_at, zone),
            "Can be used until": show.moment(row.ends_at, zone, "no end"),
            "Used": show.moment(row.redeemed_at, zone, ""),
            "Used in": wallet_words.sale(row.redeemed_in),
            "Money off": show.amount(row.redeemed_amount, row.retailer.currency) if row.redeemed_at else "",
            "Own data": row.custom_data,
            "Retailer": row.retailer.name,
        }
        return Page(
            title=str(row.offer),
            subtitle=str(row.customer.name or row.customer),
            chips=[wallet_words.status_chip(row)],
            buttons=self.buttons(request, row, lock),
            blocks=[
                *(self.locked(row, lock) if lock else []),
                Facts(facts=[(name, value) for name, value in known.items() if value]),
                wallet_words.story(row),
            ],
        )

    def locked(self, row: UserOffer, lock: OfferLock) -> list[Block]:
        currency = row.retailer.currency
        figures = [
            Figure(label="Time left", value=wallet_words.time_left(lock)),
            Figure(label="Money off held", value=show.amount(lock.amount, currency)),
            Figure(label="Priced", value=f"{lock.calls} ×"),
        ]
        text = f"By transaction {lock.transaction_id} of {lock.store}. Nobody else can use it meanwhile."
        return [Figures(title="Locked", text=text, figures=figures)]

    def buttons(self, request: HttpRequest, row: UserOffer, lock: OfferLock | None) -> list[Button]:
        if not self.may(request, self.permission("change")):
            return []
        if wallets.status_of(row, now()) == Status.REDEEMED:
            return [Button(text="Give back…", url=self.url("reinstate", row.pk), tone="main")]
        if lock and lock.state == State.ACTIVE:
            return [Button(text="Unlock…", url=self.url("unlock", row.pk), tone="main")]
        if row.status == Status.ISSUED and lock is None:
            return [Button(text="Take away…", url=self.url("revoke", row.pk), tone="danger")]
        return []


class ReinstateForm(ReasonForm):
    until = fields.LocalMomentField(label="Use until", help_text="Empty: its old end stays.")
    sections = [("", "", ["until", "reason"])]


# --- for the page of a customer ---
