"""Every address under /admission/v1, one list per resource."""

from checkout.api.admission import (
    admissions,
    auctions,
    draws,
    experiences,
    guests,
    handoffs,
    orders,
    queues,
    reservations,
)

urlpatterns = [
    *guests.urlpatterns,
    *experiences.urlpatterns,
    *queues.urlpatterns,
    *auctions.urlpatterns,
    *draws.urlpatterns,
    *admissions.urlpatterns,
    *handoffs.urlpatterns,
    *reservations.urlpatterns,
    *orders.urlpatterns,
]
