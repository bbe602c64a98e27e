"""Loyalty rules: what each will do in plain words, its versions, and trying a draft on a sale with nothing stored."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from checkout import item_facts, transaction_rewards, transaction_shape
from checkout.admin import loyalty_rule_form
from checkout.admin import members as member_pages
from checkout.admin.loyalty_rule_form import GUIDANCE, RuleForm
from checkout.admin.loyalty_words import TRIGGERS, sentence
from checkout.models import Revision, Transaction
from loyalty import outcomes, rule_terms, rules
from loyalty.earning import RuleFacts, Sale, SaleLine
from loyalty.models import Member, PointAccount, Rule, RuleVersion
from offers.admin import fields, lookups, show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import OfficeAdmin, View, actor_of, now, posted
from offers.admin.page import Button, Checklist, Facts, Figure, Figures, Page, Step, Table
from offers.lib.errors import InvalidPayload
from offers.lib.money import to_minor
from offers.models import Retailer

Rows = QuerySet[Rule]
# What a new form begins with: the commonest rule.
FIRST: dict[str, Any] = {"outcome_1": "points_per", "rate_1": "1", "unit_1": "1.00", "basis_1": "eligible_spend"}


class TryForm(RuleForm):
    """A draft, and the sale to try it on."""

    beside = forms.BooleanField(required=False, widget=fields.tick(), label="Together with the rules in force")
    saved = forms.CharField(
        required=False, widget=fields.text(), label="A sale that was sent", help_text="Its transaction id or receipt."
    )
    lines = forms.CharField(
        required=False,
        widget=fields.area(4, placeholder="gloves, 2, 40.00, clothing"),
        label="Or a sale made by hand",
        help_text="A line each: item, quantity, amount, category.",
    )
    channel = forms.CharField(required=False, widget=fields.short(), label="Channel of the sale")
    customer = forms.CharField(
        required=False, widget=fields.text(), label="Member", help_text="Any of his ids. Empty: nobody known."
    )
    top = ("retailer", "scope")
    last = (
        (
            "The sale",
            "Nothing is stored: no points, no offers.",
            ["beside", "saved", "lines", "channel", "customer"],
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["name"]


class ScopeFilter(PickFilter):
    title = "kind"
    parameter_name = "scope"
    choices_of = tuple(Rule.Scope.choices)

    def narrow(self, queryset: Rows, value: str) -> Rows:
        return queryset.filter(scope=value)


@admin.register(Rule)
class RuleAdmin(OfficeAdmin):
    called = ("loyalty rule", "loyalty rules")
    list_display = ("name", "scope_", "state", "said", "retailer")
    list_filter = (ScopeFilter, RetailerFilter)
    list_select_related = ("retailer",)
    search_fields = ("name",)
    nothing_text = f"No loyalty rules yet. {GUIDANCE}"

    def prepared(self, rows: list[Rule]) -> list[Rule]:
        newest = RuleVersion.objects.filter(rule__in=rows).order_by("rule_id", "-number").distinct("rule_id")
        found = {version.rule_id: version for version in newest}
        for row in rows:
            row.newest = found.get(row.pk)  # type: ignore[attr-defined]
        return rows

    @display(description="Kind")
    def scope_(self, row: Rule) -> str:
        return row.scope.capitalize()

    @display(description="State")
    def state(self, row: Rule) -> str:
        return state_chip(row)

    @display(description="What it does")
    def said(self, row: Rule) -> str:
        version: RuleVersion | None = row.newest  # type: ignore[attr-defined]
        return sentence(version.definition, {}) if version else show.NOTHING

    def pages(self) -> dict[str, View]:
        return {"try": self.try_out, "say": self.say, "<id>/edit": self.edit, "<id>/switch": self.switch}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))

        def act(values: dict[str, Any]) -> str:
            made = rules.save(
                retailer_id=values["retailer"].pk,
                name=values["name"],
                scope=values["scope"],
                definition=values["definition"],
                actor=actor_of(request),
                now=now(),
            )
            return f"Rule {made.name} counts from now on.\n{self.url('change', made.pk)}"

        return self.ask(
            request,
            form=RuleForm(posted(request), initial=FIRST),
            title="New loyalty rule",
            button="Create rule",
            back=self.url("changelist"),
            act=act,
            extra=self.beside(),
        )

    def beside(self) -> dict[str, Any]:
        """Return what stands beside a form of a rule: the sentence, told as one types, and the guidance."""
        return {"say_url": self.url("say"), "guidance": GUIDANCE, "restrictions_most": rule_terms.RESTRICTIONS_MOST}

    def say(self, request: HttpRequest) -> HttpResponse:
        """Say what a form would make of a rule, whole or not; nothing is stored."""
        if not (self.may(request, self.permission("add")) or self.may(request, self.permission("change"))):
            raise PermissionDenied
        form = RuleForm(request.POST)
        valid = form.is_valid()
        said = form.cleaned_data.get("definition") or {}
        shop = form.cleaned_data.get("retailer")
        try:
            accounts, named = (accounts_of(shop.pk), loyalty_rule_form.offers_named(shop, said)) if shop else ({}, {})
            words = sentence(said, accounts, named)
        except (AttributeError, TypeError, ValueError):
            words = "This cannot be put into words yet."
        wrong = [str(text) for name, texts in form.errors.items() if name != "name" for text in texts]
        restrictions = said.get("catalog_restrictions")
        return JsonResponse(
            {
                "sentence": words,
                "valid": valid,
                "wrong": wrong[:3],
                "restrictions": len(restrictions) if isinstance(restrictions, list) else 0,
            }
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Rule = self.find(key, "retailer")
        shown = loyalty_rule_form.initial_of(newest(row).definition, row.retailer, row.scope)
        sent = posted(request)
        if sent is not None:  # whose rule it is, and of which kind, never changes
            sent = sent.copy()
            sent["retailer"], sent["scope"] = str(row.retailer_id), row.scope
        form = RuleForm(sent, initial={**shown, "name": row.name})
        for name in ("retailer", "scope"):
            form.fields[name].widget = forms.HiddenInput()

        def act(values: dict[str, Any]) -> str:
            rules.save(
                retailer_id=row.retailer_id,
                rule_uuid=str(row.uuid),
                name=values["name"],
                scope=row.scope,
                definition=values["definition"],
                active=row.active,
                actor=actor_of(request),
                now=now(),
            )
            return f"Rule {values['name']} has a new version, for sales closed from now on."

        back = self.url("change", key)
        return self.ask(
            request,
            form=form,
            title=f"Edit {row.name}",
            button="Save version",
            back=back,
            act=act,
            extra=self.beside(),
        )

    def switch(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Rule = self.find(key)
        return self.ask_why(
            request,
            row,
            rules.set_active,
            rule_uuid=str(row.uuid),
            active=not row.active,
            word="Switch off" if row.active else "Switch on",
            text="It counts for sales closed from now on; what it gave stays.",
            told=f"Rule {row.name} is {'off' if row.active else 'on'} for sales closed from now on.",
            danger=row.active,
        )

    def try_out(self, request: HttpRequest) -> HttpResponse:
        """Judge a sale by a draft; nothing is stored."""
        self.demand(request, self.permission("view"), self.permission("change"))
        ident = show.uuid_of(request.GET.get("rule", ""))
        given = Rule.objects.filter(uuid=ident).first() if ident else None
        initial: dict[str, Any] = FIRST
        if given:
            initial = loyalty_rule_form.initial_of(newest(given).definition, given.retailer, given.scope)

        def act(values: dict[str, Any]) -> HttpResponse:
            return self.show(request, tried(values, self.url("try")))

        return self.ask(
            request,
            form=TryForm(posted(request), initial=initial),
            title="Try a rule",
            button="Try it",
            back=self.url("changelist"),
            act=act,
            extra=self.beside(),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Rule = self.find(object_id, "retailer")
        zone, accounts = row.retailer.timezone, accounts_of(row.retailer_id)
        versions = list(row.versions.order_by("-number")[:50])
        buttons = []
        if self.may(request, self.permission("change")):
            buttons = [
                Button(text="Edit", url=self.url("edit", row.pk), tone="main"),
                Button(text="Try it…", url=f"{self.url('try')}?rule={row.uuid}"),
                Button(text="Switch off…" if row.active else "Switch on…", url=self.url("switch", row.pk)),
            ]
        history = Table(
            title="Versions",
            text="A sale is judged by the version in force when it was first closed.",
            headers=["Version", "In force from", "State", "What it does", "By"],
            rows=[
                [
                    str(one.number),
                    show.moment(one.in_force_from, zone),
                    "on" if one.active else "off",
                    sentence(one.definition, accounts),
                    one.created_by or show.NOTHING,
                ]
                for one in versions
            ],
        )
        awards = Figure(label="Given so far", value=show.count(row.awards.filter(reverses=None)[:100_000].count()))
        page = Page(
            title=row.name,
            subtitle=f"{Rule.Scope(row.scope).label}, {row.retailer.name}",
            chips=[state_chip(row)],
            buttons=buttons,
            blocks=[
                Facts(title="What it does", facts=[("In words", sentence(versions[0].definition, accounts))]),
                Figures(figures=[awards, Figure(label="Versions", value=str(versions[0].number))]),
                history,
            ],
        )
        return self.show(request, page)


def accounts_of(retailer_id: int) -> dict[str, str]:
    return {str(row.uuid): row.name for row in PointAccount.objects.filter(retailer_id=retailer_id)}


def state_chip(row: Rule) -> str:
    return show.chip("On", "good") if row.active else show.chip("Off", "warn")


def newest(row: Rule) -> RuleVersion:
    return row.versions.order_by("-number")[:1].get()


def tried(values: dict[str, Any], again: str) -> Page:
    """Return what a draft would give for a sale, with the reason of every rule."""
    shop: Retailer = values["retailer"]
    sale = saved_sale(shop, values["saved"]) if values["saved"] else made_sale(shop, values)
    definition = values["definition"]
    draft = RuleFacts(rule_id=0, version_id=0, name="The draft", scope=values["scope"], definition=definition)
    judged = [draft, *(rules.in_force(retailer_id=shop.pk, at=sale.closed_at) if values["beside"] else [])]
    result = outcomes.preview(member=member_of(shop, values["customer"]), sale=sale, rules=judged, now=now())
    accounts = accounts_of(shop.pk)
    points = [Figure(label=accounts.get(key, "Points"), value=f"{many:+,}") for key, many in result.points.items()]
    offers = [Figure(label="Offer", value=name) for name in result.offers]
    nothing = Figure(label="Points and offers", value="none")
    steps = [
        Step(
            ok=bool(line["applies"]),
            name=str(line["rule"]),
            needed=TRIGGERS.get(line["trigger"], line["trigger"]),
            actual=f"{show.amount(line['spend'], shop.currency)} counts",
            hint=show.reason(line["why_not"]) if line["why_not"] else f"{len(line['wanted'])} outcomes",
        )
        for line in result.trace
    ]
    return Page(
        title="What would happen",
        subtitle="Nothing has been stored.",
        buttons=[Button(text="Try another", url=again)],
        blocks=[
            Facts(facts=[("The draft", sentence(definition, accounts))]),
            Figures(title="It would give", figures=[*points, *offers] or [nothing]),
            Checklist(title="Why", steps=steps, empty="No rule looked at it."),
        ],
    )


def member_of(shop: Retailer, text: str) -> Member | None:
    if not text.strip():
        return None
    keys = [*lookups.customer_ids(text), *member_pages.ids(text.strip())]
    found = Member.objects.filter(retailer=shop, customer_id__in=keys).select_related("customer", "retailer").first()
    if found is None:
        raise InvalidPayload("No member of this retailer has that id.", field="customer")
    return found


def saved_sale(shop: Retailer, text: str) -> Sale:
    heads = Transaction.objects.filter(retailer=shop)
    head = heads.filter(transaction_id=text).first() or heads.filter(receipt_code=text).first()
    rows = Revision.objects.select_related("transaction__store", "transaction__retailer")
    row = rows.filter(transaction=head).order_by("-number").first() if head else None
    if row is None:
        raise InvalidPayload("This retailer has no such transaction.", field="saved")
    zone = row.transaction.store.timezone or shop.timezone
    sale = transaction_shape.read(row.payload, zone=show.zone(zone), currency=shop.currency)
    items = item_facts.read(retailer_id=shop.pk, item_ids=[line.item_id for line in sale.lines])
    return transaction_rewards.as_rules_see_it(row, sale, amounts={}, items=items)


def made_sale(shop: Retailer, values: dict[str, Any]) -> Sale:
    lines = []
    for number, text in enumerate(filter(str.strip, values["lines"].splitlines()), 1):
        item, quantity, amount, category = [*(part.strip() for part in text.split(",")), "", "", "", ""][:4]
        try:
            lines.append(
                SaleLine(
                    line_id=str(number),
                    item_id=item,
                    quantity=Decimal(quantity or "1"),
                    subtotal=to_minor(Decimal(amount or "0"), shop.currency),
                    category=category,
                )
            )
        except (InvalidOperation, ValueError, OverflowError) as error:
            raise InvalidPayload(f"Line {number} should be item, quantity, amount, category.", field="lines") from error
    if not lines:
        raise InvalidPayload("Name a sale that was sent, or write one by hand.", field="lines")
    return Sale(
        occasion="try",
        revision=1,
        closed_at=now(),
        modified_at=now(),
        store="",
        timezone=shop.timezone,
        currency=shop.currency,
        channel=values["channel"],
        subtotal=sum(line.subtotal for line in lines),
        lines=tuple(lines),
    )
