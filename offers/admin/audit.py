"""The audit trail: who changed money, limits or rights, when, from what to what, and why. Read-only."""

from typing import Any

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest

from offers.admin import audit_words, show
from offers.admin.filters import ExactFilter, HistoryDaysFilter, PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin, capitalised
from offers.admin.own_search import OwnSearch
from offers.admin.page import Facts, Page, Table
from offers.models import AuditEntry

Rows = QuerySet[AuditEntry]
# Whose changes the trail keeps.
KEPT = (
    "admission",
    "auction",
    "authorization",
    "campaign",
    "channel",
    "distribution",
    "draw",
    "loyalty_rule",
    "offer",
    "queue",
    "signing_key",
    "store",
    "tier_system",
    "voucher",
    "promotion_tier",
    "redemption",
    "session",
    "order",
    "customer",
    "product",
    "sku",
    "collection",
    "category",
    "rule",
    "retailer",
    "client",
    "webhook",
    "staff",
)
KINDS = {"USER": "staff", "API": "API credential", "CLIENT": "browser credential", "SYSTEM": "by itself"}
# What is stored as noun.verb, said as colleagues would.
NOUNS = {
    "distribution": "launch",
    "client": "API credential",
    "rule": "condition",
    "session": "lock",
    "sku": "variant",
    "staff": "member of staff",
    "voucher": "code",
}
DONE = {
    "archive": "archived",
    "assign": "bound",
    "admit": "admitted out of turn",
    "balance": "balance changed",
    "change": "changed",
    "create": "made",
    "delete": "deleted",
    "deny": "denied",
    "disable": "switched off",
    "enable": "switched on",
    "end_rotation": "old secret ended",
    "erase": "erased",
    "extend": "extended",
    "release": "released",
    "rename": "renamed",
    "resend": "sent again",
    "retire": "retired",
    "revoke": "revoked",
    "rollback": "rolled back",
    "rotate": "secret renewed",
    "run": "run by hand",
    "settle": "settled by hand",
    "unassign": "unbound",
    "update": "changed",
}


def named(noun: str) -> str:
    """Return what colleagues call a thing: "sku" is "Variant"."""
    return capitalised(NOUNS.get(noun, noun.replace("_", " ")))


def words(action: str) -> str:
    """Say what was done: "rule.assign" is "Condition bound"."""
    noun, _, verb = action.rpartition(".")
    return f"{named(noun)} {DONE.get(verb, verb.replace('_', ' '))}"


class ActorFilter(ExactFilter):
    title = "who"
    parameter_name = "who"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(actor=text)


class WhatFilter(PickFilter):
    title = "what was changed"
    parameter_name = "action"
    choices_of = tuple((noun, named(noun)) for noun in KEPT)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(action__startswith=f"{value}.")


class AuditDays(HistoryDaysFilter):
    field = "at"


class AuditEntryAdmin(OwnSearch, ReadOnlyAdmin):
    """Registered by checkout, which knows the pages of what was changed."""

    called = ("change", "changes in the audit trail")
    list_display = ("when", "who", "action_", "object_", "reason_")
    list_filter = (AuditDays, ActorFilter, WhatFilter, RetailerFilter)
    search_fields = ("object_id",)
    search_help_text = "Id or code of what was changed"
    list_select_related = ("retailer",)
    nothing_text = "Nothing has been changed yet."

    def search(self, rows: Rows, text: str) -> Rows:
        types = AuditEntry.objects.order_by("object_type").values_list("object_type", flat=True).distinct()
        return rows.filter(object_type__in=list(types), object_id=text)

    @display(description="When")
    def when(self, row: AuditEntry) -> str:
        return show.moment(row.at, row.retailer.timezone if row.retailer else "UTC")

    @display(description="Who")
    def who(self, row: AuditEntry) -> str:
        return row.actor

    @display(description="Did")
    def action_(self, row: AuditEntry) -> str:
        return words(row.action)

    @display(description="To")
    def object_(self, row: AuditEntry) -> str:
        return self.object_link(row)

    def object_link(self, row: AuditEntry) -> str:
        """Return what was changed, to click on where it has a page."""
        return show.mono(row.object_id)

    @display(description="Reason")
    def reason_(self, row: AuditEntry) -> str:
        return row.reason[:80] or show.NOTHING

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: AuditEntry = self.find(key, "retailer")
        self.prepared([row])
        who = row.actor if row.actor.lower() == row.actor_kind.lower() else f"{row.actor} ({KINDS.get(row.actor_kind)})"
        facts = [
            ("When", show.moment(row.at, row.retailer.timezone if row.retailer else "UTC")),
            ("Who", who if row.actor_kind in KINDS else row.actor),
            ("What", self.object_link(row)),
            ("Its id", show.mono(row.object_id)),
            ("Reason", row.reason or show.NOTHING),
            ("Request", row.request_id or show.NOTHING),
            ("Retailer", row.retailer.name if row.retailer else show.NOTHING),
        ]
        table = Table(
            title="Changes",
            headers=["Field", "Before", "After"],
            rows=[list(line) for line in audit_words.changes(row, row.retailer)],
            empty="No values kept.",
        )
        return Page(title=self.action_(row), blocks=[Facts(facts=facts), table])
