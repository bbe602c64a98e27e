"""/handoffs: a consumer's page makes a one-time code; the checkout's server exchanges it for the token."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.admission import handoffs, tokens
from checkout.admission.models import Admission
from checkout.api.admission.admissions import TokenView
from checkout.api.admission.schema import CONSUMER, SERVER
from offers.models import Retailer


class Handoffs(TokenView):
    who = {"POST": CONSUMER}

    def post(self, request: HttpRequest) -> Any:
        """Make a one-time code for an address of a listed origin; it works once, within a minute."""
        row = self.admission()
        if row.consumer_id != self.consumer.pk:
            raise tokens.UnknownAdmission()
        value = self.read_object().get("return_url")
        ours = handoffs.origin_of(request.build_absolute_uri("/"))  # the checkout that comes with the product
        allowed = [ours, *handoffs.allowed_origins(Retailer.objects.get(pk=self.retailer_id).settings)]
        code = handoffs.create(admission=row, return_url=str(value), allowed=allowed, now=self.now)
        return 201, {"code": code, "expires_at": self.now + handoffs.LIFE}


class Exchange(TokenView):
    who = {"POST": SERVER}

    def post(self, request: HttpRequest) -> Any:
        """Exchange a one-time code for the admission's token."""
        row = handoffs.exchange(code=self.told("code"), retailer_id=self.retailer_id, now=self.now)
        rows = Admission.objects.select_related("distribution__sequence__experience", "consumer")
        return {"admission_token": tokens.token_of(rows.get(pk=row.pk), now=self.now)}


urlpatterns = [path("handoffs", Handoffs.as_view()), path("handoffs/exchange", Exchange.as_view())]
