"""Every address of the offer, POS and loyalty families: one list per resource."""

from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from checkout.api.sessionm import lookup, loyalty, offers, pos, reward_store, transactions, user_offers
from checkout.api.sessionm.envelope import Nowhere

urlpatterns = [
    *lookup.urlpatterns,
    *loyalty.urlpatterns,
    *offers.urlpatterns,
    *pos.urlpatterns,
    *reward_store.urlpatterns,
    *transactions.urlpatterns,
    *user_offers.urlpatterns,
    # The last one: what nobody above answers.
    re_path(r"^(?:api/2\.0|incentives/api/1\.0)(?:/|$)", csrf_exempt(Nowhere.as_view())),
]
