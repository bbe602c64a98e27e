"""Every address under /v1 and /client/v1, one list per resource; looked through from the top, so hot ones first.

Inside a module longer routes stand before shorter ones, because codes may hold slashes (common/paths.py).
"""

from django.urls import URLPattern

from checkout.api.voucherify import customers

urlpatterns: list[URLPattern] = [
    *customers.urlpatterns,
]

# /client/v1: what a checkout page may do; a module names its list `client_urlpatterns`.
client_urlpatterns: list[URLPattern] = []
