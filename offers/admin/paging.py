"""Counts the rows of a list only as far as anybody pages: a list of a million is as quick as a short one."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator

MOST = 5000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to 5,000 and says "more than" beyond; those who look for something older filter."""

    template_name = "admin/office/pagination.html"

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        return int(rows[: MOST + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.counted, MOST)

    @property
    def more(self) -> bool:
        return self.counted > MOST
