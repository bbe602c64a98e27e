"""The back office as a whole: its menu, its first page, its colours."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, Sum
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from checkout.admin import history
from checkout.models import LockSession, Redemption
from offers.admin import jobs, show
from offers.admin.campaign_facts import BUDGET
from offers.admin.page import Block, Button, Figure, Figures, Table
from offers.ledger import counters
from offers.lib import clock
from offers.models import AsyncAction, Campaign, Retailer

# (group, [(title, icon, app, model)]); an entry is shown to those who may look at it.
MENU: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    (
        "Campaigns & codes",
        [
            ("Campaigns", "campaign", "offers", "campaign"),
            ("Codes", "confirmation_number", "offers", "voucher"),
            ("Promotion tiers", "percent", "offers", "promotiontier"),
        ],
    ),
    (
        "Offers & loyalty",
        [
            ("Offers", "local_offer", "offers", "offer"),
            ("Wallets", "account_balance_wallet", "offers", "useroffer"),
            ("Loyalty rules", "stars", "loyalty", "rule"),
            ("Tier systems", "military_tech", "loyalty", "tiersystem"),
            ("Transactions", "point_of_sale", "checkout", "transaction"),
        ],
    ),
    (
        "Redemptions & locks",
        [
            ("Redemptions", "receipt_long", "checkout", "redemption"),
            ("Locks", "lock_clock", "checkout", "locksession"),
            ("Validations", "fact_check", "checkout", "validation"),
            ("Orders", "shopping_cart", "checkout", "order"),
        ],
    ),
    (
        "Session offers",
        [
            ("Session offers", "ads_click", "offers", "sessioncampaign"),
            ("Channels", "hub", "offers", "channel"),
            ("Authorisations", "verified_user", "checkout", "authorization"),
        ],
    ),
    (
        "Launches",
        [
            ("Launches", "rocket_launch", "admission", "distribution"),
            ("Admissions", "how_to_reg", "admission", "admission"),
            ("Flagged", "flag", "admission", "flag"),
        ],
    ),
    (
        "Customers & catalogue",
        [
            ("Customers", "group", "offers", "customer"),
            ("Products", "inventory_2", "offers", "product"),
            ("Variants", "style", "offers", "sku"),
            ("Collections", "category", "offers", "productcollection"),
        ],
    ),
    ("Rules", [("Conditions", "rule", "offers", "validationrule"), ("Categories", "sort", "offers", "category")]),
    (
        "Set-up",
        [
            ("Retailers", "domain", "offers", "retailer"),
            ("Stores", "store", "offers", "store"),
            ("API credentials", "key", "offers", "client"),
            ("Signing keys", "draw", "offers", "signingkey"),
            ("Webhooks", "webhook", "outbox", "endpoint"),
            ("Staff", "badge", "auth", "user"),
        ],
    ),
    (
        "System",
        [
            ("Jobs", "progress_activity", "offers", "asyncaction"),
            ("Audit trail", "history", "offers", "auditentry"),
            ("Events", "bolt", "outbox", "event"),
            ("Deliveries", "outbox", "outbox", "delivery"),
            ("Counters", "speed", "ledger", "counter"),
            ("Holds", "front_hand", "ledger", "hold"),
            ("Journal", "menu_book", "ledger", "entry"),
        ],
    ),
]
ALERT_PERCENT = 80
LISTED = 8


def stylesheet(request: HttpRequest) -> str:
    return static("office/office.css")


def script(request: HttpRequest) -> str:
    return static("office/office.js")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu, only with what this person may open."""
    home = {"title": "Overview", "icon": "space_dashboard", "link": reverse("admin:index")}
    groups = [{"items": [home]}]
    for title, entries in MENU:
        items = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{app}_{model}_changelist")}
            for name, icon, app, model in entries
            if is_mounted(app, model) and request.user.has_perm(f"{app}.view_{model}")
        ]
        if items:
            groups.append({"title": title, "separator": True, "items": items})  # type: ignore[dict-item]
    return groups


def is_mounted(app: str, model: str) -> bool:
    return any((one._meta.app_label, one._meta.model_name) == (app, model) for one in admin.site._registry)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the first page: today, what is locked, what fails, what runs, which budgets run out."""
    now = clock.now()
    may = request.user.has_perm
    blocks: list[Block] = []
    if may("checkout.view_redemption"):
        blocks += today(now)
    if may("offers.view_asyncaction"):
        blocks += running()
    if may("checkout.view_redemption"):
        blocks += [refusals(now)]
    if may("offers.view_campaign"):
        blocks += [budgets(now)]
    if may("checkout.view_redemption"):
        blocks += [newest()]
    context |= {"blocks": blocks, "title": "Overview"}
    context["quick"] = quick(may)
    return context


def quick(may: Any) -> list[Button]:
    found = [
        ("New campaign", "offers.add_campaign", "offers_campaign_add"),
        ("New code", "offers.add_voucher", "offers_voucher_add"),
    ]
    return [
        Button(text=text, url=reverse(f"admin:{name}"), tone="" if place else "main")
        for place, (text, permission, name) in enumerate(found)
        if may(permission)
    ]


def today(now: datetime) -> list[Block]:
    """Return the day's figures, counted since midnight on the clock of the first retailer."""
    retailers = {row.pk: row for row in Retailer.objects.order_by("pk")}
    first = next(iter(retailers.values()), None)
    zone = show.zone(first.timezone if first else "UTC")
    midnight = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    rows = Redemption.objects.filter(created_at__gte=midnight)
    redeemed = Q(succeeded=True, kind=Redemption.Kind.REDEMPTION, rolled_back_at__isnull=True)
    # The parent row of a stack says again what its children say.
    redeemed &= Q(voucher__isnull=False) | Q(tier__isnull=False)
    figures = rows.values("retailer_id").annotate(
        times=Count("pk", filter=redeemed),
        off=Sum("discount_amount", filter=redeemed),
        failed=Count("pk", filter=Q(succeeded=False)),
    )
    found = {line["retailer_id"]: line for line in figures}
    live = LockSession.objects.filter(state=LockSession.State.LIVE, expires_at__gt=now)[:100_001].count()
    day = f"{midnight:%Y-%m-%d}"
    times, failed = (sum(line[name] for line in found.values()) for name in ("times", "failed"))
    off = [
        Figure(
            label="Discounts given" if len(found) < 2 else f"Discounts, {retailers[key].name}",
            value=show.amount(line["off"] or 0, retailers[key].currency),
        )
        for key, line in found.items()
        if key in retailers
    ]
    nothing = [Figure(label="Discounts given", value=show.amount(0, first.currency if first else "USD"))]
    head = [
        Figure(label="Redemptions", value=show.count(times), url=show.list_of(Redemption, since=day)),
        *(off[:3] or nothing),
        Figure(label="Live locks", value=show.count(live), url=show.list_of(LockSession)),
        Figure(
            label="Refused",
            value=show.count(failed),
            tone="warn" if failed > times else "",
            url=show.list_of(Redemption, since=day, result="failed"),
        ),
    ]
    return [Figures(title="Today", figures=head)]


def newest() -> Table:
    return history.table(
        history.slim(Redemption.objects.all()).order_by("-id")[:LISTED],
        title="Newest redemptions",
        empty="Nothing has been redeemed yet.",
        more=show.list_of(Redemption),
        without=["Order"],
    )


def refusals(now: datetime) -> Table:
    """Return why redemptions were refused lately."""
    recent = Redemption.objects.filter(succeeded=False, created_at__gte=now - timedelta(days=1))
    reasons = recent.values_list("failure_code", "ran_out").annotate(times=Count("pk")).order_by("-times")[:LISTED]
    return Table(
        title="Why it was refused",
        text="Within the last 24 hours.",
        headers=["Reason", "Times"],
        rows=[[show.reason(code, full), show.count(times)] for code, full, times in reasons],
        empty="Nothing was refused.",
        wide=False,
    )


def budgets(now: datetime) -> Table:
    """Return the campaigns whose budget is nearly taken."""
    capped = Campaign.objects.filter(
        active=True, archived_at__isnull=True, deleted_at__isnull=True, budget__isnull=False
    )
    rows = list(capped.select_related("retailer").order_by("-id")[:500])
    states = counters.states(kinds=[BUDGET], owners=[row.pk for row in rows], now=now) if rows else {}
    near = []
    for row in rows:
        state = states.get(counters.Name(kind=BUDGET, owner=row.pk), counters.UNTOUCHED)
        percent = show.share(state.settled + state.held, row.budget)
        if percent >= ALERT_PERCENT:
            left = max(0, (row.budget or 0) - state.settled - state.held)
            near.append((percent, row, show.amount(left, row.retailer.currency)))
    near.sort(key=lambda line: -line[0])
    return Table(
        title="Budgets running out",
        headers=["Campaign", "Taken", "Left"],
        rows=[[show.to_page(row), show.bar(percent, f"{percent}%"), left] for percent, row, left in near[:LISTED]],
        empty=f"No budget is taken by more than {ALERT_PERCENT}%.",
        wide=False,
    )


def running() -> Iterable[Block]:
    """Return the bars of jobs at work."""
    unfinished = AsyncAction.objects.filter(
        status__in=(AsyncAction.Status.ENQUEUED, AsyncAction.Status.IN_PROGRESS)
    ).order_by("-id")[:LISTED]
    return [jobs.progress(job, reverse("admin:offers_asyncaction_progress", args=[job.pk])) for job in unfinished]
