"""Loyalty rules: what each will do in plain words, its versions, and trying a draft on a sale with nothing stored."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from checkout.admin import loyalty_rule_form, loyalty_trials
from checkout.admin.loyalty_rule_form import GUIDANCE, ChangeRuleForm, RuleForm
from checkout.admin.loyalty_words import sentence
from loyalty import rule_terms, rules
from loyalty.models import Rule, RuleVersion
from offers.admin import show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import OfficeAdmin, View, actor_of, now, posted
from offers.admin.page import Button, Facts, Figure, Figures, Page, Table

Rows = QuerySet[Rule]
# What a new form begins with: the commonest rule.
FIRST: dict[str, Any] = {"outcome_1": "points_per", "rate_1": "1", "unit_1": "1.00", "basis_1": "eligible_spend"}


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
            accounts, named = (
                (loyalty_trials.accounts_of(shop.pk), loyalty_rule_form.offers_named(shop, said)) if shop else ({}, {})
            )
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
        stored = newest(row).definition
        shown = loyalty_rule_form.initial_of(stored, row.retailer, row.scope)
        sent = posted(request)
        if sent is not None:  # whose rule it is, and of which kind, never changes
            sent = sent.copy()
            sent["retailer"], sent["scope"] = str(row.retailer_id), row.scope
        form = ChangeRuleForm(sent, stored=stored, initial={**shown, "name": row.name})

        def act(values: dict[str, Any]) -> str:
            rules.save(
                retailer_id=row.retailer_id,
                rule_uuid=str(row.uuid),
                name=values["name"],
                scope=row.scope,
                definition=values["definition"],
                active=row.active,
                reason=values["reason"],
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
            return self.show(request, loyalty_trials.tried(values, self.url("try")))

        return self.ask(
            request,
            form=loyalty_trials.TryForm(posted(request), initial=initial),
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
        zone, accounts = row.retailer.timezone, loyalty_trials.accounts_of(row.retailer_id)
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


def state_chip(row: Rule) -> str:
    return show.chip("On", "good") if row.active else show.chip("Off", "warn")


def newest(row: Rule) -> RuleVersion:
    return row.versions.order_by("-number")[:1].get()
