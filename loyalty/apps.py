"""The loyalty app: members, points, tiers and the rules that reward purchases."""

from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    name = "loyalty"
    label = "loyalty"
    verbose_name = "Loyalty"
