"""Tier systems: each with its levels in order, how one enters and keeps them, and the rules that hold on each."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count
from django.http import HttpRequest
from django.utils.html import format_html_join

from checkout.admin import loyalty_words
from loyalty.models import MemberTier, Rule, RuleVersion, TierLevel, TierSystem
from offers.admin import show
from offers.admin.filters import RetailerFilter
from offers.admin.office import ReadOnlyAdmin
from offers.admin.page import Block, Facts, Page, Table

METRICS = {"lifetime_points": "points ever earned", "period_points": "points earned", "spend": "money spent"}
DEMOTIONS = {
    TierSystem.Demotion.NONE: "nobody falls",
    TierSystem.Demotion.ONE_LEVEL: "who does not keep a level falls by one",
    TierSystem.Demotion.TO_QUALIFIED: "who does not keep a level falls to the one he qualifies for",
}


@admin.register(TierSystem)
class TierSystemAdmin(ReadOnlyAdmin):
    called = ("tier system", "tier systems")
    list_display = ("name", "levels_", "demotion_", "retailer")
    list_filter = (RetailerFilter,)
    list_select_related = ("retailer",)
    search_fields = ("name", "key")
    nothing_text = "No tier system yet. manage.py configure makes them: docs/loyalty.md."

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
                headers=["Level", "Enter with", "Keep with", "Members", "Rules"],
                rows=[
                    [
                        level.name,
                        asked(level.entry) or "everybody",
                        asked(level.maintenance) or show.NOTHING,
                        show.count(members.get(level.pk, 0)),
                        rules_of(level, versions),
                    ]
                    for level in levels
                ],
            ),
        ]
        return Page(title=row.name, subtitle=f"Tier system, {row.retailer.name}", blocks=blocks)


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
