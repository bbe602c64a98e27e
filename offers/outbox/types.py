"""The kinds of events there are, as the wire names them."""

_OF_CAMPAIGN = ("created", "updated", "deleted", "enabled", "disabled")
_ENDS = ("completed", "left", "denied", "expired")  # of an entry, or of the admission it led to

TYPES = (
    "redemption.succeeded",
    "redemption.failed",
    "redemption.rollback.succeeded",
    *(f"voucher.{what}" for what in _OF_CAMPAIGN),
    "voucher.gift.balance_added",
    "voucher.loyalty_card.points_added",
    *(f"campaign.{what}" for what in _OF_CAMPAIGN),
    "campaign.vouchers.added",
    *(f"campaign.vouchers.generation.{what}" for what in ("started", "completed", "failed")),
    *(f"campaign.promotion_tier.{what}" for what in _OF_CAMPAIGN),
    *(f"customer.{what}" for what in ("created", "updated", "deleted")),
    *(f"business_validation_rule.{what}" for what in ("created", "updated", "deleted")),
    *(f"queue.consumer.{what}" for what in ("entered", "admitted", *_ENDS)),
    *(f"draw.consumer.{what}" for what in ("entered", "won", "lost", *_ENDS)),
    "draw.completed",
    *(f"auction.bid.{what}" for what in ("placed", "outbid")),
    *(f"auction.consumer.{what}" for what in ("won", *_ENDS)),
    "auction.settled",
    *(f"order.{what}" for what in ("created", "completed", "cancelled")),
    *(f"business_validation_rule.assignment.{what}" for what in ("created", "deleted")),
)
