"""Which texts may become an id, a code or a key: those that no two readers take for one another."""

import re
from uuid import UUID

# C0, DEL, C1, zero-width and directional marks, line separators, tags: two texts that look the same.
UNSAFE = (
    "\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
# For msgspec Structs, whose reader lets no lone surrogate through.
VISIBLE = f"^[^{UNSAFE}]*$"

_UNSAFE = re.compile(f"[{UNSAFE}\ud800-\udfff]")


def visible(text: str) -> bool:
    """Say whether every character of a text can be seen and stands where it seems to."""
    return not _UNSAFE.search(text)


def as_uuid(text: object) -> UUID | None:
    """Return the UUID a text spells with dashes, or None."""
    try:
        return UUID(text) if isinstance(text, str) and len(text) == 36 else None
    except ValueError:
        return None
