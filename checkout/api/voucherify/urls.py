"""Every address under /v1, one list per resource."""

from checkout.api.voucherify import customers

urlpatterns = [
    *customers.urlpatterns,
]
