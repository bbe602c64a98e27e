"""The floor's two calls: lock a code for a session, redeem what the session locked."""

import json
from typing import Any

from django.db import connection
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

UNITS = {"MINUTES": 60, "HOURS": 3600, "DAYS": 86400}

LOCK = """
WITH v AS (
    UPDATE voucher SET used = used + 1
    WHERE code = %s AND active AND (max_uses IS NULL OR used < max_uses)
      AND (starts_at IS NULL OR starts_at <= now()) AND (ends_at IS NULL OR ends_at > now())
    RETURNING id, discount
), h AS (
    INSERT INTO hold (voucher_id, session_key, customer, amount, expires_at)
    SELECT id, %s, %s, %s, now() + make_interval(secs => %s) FROM v RETURNING id
)
SELECT v.discount, h.id FROM v, h
"""
REDEEM = """
WITH v AS (
    SELECT id, discount FROM voucher WHERE code = %s AND active
), h AS (
    DELETE FROM hold USING v WHERE session_key = %s AND voucher_id = v.id AND expires_at > now() RETURNING voucher_id
), r AS (
    INSERT INTO redemption (voucher_id, session_key, customer, amount)
    SELECT voucher_id, %s, %s, %s FROM h RETURNING id
)
SELECT v.discount, r.id FROM v, r
"""


INTAKE = "INSERT INTO sale (store_id, transaction_id, payload) VALUES (%s, %s, %s)"


class RedeemableIn(serializers.Serializer[Any]):
    object = serializers.ChoiceField(choices=["voucher", "promotion_tier"])
    id = serializers.CharField(max_length=255)


class OrderIn(serializers.Serializer[Any]):
    amount = serializers.IntegerField(min_value=0)


class CustomerIn(serializers.Serializer[Any]):
    source_id = serializers.CharField(max_length=255)


class SessionIn(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["LOCK"])
    key = serializers.CharField(max_length=128)
    ttl = serializers.IntegerField(min_value=1, default=7)
    ttl_unit = serializers.ChoiceField(choices=sorted(UNITS), default="DAYS")


class AskIn(serializers.Serializer[Any]):
    redeemables = RedeemableIn(many=True)
    order = OrderIn()
    customer = CustomerIn()
    session = SessionIn()


class RedeemableOut(serializers.Serializer[Any]):
    status = serializers.CharField()
    id = serializers.CharField()
    object = serializers.CharField()
    discount = serializers.JSONField()


class OrderOut(serializers.Serializer[Any]):
    amount = serializers.IntegerField()
    total_discount_amount = serializers.IntegerField()
    total_amount = serializers.IntegerField()


class Out(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    redeemables = RedeemableOut(many=True)
    order = OrderOut()
    session = SessionIn()


class Validations(APIView):
    def post(self, request: Request) -> Response:
        asked = AskIn(data=request.data)
        asked.is_valid(raise_exception=True)
        ask = asked.validated_data
        code, session = ask["redeemables"][0]["id"], ask["session"]
        seconds = session["ttl"] * UNITS[session["ttl_unit"]]
        customer, amount = ask["customer"]["source_id"], ask["order"]["amount"]
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [code, session["key"], customer, amount, seconds])
            found = cursor.fetchone()
        return answer(ask, found)


class Redemptions(APIView):
    def post(self, request: Request) -> Response:
        asked = AskIn(data=request.data)
        asked.is_valid(raise_exception=True)
        ask = asked.validated_data
        code, key = ask["redeemables"][0]["id"], ask["session"]["key"]
        with connection.cursor() as cursor:
            cursor.execute(REDEEM, [code, key, key, ask["customer"]["source_id"], ask["order"]["amount"]])
            found = cursor.fetchone()
        return answer(ask, found)


def answer(ask: Any, found: Any) -> Response:
    if found is None:
        return Response({"valid": False}, status=400)
    amount, redeemable = ask["order"]["amount"], ask["redeemables"][0]
    off = amount * 10 // 100
    shown = {"status": "APPLICABLE", **redeemable, "discount": found[0]}
    order = {"amount": amount, "total_discount_amount": off, "total_amount": amount - off}
    return Response(Out({"valid": True, "redeemables": [shown], "order": order, "session": ask["session"]}).data)


class ItemIn(serializers.Serializer[Any]):
    line_id = serializers.CharField(max_length=255)
    item_id = serializers.CharField(max_length=255)
    quantity = serializers.DecimalField(max_digits=12, decimal_places=4)
    unit_price = serializers.DecimalField(max_digits=14, decimal_places=2)
    subtotal = serializers.DecimalField(max_digits=14, decimal_places=2)


class PaymentIn(serializers.Serializer[Any]):
    payment_id = serializers.CharField(max_length=255)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    type = serializers.CharField(max_length=40)
    payment_time = serializers.CharField(max_length=40)
    user_id = serializers.CharField(max_length=255)
    user_id_type = serializers.CharField(max_length=40)


class SaleIn(serializers.Serializer[Any]):
    transaction_id = serializers.CharField(max_length=64)
    is_closed = serializers.BooleanField()
    channel = serializers.CharField(max_length=40)
    subtotal = serializers.DecimalField(max_digits=14, decimal_places=2)
    tax_total = serializers.DecimalField(max_digits=14, decimal_places=2)
    open_time = serializers.CharField(max_length=40)
    modified_time = serializers.CharField(max_length=40)
    items = ItemIn(many=True)
    payments = PaymentIn(many=True)
    discounts = serializers.ListField()


class EnvelopeIn(serializers.Serializer[Any]):
    store_id = serializers.UUIDField()
    client_id = serializers.UUIDField()
    request_id = serializers.CharField(max_length=64)
    request_payload = SaleIn()


class Sales(APIView):
    def post(self, request: Request) -> Response:
        sent: Any = request.data
        asked = EnvelopeIn(data=sent)
        asked.is_valid(raise_exception=True)
        ask, payload = asked.validated_data, sent["request_payload"]
        with connection.cursor() as cursor:
            cursor.execute(INTAKE, [str(ask["store_id"]), payload["transaction_id"], json.dumps(payload)])
        return Response({"status": "OK", "payload": None, "errors": None})


urlpatterns = [
    path("api/2.0/offers/send_transaction", Sales.as_view()),
    path("v1/validations", Validations.as_view()),
    path("v1/redemptions", Redemptions.as_view()),
]
