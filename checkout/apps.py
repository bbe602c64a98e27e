"""The checkout app: what a shop's checkout does with offers."""

from django.apps import AppConfig


class CheckoutConfig(AppConfig):
    name = "checkout"
    label = "checkout"
    verbose_name = "Checkout"

    def ready(self) -> None:
        from checkout.api.admission import webhooks as admission_webhooks
        from checkout.api.voucherify import webhooks

        webhooks.register()
        admission_webhooks.register()
