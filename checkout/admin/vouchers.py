"""Codes with their life: locks, redemptions, roll-backs and changes in one timeline."""

from django.contrib import admin
from django.http import HttpRequest

from checkout.admin import timeline
from checkout.models import LockSession, Redemption
from offers.admin import show, vouchers
from offers.admin.page import Block, Button
from offers.models import Voucher


@admin.register(Voucher)
class VoucherAdmin(vouchers.VoucherAdmin):
    def buttons(self, request: HttpRequest, row: Voucher) -> list[Button]:
        return [
            *super().buttons(request, row),
            Button(text="Redemptions", url=show.list_of(Redemption, code=row.code)),
            Button(text="Locks", url=show.list_of(LockSession, code=row.code, state="all")),
        ]

    def history(self, row: Voucher) -> list[Block]:
        return [timeline.of(row, row.retailer)]
