"""Every address under /v1, one list per resource."""

from checkout.api.voucherify import (
    async_actions,
    campaigns,
    categories,
    customers,
    orders,
    products,
    promotion_validations,
    promotions,
    redemptions,
    rule_validations,
    sessions,
    single,
    validation_rules,
    validations,
    voucher_balances,
    vouchers,
)

# Longer routes first: a code may hold slashes (see common/paths.py).
urlpatterns = [
    *validations.urlpatterns,
    *sessions.urlpatterns,
    *redemptions.urlpatterns,
    *single.urlpatterns,
    *promotion_validations.urlpatterns,
    *customers.urlpatterns,
    *orders.urlpatterns,
    *products.urlpatterns,
    *promotions.urlpatterns,
    *rule_validations.urlpatterns,
    *validation_rules.urlpatterns,
    *campaigns.urlpatterns,
    *categories.urlpatterns,
    *async_actions.urlpatterns,
    *voucher_balances.urlpatterns,
    *vouchers.urlpatterns,
]
