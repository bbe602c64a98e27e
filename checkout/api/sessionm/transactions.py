"""Purchase transactions: send_transaction answers when it is stored, GET transactions/{id} says what became of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from checkout import transaction_queue, transactions
from checkout.api.common import auth as common_auth
from checkout.api.common import render
from checkout.api.sessionm import scalars
from checkout.api.sessionm.envelope import PREFIX, AccessDenied, DialectView, PosView, at

OK = b'{"status":"OK","payload":null,"errors":null}'
MONEY = frozenset({"amount", "sent_amount"})
MOST_TRIES = 3  # of one send, each time the configuration changed under our hands


class SendTransaction(PosView):
    """Send a transaction: stored when it is answered, worked through a moment later.

    One statement accepts it: where it belongs, whether it is known, and the row in the queue.

    The steps are those of every call, only that one statement of the verb is also the read that brings the version.
    """

    def run(self, kwargs: dict[str, str]) -> HttpResponse:
        self.enter()
        store_id = self.store_wanted()
        self.check_client()
        assert store_id is not None
        accepted = self._accept(store_id)
        common_auth.touch(self.credential, self.now)
        if accepted.outcome == "queued":
            transaction_queue.nudge()
        response = HttpResponse(OK, content_type="application/json")
        if accepted.outcome == "replay":
            response["X-Idempotent-Replay"] = "true"
        return response

    def _accept(self, store_id: UUID) -> transactions.Accepted:
        for _ in range(MOST_TRIES):
            accepted = transactions.accept(
                retailer_id=self.retailer_id,
                version=self.credential.version,
                store_id=store_id,
                request_id=self.client_request,
                payload=self.payload,
                actor=self.actor,
                now=self.now,
            )
            if accepted.outcome != "version":
                return accepted
            self.credential = common_auth.confirm(self.credential, accepted.version)
            self.check_scope()
        raise common_auth.Unauthorized()


class TransactionStatus(DialectView):
    """Tell where a transaction stands: in the queue, and what came of it."""

    scopes = ("pos",)
    methods = ("GET",)

    def store_wanted(self) -> UUID | None:
        return scalars.uuid(scalars.needed(self.body, "store_id"), "store_id")

    def check_place(self) -> None:
        if self.shop.store is None:
            raise AccessDenied("This credential has no such store")

    def handle(self, **kwargs: str) -> Any:
        assert self.shop.store is not None
        found = transactions.status(
            retailer_id=self.retailer_id,
            store_id=self.shop.store.uuid,
            transaction_id=kwargs["transaction_id"],
        )
        return {
            "transaction_id": found.transaction_id,
            "store_id": found.store_id,
            "state": found.state,
            "revision": found.revision,
            "result": self.shown(found.result),
            "error": found.error or None,
            "received_at": scalars.stamp(found.received_at),
            "processed_at": scalars.stamp(found.processed_at),
        }

    def shown(self, result: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return a result with its money as the decimals the wire speaks."""
        if result is None or not result.get("redeemed"):
            return None if result is None else dict(result)
        redeemed = [
            {name: scalars.number(value, self.shop.currency) if name in MONEY else value for name, value in one.items()}
            for one in result["redeemed"]
        ]
        return {**result, "redeemed": redeemed}

    def respond(self, kwargs: dict[str, str]) -> HttpResponse:
        return render.answer(self.envelope(self.handle(**kwargs)))


urlpatterns = [
    *at("offers/send_transaction", "send_transaction", view=SendTransaction),
    *at("transactions/(?P<transaction_id>[^/]+)", view=TransactionStatus, prefix=PREFIX),
]
