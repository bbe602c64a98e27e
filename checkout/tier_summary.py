"""What promotion tiers have brought: redemptions that stand, and the orders behind them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Sum

from checkout.models import Redemption
from offers.models import PromotionTier


@dataclass(frozen=True, slots=True)
class TierSummary:
    """Rolled back redemptions don't count. Amounts in cents."""

    total_redeemed: int = 0
    orders_amount: int = 0
    discount_amount: int = 0


def of(tiers: Iterable[PromotionTier]) -> dict[int, TierSummary]:
    """Return each tier's summary by its key; one statement."""
    keys = [tier.pk for tier in tiers]
    standing = Redemption.objects.filter(
        tier__in=keys, kind=Redemption.Kind.REDEMPTION, succeeded=True, rolled_back_at=None
    )
    rows = standing.values_list("tier_id").annotate(Count("id"), Sum("order__amount"), Sum("discount_amount"))
    found = {key: TierSummary(count, int(amount or 0), int(discount or 0)) for key, count, amount, discount in rows}
    return {key: found.get(key, TierSummary()) for key in keys}
