"""Every address under /v1, one list per resource."""

from checkout.api.voucherify import (
    customers,
    orders,
    products,
    promotions,
    redemptions,
    sessions,
    validation_rules,
    validations,
)

# Longer routes first: a code may hold slashes (see common/paths.py).
urlpatterns = [
    *validations.urlpatterns,
    *sessions.urlpatterns,
    *redemptions.urlpatterns,
    *customers.urlpatterns,
    *orders.urlpatterns,
    *products.urlpatterns,
    *promotions.urlpatterns,
    *validation_rules.urlpatterns,
]
