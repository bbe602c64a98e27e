"""The three roles of the back office and what each may do; kept as Django groups, so that nothing but them decides."""

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

MARKETER, REVIEWER, ADMIN = "marketer", "reviewer", "admin"
NAMES = {MARKETER: "Marketer", REVIEWER: "Reviewer", ADMIN: "Admin"}

# What all staff may look at: what is on offer, and what became of it.
SEEN = {
    "offers": [
        "campaign",
        "voucher",
        "promotiontier",
        "validationrule",
        "ruleassignment",
        "category",
        "customer",
        "product",
        "sku",
        "productcollection",
        "asyncaction",
        "store",
        "offer",
        "useroffer",
        "channel",
        "sessioncampaign",
    ],
    "checkout": ["redemption", "order", "locksession", "validation", "transaction", "authorization"],
    "loyalty": ["rule", "tiersystem"],
    "admission": ["distribution", "admission", "flag"],
}
# What a marketer looks after. Nothing here is deleted but rules, their assignments and product collections:
# the rest is disabled or archived, because history points to it.
MANAGED = (
    "campaign",
    "voucher",
    "offer",
    "promotiontier",
    "validationrule",
    "category",
    "customer",
    "product",
    "sku",
    "sessioncampaign",
)
REMOVABLE = ("validationrule", "ruleassignment", "productcollection")
WATCHED = {
    "offers": ("auditentry",),
    "ledger": ("counter", "hold", "entry"),
    "outbox": ("endpoint", "event", "delivery"),
}


def permissions_of(role: str) -> set[str]:
    """Return what a role may do, as "app.codename"."""
    granted = {f"{app}.view_{model}" for app, models in SEEN.items() for model in models}
    if role in {MARKETER, ADMIN}:
        for model in (*MANAGED, *REMOVABLE):
            granted |= {f"offers.add_{model}", f"offers.change_{model}"}
        granted |= {f"offers.delete_{model}" for model in REMOVABLE} | {
            f"loyalty.{verb}_{model}" for verb in ("add", "change") for model in ("rule", "tiersystem")
        }
        granted |= {"admission.add_distribution", "admission.change_distribution"}
    if role in {REVIEWER, ADMIN}:
        granted |= {"checkout.rollback_redemption", "checkout.release_locksession", "offers.view_auditentry"}
        granted |= {"offers.change_useroffer", "checkout.change_transaction"}
        granted |= {"checkout.change_authorization", "admission.change_admission"}
    if role == ADMIN:
        granted |= {f"{app}.view_{model}" for app, models in WATCHED.items() for model in models}
        granted |= {
            f"offers.{verb}_{model}"
            for verb in ("view", "add", "change")
            for model in ("client", "retailer", "store", "channel", "signingkey")
        }
        granted |= {f"outbox.{verb}_endpoint" for verb in ("add", "change", "delete")} | {"outbox.change_delivery"}
        granted |= {f"auth.{verb}_user" for verb in ("view", "add", "change")}
    return granted


def sync() -> None:
    """Make the three groups hold exactly what is written here; safe to run again, and after every new model."""
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0)
    for role in NAMES:
        wanted = Q(pk__in=[])
        for permission in permissions_of(role):
            app, _, codename = permission.partition(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(Permission.objects.filter(wanted))
