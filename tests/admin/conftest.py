"""A filled shop, and one logged-in browser per role."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from checkout import roles
from offers.models import Retailer
from tests.admin import scene as scenes
from tests.admin.scene import Scene
from tests.people import user


@pytest.fixture
def scene(shop_a: Retailer) -> Scene:
    return scenes.lay(shop_a)


def member(name: str, role: str) -> User:
    roles.sync()
    made = user(name, is_staff=True)
    made.groups.set(Group.objects.filter(name=role))
    return made


def office(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def owner(alice: User) -> Client:
    return office(alice)


@pytest.fixture
def marketer(db: None) -> Client:
    return office(member("mara", roles.MARKETER))


@pytest.fixture
def reviewer(db: None) -> Client:
    return office(member("rita", roles.REVIEWER))


@pytest.fixture
def chief(db: None) -> Client:
    return office(member("adam", roles.ADMIN))
