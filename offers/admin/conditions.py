"""The conditions of a campaign, a code or a promotion tier: listed on its page, added and removed there."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from offers import rules
from offers.admin import fields, show
from offers.admin.office import OfficeAdmin, ReasonForm, View, actor_of, now, posted
from offers.admin.page import Button, Table
from offers.models import RuleAssignment, ValidationRule

ADD, REMOVE = "offers.add_ruleassignment", "offers.delete_ruleassignment"


class AssignForm(ReasonForm):
    rule = forms.ModelChoiceField(
        ValidationRule.objects.none(), widget=fields.select(), label="Condition", empty_label="Choose one"
    )
    sections = [("", "", ["rule", "reason"])]


class ConditionPages(OfficeAdmin):
    """Mixed into the pages of whatever conditions can bind."""

    # What adding one does, said before it is done.
    binds = "It holds from the next request on."

    def condition_pages(self) -> dict[str, View]:
        return {"<id>/assign": self.assign, "<id>/unassign": self.unassign}

    def may_bind(self, request: HttpRequest, row: Any) -> bool:
        """Say whether this person may change the conditions of a row, and whether it still has a future."""
        over = getattr(row, "archived_at", None) or getattr(row, "deleted_at", None)
        return not over and self.may(request, self.permission("change")) and self.may(request, REMOVE)

    def condition_table(self, request: HttpRequest, row: Any, *, empty: str, inherited: Any = None) -> Table:
        """Return the table; `inherited` is the campaign whose conditions hold as well."""
        may = self.may_bind(request, row)
        remove = self.url("unassign", row.pk)
        cells = [
            [
                show.to_page(one.rule),
                show.link("Remove…", format_html("{}?assignment={}", remove, one.public_id)) if may else "",
            ]
            for one in rules.of([row])[row.pk]
        ]
        if inherited is not None:
            of_campaign = show.to_page(inherited, "of the campaign")
            cells += [[show.to_page(one.rule), of_campaign] for one in rules.of([inherited])[inherited.pk]]
        return Table(
            title="Conditions",
            wide=False,
            headers=["All of these must be met", ""],
            rows=cells,
            empty=empty,
            more=Button(text="Add a condition…", url=self.url("assign", row.pk)) if may else None,
        )

    def assign(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask which condition to add."""
        self.demand(request, self.permission("change"), ADD)
        row = self.find(key)
        form = AssignForm(posted(request))
        known = ValidationRule.objects.filter(retailer_id=row.retailer_id).order_by("name")
        form.fields["rule"].queryset = known  # type: ignore[attr-defined]

        def act(values: dict[str, Any]) -> str:
            rules.assign(
                retailer_id=row.retailer_id,
                rule=values["rule"],
                target=row,
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return f"{row} now needs: {values['rule'].name}."

        return self.ask(
            request,
            form=form,
            title=f"Add a condition to {row}",
            text=self.binds if known.exists() else "There are no conditions yet. Make one under Rules, Conditions.",
            button="Add",
            back=self.url("change", key),
            act=act,
        )

    def unassign(self, request: HttpRequest, key: int) -> HttpResponse:
        """Ask whether to take a condition away."""
        self.demand(request, self.permission("change"), REMOVE)
        row = self.find(key)
        ident = request.GET.get("assignment", "")
        bound = RuleAssignment.objects.select_related("rule").filter(target=rules.TARGETS[type(row)], target_id=row.pk)
        found = bound.filter(public_id=ident).first() if "\x00" not in ident else None
        said = found.rule.name if found else "this condition"

        def act(reason: str) -> str:
            if found:
                rules.unassign(
                    retailer_id=row.retailer_id,
                    rule=found.rule,
                    ident=ident,
                    reason=reason,
                    actor=actor_of(request),
                    now=now(),
                )
            return f"{row} no longer needs: {said}."

        return self.ask_reason(
            request,
            key,
            act,
            title=f"Remove {said}?",
            text=f"{row} will work without it, from the next request on.",
            button="Remove",
            danger=True,
        )
