"""Trying a draft of a loyalty rule on a sale that was sent, or one made by hand; nothing is stored."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from checkout import item_facts, transaction_rewards, transaction_shape
from checkout.admin import members as member_pages
from checkout.admin.loyalty_rule_form import RuleForm
from checkout.admin.loyalty_words import TRIGGERS, sentence
from checkout.models import Revision, Transaction
from loyalty import outcomes, rules
from loyalty.earning import RuleFacts, Sale, SaleLine
from loyalty.models import Member, PointAccount
from offers.admin import fields, lookups, show
from offers.admin.office import now
from offers.admin.page import Button, Checklist, Facts, Figure, Figures, Page, Step
from offers.lib.errors import InvalidPayload
from offers.lib.money import to_minor
from offers.models import Retailer


class TryForm(RuleForm):
    """A draft, and the sale to try it on."""

    beside = forms.BooleanField(required=False, widget=fields.tick(), label="Together with the rules in force")
    saved = forms.CharField(
        required=False, widget=fields.text(), label="A sale that was sent", help_text="Its transaction id or receipt."
    )
    lines = forms.CharField(
        required=False,
        widget=fields.area(4, placeholder="gloves, 2, 40.00, clothing"),
        label="Or a sale made by hand",
        help_text="A line each: item, quantity, amount, category.",
    )
    channel = forms.CharField(required=False, widget=fields.short(), label="Channel of the sale")
    customer = forms.CharField(
        required=False, widget=fields.text(), label="Member", help_text="Any of his ids. Empty: nobody known."
    )
    top = ("retailer", "scope")
    last = (
        (
            "The sale",
            "Nothing is stored: no points, no offers.",
            ["beside", "saved", "lines", "channel", "customer"],
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["name"]


def accounts_of(retailer_id: int) -> dict[str, str]:
    return {str(row.uuid): row.name for row in PointAccount.objects.filter(retailer_id=retailer_id)}


def tried(values: dict[str, Any], again: str) -> Page:
    """Return what a draft would give for a sale, with the reason of every rule."""
    shop: Retailer = values["retailer"]
    sale = saved_sale(shop, values["saved"]) if values["saved"] else made_sale(shop, values)
    definition = values["definition"]
    draft = RuleFacts(rule_id=0, version_id=0, name="The draft", scope=values["scope"], definition=definition)
    judged = [draft, *(rules.in_force(retailer_id=shop.pk, at=sale.closed_at) if values["beside"] else [])]
    result = outcomes.preview(member=member_of(shop, values["customer"]), sale=sale, rules=judged, now=now())
    accounts = accounts_of(shop.pk)
    points = [Figure(label=accounts.get(key, "Points"), value=f"{many:+,}") for key, many in result.points.items()]
    offers = [Figure(label="Offer", value=name) for name in result.offers]
    nothing = Figure(label="Points and offers", value="none")
    steps = [
        Step(
            ok=bool(line["applies"]),
            name=str(line["rule"]),
            needed=TRIGGERS.get(line["trigger"], line["trigger"]),
            actual=f"{show.amount(line['spend'], shop.currency)} counts",
            hint=show.reason(line["why_not"]) if line["why_not"] else f"{len(line['wanted'])} outcomes",
        )
        for line in result.trace
    ]
    return Page(
        title="What would happen",
        subtitle="Nothing has been stored.",
        buttons=[Button(text="Try another", url=again)],
        blocks=[
            Facts(facts=[("The draft", sentence(definition, accounts))]),
            Figures(title="It would give", figures=[*points, *offers] or [nothing]),
            Checklist(title="Why", steps=steps, empty="No rule looked at it."),
        ],
    )


def member_of(shop: Retailer, text: str) -> Member | None:
    if not text.strip():
        return None
    keys = [*lookups.customer_ids(text), *member_pages.ids(text.strip())]
    found = Member.objects.filter(retailer=shop, customer_id__in=keys).select_related("customer", "retailer").first()
    if found is None:
        raise InvalidPayload("No member of this retailer has that id.", field="customer")
    return found


def saved_sale(shop: Retailer, text: str) -> Sale:
    heads = Transaction.objects.filter(retailer=shop)
    head = heads.filter(transaction_id=text).first() or heads.filter(receipt_code=text).first()
    rows = Revision.objects.select_related("transaction__store", "transaction__retailer")
    row = rows.filter(transaction=head).order_by("-number").first() if head else None
    if row is None:
        raise InvalidPayload("This retailer has no such transaction.", field="saved")
    zone = row.transaction.store.timezone or shop.timezone
    sale = transaction_shape.read(row.payload, zone=show.zone(zone), currency=shop.currency)
    items = item_facts.read(retailer_id=shop.pk, item_ids=[line.item_id for line in sale.lines])
    return transaction_rewards.as_rules_see_it(row, sale, amounts={}, items=items)


def made_sale(shop: Retailer, values: dict[str, Any]) -> Sale:
    lines = []
    for number, text in enumerate(filter(str.strip, values["lines"].splitlines()), 1):
        item, quantity, amount, category = [*(part.strip() for part in text.split(",")), "", "", "", ""][:4]
        try:
            lines.append(
                SaleLine(
                    line_id=str(number),
                    item_id=item,
                    quantity=Decimal(quantity or "1"),
                    subtotal=to_minor(Decimal(amount or "0"), shop.currency),
                    category=category,
                )
            )
        except (InvalidOperation, ValueError, OverflowError) as error:
            raise InvalidPayload(f"Line {number} should be item, quantity, amount, category.", field="lines") from error
    if not lines:
        raise InvalidPayload("Name a sale that was sent, or write one by hand.", field="lines")
    return Sale(
        occasion="try",
        revision=1,
        closed_at=now(),
        modified_at=now(),
        store="",
        timezone=shop.timezone,
        currency=shop.currency,
        channel=values["channel"],
        subtotal=sum(line.subtotal for line in lines),
        lines=tuple(lines),
    )
