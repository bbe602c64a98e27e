"""The model field that gives a row its random, prefixed public id."""

from typing import Any

from django.db import models

from offers.lib.ids import new_id


class PublicIdField(models.CharField):  # type: ignore[type-arg]
    """A unique, generated, never edited id such as `camp_x…`; what clients see instead of the bigint key."""

    def __init__(self, *args: Any, prefix: str = "", **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs.setdefault("max_length", 64)
        kwargs.setdefault("unique", True)
        kwargs.setdefault("editable", False)
        kwargs.setdefault("default", self.make)
        super().__init__(*args, **kwargs)

    def make(self) -> str:
        return new_id(self.prefix)

    def db_type(self, connection: Any) -> str:
        # Not "varchar", for which Django makes a second index that serves LIKE: ids are never looked for by a part.
        return f"character varying({self.max_length})"

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("default", None)
        kwargs["prefix"] = self.prefix
        if not self.unique:
            kwargs["unique"] = False  # ours is unique unless said otherwise
        return name, path, args, kwargs
