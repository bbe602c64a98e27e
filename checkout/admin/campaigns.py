"""Campaigns with what was redeemed, locked and refused of them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet

from checkout.admin import history
from checkout.models import LockSession, Redemption
from offers.admin import campaigns, show
from offers.admin.campaign_form import Kind, Type
from offers.admin.office import now
from offers.admin.page import Block, Button, Figure, Table
from offers.ledger import counters
from offers.models import Campaign, Voucher
from offers.vouchers import USES

COUNTED = 100_000  # beyond, a figure says "more than": counting a million rows takes a second
REASONS_FROM = 2_000


def bounded(rows: QuerySet[Any]) -> tuple[int, str]:
    """Return a count and its words, counted only so far."""
    found = rows[: COUNTED + 1].count()
    return found, show.count(found) if found <= COUNTED else f"more than {COUNTED:,}"


def refusals(row: Campaign) -> list[tuple[str, int]]:
    """Return the reasons of the newest refusals, most frequent first."""
    newest = Redemption.objects.filter(campaign=row, succeeded=False).order_by("-id").values("pk")[:REASONS_FROM]
    counted = Redemption.objects.filter(pk__in=newest).values_list("failure_code").annotate(times=Count("pk"))
    return [(show.reason(code), times) for code, times in counted.order_by("-times")[:5]]


@admin.register(Campaign)
class CampaignAdmin(campaigns.CampaignAdmin):
    def uses(self, row: Campaign) -> list[Figure]:
        done = Redemption.objects.filter(
            campaign=row, kind=Redemption.Kind.REDEMPTION, succeeded=True, rolled_back_at__isnull=True
        )
        used, used_said = bounded(done)
        live = LockSession.objects.filter(state=LockSession.State.LIVE, expires_at__gt=now(), campaign_id=row.pk)
        held, held_said = bounded(live)
        url = show.list_of(Redemption, campaign=row.public_id)
        figures = [
            Figure(label="Used", value=used_said, url=url),
            Figure(label="Locked now", value=held_said, note="in carts"),
        ]
        if row.campaign_type == Kind.PROMOTION:
            return figures
        if row.type == Type.STANDALONE:
            voucher = row.vouchers.filter(deleted_at__isnull=True).first()
            said, url = (voucher.code, show.page_of(Voucher, voucher.pk)) if voucher else (show.NOTHING, "")
        else:
            said, url = show.count(row.vouchers_count), show.list_of(Voucher, campaign=row.public_id)
        codes = Figure(label="The code" if row.type == Type.STANDALONE else "Codes", value=said, url=url)
        return [codes, *figures, Figure(label="Left", value=self.left(row, used, held))]

    def left(self, row: Campaign, used: int, held: int) -> str:
        """Return the uses left: of one public code from the ledger, of a pool from its size."""
        if row.type == Type.STANDALONE:
            voucher = Voucher.objects.filter(campaign=row, deleted_at__isnull=True).first()
            if voucher is None or voucher.redemption_limit is None:
                return show.ENDLESS
            state = counters.state(counters.Name(kind=USES, owner=voucher.pk), now=now()) or counters.UNTOUCHED
            return show.count(max(0, voucher.redemption_limit - state.settled - state.held))
        if row.redemption_limit is None:
            return show.ENDLESS
        if used > COUNTED:
            return show.NOTHING
        return show.count(max(0, row.vouchers_count * row.redemption_limit - used - held))

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
        tiers = Table(
            title="Promotion tiers",
            headers=["Place", "Tier", "Worth"],
            rows=[
                [str(tier.hierarchy), show.to_page(tier), show.discount(tier.discount, row.retailer.currency)]
                for tier in row.tiers.filter(deleted_at__isnull=True).order_by("hierarchy")[:100]
            ],
            empty="No tiers yet.",
        )
        newest = history.slim(Redemption.objects.filter(campaign=row)).order_by("-id")[: history.SHOWN]
        table = history.table(
            newest,
            title="Newest redemptions",
            empty="Nobody has redeemed it yet.",
            more=show.list_of(Redemption, campaign=row.public_id),
        )
        return [*([tiers] if row.campaign_type == Kind.PROMOTION else []), reasons, table]
