"""What was redeemed at once and whose sale never came is given back."""

from datetime import timedelta

import pytest

from checkout import redeem_orphans
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer, UserOffer, UserOfferEvent
from tests.api.sessionm.client import Till
from tests.api.sessionm.sales import sale
from tests.api.sessionm.wallets import asks, basket, in_wallet


@pytest.mark.django_db
def test_a_redemption_whose_sale_never_came_is_given_back(shop_a: Retailer) -> None:
    till = Till(shop_a)
    orphan, sent, young = in_wallet(shop_a), in_wallet(shop_a), in_wallet(shop_a)
    by_hand = in_wallet(shop_a, "manual_fulfillment")
    given = {}
    for entry, name in ((orphan, "t1"), (sent, "t2"), (young, "t3")):
        given[name] = till.pos("redeem", asks(entry, basket("10", transaction_id=name)))["payload"]
    till.offer("offers/redemption/manual_redeem", user_offer_id=str(by_hand.uuid))
    till.pos("send_transaction", sale("t2", "10.00", discounts=[given["t2"]]))
    day = timedelta(hours=24)
    UserOffer.objects.exclude(pk=young.pk).update(redeemed_at=clock.now() - day)
    assert redeem_orphans.give_back_orphans(actor=SYSTEM, now=clock.now()) == 1
    states = {entry.pk: entry.status for entry in UserOffer.objects.all()}
    assert [states[entry.pk] for entry in (orphan, sent, young, by_hand)] == [1, 2, 2, 2]
    assert redeem_orphans.give_back_orphans(actor=SYSTEM, now=clock.now()) == 0
    told = UserOfferEvent.objects.get(user_offer=orphan, kind="reinstated")
    assert told.reason == "its transaction never arrived"
