"""A draw for staff: the commitment and how many are in it; once run, the order drawn and which admission each got."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from checkout.admission import distributions, draw_results, draws
from checkout.admission.admin import admission_life, people
from checkout.admission.models import Distribution
from offers.admin import show
from offers.admin.office import OfficeAdmin, View, actor_of, now
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page, Table

FIRST, MOST = 20, 100
DOWNLOADED = "draw.json"


class DrawPages(OfficeAdmin):
    """The further pages of a launch that draws."""

    def draw_pages(self) -> dict[str, View]:
        return {"<id>/run": self.run, "<id>/order": self.order, "<id>/published": self.published}

    def draw_buttons(self, row: Distribution) -> list[Button]:
        standing = draw_results.of(draw=row)
        if standing.ran_at is None and distributions.state_of(row, now()) == "CLOSED":
            return [Button(text="Run now…", url=self.url("run", row.pk), tone="main")]
        return []

    def draw_blocks(self, row: Distribution) -> list[Block]:
        standing = draw_results.of(draw=row)
        figures = [
            Figure(label="Entries", value=show.count(standing.entries)),
            Figure(label="Winners", value=show.count(standing.winners if standing.ran_at else row.winner_count)),
        ]
        blocks: list[Block] = [Figures(title="The draw", figures=figures), self.proof(row, standing)]
        if standing.ran_at is None:
            return blocks
        more = Button(text="The whole order drawn", url=self.url("order", row.pk))
        return [*blocks, ranking(row, standing, first=1, most=FIRST, more=more if standing.entries > FIRST else None)]

    def proof(self, row: Distribution, standing: draw_results.Standing) -> Facts:
        zone = row.retailer.timezone
        facts: list[tuple[str, str]] = [("Commitment", show.mono(standing.commit))]
        if standing.ran_at is None:
            facts.append(("Will be drawn", show.moment(row.draw_at, zone, "by hand")))
            said = "Whoever enters can note the commitment; nobody, staff neither, can tell or change who will win."
            return Facts(title="How it is proven", text=said, facts=facts)
        download = self.url("published", row.pk)
        facts += [
            ("Drawn", show.moment(standing.ran_at, zone)),
            ("Frozen list", show.mono(standing.frozen_hash)),
            ("Published", show.link(DOWNLOADED, download)),
            ("Check it", show.mono(f"manage.py verify_draw {DOWNLOADED}")),
            ("Everybody reads it at", show.mono(f"/admission/v1/draws/{row.uuid}")),
        ]
        said = "Anybody can recompute the winners from what is published: the seed committed to and the frozen list."
        return Facts(title="How it is proven", text=said, facts=facts)

    def run(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.drawn(request, key, "change")

        def act(reason: str) -> str:
            at = now()
            found = draws.run(draw=row, now=at, actor=actor_of(request), reason=reason)
            said = f"{len(found.winners):,} of {len(found.ranking):,} entries have won."
            return f"Drawn: {said}" if found.ran_at == at else f"It was drawn already: {said}"

        return self.ask_reason(
            request,
            key,
            act,
            title=f"Run the draw of {row.sequence.experience.name} now?",
            text="It is drawn once. The winners are admitted at once, the others told that they lost.",
            button="Run the draw",
        )

    def order(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.drawn(request, key, "view")
        standing = draw_results.of(draw=row)
        first = people.first_of(request, MOST, standing.entries)
        page = Page(
            title=f"Order drawn: {row.sequence.experience.name}",
            buttons=[
                Button(text="To the launch", url=self.url("change", row.pk)),
                *people.turning(self.url("order", row.pk), first, MOST, standing.entries),
            ],
            blocks=[ranking(row, standing, first=first, most=MOST)],
        )
        return self.show(request, page)

    def published(self, request: HttpRequest, key: int) -> HttpResponse:
        answer = JsonResponse(draws.published(self.drawn(request, key, "view")))
        answer["Content-Disposition"] = f'attachment; filename="{DOWNLOADED}"'
        answer["Cache-Control"] = "no-store"
        return answer

    def drawn(self, request: HttpRequest, key: int, verb: str) -> Distribution:
        self.demand(request, self.permission(verb))
        found: Distribution = self.find(key, "retailer", "sequence__experience")
        people.only(found, Distribution.Mechanism.DRAW)
        return found


def ranking(
    row: Distribution, standing: draw_results.Standing, *, first: int, most: int, more: Button | None = None
) -> Table:
    """Return a part of the order drawn."""
    found = draw_results.ranked(draw=row, first=first, most=most)
    return Table(
        title="The order drawn",
        text="The first have won. Those behind follow when a winner lets his time pass." if row.backfill else "",
        headers=["Place", "Entry", "Consumer", "Became", "Admission"],
        rows=[
            [
                show.count(one.place),
                show.mono(str(one.entry.uuid)),
                people.named(one.entry.consumer),
                became(row, standing, one),
                admission_life.linked(one.admission),
            ]
            for one in found
        ],
        empty="Nobody had entered." if standing.ran_at else "Not drawn yet.",
        more=more,
    )


def became(row: Distribution, standing: draw_results.Standing, one: draw_results.Ranked) -> str:
    if one.won or one.later:
        return show.chip("Winner" if one.won else "Winner, moved up", "good")
    follows = row.backfill and (not row.alternates or one.place <= standing.winners + row.alternates)
    return show.chip("Alternate", "info") if follows else show.NOTHING
