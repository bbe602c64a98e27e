"""What all pages of the back office share: permissions that bite, quick lists, forms that end in one verb call."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets, display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from offers.admin import filters, form_refusals, show
from offers.admin.page import Page
from offers.admin.paging import BoundedPaginator
from offers.lib import clock
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Retailer

View = Callable[..., HttpResponse]


def actor_of(request: HttpRequest) -> Actor:
    """Return the member of staff behind a request, as verbs and audit rows name them."""
    name = request.user.get_username()
    return Actor(kind="USER", ident=name, label=name)


def posted(request: HttpRequest) -> Any:
    """Return what a form is bound to: a post, even an empty one."""
    return request.POST if request.method == "POST" else None


def stamp(row: models.Model) -> str:
    """Return what tells two versions of a row apart; forms carry it, so that nobody overwrites what he hasn't seen."""
    changed: datetime | None = getattr(row, "updated_at", None)
    return changed.isoformat() if changed else ""


class OfficeForm(forms.Form):
    """A form in sections. `shown_when` names fields that only appear for certain values of another field."""

    sections: ClassVar[Sequence[tuple[str, str, Sequence[str]]]] = ()
    shown_when: ClassVar[dict[str, str]] = {}
    # Instead of `sections`, where they differ from form to form.
    parts: Sequence[tuple[str, str, Sequence[str]]] = ()
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def grouped(self) -> Iterator[dict[str, Any]]:
        """Yield the sections with their bound fields, leaving out those this form lacks."""
        for title, text, names in self.parts or self.sections:
            fields = [self[name] for name in names if name in self.fields]
            if fields:
                rows = [{"field": field, "when": self.shown_when.get(field.name, "")} for field in fields]
                yield {"title": title, "text": text, "rows": rows, "bad": any(field.errors for field in fields)}


class ReasonForm(OfficeForm):
    """Asks why."""

    reason = forms.CharField(
        max_length=500,
        label="Reason",
        help_text="Kept in the audit trail, for colleagues and auditors.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    sections = [("", "", ["reason"])]


class SureForm(OfficeForm):
    """Only asks whether one is sure."""


class OverwriteRefused(Refusal):
    """Somebody else changed this while you were editing. Open it again to see the newest state."""

    code = "changed_meanwhile"


def locked(row: models.Model, version: str) -> Any:
    """Return the row as it is now, locked; refuses `changed_meanwhile` when it is not the version the form showed."""
    newest = type(row)._default_manager.select_for_update(of=("self",)).get(pk=row.pk)
    if stamp(newest) != version:
        raise OverwriteRefused
    return newest


class OfficeAdmin(ModelAdmin):  # type: ignore[misc]
    """A list that never counts a whole table, and pages that check the permission of every address."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count of the whole table for each choice of each filter
    list_per_page = 50
    list_filter_submit = True
    ordering: Sequence[str] = ("-id",)
    actions: Sequence[str] | None = None
    sortable_by: Sequence[str] = ()
    nothing_text = "Nothing here yet."
    # What staff call one of these and several, where that is not the model's own name.
    called: ClassVar[tuple[str, str] | None] = None

    @property
    def names(self) -> tuple[str, str]:
        return self.called or (str(self.opts.verbose_name), str(self.opts.verbose_name_plural))

    @property
    def plural(self) -> str:
        return self.names[1]

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        """Name the retailer of each row where there are several: names and codes are unique only within one."""
        shown = list(super().get_list_display(request))
        owned = any(field.name == "retailer" for field in self.opts.get_fields()) and self.model is not Retailer
        several = owned and len(filters.retailers(request)) > 1
        return [*shown, "of_retailer"] if several and not {"retailer", "shop"} & set(shown) else shown

    @display(description="Retailer")
    def of_retailer(self, row: Any) -> str:
        return row.retailer_name or show.NOTHING

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        # Django's own log knows nothing of the verbs; the audit trail and timelines do.
        return HttpResponseRedirect(self.url("change", object_id))

    def may(self, request: HttpRequest, permission: str) -> bool:
        return request.user.has_perm(permission)

    def demand(self, request: HttpRequest, *permissions: str) -> None:
        """Refuse the request (403) unless all permissions are held."""
        if not request.user.has_perms(permissions):
            raise PermissionDenied

    def permission(self, verb: str) -> str:
        return f"{self.opts.app_label}.{verb}_{self.opts.model_name}"

    # --- addresses ---
    def pages(self) -> dict[str, View]:
        """Return the further pages: "name" is <list>/name/, "<id>/name" is <row>/name/."""
        return {}

    def get_urls(self) -> list[URLPattern]:
        stem = f"{self.opts.app_label}_{self.opts.model_name}"
        own = []
        for route, view in self.pages().items():
            name = route.rpartition("/")[2]
            pattern = f"<int:key>/{name}/" if route.startswith("<id>/") else f"{name}/"
            own.append(path(pattern, self.admin_site.admin_view(view), name=f"{stem}_{name.replace('-', '_')}"))
        return own + super().get_urls()  # type: ignore[no-any-return]

    def url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=args)

    def find(self, key: Any, *related: str) -> Any:
        """Return the row of a page, or answer 404."""
        try:
            return self.model._default_manager.select_related(*related).get(pk=int(key))
        except (self.model.DoesNotExist, ValueError, OverflowError) as error:
            raise Http404 from error

    def prepared(self, rows: list[Any]) -> list[Any]:
        """Give the rows of one page what their columns need from elsewhere, in one statement for all of them."""
        return rows

    # --- what pages show ---
    def show(self, request: HttpRequest, page: Page) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "page": page,
            "title": page.title,
            "opts": self.opts,
            "back": self.url("changelist") if self.has_view_permission(request) else "",
            "section": capitalised(self.plural),
        }
        return TemplateResponse(request, "admin/office/page.html", context)

    def ask(
        self,
        request: HttpRequest,
        *,
        form: OfficeForm,
        title: str,
        button: str,
        back: str,
        act: Callable[[dict[str, Any]], str | HttpResponse],
        text: str = "",
        danger: bool = False,
        atomic: bool = True,
        extra: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a form; when it comes back whole, call one verb with it. What the verb refuses is shown in the form.

        `act` gets the cleaned values, runs in one transaction and returns what to tell the person (a second line is the
        address to go on to), or a page to show at once.
        """
        if request.method == "POST" and form.is_valid():
            with form_refusals.shown(form), transaction.atomic() if atomic else nullcontext():
                answer = act(form.cleaned_data)
                if isinstance(answer, HttpResponse):
                    return answer
                said, _, onward = answer.partition("\n")
                messages.success(request, said)
                return HttpResponseRedirect(onward or back)
        context = {
            **self.admin_site.each_context(request),
            "form": form,
            "title": title,
            "text": text,
            "button": button,
            "back": back,
            "danger": danger,
            "opts": self.opts,
            "section": capitalised(self.plural),
            "wide": len(form.parts or form.sections) > 1,
            **(extra or {}),
        }
        return TemplateResponse(
            request, "admin/office/form.html", context, status=422 if request.method == "POST" else 200
        )

    def ask_reason(
        self, request: HttpRequest, key: int, act: Callable[[str], str | HttpResponse], **page: Any
    ) -> HttpResponse:
        """Ask for a reason, call `act` with it and go back to the row's page; `page` is what else `ask` takes."""
        return self.ask(
            request,
            form=ReasonForm(posted(request)),
            back=self.url("change", key),
            act=lambda values: act(values["reason"]),
            **page,
        )

    def ask_why(
        self,
        request: HttpRequest,
        row: models.Model,
        verb: Callable[..., object],
        *,
        word: str,
        text: str,
        told: str,
        danger: bool = False,
        reasoned: bool = True,
        **arguments: Any,
    ) -> HttpResponse:
        """Ask for a reason (or only whether one is sure) and call a verb of a retailer's row with it.

        The verb gets whose row it is, who asks, the reason and the moment besides `arguments`; `told` is said then.
        """

        def act(values: dict[str, Any]) -> str:
            why = {"reason": values["reason"]} if reasoned else {}
            whose = row.retailer_id  # type: ignore[attr-defined]
            verb(retailer_id=whose, actor=actor_of(request), now=now(), **why, **arguments)
            return told

        return self.ask(
            request,
            form=(ReasonForm if reasoned else SureForm)(posted(request)),
            title=f"{word} {row}?",
            text=text,
            button=word,
            back=self.url("change", row.pk),
            act=act,
            danger=danger,
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(  # type: ignore[no-any-return]
            request, {"nothing_text": self.nothing_text, "called": self.names, **(extra_context or {})}
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfficeList


class ReadOnlyAdmin(OfficeAdmin):
    """History: looked at, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self.demand(request, self.permission("view"))
        if request.method == "POST":
            raise PermissionDenied
        return self.show(request, self.page(request, object_id))

    def page(self, request: HttpRequest, key: Any) -> Page:
        raise NotImplementedError


class OfficeList(ChangeList):
    """The list; its title says what it shows instead of what to do with it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = capitalised(self.model_admin.plural)  # type: ignore[attr-defined]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.model_admin.prepared(list(self.result_list))  # type: ignore[attr-defined]
        if "of_retailer" in self.list_display:
            known = filters.retailers(request)
            for row in self.result_list:
                row.retailer_name = known.get(row.retailer_id, "")


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def now() -> datetime:
    return clock.now()
