"""Roles: what the groups made by the migration may do."""

import pytest
from django.contrib.auth.models import Group, Permission

from checkout import roles


@pytest.fixture
def groups(db: None) -> None:
    roles.sync()


@pytest.mark.parametrize("role", roles.NAMES)
def test_the_group_of_a_role_holds_what_the_table_says(role: str, groups: None) -> None:
    held = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
    assert {f"{app}.{codename}" for app, codename in held} == roles.permissions_of(role)


def test_a_permission_given_by_hand_is_taken_back_at_the_next_sync(groups: None) -> None:
    reviewer = Group.objects.get(name=roles.REVIEWER)
    reviewer.permissions.add(Permission.objects.get(codename="add_campaign"))
    roles.sync()
    assert not reviewer.permissions.filter(codename="add_campaign").exists()
