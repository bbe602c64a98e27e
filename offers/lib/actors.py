"""Who does something: an API credential, a member of staff, or the system itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The one an audit row, a lock or a redemption names. `kind` is "API", "USER" or "SYSTEM"."""

    kind: str
    ident: str
    label: str = ""
    credential_id: int | None = None

    @property
    def name(self) -> str:
        """Return what people know it by; where there is no such name, its id."""
        return self.label or self.ident


SYSTEM = Actor(kind="SYSTEM", ident="system", label="system")
