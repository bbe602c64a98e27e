"""The form of a tier system: its levels from the lowest to the highest, how one enters each and keeps it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.text import slugify

from checkout.admin import loyalty_words
from loyalty import tier_systems
from loyalty.models import TierSystem
from offers.admin import fields
from offers.admin.office import ReasonForm
from offers.models import Retailer

METRICS = {"lifetime_points": "points ever earned", "period_points": "points earned", "spend": "money spent"}
DEMOTIONS = {
    TierSystem.Demotion.NONE: "nobody falls",
    TierSystem.Demotion.ONE_LEVEL: "who does not keep a level falls by one",
    TierSystem.Demotion.TO_QUALIFIED: "who does not keep a level falls to the one he qualifies for",
}
SHOWN = ("metric", "op", "value", "period_months")
MOST = 12  # levels
FIRST, SPARE = 5, 3  # shown of a new one; empty ones at the end of another
NOTHING = {"entry": "Everybody", "maintenance": "Nothing: it is never lost"}
TITLES = {"entry": "Entered with", "maintenance": "Kept with"}
# What a condition is asked by, and for which metrics each is shown.
BITS = {"metric": (), "op": METRICS, "value": METRICS, "months": ("period_points", "spend")}


class TierForm(ReasonForm):
    """A programme with its levels; a level's key is hidden and stays, whatever it is called."""

    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=tier_systems.LONGEST_NAME, widget=fields.text())
    demotion = forms.ChoiceField(
        choices=[(key, words.capitalize()) for key, words in DEMOTIONS.items()], widget=fields.select(), label="Falling"
    )
    review_months = forms.IntegerField(
        min_value=1,
        max_value=120,
        initial=12,
        widget=fields.short(inputmode="numeric"),
        label="A level is reviewed after (months)",
    )
    active = forms.BooleanField(
        required=False,
        initial=True,
        widget=fields.tick(),
        label="In use",
        help_text="Off: nobody rises or is looked up in it; levels held are kept.",
    )

    def __init__(
        self, data: Any = None, *, initial: Mapping[str, Any] | None = None, levels: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(data, initial={**(initial or {}), **shown(levels)})
        self.kept = list(levels)
        self.rows = max(len(levels), min(MOST, max(FIRST, len(levels) + SPARE)))
        for at in range(1, self.rows + 1):
            self.add_level(at)
        self.parts = [
            ("", "", ["retailer", "name", "demotion", "review_months", "active"]),
            *(self.section(at) for at in range(1, self.rows + 1)),
            ("", "", ["reason"]),
        ]
        self.shown_when = {  # type: ignore[misc]
            f"{part}_{bit}_{at}": f"{part}_metric_{at}={'|'.join(metrics)}"
            for at in range(1, self.rows + 1)
            for part in tier_systems.PARTS
            for bit, metrics in BITS.items()
            if metrics
        }

    def section(self, at: int) -> tuple[str, str, list[str]]:
        said = "From the lowest to the highest. A level without a name is none." if at == 1 else ""
        asked = [f"{part}_{bit}_{at}" for part in tier_systems.PARTS for bit in BITS]
        return f"Level {at}", said, [f"level_{at}", f"rank_{at}", *asked]

    def add_level(self, at: int) -> None:
        self.fields[f"level_{at}"] = forms.CharField(
            required=False, max_length=tier_systems.LONGEST_NAME, widget=fields.short(), label="Name"
        )
        self.fields[f"rank_{at}"] = forms.IntegerField(
            required=False,
            min_value=0,
            max_value=tier_systems.MOST_RANK,
            widget=fields.short(inputmode="numeric"),
            label="Rank",
            help_text="The higher, the better. Empty: as they stand here." if at == 1 else "",
        )
        for part in tier_systems.PARTS:
            self.fields[f"{part}_metric_{at}"] = forms.ChoiceField(
                required=False,
                choices=[("", NOTHING[part]), *((key, text.capitalize()) for key, text in METRICS.items())],
                widget=fields.select(**{"class": "ok-input ok-short"}),
                label=TITLES[part],
            )
            self.fields[f"{part}_op_{at}"] = forms.ChoiceField(
                required=False,
                choices=list(loyalty_words.COMPARED.items()),
                initial=">=",
                widget=fields.select(**{"class": "ok-input ok-short"}),
                label="Comparison",
            )
            self.fields[f"{part}_value_{at}"] = forms.DecimalField(
                required=False, max_digits=14, min_value=0, widget=fields.short(inputmode="decimal"), label="How much"
            )
            self.fields[f"{part}_months_{at}"] = forms.IntegerField(
                required=False,
                min_value=1,
                max_value=120,
                widget=fields.short(inputmode="numeric"),
                label="Within the last (months)",
            )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        named = [at for at in range(1, self.rows + 1) if values.get(f"level_{at}")]
        if not named and "level_1" in self.fields:
            self.add_error("level_1", "A tier system has at least one level.")
        for at in named:
            for part in tier_systems.PARTS:
                if values.get(f"{part}_metric_{at}") and values.get(f"{part}_value_{at}") is None:
                    self.add_error(f"{part}_value_{at}", "Say how much, or choose nothing.")
        return values

    def levels(self) -> list[dict[str, Any]]:
        """Return the levels as the verbs take them."""
        values = self.cleaned_data
        found: list[dict[str, Any]] = []
        taken = {level["key"] for level in self.kept}
        for at in range(1, self.rows + 1):
            if not (name := values.get(f"level_{at}")):
                continue
            kept = self.kept[at - 1] if at <= len(self.kept) else None
            key = str(kept["key"]) if kept else fresh(name, taken)
            taken.add(key)
            rank = values.get(f"rank_{at}")
            level: dict[str, Any] = {"key": key, "name": name, "rank": rank if rank is not None else self.after(found)}
            for part in tier_systems.PARTS:
                level[part] = self.condition(part, at, (kept or {}).get(part))
            found.append(level)
        return found

    def after(self, found: Sequence[Mapping[str, Any]]) -> int:
        return max((int(level["rank"]) for level in found), default=0) + 1

    def condition(self, part: str, at: int, kept: Mapping[str, Any] | None) -> dict[str, Any] | None:
        values = self.cleaned_data
        if not (metric := values.get(f"{part}_metric_{at}")):
            return None
        # What the form does not show of a condition, such as its account, stays as it was.
        rest = {
            key: value for key, value in (kept or {}).items() if key not in ("metric", "op", "value", "period_months")
        }
        value = values[f"{part}_value_{at}"]
        found = {**rest, "metric": metric, "op": values.get(f"{part}_op_{at}") or ">=", "value": plain(value)}
        if metric != "lifetime_points" and values.get(f"{part}_months_{at}"):
            found["period_months"] = values[f"{part}_months_{at}"]
        return found


def plain(value: Any) -> int | str:
    """Return a number as JSON keeps it exactly: whole, else as its digits."""
    return int(value) if value == value.to_integral_value() else f"{value.normalize():f}"


def fresh(name: str, taken: set[str]) -> str:
    """Return a key for something called so."""
    stem = slugify(name)[:50].strip("-_") or "level"
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, 200))) if key not in taken)


def shown(levels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the form shows for levels."""
    found: dict[str, Any] = {}
    for at, level in enumerate(levels, start=1):
        found |= {f"level_{at}": level["name"], f"rank_{at}": level["rank"]}
        for part in tier_systems.PARTS:
            condition = level.get(part) or {}
            found |= {
                f"{part}_metric_{at}": condition.get("metric", ""),
                f"{part}_op_{at}": condition.get("op", ">="),
                f"{part}_value_{at}": condition.get("value"),
                f"{part}_months_{at}": condition.get("period_months"),
            }
    return found
