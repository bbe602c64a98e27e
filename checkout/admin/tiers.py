"""Tier systems: made and changed whole; each with its levels in order and the rules that hold on each."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join

from checkout.admin import loyalty_words
from checkout.admin.tier_form import DEMOTIONS, METRICS, TierForm, fresh
from loyalty import tier_systems
from loyalty.models import MemberTier, Rule, RuleVersion, TierLevel, TierSystem
from offers.admin import show
from offers.admin.filters import RetailerFilter
from offers.admin.office import ReadOnlyAdmin, View, actor_of, now, posted
from offers.admin.page import Block, Button, Facts, Page, Table


@admin.register(TierSystem)
class TierSystemAdmin(ReadOnlyAdmin):
    called = ("tier system", "tier systems")
    list_display = ("name", "levels_", "demotion_", "state", "retailer")
    list_filter = (RetailerFilter,)
    list_select_related = ("retailer",)
    search_fields = ("name", "key")
    nothing_text = "No tier system yet. Members rise in one by their points or purchases."

    def prepared(self, rows: list[TierSystem]) -> list[TierSystem]:
        levels = TierLevel.objects.filter(system__in=rows).order_by("rank")
        for row in rows:
            row.names = [level.name for level in levels if level.system_id == row.pk]  # type: ignore[attr-defined]
        return rows

    @display(description="Levels")
    def levels_(self, row: TierSystem) -> str:
        return " → ".join(row.names)  # type: ignore[attr-defined]

    @display(description="Falling")
    def demotion_(self, row: TierSystem) -> str:
        return DEMOTIONS[TierSystem.Demotion(row.demotion)].capitalize()

    @display(description="State")
    def state(self, row: TierSystem) -> str:
        return switched(row)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.permission("add"))

    def pages(self) -> dict[str, View]:
        return {"<id>/edit": self.edit}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = TierForm(posted(request))
        del form.fields["reason"], form.fields["active"]

        def act(values: dict[str, Any]) -> str:
            taken = set(TierSystem.objects.filter(retailer=values["retailer"]).values_list("key", flat=True))
            made = tier_systems.create(
                retailer_id=values["retailer"].pk,
                key=fresh(values["name"], taken),
                name=values["name"],
                levels=form.levels(),
                demotion=values["demotion"],
                review_months=values["review_months"],
                actor=actor_of(request),
                now=now(),
            )
            return f"{made.name} has been made.\n{self.url('change', made.pk)}"

        return self.ask(
            request, form=form, title="New tier system", button="Create", back=self.url("changelist"), act=act
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("view"), self.permission("change"))
        row: TierSystem = self.find(key)
        said = tier_systems.facts(row)
        initial = {name: said[name] for name in ("name", "demotion", "review_months", "active")}
        form = TierForm(
            posted(request), levels=said["levels"], initial={**initial, "version": tier_systems.version(row)}
        )
        del form.fields["retailer"]

        def act(values: dict[str, Any]) -> str:
            tier_systems.update(
                retailer_id=row.retailer_id,
                uuid=str(row.uuid),
                name=values["name"],
                levels=form.levels(),
                demotion=values["demotion"],
                review_months=values["review_months"],
                active=values["active"],
                seen=values["version"],
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return f"{values['name']} has been saved."

        return self.ask(
            request,
            form=form,
            title=f"Edit {row.name}",
            text="Members keep their levels: they rise by new conditions at their next purchase, and fall at a review.",
            button="Save",
            back=self.url("change", key),
            act=act,
        )

    def page(self, request: HttpRequest, key: Any) -> Page:
        row: TierSystem = self.find(key, "retailer")
        levels = list(row.levels.order_by("rank"))
        held = MemberTier.objects.filter(system=row).values("level_id").annotate(members=Count("id"))
        members = {one["level_id"]: one["members"] for one in held}
        versions = newest_versions(row)
        blocks: list[Block] = [
            Facts(
                facts=[
                    ("Reviewed every", f"{row.review_months} months"),
                    ("Falling", DEMOTIONS[TierSystem.Demotion(row.demotion)].capitalize()),
                ]
            ),
            Table(
                title="Levels and their rules",
                text="Economy rules hang on levels; a rule that names none holds on every level.",
                headers=["Level", "Key", "Enter with", "Keep with", "Members", "Rules"],
                rows=[
                    [
                        level.name,
                        show.mono(f"{row.key}/{level.key}"),
                        asked(level.entry) or "everybody",
                        asked(level.maintenance) or show.NOTHING,
                        show.count(members.get(level.pk, 0)),
                        rules_of(level, versions),
                    ]
                    for level in levels
                ],
            ),
        ]
        may = self.may(request, self.permission("change"))
        return Page(
            title=row.name,
            subtitle=f"Tier system, {row.retailer.name}",
            chips=[switched(row)],
            buttons=[Button(text="Edit", url=self.url("edit", row.pk), tone="main")] if may else [],
            blocks=blocks,
        )


def switched(row: TierSystem) -> str:
    return show.chip("In use", "good") if row.active else show.chip("Off", "warn")


def newest_versions(system: TierSystem) -> list[RuleVersion]:
    """Return the newest version of every rule of a programme that is switched on."""
    found = (
        RuleVersion.objects.filter(rule__retailer_id=system.retailer_id, rule__active=True)
        .filter(rule__scope=Rule.Scope.ECONOMY)
        .select_related("rule")
        .order_by("rule_id", "-number")
        .distinct("rule_id")
    )
    return [one for one in found if one.definition.get("tier_system") in (None, "", system.key)]


def rules_of(level: TierLevel, versions: list[RuleVersion]) -> str:
    """Return links to the rules that hold on a level, each with what it does."""
    there = [one for one in versions if not one.definition.get("levels") or level.key in one.definition["levels"]]
    lines = ((show.to_page(one.rule), loyalty_words.sentence(one.definition, {})) for one in there)
    return format_html_join("", "<div>{}: {}</div>", lines) or show.NOTHING


def asked(condition: dict[str, Any] | None) -> str:
    """Say what a level asks for."""
    if not condition:
        return ""
    metric = METRICS.get(str(condition.get("metric")), str(condition.get("metric")).replace("_", " "))
    within = f" in {condition['period_months']} months" if condition.get("period_months") else ""
    op = str(condition.get("op", ">="))
    return f"{loyalty_words.COMPARED.get(op, op)} {condition.get('value')} {metric}{within}"
