"""The pages' addresses, under /shop/."""

from django.urls import path

from checkout.api.pages import checkout, waiting

urlpatterns = [
    path("waiting/<str:uuid>/", waiting.page, name="shop-waiting"),
    path("waiting/<str:uuid>/status", waiting.status_json, name="shop-waiting-status"),
    path("waiting/<str:uuid>/join", waiting.join, name="shop-waiting-join"),
    path("waiting/<str:uuid>/leave", waiting.leave, name="shop-waiting-leave"),
    path("waiting/<str:uuid>/checkout", waiting.to_checkout, name="shop-waiting-checkout"),
    path("waiting/<str:uuid>/handoffs", waiting.hand_over, name="shop-waiting-handoffs"),
    path("checkout/", checkout.page, name="shop-checkout"),
    path("checkout/claim", checkout.claim, name="shop-checkout-claim"),
    path("checkout/pay", checkout.pay, name="shop-checkout-pay"),
    path("checkout/give-up", checkout.give_up, name="shop-checkout-give-up"),
]
