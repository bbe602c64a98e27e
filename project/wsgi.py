"""The web entry of production: `project.wsgi:application`."""

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from project import errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


class Application(WSGIHandler):
    """Django with two chains of middleware: pages go through all of it, API calls through what concerns them.

    A shop's call has no session, no form, no messages and no static file; asking would cost it a seventh of its time.
    """

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
        api = errors.is_api(request.path_info)
        chain: Any = self.api_chain if api else self.page_chain
        response: HttpResponseBase = chain(request)
        return response


django.setup(set_prefix=False)
application = Application()
