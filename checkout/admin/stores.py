"""Stores with the newest transactions of their tills."""

from django.contrib import admin

from checkout.admin import transaction_blocks
from checkout.models import Transaction
from offers.admin import show, stores
from offers.admin.page import Block, Button, Table
from offers.models import Store


@admin.register(Store)
class StoreAdmin(stores.StoreAdmin):
    def history(self, row: Store) -> list[Block]:
        newest = Transaction.objects.filter(store=row).select_related("store", "retailer").order_by("-id")[:10]
        cells = [
            [show.to_page(one), show.moment(one.first_closed_at or one.created_at, transaction_blocks.zone_of(one))]
            for one in newest
        ]
        more = Button(text="All transactions", url=show.list_of(Transaction, store=str(row.uuid)))
        return [
            Table(
                title="Newest transactions",
                headers=["Transaction", "Closed"],
                rows=cells,
                empty="Its tills have not sent a purchase yet.",
                more=more if cells else None,
            )
        ]
