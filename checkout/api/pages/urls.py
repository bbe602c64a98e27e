"""The pages' addresses, under /shop/."""

from django.urls import path

from checkout.api.pages import checkout, sign_in, storefront, waiting

urlpatterns = [
    path("", storefront.products, name="shop"),
    path("products/<path:sku>/", storefront.product, name="shop-product"),
    path("offers", storefront.offers, name="shop-offers"),
    path("cart/", storefront.cart, name="shop-cart"),
    path("cart/add", storefront.add, name="shop-add"),
    path("cart/code", storefront.code, name="shop-code"),
    path("cart/uncode", storefront.uncode, name="shop-uncode"),
    path("cart/order", storefront.order, name="shop-order"),
    path("login/", sign_in.login, name="shop-login"),
    path("logout/", sign_in.logout, name="shop-logout"),
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
