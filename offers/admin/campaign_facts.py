"""What the pages of a campaign say of it: its state, its budget, its terms, how its codes look."""

from offers import campaigns, codes
from offers.admin import show, units
from offers.admin.campaign_form import Kind, Type
from offers.admin.office import now
from offers.admin.page import Facts, Figure
from offers.ledger import counters
from offers.models import Campaign, Category

BUDGET = campaigns.BUDGET


def state_chip(row: Campaign) -> str:
    """Say whether a campaign can be used at this moment."""
    if row.archived_at:
        return show.chip("Archived")
    if not row.active:
        return show.chip("Off", "bad")
    if row.expiration_date and row.expiration_date <= now():
        return show.chip("Ended")
    if row.start_date and row.start_date > now():
        return show.chip("Planned", "info")
    return show.chip("On", "good")


def spent(row: Campaign, state: counters.State) -> str:
    """Return the bar of a budget."""
    if row.budget is None:
        return show.NOTHING
    used = state.settled + state.held
    text = f"{show.amount(used, row.retailer.currency)} of {show.amount(row.budget, row.retailer.currency)}"
    return show.bar(show.share(used, row.budget), text)


def budget(row: Campaign) -> list[Figure]:
    """Return what the ledger says of a budget; nothing where there is none."""
    if row.budget is None:
        return []
    state = counters.state(counters.Name(kind=BUDGET, owner=row.pk), now=now()) or counters.UNTOUCHED
    currency = row.retailer.currency
    left = max(0, row.budget - state.settled - state.held)
    share = show.share(state.settled + state.held, row.budget)
    return [
        Figure(label="Budget", value=show.amount(row.budget, currency), percent=share, note=f"{share}% taken"),
        Figure(label="Spent", value=show.amount(state.settled, currency)),
        Figure(label="Held by locks", value=show.amount(state.held, currency)),
        Figure(label="Left", value=show.amount(left, currency), tone="bad" if not left else ""),
    ]


def terms(row: Campaign) -> Facts:
    currency, zone = row.retailer.currency, row.timezone or row.retailer.timezone
    limit, free = show.count(row.redemption_limit), units.of(row.retailer_id, row.discount)
    known = {
        "Worth": show.gift(row, currency, free) if row.campaign_type != Kind.PROMOTION else "",
        "Description": row.description or "",
        "When": show.window(row, zone),
        "Redemption limit": f"{limit} per code" if row.campaign_type != Kind.PROMOTION else "",
        "Limit per customer": show.count(row.customer_limit) if row.campaign_type != Kind.PROMOTION else "",
        "Budget": "no cap" if row.budget is None else "",
        "Codes look like": pattern(row),
        "Category": row.category.name if isinstance(row.category, Category) else "",
        "Created": show.moment(row.created_at, zone),
        "Retailer": row.retailer.name,
    }
    known |= {name: show.plain(value) for name, value in (row.metadata or {}).items()}
    return Facts(title="Terms", facts=[(name, value) for name, value in known.items() if value])


def pattern(row: Campaign) -> str:
    if row.campaign_type == Kind.PROMOTION or row.type == Type.STANDALONE or not row.code_config:
        return ""
    config = row.code_config
    body = config.get("pattern") or "#" * (config.get("length") or codes.LENGTH)
    return show.mono(f"{config.get('prefix') or ''}{body}{config.get('postfix') or ''}")
