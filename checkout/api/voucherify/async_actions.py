"""/v1/async-actions: background jobs, one or the newest."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from checkout.api.common import filters, lists
from checkout.api.common.views import ApiView
from offers import async_actions
from offers.models import AsyncAction


def action_json(action: AsyncAction) -> dict[str, Any]:
    """Return a job; its result is there once it has ended."""
    return {
        "id": action.public_id,
        "type": action.type,
        "status": action.status,
        "operation_status": action.operation_status,
        "created_at": action.created_at,
        "updated_at": action.updated_at,
        "request_id": action.request_id or None,
        "processing_time": action.processing_time,
        "progress": action.progress,
        "object": "async_action",
        "result": action.result,
    }


class AsyncActions(ApiView):
    """List jobs, newest first, those made before `end_date`."""

    scope = "async_actions"

    def get(self, request: HttpRequest) -> Any:
        query = lists.read(request.GET)
        end = request.GET.get("end_date")
        before = filters.moment(end, "end_date") if end else None
        rows = list(async_actions.search(retailer_id=self.retailer_id, before=before)[: query.limit + 1])
        return {
            "object": "list",
            "data_ref": "async_actions",
            "async_actions": [action_json(row) for row in rows[: query.limit]],
            "has_more": len(rows) > query.limit,
        }


class OneAsyncAction(ApiView):
    """Get one job."""

    scope = "async_actions"

    def get(self, request: HttpRequest, ident: str) -> Any:
        return action_json(async_actions.get(retailer_id=self.retailer_id, ident=ident))


urlpatterns = [
    path("async-actions/<code:ident>", OneAsyncAction.as_view()),
    path("async-actions", AsyncActions.as_view()),
]
