"""The form of a loyalty rule: conditions, restrictions, outcomes and limits as fields; JSON for what they lack."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from checkout.admin.loyalty_rule_fields import CONDITIONS, GIVEN, PARTS, asked_rows, listed, same, says, shown_as
from loyalty import rule_terms, rules
from loyalty.models import PointAccount, Rule
from offers.admin import fields, why
from offers.admin.office import OfficeForm
from offers.models import Offer, Retailer

GUIDANCE = (
    "Economy rules are the base programme: they do not change, and use exclusions for the few things that should not "
    "earn. Campaign rules are temporary, or aim at people outside tiers. A purchase rule has fewer than 50 catalog "
    "restrictions."
)
TRIGGERS = [
    ("transaction_closed", "a purchase is closed"),
    ("points_changed", "points reach a number"),
    ("tier_entered", "a member enters a level"),
    ("custom_event", "an event is told"),
]
METRICS = [
    ("", "–"),
    ("subtotal", "Amount of the purchase"),
    ("eligible_spend", "Amount of what counts"),
    ("quantity", "Number of items that count"),
    ("purchase_number", "Number of the member's purchase"),
    ("balance", "Balance of points"),
    ("item", "Item"),
    ("category", "Category"),
    ("brand", "Brand"),
    ("tag", "Tag of an item"),
    ("pairing", "These items together"),
    ("channel", "Channel"),
    ("store", "Store"),
    ("weekday", "Day of the week"),
    ("time", "Time of day"),
    ("promo_code", "Code used"),
    ("tender", "Means of payment"),
    ("user_tag", "Tag of the member"),
    ("level", "Level of the member"),
    ("event", "Event"),
]
OPERATORS = [
    (">=", "is at least"),
    (">", "is more than"),
    ("<=", "is at most"),
    ("<", "is less than"),
    ("==", "is exactly"),
    ("!=", "is anything but"),
    ("in", "is one of"),
    ("not_in", "is none of"),
    ("all", "is all of"),
]
OUTCOMES = [
    ("", "–"),
    ("points_per", "Points for what is spent or bought"),
    ("points_fixed", "A number of points"),
    ("offer", "An offer into the wallet"),
    ("auto_purchase", "An offer, bought for points"),
    ("tag", "A tag on the member"),
    ("tier_move", "A level"),
    ("event", "An event for other rules"),
]
PERIODS = [("lifetime", "for ever"), ("day", "a day"), ("week", "a week"), ("month", "a month"), ("year", "a year")]
TOLD = {"rate": "How many points", "points": "How many points", "unit": "For each", "hurdle": "Only from"}


class LinesField(forms.CharField):
    """Things as lines: item ids, or "category: shoes, hats"."""

    def __init__(self, matches: Sequence[str], **kwargs: Any) -> None:
        self.matches = matches
        super().__init__(**{"required": False, "widget": fields.area(3), **kwargs})

    def clean(self, value: Any) -> list[dict[str, Any]]:
        found = []
        for line in super().clean(value).splitlines():
            match, colon, rest = line.partition(":")
            kind = match.strip().lower().replace(" ", "_")
            if colon and kind not in self.matches:
                raise forms.ValidationError(f"{match.strip()[:40]} is not one of {', '.join(self.matches)}.")
            values = listed(rest if colon else line)
            if values:
                found.append({"match": kind if colon else "item", "values": values})
        return found


class JsonField(forms.CharField):
    def clean(self, value: Any) -> dict[str, Any] | None:
        said = super().clean(value)
        if not said.strip():
            return None
        try:
            found = json.loads(said, parse_float=str)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise forms.ValidationError("Write an object in braces.")
        return found


def choice(options: Sequence[tuple[str, str]], label: str, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=list(options), required=False, widget=fields.select(), label=label, **more)


def word(label: str, help_text: str = "", **attrs: Any) -> forms.CharField:
    return forms.CharField(
        required=False, max_length=1000, widget=fields.short(**attrs), label=label, help_text=help_text
    )


def whole(label: str, help_text: str = "", **attrs: Any) -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=1,
        max_value=rule_terms.POINTS_MOST,
        widget=forms.NumberInput({"class": "ok-input ok-short", **attrs}),
        label=label,
        help_text=help_text,
    )


class RuleForm(OfficeForm):
    """What a rule says. After `is_valid`, `cleaned_data["definition"]` is what `rules.save` takes."""

    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=200, widget=fields.text())
    scope = forms.ChoiceField(choices=Rule.Scope.choices, initial="economy", widget=fields.Choices(), label="Kind")
    trigger = forms.ChoiceField(
        choices=TRIGGERS, initial="transaction_closed", required=False, widget=fields.Choices(), label="It looks when"
    )
    crosses = whole("Points earned reach", "Earned so far, whatever was spent. Once, when the number is reached.")
    repeat_every = whole("And again every", "Empty: only the first time.")
    crosses_account = word("Of the account", "Its name. Empty: the default one.")
    match = choice([("all", "all of these"), ("any", "any of these")], "It asks for", initial="all")
    only = LinesField(
        rule_terms.CATALOG_MATCHES,
        label="Only these count",
        help_text="Item ids, separated by commas; or lines such as category: shoes, hats (also brand, tag).",
    )
    leave_out = LinesField(rule_terms.CATALOG_MATCHES, label="These do not count", help_text="Written the same way.")
    exclusions = LinesField(
        rule_terms.EXCLUSION_MATCHES,
        label="Never earns",
        help_text="Lines such as category: giftcard. store, channel, tender and user_tag leave out whole purchases.",
    )
    per_user = whole("Times per member", "Empty: as often as it applies.")
    per_user_period = choice(PERIODS, "Counted")
    in_all = whole("Times in all", "Empty: no end.")
    in_all_period = choice(PERIODS, "Counted")
    tier_system = word("Tier system", "Empty: any.")
    levels = word("Levels", "With commas. Empty: everybody.")
    section = choice([("", "–"), *((one, one.capitalize()) for one in rule_terms.SECTIONS)], "Part of the level")
    starts = fields.LocalMomentField(label="From")
    ends = fields.LocalMomentField(label="Until", help_text="On the retailer's clock. Empty: no end.")
    audience_tags = word("Only members tagged", "With commas; one of them is enough.")
    audience_levels = word("Only members of levels", "With commas.")
    budget_points = whole("Points to give in all")
    budget_offers = whole("Offers to give in all")
    priority = forms.IntegerField(
        required=False,
        min_value=-rule_terms.POINTS_MOST,
        max_value=rule_terms.POINTS_MOST,
        widget=forms.NumberInput({"class": "ok-input ok-short"}),
        label="Priority",
        help_text="The highest is looked at first. Empty: 0.",
    )
    exclusive_group = word("Exclusive group", "Of all rules of a group only the highest that fits rewards.")
    stop_after = forms.BooleanField(
        required=False, widget=fields.tick(), label="When it rewards, look at no further rule"
    )
    advanced = forms.BooleanField(
        required=False, widget=fields.tick(), label="Write the rule as JSON, as configure takes it"
    )
    definition = JsonField(
        required=False,
        label="What it says",
        widget=fields.area(16, **{"class": "ok-input ok-code", "spellcheck": "false"}),
        help_text="trigger, conditions, exclusions, catalog_restrictions, limits and outcomes. It replaces the fields.",
    )
    top: Sequence[str] = ("retailer", "name", "scope")
    last: Sequence[tuple[str, str, Sequence[str]]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for at in range(1, CONDITIONS + 1):
            self.fields[f"metric_{at}"] = choice(METRICS, "Condition" if at == 1 else "And")
            self.fields[f"metric_{at}"].widget.attrs["class"] = "ok-input ok-short"
            self.fields[f"op_{at}"] = choice(OPERATORS, "Comparison")
            self.fields[f"op_{at}"].widget.attrs["class"] = "ok-input ok-short"
            self.fields[f"value_{at}"] = word("Value", "A number, or words with commas; 15:00-18:00 for a time.")
        for at in range(1, GIVEN + 1):
            self.add_outcome(at)
        for name in ("per_user_period", "in_all_period", "section"):
            self.fields[name].widget.attrs["class"] = "ok-input ok-short"
        self.parts = self.arranged()
        self.shown_when = self.shown()  # type: ignore[misc]

    def add_outcome(self, at: int) -> None:
        kinds = OUTCOMES[1:] if at == 1 else OUTCOMES
        self.fields[f"outcome_{at}"] = choice(kinds, "It gives" if at == 1 else "And")
        self.fields[f"rate_{at}"] = word(TOLD["rate"], placeholder="1")
        self.fields[f"basis_{at}"] = choice(
            [("eligible_spend", "money spent"), ("quantity", "items bought")], "Counted by"
        )
        self.fields[f"unit_{at}"] = word(TOLD["unit"], "Money, or items. Empty: 1.00, or 1 item.", placeholder="1.00")
        self.fields[f"hurdle_{at}"] = word(TOLD["hurdle"], "Less than that gives nothing. Empty: everything counts.")
        self.fields[f"points_{at}"] = whole(TOLD["points"])
        self.fields[f"offer_{at}"] = word("Offer", "Its short name or id.")
        self.fields[f"tag_{at}"] = word("Tag")
        self.fields[f"level_{at}"] = word("Level")
        self.fields[f"event_{at}"] = word("Event")
        self.fields[f"account_{at}"] = word("Into the account", "Its name. Empty: the default one.")
        self.fields[f"basis_{at}"].widget.attrs["class"] = "ok-input ok-short"

    def arranged(self) -> list[tuple[str, str, Sequence[str]]]:
        """Return the sections of the form."""
        asked = [f"{part}_{at}" for at in range(1, CONDITIONS + 1) for part in ("metric", "op", "value")]
        kinds = ("outcome", "rate", "points", "basis", "unit", "hurdle", "offer", "tag", "level", "event", "account")
        given = [f"{part}_{at}" for at in range(1, GIVEN + 1) for part in kinds]
        who = ["tier_system", "levels", "section", "audience_tags", "audience_levels", "starts", "ends"]
        return [
            ("Economy or campaign?", GUIDANCE, list(self.top)),
            ("When", "", ["trigger", "crosses", "repeat_every", "crosses_account"]),
            ("Conditions", "Empty rows ask for nothing.", ["match", *asked]),
            ("What it gives", "Points are rounded down.", given),
            (
                "What counts",
                "Exclusions fit an economy rule for the few exceptions. Restrictions are fewer than 50.",
                ["only", "leave_out", "exclusions"],
            ),
            ("For whom", "", who),
            (
                "How often",
                "",
                ["per_user", "per_user_period", "in_all", "in_all_period", "budget_points", "budget_offers"],
            ),
            ("Beside other rules", "", ["priority", "exclusive_group", "stop_after"]),
            ("Advanced", "", ["advanced", "definition"]),
            *self.last,
        ]

    def shown(self) -> dict[str, str]:
        """Return for which values of other fields each field is shown."""
        plain = "advanced="
        found = {
            name: plain
            for title, _, names in self.arranged()
            for name in names
            if title not in ("Economy or campaign?", "Advanced") and (title, names) not in self.last_titles()
        }
        for name in ("crosses", "repeat_every", "crosses_account"):
            found[name] = f"{plain};trigger=points_changed"
        chosen = "|".join(key for key, _ in METRICS if key)
        for at in range(1, CONDITIONS + 1):
            if at > 1:
                found[f"metric_{at}"] = f"{plain};metric_{at - 1}={chosen}"
            for part in ("op", "value"):
                found[f"{part}_{at}"] = f"{plain};metric_{at}={chosen}"
            without = "|".join(key for key, _ in METRICS if key not in ("", "pairing", "time", "event"))
            found[f"op_{at}"] = f"{plain};metric_{at}={without}"
        given = "|".join(key for key, _ in OUTCOMES if key)
        for at in range(1, GIVEN + 1):
            if at > 1:
                found[f"outcome_{at}"] = f"{plain};outcome_{at - 1}={given}"
            for part in {part for parts in PARTS.values() for part in parts}:
                kinds = "|".join(kind for kind, parts in PARTS.items() if part in parts)
                found[f"{part}_{at}"] = f"{plain};outcome_{at}={kinds}"
        found["section"] = f"{plain};scope=economy"
        for name in ("starts", "ends", "audience_tags", "audience_levels", "budget_points", "budget_offers"):
            found[name] = f"{plain};scope=campaign"
        found["definition"] = "advanced=on"
        return found

    def last_titles(self) -> list[tuple[str, Sequence[str]]]:
        return [(title, names) for title, _, names in self.last]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        shop: Retailer | None = values.get("retailer")
        if values.get("advanced"):
            said = values.get("definition") or {}
        elif shop is not None:
            said = says(values, shop.timezone)
        values["definition"] = said if values.get("advanced") or shop is not None else {}
        if shop is None or self.errors.keys() - {"name"}:
            return values
        try:
            values["definition"] = rules.canonical(
                retailer_id=shop.pk, scope=values.get("scope") or "", definition=values["definition"]
            )
        except rule_terms.InvalidRule as wrong:
            for place, what in wrong.faults:
                self.add_error(self.field_of(place), f"{place.partition('.')[2] or place} {what}.")
        return values

    def field_of(self, place: str) -> str | None:
        """Return the field behind a place in a definition, None where there is none on show."""
        if self.cleaned_data.get("advanced"):
            return "definition"
        row, _, part = place.partition(".")
        name, _, number = row.partition("[")
        at = int(number.rstrip("]")) if number else 0
        if name == "conditions":
            rows = asked_rows(self.cleaned_data)
            if at == len(rows):
                return "crosses"
            found = f"{'op' if part == 'op' else 'value'}_{rows[at]}" if at < len(rows) else ""
        elif name == "outcomes":
            rows = [n for n in range(1, GIVEN + 1) if self.cleaned_data.get(f"outcome_{n}")]
            found = f"{part}_{rows[at]}" if at < len(rows) else "outcome_1"
        else:
            elsewhere = {
                "catalog_restrictions": "only",
                "starts_at": "starts",
                "ends_at": "ends",
                "limits": "in_all" if part.startswith("global") else "per_user",
                "audience": f"audience_{part}",
                "budget": f"budget_{part}",
            }
            found = elsewhere.get(name, name)
        return found if found in self.fields else None


class ChangeRuleForm(RuleForm):
    """A further version of a rule: it asks why, unless nothing but its name differs."""

    reason = why.field()
    last = [("Your change", "", ["reason"])]

    def __init__(self, *args: Any, stored: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = stored
        for name in ("retailer", "scope"):
            self.fields[name].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if not self.errors and not same(values["definition"], self.stored):
            why.demand_one(self)
        return values


def initial_of(definition: Mapping[str, Any], shop: Retailer, scope: str) -> dict[str, Any]:
    """Return what the form shows for a stored rule: its fields, or the JSON where they would lose a part of it."""
    accounts = {str(row.uuid): row.name for row in PointAccount.objects.filter(retailer=shop)}
    text = json.dumps(definition, indent=2, ensure_ascii=False)
    shown = shown_as(definition, shop.timezone, accounts)
    again = RuleForm({**shown, "retailer": shop.pk, "name": "x", "scope": scope})
    whole = again.is_valid() and same(again.cleaned_data["definition"], definition)
    return {**shown, "retailer": shop.pk, "scope": scope, "definition": text, "advanced": not whole}


def offers_named(shop: Retailer, definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the titles of the offers a definition names."""
    found = {}
    for one in definition.get("outcomes") or []:
        named = str(one.get("offer") or "") if isinstance(one, dict) else ""
        row = Offer.objects.filter(retailer=shop, key=named).order_by("-id").first() if named else None
        if row is not None and row.texts:
            found[named] = f"“{row.texts[0]['title']}”"
    return found
