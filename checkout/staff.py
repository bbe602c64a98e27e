"""Members of staff: who may log in to the back office and in which role, with an audit row for each change."""

from datetime import datetime
from typing import TypedDict

from django.contrib.auth.models import Group, User
from django.db import transaction

from checkout import roles
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Refusal


class NotYourself(Refusal):
    """You can't take your own role or access away: ask another admin."""

    code = "not_yourself"


class Fields(TypedDict):
    username: str
    name: str
    email: str
    role: str
    active: bool
    password: str  # "": as it is


def role_of(user: User) -> tuple[str, str]:
    """Return (name, words) of a user's role."""
    held = {group.name for group in user.groups.all()}
    return next(((name, word) for name, word in roles.NAMES.items() if name in held), ("", "None"))


def save(*, user_id: int | None, fields: Fields, actor: Actor, now: datetime) -> User:
    """Make a member of staff, or change one; locks the row. Refuses `not_yourself`."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id) if user_id else User()
        before = {"role": role_of(user)[0], "active": user.is_active} if user_id else {}
        after: dict[str, object] = {"role": fields["role"], "active": fields["active"]}
        if user_id and user.username == actor.ident and not user.is_superuser and before != after:
            raise NotYourself
        user.username, user.first_name, user.email = fields["username"], fields["name"], fields["email"]
        user.is_active, user.is_staff = fields["active"], True
        if fields["password"]:
            user.set_password(fields["password"])
            after["password"] = "set"
        user.save()
        user.groups.set(Group.objects.filter(name=fields["role"]))
        old, changed = audit.changes(before, after)
        if changed:
            audit.record(
                retailer_id=None,
                actor=actor,
                action="staff.update" if user_id else "staff.create",
                object_type="staff",
                object_id=user.username,
                before=old if user_id else None,
                after=changed,
                now=now,
            )
    return user
