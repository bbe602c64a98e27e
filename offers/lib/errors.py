"""The root of every expected refusal: a stable code, named data, and a docstring that is the default message."""

from typing import Any, ClassVar


class Refusal(Exception):
    """The request was refused."""

    code: ClassVar[str] = "refused"

    def __init__(self, message: str | None = None, **data: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.data = data
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotFound(Refusal):
    """Resource not found."""

    code = "not_found"

    def __init__(self, kind: str, ident: object = None, message: str | None = None) -> None:
        super().__init__(message, resource_type=kind, resource_id=None if ident is None else str(ident))


class Duplicate(Refusal):
    """A resource with this key already exists."""

    code = "duplicate_found"


class InvalidPayload(Refusal):
    """The request body does not have the required shape."""

    code = "invalid_payload"
