"""Customers with what they redeemed and hold."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from checkout.admin import customer_wallet, history, members
from checkout.models import LockSession, Redemption
from offers import customers
from offers.admin import fields, lookups, show
from offers.admin.filters import DaysFilter, RetailerFilter
from offers.admin.office import (
    OfficeAdmin,
    OfficeForm,
    View,
    actor_of,
    locked,
    now,
    posted,
    stamp,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Block, Button, Facts, Page, Table
from offers.models import Customer, Retailer, Voucher

Rows = QuerySet[Customer]
COLUMNS = ["public_id", "source_id", "name", "email", "phone", "created_at", "retailer_id"]


class CustomerForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    source_id = forms.CharField(
        required=False, max_length=255, widget=fields.text(), label="Id in the shop", help_text="As the shop sends it."
    )
    name = forms.CharField(required=False, max_length=255, widget=fields.text())
    email = forms.EmailField(required=False, max_length=255, widget=fields.text(), label="E-mail")
    phone = forms.CharField(required=False, max_length=64, widget=fields.text())
    birthdate = forms.DateField(
        required=False, widget=forms.DateInput({"class": "ok-input ok-short", "type": "date"}, format="%Y-%m-%d")
    )
    description = forms.CharField(required=False, widget=fields.area(2))
    metadata = fields.MetadataField(help_text="One per line, name: value. Conditions can ask for these.")
    sections = [
        (
            "",
            "",
            ["retailer", "source_id", "name", "email", "phone", "birthdate", "description", "metadata"],
        )
    ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not any(values.get(name) for name in ("source_id", "name", "email", "phone")):
            self.add_error(None, "Say who it is: an id, a name, an e-mail or a phone number.")
        return values


@admin.register(Customer)
class CustomerAdmin(OwnSearch, OfficeAdmin):
    list_display = ("customer", "name_", "email_", "retailer", "made")
    list_filter = (DaysFilter, RetailerFilter)
    search_fields = ("source_id",)
    search_help_text = "Shop id, member id, our id or e-mail"
    nothing_text = "No customers yet: shops send them along with orders."

    def get_queryset(self, request: HttpRequest) -> Rows:
        rows: Rows = super().get_queryset(request)
        return rows.select_related("retailer").only(*COLUMNS, "retailer__timezone", "retailer__name")

    def search(self, rows: Rows, text: str) -> Rows:
        return rows.filter(pk__in=[*lookups.customer_ids(text), *members.ids(text)])

    @display(description="Customer")
    def customer(self, row: Customer) -> str:
        return show.mono(str(row))

    @display(description="Name")
    def name_(self, row: Customer) -> str:
        return row.name or show.NOTHING

    @display(description="E-mail")
    def email_(self, row: Customer) -> str:
        return row.email or show.NOTHING

    @display(description="Known since")
    def made(self, row: Customer) -> str:
        return show.moment(row.created_at, row.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {"<id>/edit": self.edit}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = CustomerForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            made = customers.upsert(
                retailer_id=values["retailer"].pk,
                source_id=values["source_id"] or None,
                fields=sent(values),
                actor=actor_of(request),
                now=now(),
            )
            return f"Customer {made} has been saved.\n{self.url('change', made.pk)}"

        return self.ask(request, form=form, title="New customer", button="Save", back=self.url("changelist"), act=act)

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Customer = self.find(key)
        initial = {name: getattr(row, name) or "" for name in ("name", "email", "phone", "birthdate", "description")}
        initial |= {"metadata": fields.as_lines(row.metadata), "version": stamp(row)}
        form = CustomerForm(posted(request), initial=initial)
        del form.fields["retailer"], form.fields["source_id"]

        def act(values: dict[str, Any]) -> str:
            fresh: Customer = locked(row, values["version"])
            changed = sent(values)
            changed["metadata"] = fields.merged_away(fresh.metadata, values["metadata"])
            customers.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                fields=changed,
                actor=actor_of(request),
                now=now(),
            )
            return f"Customer {row} has been saved."

        return self.ask(request, form=form, title=f"Edit {row}", button="Save", back=self.url("change", key), act=act)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Customer = self.find(object_id, "retailer")
        zone = row.retailer.timezone
        known = {
            "Name": row.name,
            "E-mail": row.email,
            "Phone": row.phone,
            "Born": f"{row.birthdate:%-d %b %Y}" if row.birthdate else "",
            "Address": show.plain(row.address) if row.address else "",
            "Description": row.description,
            "Segments": show.plain(row.segments) if row.segments else "",
            "Known since": show.moment(row.created_at, zone),
            "Changed": show.moment(row.updated_at, zone, ""),
            "Retailer": row.retailer.name,
        }
        known |= {name: show.plain(value) for name, value in (row.metadata or {}).items()}
        redeemed = history.slim(Redemption.objects.filter(customer=row)).order_by("-id")[: history.SHOWN]
        held = Voucher.objects.filter(holder=row, deleted_at__isnull=True).select_related("campaign")
        page = Page(
            title=row.name or str(row),
            subtitle=f"{row.source_id or ''} {row.public_id}".strip(),
            buttons=self.buttons(request, row),
            blocks=[
                Facts(title="Customer", facts=[(name, value) for name, value in known.items() if value]),
                *self.loyalty(request, row),
                history.table(
                    redeemed,
                    title="Redemptions",
                    empty="Has not redeemed anything yet.",
                    more=show.list_of(Redemption, customer=row.public_id),
                    without=["Customer"],
                ),
                Table(
                    title="Codes held",
                    headers=["Code", "Campaign"],
                    rows=[[show.to_page(one), show.to_page(one.campaign)] for one in held[: history.SHOWN]],
                    empty="Holds no codes.",
                ),
            ],
        )
        return self.show(request, page)

    def loyalty(self, request: HttpRequest, row: Customer) -> list[Block]:
        held = customer_wallet.blocks(row) if self.may(request, "offers.view_useroffer") else []
        return [*members.blocks_of(row), *held]

    def buttons(self, request: HttpRequest, row: Customer) -> list[Button]:
        may = self.may(request, self.permission("change"))
        edit = [Button(text="Edit", url=self.url("edit", row.pk), tone="main")] if may else []
        return [*edit, Button(text="Locks", url=show.list_of(LockSession, customer=row.public_id))]


def sent(values: dict[str, Any]) -> customers.Fields:
    """Return the form's values as the verb takes them; what is empty is cleared."""
    return {
        "name": values["name"] or None,
        "email": values["email"] or None,
        "phone": values["phone"] or None,
        "birthdate": values["birthdate"],
        "description": values["description"] or None,
        "metadata": values["metadata"],
    }
