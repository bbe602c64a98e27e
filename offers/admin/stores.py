"""Stores: where tills stand; their id is what tills send with every call."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.admin import display
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from offers import stores
from offers.admin import fields, show
from offers.admin.filters import RetailerFilter
from offers.admin.office import OfficeAdmin, OfficeForm, View, actor_of, now, posted
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Page
from offers.models import Retailer, Store

Rows = QuerySet[Store]
ZONES = [("", "The retailer's"), *((name, name) for name in sorted(available_timezones()))]


class StoreForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=200, widget=fields.text())
    timezone = forms.ChoiceField(
        choices=ZONES,
        required=False,
        widget=fields.select(),
        label="Time zone",
        help_text="What the clock on its receipts means, and when its happy hour is.",
    )
    tags = forms.CharField(
        required=False,
        widget=fields.text(placeholder="airport, kiosk"),
        help_text="Separated by commas. Offers can be limited to stores with a tag.",
    )
    prices_include_tax = forms.BooleanField(required=False, widget=fields.tick(), label="Prices include tax")
    active = forms.BooleanField(required=False, initial=True, widget=fields.tick(), label="In use")
    sections = [("", "", ["retailer", "name", "timezone", "tags", "prices_include_tax", "active"])]

    def terms(self) -> stores.Fields:
        """Return the values as the verbs take them."""
        values = self.cleaned_data
        tags = [tag.strip() for tag in values["tags"].split(",") if tag.strip()]
        return {
            "name": values["name"],
            "timezone": values["timezone"],
            "tags": list(dict.fromkeys(tags)),
            "prices_include_tax": values["prices_include_tax"],
            "active": values["active"],
        }


class StoreAdmin(OwnSearch, OfficeAdmin):
    list_display = ("name", "ident", "tags_", "state", "retailer")
    list_filter = (RetailerFilter,)
    list_select_related = ("retailer",)
    search_fields = ("name",)
    search_help_text = "Name or id"
    nothing_text = "No stores yet. Tills need the id of one."

    def search(self, rows: Rows, text: str) -> Rows:
        found = Q(name__icontains=text)
        if ident := show.uuid_of(text):
            found |= Q(uuid=ident)
        return rows.filter(found)

    @display(description="Store id")
    def ident(self, row: Store) -> str:
        return show.mono(str(row.uuid))

    @display(description="Tags")
    def tags_(self, row: Store) -> str:
        return ", ".join(row.tags) or show.NOTHING

    @display(description="State")
    def state(self, row: Store) -> str:
        return state_chip(row)

    def pages(self) -> dict[str, View]:
        return {"<id>/edit": self.edit}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = StoreForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            made = stores.create(
                retailer_id=values["retailer"].pk, fields=form.terms(), actor=actor_of(request), now=now()
            )
            return f"Store {made.name} has been made.\n{self.url('change', made.pk)}"

        return self.ask(
            request, form=form, title="New store", button="Create store", back=self.url("changelist"), act=act
        )

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Store = self.find(key)
        initial = {name: getattr(row, name) for name in ("name", "timezone", "prices_include_tax", "active")}
        form = StoreForm(posted(request), initial={**initial, "tags": ", ".join(row.tags)})
        del form.fields["retailer"]

        def act(_: dict[str, Any]) -> str:
            stores.update(
                retailer_id=row.retailer_id, store_id=row.pk, fields=form.terms(), actor=actor_of(request), now=now()
            )
            return f"Store {row.name} has been saved."

        return self.ask(
            request, form=form, title=f"Edit {row.name}", button="Save", back=self.url("change", key), act=act
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Store = self.find(object_id, "retailer")
        known = {
            "Store id": show.mono(str(row.uuid)),
            "Time zone": row.timezone or f"{row.retailer.timezone} (the retailer's)",
            "Tags": ", ".join(row.tags),
            "Prices": "include tax" if row.prices_include_tax else "without tax",
            "Retailer": row.retailer.name,
            "Retailer id": show.mono(str(row.retailer.uuid)),
            "Opened": show.moment(row.created_at, row.timezone or row.retailer.timezone),
        }
        may = self.may(request, self.permission("change"))
        page = Page(
            title=row.name,
            chips=[state_chip(row)],
            buttons=[Button(text="Edit", url=self.url("edit", row.pk), tone="main")] if may else [],
            blocks=[Facts(facts=[(name, value) for name, value in known.items() if value]), *self.history(row)],
        )
        return self.show(request, page)

    def history(self, row: Store) -> list[Block]:
        return []


def state_chip(row: Store) -> str:
    return show.chip("In use", "good") if row.active else show.chip("Closed", "warn")
