"""Filters of lists: exact texts, choices, days, and the retailer where there is more than one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import ListFilter, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import DateField
from django.http import HttpRequest

from offers.admin import lookups, show
from offers.models import Retailer

Rows = QuerySet[Any]


def picks(unset: str, options: Iterable[tuple[Any, Any]], chosen: str | None) -> Iterator[dict[str, Any]]:
    """Yield the options of a select; the first chooses nothing."""
    for value, display in [("", unset), *options]:
        yield {"value": value, "display": display, "selected": value == (chosen or "")}


def retailers(request: HttpRequest) -> dict[int, str]:
    """Return the names of all retailers by key; asked for once a request."""
    if not hasattr(request, "retailers"):
        names = Retailer.objects.order_by("name").values_list("pk", "name")
        request.retailers = dict(names)  # type: ignore[attr-defined]
    return request.retailers  # type: ignore[attr-defined, no-any-return]


class ExactFilter(SimpleListFilter):
    """A text to type; `narrow` says what it means."""

    template = "admin/office/filter_text.html"

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return ()

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield {"name": self.parameter_name, "value": self.value() or ""}

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        text = (self.value() or "").strip()
        return self.narrow(queryset, text) if text and "\x00" not in text else queryset

    def narrow(self, queryset: Rows, text: str) -> Rows:
        raise NotImplementedError


class CustomerFilter(ExactFilter):
    """Rows of one customer."""

    title = "customer (id, shop id or e-mail)"
    parameter_name = "customer"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(customer_id__in=lookups.customer_ids(text))


class CampaignFilter(ExactFilter):
    """Rows of one campaign, or of those whose name holds the text."""

    title = "campaign (name or id)"
    parameter_name = "campaign"

    def narrow(self, queryset: Rows, text: str) -> Rows:
        return queryset.filter(campaign_id__in=lookups.campaign_ids(text))


class PickFilter(SimpleListFilter):
    """A fixed set of choices; those not in `choices_of` are ignored."""

    template = "admin/office/filter_pick.html"
    choices_of: ClassVar[Sequence[tuple[str, str]]] = ()
    unset = "All"

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        return picks(self.unset, self.lookup_choices, self.value())

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return self.choices_of

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        return self.narrow(queryset, value) if value in dict(self.choices_of) else queryset

    def narrow(self, queryset: Rows, value: str) -> Rows:
        raise NotImplementedError


class RetailerFilter(SimpleListFilter):
    """Appears once there are two retailers."""

    title = "retailer"
    parameter_name = "retailer"
    template = "admin/office/filter_pick.html"

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        return picks("All", self.lookup_choices, self.value())

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = [(str(key), name) for key, name in retailers(request).items()]
        return found if len(found) > 1 else []

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        return queryset.filter(retailer_id=int(value)) if value and value.isdecimal() else queryset


class DaysFilter(ListFilter):
    """From one day to another, both included; days are meant in the zone of the first retailer."""

    title = "day"
    template = "admin/office/filter_days.html"
    field = "created_at"
    names = ("since", "until")
    ids_grow = False  # true where a row's id tells its age

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.names:
            if name in params:
                value = params.pop(name)
                self.used_parameters[name] = value[-1] if isinstance(value, list) else value

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def has_output(self) -> bool:
        return True

    def day(self, name: str) -> date | None:
        try:
            found: date | None = DateField(required=False).clean(self.used_parameters.get(name) or None)
            return found
        except ValidationError:
            return None

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        since, until = self.day("since"), self.day("until")
        if since or until:
            zone = Retailer.objects.order_by("pk").values_list("timezone", flat=True).first()
            here = show.zone(zone or "UTC")
            if since:
                start = datetime.combine(since, time.min, here)
                queryset = queryset.filter(**{f"{self.field}__gte": start})
                if self.ids_grow:
                    first_id = lookups.first_id(queryset.model, self.field, start - lookups.SLACK)
                    queryset = queryset.filter(pk__gte=first_id)
            if until and until < date.max:
                end = datetime.combine(until + timedelta(days=1), time.min, here)
                queryset = queryset.filter(**{f"{self.field}__lt": end})
                if self.ids_grow:
                    after = lookups.first_id(queryset.model, self.field, end + lookups.SLACK)
                    queryset = queryset.filter(pk__lte=after)
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        labels = ("From", "To")
        for name, label in zip(self.names, labels, strict=True):
            yield {"name": name, "label": label, "value": self.used_parameters.get(name, "")}


class HistoryDaysFilter(DaysFilter):
    """Days of a table that only grows."""

    ids_grow = True
