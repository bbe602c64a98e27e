"""Validation rules: written as common conditions or as JSON, and where they are in use."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from offers import rules
from offers.admin import lookups, rule_form, show
from offers.admin.filters import RetailerFilter
from offers.admin.office import (
    OfficeAdmin,
    View,
    actor_of,
    locked,
    now,
    posted,
    stamp,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Button, Facts, Page, Table
from offers.admin.rule_form import RuleForm
from offers.models import Campaign, PromotionTier, RuleAssignment, ValidationRule, Voucher

SHOWN = 50
MODELS: dict[str, Any] = {
    RuleAssignment.Target.CAMPAIGN: Campaign,
    RuleAssignment.Target.VOUCHER: Voucher,
    RuleAssignment.Target.PROMOTION_TIER: PromotionTier,
}
WORDS = {"$is": "is", "$in": "is one of", "$is_not": "is not", "$not_in": "is none of"}
WORDS |= dict(rule_form.COMPARISONS) | {"$more_than": "is more than", "$less_than": "is less than"}
NAMES = {
    "order.amount": "Order amount",
    "order.initial_amount": "Order amount before discounts",
    "order.items.count": "Items in the order",
    "order.items.any": "Some item of the order",
    "order.items.every": "Every item of the order",
    "order.items.none": "No item of the order",
    "redemption.count.per_customer": "Redemptions of the code by one customer",
    "redemption.count.daily": "Redemptions of the code per day",
    "campaign.redemptions.customers_count": "Redemptions of the campaign by one customer",
    "campaign.redemptions.count.daily": "Redemptions of the campaign per day",
    "redemption.count.per_customer.daily": "Redemptions of the code by one customer per day",
    "redemption.count.per_customer.weekly": "Redemptions of the code by one customer per week",
    "redemption.count.per_customer.monthly": "Redemptions of the code by one customer per month",
    "redemption.count.weekly": "Redemptions of the code per week",
    "redemption.count.monthly": "Redemptions of the code per month",
    "customer.segment": "Customer segment",
    "customer.metadata": "Customer field",
    "order.metadata": "Order field",
}


def sentence(entry: Any, currency: str) -> str:
    """Return one condition in words."""
    if not isinstance(entry, dict):
        return show.NOTHING
    name = str(entry.get("name", ""))
    subject = NAMES.get(name) or name.replace(".", " › ").replace("_", " ").capitalize()
    subject += f" {entry['property']}" if entry.get("property") else ""
    said = []
    for operator, values in (entry.get("conditions") or {}).items():
        listed = values if isinstance(values, list) else [values]
        money = "amount" in name and "count" not in name and not name.endswith("metadata")
        shown = [show.amount(one, currency) if money and isinstance(one, int) else _named(one) for one in listed]
        word = WORDS.get(operator, operator.lstrip("$").replace("_", " "))
        said.append(word if operator in rule_form.VALUELESS else f"{word} {', '.join(shown)}")
    subs = [sub for key, sub in (entry.get("rules") or {}).items() if key != "logic"]
    with_subs = f" with {'; '.join(sentence(sub, currency) for sub in subs)}" if subs else ""
    return f"{subject} {' and '.join(said)}{with_subs}"


def _named(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("source_id") or value.get("id") or show.plain(value))
    return show.plain(value)


def scope_words(scope: Any) -> str:
    """Say which products a discount touches."""
    if not scope:
        return "everything in the order"
    parts = []
    for key, word in (("included", "only"), ("excluded", "not")):
        listed = [_named(one) for one in scope.get(key) or []]
        parts += [f"{word} {', '.join(listed)}"] if listed else []
    return "; ".join(parts) or "everything in the order"


@admin.register(ValidationRule)
class RuleAdmin(OwnSearch, OfficeAdmin):
    called = ("condition", "conditions")
    list_display = ("name", "asks", "used_by", "retailer")
    list_filter = (RetailerFilter,)
    search_fields = ("name",)
    search_help_text = "Name or id"
    list_select_related = ("retailer",)
    nothing_text = "No conditions yet. Make one, then add it to a campaign."

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("applicable_to", "bundle_rules", "error")

    def prepared(self, rows: list[ValidationRule]) -> list[ValidationRule]:
        counted = RuleAssignment.objects.filter(rule__in=rows).values_list("rule_id").annotate(Count("pk"))
        times = dict(counted)
        for row in rows:
            row.times = times.get(row.pk, 0)  # type: ignore[attr-defined]
        return rows

    def search(self, rows: Any, text: str) -> Any:
        return lookups.called(rows, text, "val_")

    @display(description="Asks for")
    def asks(self, row: ValidationRule) -> str:
        entries = [entry for key, entry in (row.rules or {}).items() if key != "logic"]
        said = [sentence(entry, row.retailer.currency) for entry in entries[:2]]
        more = [f"and {len(entries) - 2} more"] if len(entries) > 2 else []
        return show.lines([*said, *more]) if said else "nothing"

    @display(description="Used by")
    def used_by(self, row: ValidationRule) -> str:
        return show.count(row.times)  # type: ignore[attr-defined]

    def pages(self) -> dict[str, View]:
        return {"<id>/edit": self.edit, "<id>/remove": self.remove}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = RuleForm(posted(request))

        def act(_: dict[str, Any]) -> str:
            made = rules.create(
                retailer_id=form.owner.pk,
                fields=form.terms,  # type: ignore[arg-type]
                actor=actor_of(request),
                now=now(),
            )
            return f"Condition {made.name} has been made.\n{self.url('change', made.pk)}"

        return self.ask(
            request,
            form=form,
            title="New condition",
            text="A condition binds nothing until it is added to a campaign.",
            button="Create condition",
            back=self.url("changelist"),
            act=act,
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: ValidationRule = self.find(key, "retailer")
        form = RuleForm(posted(request), rule=row, initial={**rule_form.initial(row), "version": stamp(row)})

        def act(values: dict[str, Any]) -> str:
            locked(row, values["version"])
            rules.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=form.terms,  # type: ignore[arg-type]
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return f"Condition {values['name']} has been saved."

        return self.ask(
            request,
            form=form,
            title=f"Edit {row.name}",
            text="What it binds is judged by the new version from the next request on.",
            button="Save",
            back=self.url("change", key),
            act=act,
        )

    def remove(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("delete"))
        row: ValidationRule = self.find(key)
        bound = row.assignments.count()
        text = f"It binds {bound:,} campaigns, codes or tiers, which will work without it." if bound else ""
        told = f"Condition {row.name} has been deleted.\n{self.url('changelist')}"
        more: dict[str, Any] = {"ident": row.public_id, "danger": True}
        return self.ask_why(request, row, rules.delete, word="Delete", text=text, told=told, **more)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: ValidationRule = self.find(object_id, "retailer")
        entries = [entry for key, entry in (row.rules or {}).items() if key != "logic"]
        logic = str((row.rules or {}).get("logic") or "")
        facts = [
            ("Discount touches", scope_words(row.applicable_to)),
            ("Shown when not met", (row.error or {}).get("message") or show.NOTHING),
            ("Joined by", logic if " or " in logic or "not" in logic else "all of them must hold"),
            ("Changed", show.moment(row.updated_at, row.retailer.timezone)),
            ("Retailer", row.retailer.name),
        ]
        asks = Table(
            title="Asks for",
            headers=["Condition"],
            rows=[[sentence(entry, row.retailer.currency)] for entry in entries],
            empty="Nothing: it only says which products a discount touches.",
        )
        buttons = []
        if self.may(request, self.permission("change")):
            buttons.append(Button(text="Edit", url=self.url("edit", row.pk), tone="main"))
        if self.may(request, self.permission("delete")):
            buttons.append(Button(text="Delete…", url=self.url("remove", row.pk)))
        page = Page(
            title=row.name, subtitle=row.public_id, buttons=buttons, blocks=[asks, Facts(facts=facts), self.uses(row)]
        )
        return self.show(request, page)

    def uses(self, row: ValidationRule) -> Table:
        bound = list(row.assignments.order_by("-id")[:SHOWN])
        cells = []
        for kind, model in MODELS.items():
            keys = [one.target_id for one in bound if one.target == kind]
            named = model._default_manager.in_bulk(keys) if keys else {}
            word = RuleAssignment.Target(kind).label
            cells += [[show.to_page(named.get(key), empty="deleted"), word] for key in keys]
        return Table(title="In use by", headers=["Name", "Kind"], rows=cells, empty="Nothing yet.")
