"""The form that builds a launch: a queue, a draw or an auction, with the fields each of them has."""

from typing import Any, ClassVar

from django import forms

from checkout.admission import distributions
from checkout.admission.models import Distribution, Experience
from offers.admin import fields
from offers.admin.durations import DurationField
from offers.admin.office import OfficeForm
from offers.lib.money import to_major, to_minor
from offers.models import Retailer


class LaunchForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=200, widget=fields.text(), help_text="The headline of the waiting page.")
    description = forms.CharField(max_length=2000, required=False, widget=fields.area(2))
    image_url = forms.URLField(
        required=False, max_length=500, assume_scheme="https", label="Picture", widget=fields.text()
    )
    mechanism = forms.ChoiceField(
        choices=Distribution.Mechanism.choices, initial="queue", widget=fields.Choices(), label="Who gets in"
    )
    open_at = fields.LocalMomentField(label="Opens", help_text="On the retailer's clock. Empty: at once.")
    close_at = fields.LocalMomentField(label="Closes", help_text="Nobody new joins afterwards.")
    serve_until = fields.LocalMomentField(label="Serve until", help_text="Those in line at the end are still admitted.")
    access_code = forms.CharField(
        max_length=60, required=False, widget=fields.short(), help_text="Empty: everybody may join."
    )
    admission_rate = fields.LimitField(label="Admitted a minute")
    max_active = fields.LimitField(
        label="Checkouts at a time", help_text="About three quarters of what the shop bears."
    )
    total_admissions = fields.LimitField(label="Admitted in all")
    max_capacity = fields.LimitField(label="Places in line")
    pre_queue_minutes = forms.IntegerField(
        min_value=0,
        max_value=10080,
        initial=0,
        widget=fields.short(inputmode="numeric"),
        label="Doors before the opening (minutes)",
        help_text="Who comes in this time is shuffled at the opening, so that being early is no advantage.",
    )
    draw_at = fields.LocalMomentField(label="Drawn", help_text="Empty: when you run it by hand.")
    winner_count = forms.IntegerField(min_value=1, initial=1, widget=fields.short(inputmode="numeric"), label="Winners")
    capacity = fields.LimitField(label="Places in the draw")
    backfill = forms.BooleanField(
        required=False,
        initial=True,
        widget=fields.tick(),
        label="Whose time runs out is replaced by the next",
        help_text="By the next one drawn, or the next highest bidder above the reserve.",
    )
    alternates = fields.LimitField(
        label="Alternates",
        help_text="How many of those drawn after the winners may come in instead of one. Empty: as many as it takes.",
    )
    settle_at = fields.LocalMomentField(
        label="Settled", help_text="When the winners are admitted, not before it closes. Empty: as it closes."
    )
    start_price = fields.MoneyField(label="Starts at")
    reserve_price = fields.MoneyField(label="Reserve", help_text="Not shown to shoppers. Empty: none.")
    min_bid_increment = fields.MoneyField(label="Least step")
    quantity = forms.IntegerField(min_value=1, initial=1, widget=fields.short(inputmode="numeric"), label="Winners")
    auto_extend_seconds = DurationField(
        least=0, most=86400, initial=60, label="Late bids extend it by", help_text="For example 60 s or 2 min; 0: not."
    )
    admission_ttl_seconds = DurationField(
        least=60, most=3600, initial=900, label="Time to check out", help_text="10 min to 30 min suits most shops."
    )
    max_extensions = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=0,
        widget=fields.short(inputmode="numeric"),
        label="Extensions a checkout may ask for",
        help_text="0: none. Staff can give more time all the same.",
    )
    extension_seconds = DurationField(
        most=3600, initial=300, label="Time each gives", help_text="For example 5 min or 90 s."
    )
    hard_end_at = fields.LocalMomentField(
        label="No extension beyond", help_text="Not even by staff. On the retailer's clock; empty: no such end."
    )
    allow_reentry = forms.BooleanField(
        required=False, initial=True, widget=fields.tick(), label="Whose time ran out may join again, at the back"
    )
    when_unknown = forms.ChoiceField(
        required=False,
        choices=Experience.WhenUnknown.choices,
        initial=Experience.WhenUnknown.CLOSED,
        widget=fields.Choices(),
        label="If an external checkout cannot reach us",
        help_text="Paying all the same sells more; what it sells may be gone to somebody else by then.",
    )
    sku = forms.CharField(max_length=255, required=False, widget=fields.text(), label="Variant sold (SKU)")
    max_units = forms.IntegerField(
        min_value=1, max_value=10000, initial=1, widget=fields.short(inputmode="numeric"), label="Units a person"
    )
    reserve_on_admission = forms.BooleanField(
        required=False,
        widget=fields.tick(),
        label="Reserve stock on admission",
        help_text="Nobody is admitted whom the stock cannot serve.",
    )
    require_settled_guest = forms.BooleanField(
        required=False, widget=fields.tick(), label="Guests of less than a second wait"
    )
    require_challenge = forms.BooleanField(
        required=False,
        widget=fields.tick(),
        label="Ask for a proof of being a person",
        help_text="Needs a CHALLENGE_PROVIDER in the settings.",
    )
    max_per_device = fields.LimitField(
        label="Accounts a device", help_text="Empty: as many as come; several are flagged, not refused."
    )
    max_per_network = fields.LimitField(
        label="Accounts an address", help_text="Homes, offices and mobile networks share addresses: better left empty."
    )
    flagged_last = forms.BooleanField(
        required=False,
        widget=fields.tick(),
        label="Flagged accounts wait at the end of the line",
        help_text="They keep a place. Left off, they keep their turn too, and you look at each yourself.",
    )
    sections: ClassVar = [
        ("What", "", ["retailer", "name", "description", "image_url", "mechanism"]),
        ("When", "", ["open_at", "close_at", "serve_until", "draw_at", "settle_at"]),
        (
            "How fast",
            "The next in line are admitted once a second, as far as all of these allow.",
            ["admission_rate", "max_active", "total_admissions", "max_capacity", "pre_queue_minutes"],
        ),
        ("The draw", "", ["winner_count", "capacity"]),
        ("The auction", "", ["start_price", "reserve_price", "min_bid_increment", "quantity", "auto_extend_seconds"]),
        ("When a winner does not buy", "", ["backfill", "alternates"]),
        ("The checkout", "", ["admission_ttl_seconds", "allow_reentry", "access_code", "when_unknown"]),
        ("More time at the checkout", "", ["max_extensions", "extension_seconds", "hard_end_at"]),
        ("Stock", "", ["sku", "max_units", "reserve_on_admission"]),
        (
            "Robots",
            "",
            ["require_settled_guest", "require_challenge", "max_per_device", "max_per_network", "flagged_last"],
        ),
    ]
    shown_when: ClassVar = {
        **dict.fromkeys(
            (
                *("serve_until", "admission_rate", "max_active", "total_admissions", "max_capacity"),
                *("pre_queue_minutes", "flagged_last"),
            ),
            "mechanism=queue",
        ),
        **dict.fromkeys(("draw_at", "winner_count", "capacity", "alternates"), "mechanism=draw"),
        **dict.fromkeys(
            ("start_price", "reserve_price", "min_bid_increment", "quantity", "auto_extend_seconds", "settle_at"),
            "mechanism=auction",
        ),
        "backfill": "mechanism=draw|auction",
    }

    @classmethod
    def belongs(cls, name: str, mechanism: str) -> bool:
        """Whether a launch of this mechanism has the field."""
        wanted = cls.shown_when.get(name, f"mechanism={mechanism}").removeprefix("mechanism=")
        return mechanism in wanted.split("|")

    def terms(self, retailer: Retailer, mechanism: str) -> dict[str, Any]:
        """Return the values as the verbs take them, only those of the mechanism."""
        found: dict[str, Any] = {}
        for name in distributions.FIELDS & self.cleaned_data.keys():
            value = self.cleaned_data[name]
            if not self.belongs(name, mechanism):
                continue
            if name in distributions.MOMENTS:
                value = fields.in_zone(value, retailer.timezone)
            elif name in distributions.MONEY:
                if value is None and name != "reserve_price":
                    continue
                value = None if value is None else to_minor(value, retailer.currency)
            found[name] = as_stored(name, value)
        return found


def as_stored(name: str, value: Any) -> Any:
    """Return a field's value as the verbs take it: they say 0 for as many alternates as it takes."""
    return value or 0 if name == "alternates" else value


def initial(row: Distribution) -> dict[str, Any]:
    """Return what the form shows for a launch."""
    zone = row.retailer.timezone
    found: dict[str, Any] = {name: getattr(row, name) for name in distributions.FIELDS}
    found |= {name: fields.on_clock(getattr(row, name), zone) for name in distributions.MOMENTS}
    for name in distributions.MONEY:
        value = getattr(row, name)
        found[name] = None if value is None else to_major(value, row.currency)
    found["alternates"] = row.alternates or None
    return {**found, "access_code": row.sequence.access_code, "when_unknown": row.sequence.experience.when_unknown}


def changes(form: LaunchForm, row: Distribution) -> dict[str, Any]:
    """Return what was changed, so that what the form shows with less precision (seconds) stays as it is."""
    terms = {}
    for name in distributions.FIELDS & form.cleaned_data.keys():
        if name in form.changed_data:
            terms[name] = as_stored(name, form.cleaned_data[name])
    for name in list(terms):
        if name in distributions.MOMENTS:
            terms[name] = fields.in_zone(terms[name], row.retailer.timezone)
        elif name in distributions.MONEY and terms[name] is not None:
            terms[name] = to_minor(terms[name], row.currency)
    return terms
