"""Model fields: the random, prefixed public id of a row, and a secret that is sealed in the database."""

from typing import Any

from django.db import models

from offers.lib import sealing
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


class SealedField(models.TextField):  # type: ignore[type-arg]
    """A secret: plain in Python, sealed in the database (lib/sealing.py). Rows cannot be looked for by it."""

    def get_prep_value(self, value: Any) -> Any:
        return sealing.seal(value) if isinstance(value, str) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return sealing.unseal(value) if isinstance(value, str) else value

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class SealedTextField(SealedField):
    """A secret that stays sealed in Python as well, until `sealing.unseal`: of many rows read together, one that nobody
    can unseal holds up none of the others. What is set plain is sealed as it is saved.
    """

    def get_prep_value(self, value: Any) -> Any:
        return value if sealing.is_sealed(value) else super().get_prep_value(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value
