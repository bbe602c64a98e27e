"""Who does something: an API credential, a member of staff, or the system itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The one an audit row, a lock or a redemption names. `kind` is "API", "USER" or "SYSTEM"."""

    kind: str
    ident: str
    label: str = ""
    credential_id: int | None = None


SYSTEM = Actor(kind="SYSTEM", ident="system", label="system")
