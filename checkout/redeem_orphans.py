"""Redemptions whose sale never came: what a till used at once is given back after the retailer's hours."""

from datetime import datetime

from django.db import connection

from offers import user_offers
from offers.lib.actors import Actor
from offers.retailer_settings import Settings

_ORPHANS = """
SELECT u.id FROM (
    SELECT id, %(now)s - make_interval(
        hours => coalesce((settings ->> 'redeem_orphan_hours')::int, %(default)s)
    ) AS late
    FROM offers_retailer
) r
JOIN offers_useroffer u ON u.retailer_id = r.id AND u.status = 2
    -- What is older was looked at many times.
    AND u.redeemed_at <= r.late AND u.redeemed_at > r.late - interval '14 days'
JOIN offers_store s ON s.retailer_id = r.id AND s.uuid::text = left(u.redeemed_in, 36)
WHERE NOT EXISTS (
      SELECT 1 FROM checkout_transaction t
      WHERE t.store_id = s.id AND t.transaction_id = substr(u.redeemed_in, 38) AND t.first_closed_at IS NOT NULL
  )
ORDER BY u.redeemed_at LIMIT %(most)s
"""


def give_back_orphans(*, actor: Actor, now: datetime, most: int = 500) -> int:
    """Reinstate what was redeemed at once and whose closed transaction has not come within the retailer's hours.

    Returns how many. What was redeemed by hand waits for no transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ORPHANS, {"now": now, "default": Settings().redeem_orphan_hours, "most": most})
        found = [row[0] for row in cursor.fetchall()]
    given_back = 0
    for pk in found:
        try:
            user_offers.reinstate(user_offer_id=pk, actor=actor, now=now, reason="its transaction never arrived")
            given_back += 1
        except user_offers.NotRedeemed:  # somebody else was quicker
            continue
    return given_back
