"""Campaigns with what was redeemed, locked and refused of them."""

from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse

from checkout.admin import campaign_figures, history, timeline
from checkout.models import Redemption
from offers.admin import campaign_facts, campaigns, show
from offers.admin.campaign_form import Kind
from offers.admin.page import Block, Button, Table
from offers.models import Campaign

REASONS_FROM = 2_000


def refusals(row: Campaign) -> list[tuple[str, int]]:
    """Return the reasons of the newest refusals, most frequent first."""
    newest = Redemption.objects.filter(campaign=row, succeeded=False).order_by("-id").values("pk")[:REASONS_FROM]
    grouped = Redemption.objects.filter(pk__in=newest).values_list("failure_code", "ran_out")
    counted = grouped.annotate(times=Count("pk")).order_by("-times")[:5]
    return [(show.reason(code, full), times) for code, full, times in counted]


@admin.register(Campaign)
class CampaignAdmin(campaigns.CampaignAdmin):
    def figures(self, request: HttpRequest, row: Campaign) -> list[Block]:
        found = campaign_figures.blocks(row, budgeted=campaign_facts.budget(row))
        return [*found, self.tiers(request, row)] if row.campaign_type == Kind.PROMOTION else found

    def tiers(self, request: HttpRequest, row: Campaign) -> Table:
        return Table(
            title="Promotion tiers",
            headers=["Place", "Tier", "Worth"],
            rows=[
                [str(tier.hierarchy), show.to_page(tier), show.discount(tier.discount, row.retailer.currency)]
                for tier in row.tiers.filter(deleted_at__isnull=True).order_by("hierarchy")[:100]
            ],
            empty="No tiers yet: a promotion gives nothing without one.",
            more=self.new_tier(request, row),
        )

    def history(self, row: Campaign) -> list[Block]:
        reasons = Table(
            title="Why it was refused",
            headers=["Reason", "How often lately"],
            rows=[[words, show.count(times)] for words, times in refusals(row)],
            empty="No redemption of it has been refused.",
            wide=False,
            more=Button(
                text="Open the refusals", url=show.list_of(Redemption, campaign=row.public_id, result="failed")
            ),
        )
        newest = history.slim(Redemption.objects.filter(campaign=row)).order_by("-id")[: history.SHOWN]
        table = history.table(
            newest,
            title="Newest redemptions",
            empty="Nobody has redeemed it yet.",
            more=show.list_of(Redemption, campaign=row.public_id),
        )
        return [reasons, table, timeline.of_campaign(row)]

    def new_tier(self, request: HttpRequest, row: Campaign) -> Button | None:
        if row.archived_at or not self.may(request, "offers.add_promotiontier"):
            return None
        url = reverse("admin:offers_promotiontier_add")
        return Button(text="Add a tier…", url=f"{url}?{urlencode({'campaign': row.public_id})}")
