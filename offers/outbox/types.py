"""The kinds of events there are, as the wire names them."""

_OF_CAMPAIGN = ("created", "updated", "deleted", "enabled", "disabled")

TYPES = (
    "redemption.succeeded",
    "redemption.failed",
    "redemption.rollback.succeeded",
    *(f"voucher.{what}" for what in _OF_CAMPAIGN),
    "voucher.gift.balance_added",
    *(f"campaign.{what}" for what in _OF_CAMPAIGN),
    "campaign.vouchers.added",
    *(f"campaign.vouchers.generation.{what}" for what in ("started", "completed", "failed")),
    *(f"campaign.promotion_tier.{what}" for what in _OF_CAMPAIGN),
    *(f"customer.{what}" for what in ("created", "updated", "deleted")),
    *(f"business_validation_rule.{what}" for what in ("created", "updated", "deleted")),
    *(f"draw.{what}" for what in ("consumer.entered", "consumer.won", "consumer.lost", "completed")),
    *(f"auction.{what}" for what in ("bid.placed", "bid.outbid", "consumer.won", "settled")),
    *(f"business_validation_rule.assignment.{what}" for what in ("created", "deleted")),
)
