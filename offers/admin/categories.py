"""Categories: groups of codes with a place in the order in which they are applied."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from offers import categories
from offers.admin import fields
from offers.admin.filters import RetailerFilter
from offers.admin.office import (
    OfficeAdmin,
    OfficeForm,
    locked,
    now,
    posted,
    stamp,
)
from offers.models import Category, Retailer


class CategoryForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=100, widget=fields.text())
    hierarchy = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        initial=1,
        label="Place",
        widget=forms.NumberInput({"class": "ok-input ok-short"}),
        help_text="The lowest number is applied first, where the retailer applies codes by category.",
    )
    sections = [("", "", ["retailer", "name", "hierarchy"])]


@admin.register(Category)
class CategoryAdmin(OfficeAdmin):
    list_display = ("name", "hierarchy", "retailer")
    list_filter = (RetailerFilter,)
    list_select_related = ("retailer",)
    ordering = ("retailer_id", "hierarchy", "name")
    search_fields = ("name",)
    nothing_text = "No categories yet. They matter once codes are combined."

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))

        def act(values: dict[str, Any]) -> str:
            made = categories.create(
                retailer_id=values["retailer"].pk, name=values["name"], hierarchy=values["hierarchy"], now=now()
            )
            return f"Category {made.name} has been made."

        form = CategoryForm(posted(request))
        return self.ask(request, form=form, title="New category", button="Create", back=self.url("changelist"), act=act)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("change" if request.method == "POST" else "view"))
        row: Category = self.find(object_id)
        initial = {"name": row.name, "hierarchy": row.hierarchy, "version": stamp(row)}
        form = CategoryForm(posted(request), initial=initial)
        del form.fields["retailer"]

        def act(values: dict[str, Any]) -> str:
            locked(row, values["version"])
            categories.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                name=values["name"],
                hierarchy=values["hierarchy"],
                now=now(),
            )
            return f"Category {values['name']} has been saved."

        return self.ask(request, form=form, title=row.name, button="Save", back=self.url("changelist"), act=act)
