"""Addresses that break in every way there is, for the tests of what answers then."""

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

RAISED = {
    "database": OperationalError("server closed the connection"),
    "bug": ValueError("token=SESAME-1"),
    "suspicious": SuspiciousOperation("x"),
    "large": RequestDataTooBig("x"),
}


def breaks(request: HttpRequest, how: str) -> HttpResponse:
    raise RAISED[how]


def sleeps(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = 50")
        cursor.execute("select pg_sleep(5)")
    return HttpResponse("slept")


def reads(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def backend(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return HttpResponse(str(cursor.fetchone()[0]))


def under(prefix: str) -> list[URLPattern]:
    return [
        path(f"{prefix}break/<how>", breaks),
        path(f"{prefix}sleep", sleeps),
        path(f"{prefix}read", reads),
        path(f"{prefix}backend", backend),
        path(f"{prefix}post", require_POST(reads)),
    ]


urlpatterns = [*under("v1/"), *under("page/")]
