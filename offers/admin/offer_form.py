"""The form of an offer: the fields of its type, a text per culture, and the body it makes of them for the verbs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms

from offers.admin import fields, offer_values, why
from offers.admin.offer_values import COMMON, DISCOUNT, PURCHASES, SELLING, USES, WHERE, ItemsField
from offers.admin.office import OfficeForm
from offers.models import Offer, Retailer
from offers.offer_terms import TYPES
from offers.term_values import WEEKDAYS

NAMES = {
    "manual_fulfillment": "Goods handed over by staff",
    "pos_discount": "Discount the till computes",
    "fixed_check_discount": "Amount off the whole check",
    "percent_check_discount": "Percent off the whole check",
    "fixed_item_discount": "Amount off an item",
    "percent_item_discount": "Percent off an item",
    "bxgy_fixed": "Buy X, get an amount off Y",
    "bxgy_percent": "Buy X, get percent off Y",
    "bxgy_set_price": "Buy X, get Y at a price",
    "set_price_coupon": "Item at a price",
}
PERIODS = [("lifetime", "ever"), ("day", "a day"), ("week", "a week"), ("month", "a month"), ("year", "a year")]
SETS = 3


def with_key(name: str) -> str:
    """Say for which types a field is shown."""
    kinds = [kind for kind, (needed, optional) in TYPES.items() if name in (*needed, *optional)]
    return f"offer_type={'|'.join(kinds)}"


def whole(**kwargs: Any) -> fields.LimitField:
    return fields.LimitField(**kwargs)


class OfferForm(OfficeForm):
    """A new offer, or a change of one; the type of an offer stays what it is."""

    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    offer_type = forms.ChoiceField(
        choices=list(NAMES.items()), initial="fixed_check_discount", widget=fields.Choices(), label="What it gives"
    )
    amount = fields.MoneyField(label="Amount off")
    percent = forms.DecimalField(
        required=False, max_digits=5, decimal_places=2, widget=fields.short(inputmode="decimal"), label="Percent off"
    )
    set_price = fields.MoneyField(label="Price")
    max_amount = fields.MoneyField(label="At most", help_text="Empty: no cap.")
    min_spend = fields.MoneyField(label="From a check of", help_text="Empty: any.")
    required_quantity = whole(label="Units needed", widget=fields.short(placeholder="1"))
    target = forms.ChoiceField(
        choices=[("lowest", "the cheapest"), ("highest", "the dearest")],
        required=False,
        widget=fields.select(),
        label="Which item",
    )
    buy_quantity = whole(label="Buy how many", widget=fields.short(placeholder="1"))
    buy_items = ItemsField(label="Buy which items")
    get_quantity = whole(label="Get how many", widget=fields.short(placeholder="1"))
    get_items = ItemsField(label="Get which items")
    items = ItemsField(label="Which items")
    applications_per_check = whole(label="Times per check", widget=fields.short(placeholder="1"))
    pos_discount_id = forms.CharField(
        required=False, max_length=120, widget=fields.text(), label="Number of the discount at the till"
    )
    key = forms.SlugField(
        required=False,
        max_length=80,
        widget=fields.short(),
        label="Short name",
        help_text="Rules can name the offer by it.",
    )
    starts = fields.LocalMomentField(label="Given out from")
    ends = fields.LocalMomentField(label="Given out until", help_text="On the retailer's clock. Empty: no end.")
    validity_period = forms.IntegerField(
        min_value=1, initial=30, widget=forms.NumberInput({"class": "ok-input ok-short"}), label="Can be used for"
    )
    validity_unit = forms.ChoiceField(
        choices=[(unit, unit) for unit in Offer.Unit.values], initial="days", widget=fields.select(), label="Unit"
    )
    does_not_expire = forms.BooleanField(required=False, widget=fields.tick(), label="Never expires in the wallet")
    valid_after_end_date = forms.BooleanField(
        required=False, widget=fields.tick(), label="Can be used after it is no longer given out"
    )
    reward_store = forms.BooleanField(required=False, widget=fields.tick(), label="Sold for points")
    points_cost = whole(label="Points", widget=fields.short())
    stackable = forms.BooleanField(
        required=False, initial=True, widget=fields.tick(), label="Can be combined with other offers"
    )
    stack_group = forms.CharField(
        required=False, max_length=60, widget=fields.short(), label="Group", help_text="Only one of a group per check."
    )
    inventory = fields.LimitField(label="How many there are")
    per_customer = fields.LimitField(label="Per customer at most")
    per_customer_period = forms.ChoiceField(choices=PERIODS, required=False, widget=fields.select(), label="Counted")
    uses = fields.LimitField(label="Uses per customer")
    uses_period = forms.ChoiceField(choices=PERIODS, required=False, widget=fields.select(), label="Counted")
    min_subtotal = fields.MoneyField(label="Checks from")
    min_item_count = whole(label="Items at least", widget=fields.short())
    channels = forms.CharField(
        required=False, widget=fields.text(placeholder="store, online"), label="Only these channels"
    )
    weekdays = forms.MultipleChoiceField(
        choices=[(WEEKDAYS[day], WEEKDAYS[day].capitalize()) for day in fields.MONDAY_FIRST],
        required=False,
        widget=fields.Ticks(),
        label="Only on",
    )
    hours_from = fields.ClockField(label="From", help_text="On the store's clock.")
    hours_to = fields.ClockField(label="To")
    first_purchase_only = forms.BooleanField(required=False, widget=fields.tick(), label="Only on a first purchase")
    only_items = ItemsField(label="Only for")
    never_items = ItemsField(label="Never for")
    only_stores = forms.CharField(
        required=False, widget=fields.text(), label="Only stores tagged", help_text="Tags, separated by commas."
    )
    never_stores = forms.CharField(required=False, widget=fields.text(), label="Not stores tagged")
    publish = forms.BooleanField(required=False, widget=fields.tick(), label="Publish at once")
    reason = why.field()

    shown_when = {
        **{name: with_key(name) for name in DISCOUNT},
        "points_cost": "reward_store=on",
    }

    def __init__(self, *args: Any, offer: Offer | None = None, **kwargs: Any) -> None:
        given = {**offer_values.initial_of(offer), **(kwargs.pop("initial", None) or {})} if offer else {}
        super().__init__(*args, **{**kwargs, "initial": given})
        self.offer = offer
        self.fixed: set[str] = set()
        self.sets = max(SETS, len(offer.texts) if offer else 0)
        texts = []
        for number in range(1, self.sets + 1):
            self.add_text(number)
            texts.append(
                (f"Text {number}", "" if number > 1 else "What the customer reads; one per language.", names_of(number))
            )
        if offer:
            self.leave_what_fits_no_field(offer)
        else:
            del self.fields["reason"]
        self.parts = [
            ("The offer", "", ["retailer", "offer_type"]),
            ("Its worth", "", DISCOUNT),
            *texts,
            ("When", "", COMMON),
            ("How many", "", USES),
            ("On which purchases", "", PURCHASES),
            ("On which items and where", "", WHERE),
            ("Points and other offers", "", SELLING),
            ("", "", ["publish"]),
            ("Your change", "", ["reason"]),
        ]

    def add_text(self, number: int) -> None:
        self.fields[f"culture_{number}"] = forms.CharField(
            required=number == 1,
            max_length=35,
            label="Language",
            widget=fields.short(placeholder="en or en-us"),
            initial="en" if number == 1 else "",
        )
        self.fields[f"title_{number}"] = forms.CharField(
            required=number == 1, max_length=255, label="Title", widget=fields.text()
        )
        self.fields[f"description_{number}"] = forms.CharField(
            required=False, max_length=10_000, label="Description", widget=fields.area(2)
        )
        self.fields[f"terms_{number}"] = forms.CharField(
            required=False, max_length=50_000, label="Terms", widget=fields.area(2)
        )

    def leave_what_fits_no_field(self, offer: Offer) -> None:
        """Take out the fields of a list that says more than they can: saving must not lose what was made by API."""
        del self.fields["retailer"], self.fields["offer_type"], self.fields["publish"]
        needed, optional = TYPES.get(offer.offer_type, ((), ()))
        for name in set(DISCOUNT) - {*needed, *optional}:
            del self.fields[name]
        said = offer_values.initial_of(offer)
        lists = {
            "use_restrictions": (USES, offer_values.uses(said)),
            "purchase_restrictions": (PURCHASES, offer_values.purchases(said, offer)),
            "catalog_restrictions": (WHERE[:2], offer_values.catalog(said)),
            "location_restrictions": (WHERE[2:], offer_values.locations(said)),
        }
        for name, (known, again) in lists.items():
            stored = getattr(offer, name)
            if len(stored) != len(again) or any(line not in again for line in stored):
                self.fixed.add(name)
                for one in known:
                    self.fields.pop(one, None)

    @property
    def owner(self) -> Retailer:
        found: Retailer = self.offer.retailer if self.offer else self.cleaned_data["retailer"]
        return found

    def grouped(self) -> Iterator[dict[str, Any]]:
        for section in super().grouped():
            for row in section["rows"]:
                # A change shows the fields of its type from the start; there is no choice to follow.
                if self.offer and row["when"].startswith("offer_type="):
                    row["when"] = ""
            yield section

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        why.demand(self, (*DISCOUNT, *COMMON[1:], *USES, *PURCHASES, *WHERE, *SELLING))
        return values

    def body(self) -> dict[str, Any]:
        """Return what the verbs take, in the words of the wire."""
        values, zone = self.cleaned_data, self.owner.timezone
        kind = self.offer.offer_type if self.offer else values["offer_type"]
        needed, optional = TYPES[kind]
        terms = {name: offer_values.plain(values.get(name)) for name in (*needed, *optional)}
        starts, ends = fields.in_zone(values["starts"], zone), fields.in_zone(values["ends"], zone)
        common = {
            "key": values["key"] or None,
            "acquisition_start_date": starts.isoformat() if starts else None,
            "acquisition_end_date": ends.isoformat() if ends else None,
            **{name: values[name] for name in (*COMMON[3:], "reward_store", "stackable", "stack_group")},
            "points_cost": values["points_cost"] if values["reward_store"] else None,
        }
        body: dict[str, Any] = {
            "offer_type": kind,
            "text_config": self.texts(),
            "common_config": common,
            "discount_config": {name: value for name, value in terms.items() if value not in (None, "", [])},
        }
        lists = {
            "use_restrictions": offer_values.uses,
            "purchase_restrictions": offer_values.purchases,
            "catalog_restrictions": offer_values.catalog,
            "location_restrictions": offer_values.locations,
        }
        body |= {name: make(values) for name, make in lists.items() if name not in self.fixed}
        if not self.offer:
            body["publish"] = values["publish"]
        return body

    def texts(self) -> list[dict[str, str]]:
        values = self.cleaned_data
        return [
            {
                "culture": values[f"culture_{number}"],
                "title": values[f"title_{number}"],
                "description": values[f"description_{number}"],
                "terms_and_conditions": values[f"terms_{number}"],
            }
            for number in range(1, self.sets + 1)
            if values.get(f"title_{number}") or values.get(f"culture_{number}")
        ]

    def show_wrong(self, wrong: Mapping[str, Sequence[str]]) -> None:
        """Put what the verb found wrong beside the fields it is about."""
        places = {"acquisition_end_date": "ends", "acquisition_start_date": "starts"}
        for path, messages in wrong.items():
            name = path.rpartition(".")[2]
            if path.startswith("text_config["):
                number = int(path.partition("[")[2].partition("]")[0]) + 1
                name = f"{'terms' if name.startswith('terms') else name}_{number}"
            name = places.get(name, name)
            for message in messages:
                known = name in self.fields
                self.add_error(name if known else None, message if known else f"{path} {message}")


def names_of(number: int) -> list[str]:
    return [f"{name}_{number}" for name in ("culture", "title", "description", "terms")]
