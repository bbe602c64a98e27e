"""The search of lists that find what staff type in their own way, by indexes of their own."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest


class OwnSearch:
    """Stands before the admin class: `search` says what a text finds. No text, or one that no row holds, finds all."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (self.search(queryset, text) if text and "\x00" not in text else queryset), False

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        raise NotImplementedError
