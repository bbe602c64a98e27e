"""What wraps every request: its id and log line, health answers, a fresh database connection, JSON errors."""

import select
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from offers.lib import clock
from project import errors, health, logs, metrics

Next = Callable[[HttpRequest], HttpResponseBase]
KNOWN_HOSTS = 100  # a wildcard may allow any number of them
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestLog:
    """Names the request (X-Request-Id in and out), logs and counts it by route, so that no code reaches a log."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.writes = settings.ACCESS_LOG
        self.as_json = settings.LOG_FORMAT == "json"

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = logs.request_id_from(request.META.get("HTTP_X_REQUEST_ID"))
        request.request_id = request_id  # type: ignore[attr-defined]
        token = logs.current_request_id.set(request_id)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            if isinstance(response, HttpResponse) and not response.has_header("Content-Length"):
                response["Content-Length"] = str(len(response.content))
            health_check = request.path_info in health.VIEWS
            route = request.resolver_match.route if request.resolver_match else "(none)"
            route = request.path_info if health_check else route
            seconds = time.perf_counter() - started
            method = request.method if request.method in METHODS else "other"
            metrics.count_request(route, method, response.status_code, seconds)
            if self.writes and not (health_check and response.status_code == 200):
                logs.write_access(
                    now=clock.now(),
                    method=method,
                    route=route,
                    status=response.status_code,
                    ms=round(seconds * 1000, 1),
                    as_json=self.as_json,
                )
            return response
        finally:
            logs.current_request_id.reset(token)


class Health:
    """Answers /healthz, /readyz and /metrics before hosts, redirects and sessions have their say."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = health.VIEWS.get(request.path_info)
        return view(request) if view else self.get_response(request)


class JsonErrors:
    """Under an API's address every error is JSON, whoever raised it; a lost database is 503 everywhere."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        return errors.finish(request, response) if isinstance(response, HttpResponse) else response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return errors.answer_exception(request, error)


class ContentSecurity:
    """Tells browsers what a page of ours may load; an answer that brings its own policy keeps it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.policy = settings.CONTENT_SECURITY_POLICY
        # The page that shows the API starts itself by an inline script; it shows no data.
        self.docs = self.policy.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            policy = self.docs if request.path_info == "/docs" else self.policy
            response.headers.setdefault("Content-Security-Policy", policy)
        return response


class FreshConnection:
    """Drops a kept database connection whose other end is gone: a look at the socket instead of a round trip."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        database = connections[DEFAULT_DB_ALIAS]
        kept = database.connection
        if kept is not None and not database.in_atomic_block and (kept.closed or _has_news(kept.fileno())):
            database.close()
        return self.get_response(request)


class KnownHost:
    """Refuses hosts that are not ours, where Django's CommonMiddleware is not there to do it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.known: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = request.META.get("HTTP_HOST", "")
        if host not in self.known:
            request.get_host()
            if len(self.known) < KNOWN_HOSTS:
                self.known.add(host)
        return self.get_response(request)


def _has_news(socket: int) -> bool:
    # Between requests a server has nothing to say but that it is going.
    poll = select.poll()
    poll.register(socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
