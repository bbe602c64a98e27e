"""Lengths of time are shown and taken as people say them; what is stored stays whole seconds or hours."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from checkout.admission.models import Distribution
from offers import retailer_settings
from offers.admin import durations
from offers.admin.durations import DurationField
from offers.models import Channel, Retailer
from tests.admin.scene import Scene
from tests.admin.test_reasons import shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (900, "15 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (86_400, "1 day"),
        (2 * 86_400 + 3661, "2 days 1 h 1 min 1 s"),
    ],
)
def test_words_lose_nothing(seconds: int, said: str) -> None:
    assert durations.words(seconds) == said
    assert durations.seconds_of(said) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15 minutes", 900),
        ("15min", 900),
        (" 1 Hour and 30 Minutes ", 5400),
        ("1.5 h", 5400),
        ("2 weeks", 14 * 86_400),
        ("1,800 s", 1800),
        ("0", 0),
        ("90", None),  # minutes or seconds? It has to be said
        ("", None),
        ("min", None),
        ("5 parsecs", None),
        ("-5 min", None),
        ("0.5 s", None),
        ("1 h or so", None),
        ("９ min", None),
        ("9" * 30 + " days", None),
    ],
)
def test_what_people_write_is_understood_or_refused(text: str, seconds: int | None) -> None:
    assert durations.seconds_of(text) == seconds


def test_a_field_keeps_to_its_bounds_and_its_unit() -> None:
    field = DurationField(least=2, most=48, unit=durations.HOUR, required=False)
    assert field.clean("2 days") == 48
    assert field.clean("") is None
    assert field.prepare_value(36) == "1 day 12 h"
    for wrong in ("1 h", "3 days", "2 h 30 min", "soon"):
        with pytest.raises(ValidationError):
            field.clean(wrong)
    assert not field.has_changed(24, "1 day")
    assert not field.has_changed(24, "24 hours")
    assert field.has_changed(24, "25 h")
    assert field.has_changed(24, "soon")


def test_a_launch_says_how_long_one_has(owner: Client, scene: Scene) -> None:
    launch = scene.launch
    path = f"/admin/admission/distribution/{launch.pk}/edit/"
    form = shown(owner, path)
    assert form["admission_ttl_seconds"] == durations.words(launch.admission_ttl_seconds)
    assert owner.post(path, {**form, "admission_ttl_seconds": "600"}).status_code == 422
    answer = owner.post(path, {**form, "admission_ttl_seconds": "20 min"})
    assert answer.status_code == 302, answer.context["form"].errors
    assert Distribution.objects.get(pk=launch.pk).admission_ttl_seconds == 1200
    assert "20 min" in owner.get(f"/admin/admission/distribution/{launch.pk}/change/").content.decode()


def test_a_channel_says_how_long_its_codes_work(owner: Client, scene: Scene) -> None:
    channel = scene.shown.channel
    path = f"/admin/offers/channel/{channel.pk}/edit/"
    form = shown(owner, path)
    assert form["ttl_seconds"] == durations.words(channel.ttl_seconds)
    assert owner.post(path, {**form, "ttl_seconds": "2 days"}).status_code == 302
    assert Channel.objects.get(pk=channel.pk).ttl_seconds == 2 * 86_400
    assert "2 days" in owner.get(f"/admin/offers/channel/{channel.pk}/change/").content.decode()


def test_a_retailer_says_how_long_locks_last(owner: Client, shop_a: Retailer) -> None:
    path = f"/admin/offers/retailer/{shop_a.pk}/change/"
    form: dict[str, Any] = shown(owner, f"{path}?edit")
    assert form["lock_ttl_seconds"] == durations.words(retailer_settings.of(shop_a.settings).lock_ttl_seconds)
    assert owner.post(path, form).status_code == 302
    before = retailer_settings.of(Retailer.objects.get(pk=shop_a.pk).settings)
    assert before == retailer_settings.of(shop_a.settings)
    changed = {**shown(owner, f"{path}?edit"), "lock_ttl_seconds": "45 min", "redeem_orphan_hours": "3 days"}
    assert owner.post(path, changed).status_code == 302
    after = retailer_settings.of(Retailer.objects.get(pk=shop_a.pk).settings)
    assert (after.lock_ttl_seconds, after.redeem_orphan_hours) == (2700, 72)
    assert "45 min" in owner.get(path).content.decode()
