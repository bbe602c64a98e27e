"""What staff do to one person in a queue, from the queue's page or a flag's: admit, put last, deny; always with why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.http import Http404, HttpRequest, HttpResponse

from checkout.admission import queue_overrides
from checkout.admission.models import Distribution
from offers.admin import fields
from offers.admin.office import OfficeAdmin, ReasonForm, View, actor_of, now, posted
from offers.admin.page import Button


class PersonForm(ReasonForm):
    """Asks who and why."""

    consumer = forms.CharField(max_length=60, widget=fields.text(), label="Consumer id")
    sections: ClassVar = [("", "", ["consumer", "reason"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One thing that staff can do: the verb, and how the page words it."""

    verb: Callable[..., object]
    title: str
    word: str
    text: str
    told: str
    danger: bool = False


OVERRIDES = {
    "admit": Override(
        verb=queue_overrides.admit,
        title="Admit out of turn",
        word="Admit",
        text="For somebody who waits in this line. It takes a place in the checkout like everybody's.",
        told="Admitted out of turn.",
    ),
    "move": Override(
        verb=queue_overrides.move_last,
        title="Put at the end of the line",
        word="Move to the end",
        text="The person keeps a place, behind everybody who waits now. Leaving and joining again does not undo it.",
        told="Moved to the end of the line.",
    ),
    "deny": Override(
        verb=queue_overrides.deny,
        title="Deny a place",
        word="Deny",
        text="The person sees the reason, and cannot join this line again.",
        told="Denied: this consumer cannot come in again.",
        danger=True,
    ),
}


class QueuePages(OfficeAdmin):
    """Pages that override a queue, each at "<id>/<its name>"; the buttons that lead there."""

    overrides: ClassVar[tuple[str, ...]] = tuple(OVERRIDES)

    def overriding(self, key: int) -> tuple[Distribution, str]:
        """Return whose queue the page of this key is about, and of whom; "" asks."""
        raise NotImplementedError

    def queue_pages(self) -> dict[str, View]:
        return {f"<id>/{name}": self._page(name) for name in self.overrides}

    def queue_buttons(self, key: int) -> list[Button]:
        return [
            Button(text=f"{OVERRIDES[name].word}…", url=self.url(name, key), tone="danger" if name == "deny" else "")
            for name in self.overrides
        ]

    def _page(self, name: str) -> View:
        return lambda request, key: self._override(request, key, OVERRIDES[name])

    def _override(self, request: HttpRequest, key: int, what: Override) -> HttpResponse:
        self.demand(request, "admission.change_distribution")
        row, consumer = self.overriding(key)
        if row.mechanism != Distribution.Mechanism.QUEUE:
            raise Http404
        form = (ReasonForm if consumer else PersonForm)(posted(request))
        if what is OVERRIDES["deny"]:
            form.fields["reason"].help_text = "The person reads it, and it is kept in the audit trail."

        def act(values: dict[str, Any]) -> str:
            what.verb(
                distribution=row,
                consumer_uuid=consumer or values["consumer"],
                reason=values["reason"],
                actor=actor_of(request),
                now=now(),
            )
            return what.told

        return self.ask(
            request,
            form=form,
            title=what.title,
            text=what.text,
            button=what.word,
            back=self.url("change", key),
            act=act,
            danger=what.danger,
            atomic=False,
        )
