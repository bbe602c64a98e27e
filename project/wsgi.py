"""The web entry of production: `project.wsgi:application`."""

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, get_path_info, get_script_name
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, get_resolver, set_script_prefix

from project import bodies, env, errors, heap

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


class Application(WSGIHandler):
    """Django with two chains of middleware: pages go through all of it, API calls through what concerns them.

    A shop's call has no session, no form, no messages and no static file; asking would cost it a seventh of its time.
    Nor does it send Django's signals of a request: what listens to them is done here, the care for old connections.
    """

    def __init__(self) -> None:
        self.fixed: dict[str, ResolverMatch] = {}
        super().__init__()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if not errors.is_api(get_path_info(environ)):
            return super().__call__(environ, start_response)
        set_script_prefix(get_script_name(environ))
        close_old_connection()
        try:
            response: Any = self.get_response(self.request_class(environ))
        finally:
            close_old_connection()
        headers = list(response.items())
        if response.cookies:
            headers += [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        response._handler_class = self.__class__
        return response if response.streaming else [response.content]

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Look a call's address up once: those without parameters are few, and the list of all of them is long."""
        found = self.fixed.get(request.path_info)
        if found is None:
            found = super().resolve_request(request)
            if not found.args and not found.kwargs and errors.is_api(request.path_info):
                self.fixed[request.path_info] = found
        request.resolver_match = found
        return found

    def load_middleware(self, is_async: bool = False) -> None:
        every = settings.MIDDLEWARE
        settings.MIDDLEWARE = settings.API_MIDDLEWARE
        super().load_middleware(is_async)
        self.api_chain = self._middleware_chain  # type: ignore[has-type]
        settings.MIDDLEWARE = every
        super().load_middleware(is_async)
        self.page_chain = self._middleware_chain  # type: ignore[has-type]
        self._middleware_chain = self.by_path

    def by_path(self, request: HttpRequest) -> HttpResponseBase:
        # Calls of session offers are a page's own: they know their visit by the session cookie.
        api = errors.is_api(request.path_info) and not request.path_info.startswith("/session-offers/")
        chain: Any = self.api_chain if api else self.page_chain
        response: HttpResponseBase = chain(request)
        return response


def close_old_connection() -> None:
    """Do what Django's close_old_connections does, for the one database there is."""
    connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()


django.setup(set_prefix=False)
application = bodies.Turns(
    Application(), threads=env.env_int("WEB_THREADS", 1, least=1), most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE
)
assert get_resolver().url_patterns  # every address is loaded now, and its view with it
heap.settle()
