"""Promotion tiers with what they have brought: used, locked, money; their newest redemptions and changes."""

from django.contrib import admin

from checkout import tier_summary
from checkout.admin import history, timeline
from checkout.models import LockSession, Redemption
from offers.admin import promotions, show
from offers.admin.office import now
from offers.admin.page import Block, Figure, Figures
from offers.models import PromotionTier


@admin.register(PromotionTier)
class PromotionTierAdmin(promotions.PromotionTierAdmin):
    def figures(self, row: PromotionTier) -> list[Block]:
        brought, currency = tier_summary.of([row])[row.pk], row.retailer.currency
        mine = LockSession.objects.filter(object="promotion_tier", object_id=row.pk, created_at__lte=now())
        live = mine.filter(state=LockSession.State.LIVE, expires_at__gt=now()).values_list("discount_amount", flat=True)
        held = list(live)
        figures = [
            Figure(label="Used", value=show.count(brought.total_redeemed)),
            Figure(
                label="Locked now",
                value=show.count(len(held)),
                note="in carts",
                url=show.list_of(LockSession, code=row.public_id),
            ),
            Figure(label="Spent", value=show.amount(brought.discount_amount, currency)),
            Figure(label="Held by locks", value=show.amount(sum(held), currency)),
            Figure(label="Orders", value=show.amount(brought.orders_amount, currency)),
        ]
        return [Figures(figures=figures)]

    def history(self, row: PromotionTier) -> list[Block]:
        newest = history.slim(Redemption.objects.filter(tier=row)).order_by("-id")[: history.SHOWN]
        table = history.table(newest, title="Newest redemptions", empty="No order has got it yet.", without=["Code"])
        return [table, timeline.of_tier(row)]
