"""An auction for staff: where it stands, every bid, whether the reserve is met, settling by hand, and who won."""

from django.http import HttpRequest, HttpResponse

from checkout.admission import auction_results, auctions, distributions
from checkout.admission.admin import admission_life, people
from checkout.admission.models import Distribution
from offers.admin import durations, show
from offers.admin.office import OfficeAdmin, View, actor_of, now
from offers.admin.page import Block, Button, Facts, Figure, Figures, Page, Table

FIRST, MOST = 20, 100
STANDINGS = {
    "leading": ("Leading", "good"),
    "short": ("Highest, below the reserve", "warn"),
    "outbid": ("Outbid", ""),
    "raised": ("Raised since", ""),
    "won": ("Won", "good"),
    "lost": ("Lost", ""),
}


class AuctionPages(OfficeAdmin):
    """The further pages of a launch that auctions."""

    def auction_pages(self) -> dict[str, View]:
        return {"<id>/settle": self.settle, "<id>/bids": self.bids}

    def auction_buttons(self, row: Distribution) -> list[Button]:
        opened = distributions.state_of(row, now()) not in {"DRAFT", "SCHEDULED"}
        if opened and auction_results.of(auction=row).settled_at is None:
            return [Button(text="Settle now…", url=self.url("settle", row.pk), tone="danger")]
        return []

    def auction_blocks(self, row: Distribution) -> list[Block]:
        standing = auction_results.of(auction=row)
        more = Button(text="All bids", url=self.url("bids", row.pk)) if standing.bids > FIRST else None
        return [
            Figures(title="The auction", figures=figures(row, standing)),
            Facts(title="Its terms", facts=terms(row, standing)),
            bids_of(row, skip=0, most=FIRST, more=more),
        ]

    def settle(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.auctioned(request, key, "change")
        is_open = distributions.state_of(row, now()) == "OPEN"

        def act(reason: str) -> str:
            if not auctions.settle(auction=row, now=now(), actor=actor_of(request), reason=reason):
                return "It was settled already."
            won = row.admissions.count()
            return f"Settled: {won:,} {'bidder has' if won == 1 else 'bidders have'} won."

        return self.ask_reason(
            request,
            key,
            act,
            title=f"Settle {row.sequence.experience.name} now?",
            text=f"{'It closes at once. ' if is_open else ''}The highest bidders win, the others have lost for good.",
            button="Settle",
            danger=True,
        )

    def bids(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.auctioned(request, key, "view")
        total = auction_results.of(auction=row).bids
        first = people.first_of(request, MOST, total)
        page = Page(
            title=f"Bids: {row.sequence.experience.name}",
            buttons=[
                Button(text="To the launch", url=self.url("change", row.pk)),
                *people.turning(self.url("bids", row.pk), first, MOST, total),
            ],
            blocks=[bids_of(row, skip=first - 1, most=MOST)],
        )
        return self.show(request, page)

    def auctioned(self, request: HttpRequest, key: int, verb: str) -> Distribution:
        self.demand(request, self.permission(verb))
        found: Distribution = self.find(key, "retailer", "sequence__experience")
        people.only(found, Distribution.Mechanism.AUCTION)
        return found


def figures(row: Distribution, standing: auction_results.Standing) -> list[Figure]:
    found = [
        Figure(label="Highest bid", value=show.amount(standing.highest, row.currency, "none")),
        Figure(label="Bids", value=show.count(standing.bids)),
        Figure(label="Bidders", value=show.count(standing.bidders)),
    ]
    if row.reserve_price is not None:
        found.append(
            Figure(
                label="Reserve",
                value="met" if standing.reserve_met else "not met",
                note=f"{show.amount(row.reserve_price, row.currency)}, not shown to shoppers",
                tone="" if standing.reserve_met else "warn",
            )
        )
    return found


def terms(row: Distribution, standing: auction_results.Standing) -> list[tuple[str, str]]:
    zone = row.retailer.timezone
    moved = standing.announced is not None and row.close_at is not None and row.close_at > standing.announced
    known = {
        "Ends" if standing.settled_at is None else "Ended": show.moment(
            row.close_at, zone, "when it is settled by hand"
        ),
        "Announced end": show.moment(standing.announced, zone) if moved else "",
        "Late bids extend it by": durations.words(row.auto_extend_seconds) if row.auto_extend_seconds else "",
        "Settled": show.moment(standing.settled_at, zone, "not yet"),
        "Settles by itself": show.moment(row.settle_at, zone) if row.settle_at and not standing.settled_at else "",
        "Starts at": show.amount(row.start_price, row.currency),
        "Least step": show.amount(row.min_bid_increment, row.currency),
        "Winners at most": show.count(row.quantity),
    }
    return [(name, value) for name, value in known.items() if value]


def bids_of(row: Distribution, *, skip: int, most: int, more: Button | None = None) -> Table:
    """Return a part of the bids, the highest first."""
    return Table(
        title="Bids",
        text="Highest first. Winners pay their own bid.",
        headers=["Bid", "Consumer", "When", "Standing", "Admission"],
        rows=[
            [
                show.amount(one.bid.amount, row.currency),
                people.named(one.bid.entry.consumer),
                show.moment(one.bid.created_at, row.retailer.timezone),
                show.chip(*STANDINGS[one.standing]),
                admission_life.linked(one.admission),
            ]
            for one in auction_results.bids(auction=row, skip=skip, most=most)
        ],
        empty="Nobody has bid yet.",
        more=more,
    )
