"""Products, their variants and collections, as far as discounts and conditions name them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse

from offers import catalogue, collections
from offers.admin import fields, lookups, show
from offers.admin.filters import RetailerFilter
from offers.admin.office import (
    OfficeAdmin,
    OfficeForm,
    SureForm,
    View,
    actor_of,
    locked,
    now,
    posted,
    stamp,
)
from offers.admin.own_search import OwnSearch
from offers.admin.page import Button, Facts, Page, Table
from offers.models import Product, ProductCollection, Retailer, Sku

SHOWN = 100


def by_id(queryset: Any, text: str, prefix: str) -> Any:
    """Narrow to our id or the shop's, else to names that hold the text."""
    if text.startswith(prefix):
        return queryset.filter(public_id=text)
    exact = queryset.filter(retailer_id__in=lookups.retailer_ids(), source_id=text)
    return exact if exact.exists() else queryset.filter(name__icontains=text)


class ProductForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    source_id = forms.CharField(
        required=False, max_length=255, widget=fields.text(), label="Id in the shop", help_text="As orders name it."
    )
    name = forms.CharField(max_length=255, widget=fields.text())
    price = fields.MoneyField(help_text="Used where an order line names none.")
    metadata = fields.MetadataField(help_text="One per line, name: value. Conditions can ask for these.")
    sections = [("", "", ["retailer", "source_id", "name", "price", "metadata"])]


class SkuForm(OfficeForm):
    source_id = forms.CharField(
        required=False, max_length=255, widget=fields.text(), label="Id in the shop", help_text="As orders name it."
    )
    sku = forms.CharField(max_length=255, widget=fields.text(), label="Name", help_text="For example T-shirt, red, M.")
    price = fields.MoneyField()
    metadata = fields.MetadataField(help_text="One per line, name: value.")
    sections = [("", "", ["source_id", "sku", "price", "metadata"])]


class CollectionForm(OfficeForm):
    retailer = forms.ModelChoiceField(Retailer.objects.order_by("name"), widget=fields.select(), empty_label=None)
    name = forms.CharField(max_length=200, widget=fields.text())
    products = forms.CharField(
        required=False, widget=fields.area(8), help_text="One id of a product or variant per line, yours or ours."
    )
    sections = [("", "", ["retailer", "name", "products"])]


@admin.register(Product)
class ProductAdmin(OwnSearch, OfficeAdmin):
    list_display = ("name_", "source", "price_", "retailer")
    list_filter = (RetailerFilter,)
    search_fields = ("name",)
    search_help_text = "Name, your id or ours"
    list_select_related = ("retailer",)
    nothing_text = "No products yet. Only discounts on certain products need them."

    def search(self, rows: Any, text: str) -> Any:
        return by_id(rows, text, "prod_")

    @display(description="Product")
    def name_(self, row: Product) -> str:
        return str(row)

    @display(description="Id in the shop")
    def source(self, row: Product) -> str:
        return show.mono(row.source_id) if row.source_id else show.NOTHING

    @display(description="Price")
    def price_(self, row: Product) -> str:
        return show.amount(row.price, row.retailer.currency)

    def pages(self) -> dict[str, View]:
        return {"<id>/edit": self.edit, "<id>/new-variant": self.new_variant}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = ProductForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            made = catalogue.upsert_product(
                retailer_id=values["retailer"].pk,
                source_id=values["source_id"] or None,
                fields=product_fields(form, values["retailer"].currency),
                actor=actor_of(request),
                now=now(),
            )
            return f"Product {made} has been saved.\n{self.url('change', made.pk)}"

        return self.ask(request, form=form, title="New product", button="Save", back=self.url("changelist"), act=act)

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("change"))
        row: Product = self.find(key, "retailer")
        form = ProductForm(posted(request), initial=shown(row, row.retailer.currency))
        del form.fields["retailer"], form.fields["source_id"]

        def act(values: dict[str, Any]) -> str:
            fresh: Product = locked(row, values["version"])
            changed = product_fields(form, row.retailer.currency)
            changed["metadata"] = fields.merged_away(fresh.metadata, values["metadata"])
            catalogue.update_product(
                retailer_id=row.retailer_id, ident=row.public_id, fields=changed, actor=actor_of(request), now=now()
            )
            return f"Product {values['name']} has been saved."

        return self.ask(request, form=form, title=f"Edit {row}", button="Save", back=self.url("change", key), act=act)

    def new_variant(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, "offers.add_sku")
        row: Product = self.find(key, "retailer")
        form = SkuForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            made = catalogue.upsert_sku(
                product=row,
                source_id=values["source_id"] or None,
                fields=sku_fields(form, row.retailer.currency),
                actor=actor_of(request),
                now=now(),
            )
            return f"Variant {made} has been saved."

        return self.ask(
            request, form=form, title=f"New variant of {row}", button="Save", back=self.url("change", key), act=act
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        row: Product = self.find(object_id, "retailer")
        currency = row.retailer.currency
        facts = [
            ("Id in the shop", show.mono(row.source_id) if row.source_id else show.NOTHING),
            ("Price", show.amount(row.price, currency)),
            ("Attributes", show.plain(row.attributes)),
            *((name, show.plain(value)) for name, value in (row.metadata or {}).items()),
            ("Retailer", row.retailer.name),
        ]
        variants = Table(
            title="Variants",
            headers=["Name", "Id in the shop", "Price"],
            rows=[
                [show.to_page(sku), show.mono(sku.source_id or show.NOTHING), show.amount(sku.price, currency)]
                for sku in row.skus.order_by("id")[:SHOWN]
            ],
            empty="None.",
        )
        buttons = []
        if self.may(request, self.permission("change")):
            buttons = [
                Button(text="Edit", url=self.url("edit", row.pk), tone="main"),
                Button(text="New variant…", url=self.url("new_variant", row.pk)),
            ]
        page = Page(title=str(row), subtitle=row.public_id, buttons=buttons, blocks=[Facts(facts=facts), variants])
        return self.show(request, page)


@admin.register(Sku)
class SkuAdmin(OwnSearch, OfficeAdmin):
    called = ("variant", "variants")
    list_display = ("sku_", "source", "price_", "product")
    list_filter = (RetailerFilter,)
    search_fields = ("sku",)
    search_help_text = "Your id or ours"
    list_select_related = ("retailer", "product")
    nothing_text = "No variants yet: they are added on the page of their product."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def search(self, rows: Any, text: str) -> Any:
        if text.startswith("sku_"):
            return rows.filter(public_id=text)
        exact = {"retailer_id__in": lookups.retailer_ids(), "source_id": text}
        return rows.filter(**exact)

    @display(description="Variant")
    def sku_(self, row: Sku) -> str:
        return str(row)

    @display(description="Id in the shop")
    def source(self, row: Sku) -> str:
        return show.mono(row.source_id) if row.source_id else show.NOTHING

    @display(description="Price")
    def price_(self, row: Sku) -> str:
        return show.amount(row.price, row.retailer.currency)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("change" if request.method == "POST" else "view"))
        row: Sku = self.find(object_id, "retailer", "product")
        form = SkuForm(posted(request), initial=shown(row, row.retailer.currency))
        del form.fields["source_id"]

        def act(values: dict[str, Any]) -> str:
            fresh: Sku = locked(row, values["version"])
            changed = sku_fields(form, row.retailer.currency)
            changed["metadata"] = fields.merged_away(fresh.metadata, values["metadata"])
            catalogue.update_sku(
                product=row.product, ident=row.public_id, fields=changed, actor=actor_of(request), now=now()
            )
            return f"Variant {values['sku']} has been saved."

        return self.ask(
            request,
            form=form,
            title=str(row),
            text=f"{row.product}, {row.source_id or row.public_id}",
            button="Save",
            back=show.page_of(Product, row.product_id),
            act=act,
        )


@admin.register(ProductCollection)
class CollectionAdmin(OfficeAdmin):
    called = ("collection", "collections")
    list_display = ("name", "size", "retailer")
    list_filter = (RetailerFilter,)
    search_fields = ("name",)
    list_select_related = ("retailer",)
    nothing_text = "No collections yet. They let a condition name many products at once."

    @display(description="Products")
    def size(self, row: ProductCollection) -> str:
        return show.count(len(row.products))

    def pages(self) -> dict[str, View]:
        return {"<id>/remove": self.remove}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        form = CollectionForm(posted(request))

        def act(values: dict[str, Any]) -> str:
            made = collections.create(
                retailer_id=values["retailer"].pk,
                name=values["name"],
                idents=values["products"].split("\n"),
                actor=actor_of(request),
                now=now(),
            )
            return f"Collection {made.name} has been made."

        return self.ask(
            request, form=form, title="New collection", button="Create", back=self.url("changelist"), act=act
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("change" if request.method == "POST" else "view"))
        row: ProductCollection = self.find(object_id)
        listed = "\n".join(str(one) for one in row.products)
        form = CollectionForm(
            posted(request), initial={"name": row.name, "products": listed, "version": collections.version(row)}
        )
        del form.fields["retailer"]

        def act(values: dict[str, Any]) -> str:
            collections.update(
                retailer_id=row.retailer_id,
                ident=row.public_id,
                name=values["name"],
                idents=values["products"].split("\n"),
                seen=values["version"],
                actor=actor_of(request),
                now=now(),
            )
            return f"Collection {values['name']} has been saved."

        return self.ask(request, form=form, title=row.name, button="Save", back=self.url("changelist"), act=act)

    def remove(self, request: HttpRequest, key: int) -> HttpResponse:
        self.demand(request, self.permission("delete"))
        row: ProductCollection = self.find(key)

        def act(_: dict[str, Any]) -> str:
            collections.delete(retailer_id=row.retailer_id, ident=row.public_id, actor=actor_of(request), now=now())
            return f"Collection {row.name} has been deleted.\n{self.url('changelist')}"

        return self.ask(
            request,
            form=SureForm(posted(request)),
            title=f"Delete {row.name}?",
            text="Conditions that name it no longer cover its products.",
            button="Delete",
            back=self.url("change", key),
            act=act,
            danger=True,
        )


def shown(row: Any, currency: str) -> dict[str, Any]:
    named = {"name": row.name} if isinstance(row, Product) else {"sku": row.sku}
    price = {"price": fields.in_major(row.price, currency), "metadata": fields.as_lines(row.metadata)}
    return {**named, **price, "version": stamp(row)}


def product_fields(form: ProductForm, currency: str) -> catalogue.ProductFields:
    """Return the form's values as the verb takes them. Refuses a price finer than the currency."""
    values = form.cleaned_data
    return {"name": values["name"], "price": price_of(form, currency), "metadata": values["metadata"]}


def sku_fields(form: SkuForm, currency: str) -> catalogue.SkuFields:
    values = form.cleaned_data
    return {"sku": values["sku"], "price": price_of(form, currency), "metadata": values["metadata"]}


def price_of(form: forms.Form, currency: str) -> int | None:
    price = fields.in_minor(form, "price", currency)
    if "price" in form.errors:
        raise fields.TooFine(f"{currency} has fewer decimals.")
    return price
