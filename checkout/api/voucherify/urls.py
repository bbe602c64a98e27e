"""Every address under /v1, one list per resource."""

from checkout.api.voucherify import customers, redemptions, sessions, validations

# Longer routes first: a code may hold slashes (see common/paths.py).
urlpatterns = [
    *validations.urlpatterns,
    *sessions.urlpatterns,
    *redemptions.urlpatterns,
    *customers.urlpatterns,
]
