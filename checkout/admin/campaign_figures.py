"""The figures of a campaign: codes, uses and money; counted only so far that a page of a million opens at once."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Sum

from checkout.models import LockSession, Redemption
from offers.admin import show
from offers.admin.campaign_form import Kind, Type
from offers.admin.office import now
from offers.admin.page import Block, Figure, Figures
from offers.ledger import counters
from offers.models import Campaign, Voucher
from offers.vouchers import CARD_CAMPAIGNS, USES

COUNTED = 100_000  # beyond, a figure says "more than": counting a million rows takes a second

# The codes that are out: how many, their uses in all (null once one is unlimited), what was put on cards.
_POOL = """
WITH pool AS (
    SELECT id, redemption_limit, gift_amount FROM offers_voucher
    WHERE campaign_id = %s AND deleted_at IS NULL LIMIT %s
)
SELECT count(*), bool_or(redemption_limit IS NULL), sum(redemption_limit),
       sum(CASE WHEN gift_amount IS NOT NULL THEN coalesce((
           SELECT sum(c.granted) + sum(c.withheld) FROM ledger_counter c
           WHERE c.owner = pool.id AND c.kind = 'voucher.credits'), gift_amount) END)
FROM pool
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows, the money they took off, the credit or points they took off cards."""

    times: int
    off: int
    credits: int

    @property
    def whole(self) -> bool:
        return self.times <= COUNTED

    def words(self, text: str) -> str:
        return text if self.whole else f"more than {text}"


@dataclass(frozen=True, slots=True)
class Pool:
    codes: int
    uses: int | None
    credits: int


def used(row: Campaign) -> Tally:
    """Count the redemptions that stand."""
    done = Redemption.objects.filter(
        campaign=row, kind=Redemption.Kind.REDEMPTION, succeeded=True, rolled_back_at__isnull=True
    )
    found = done[: COUNTED + 1].aggregate(Count("pk"), Sum("discount_amount"), Sum("amount"))
    return Tally(found["pk__count"], found["discount_amount__sum"] or 0, found["amount__sum"] or 0)


def locked(row: Campaign) -> Tally:
    """Count the locks alive now."""
    live = LockSession.objects.filter(state=LockSession.State.LIVE, expires_at__gt=now(), campaign_id=row.pk)
    found = live[: COUNTED + 1].aggregate(Count("pk"), Sum("discount_amount"), Sum("credits"))
    return Tally(found["pk__count"], found["discount_amount__sum"] or 0, found["credits__sum"] or 0)


def pool(row: Campaign) -> Pool | None:
    """Return what the codes of a campaign are good for in all; None when there are too many to add up."""
    with connection.cursor() as cursor:
        cursor.execute(_POOL, [row.pk, COUNTED + 1])
        codes, endless, uses, credits = cursor.fetchone()
    return None if codes > COUNTED else Pool(codes, None if endless else int(uses or 0), int(credits or 0))


def blocks(row: Campaign, *, budgeted: list[Figure]) -> list[Block]:
    """Return the blocks of figures: uses, then money; `budgeted` are those of a budget, which the ledger keeps."""
    done, live = used(row), locked(row)
    promotion = row.campaign_type == Kind.PROMOTION
    out = None if promotion else pool(row)
    found: list[Block] = [Figures(title="Uses" if promotion else "Codes", figures=_uses(row, done, live, out))]
    if row.campaign_type in CARD_CAMPAIGNS:
        found.append(Figures(title="On the cards", figures=_cards(row, done, live, out)))
    if row.campaign_type != Kind.LOYALTY_PROGRAM or budgeted:
        found.append(Figures(title="Money", figures=budgeted or _money(row, done, live)))
    return found


def _uses(row: Campaign, done: Tally, live: Tally, out: Pool | None) -> list[Figure]:
    url = show.list_of(Redemption, campaign=row.public_id)
    figures = [
        Figure(label="Used", value=done.words(show.count(min(done.times, COUNTED))), url=url),
        Figure(label="Locked now", value=live.words(show.count(min(live.times, COUNTED))), note="in carts"),
    ]
    if row.campaign_type == Kind.PROMOTION:
        return figures
    if row.type == Type.STANDALONE:
        voucher = row.vouchers.filter(deleted_at__isnull=True).first()
        said, url = (voucher.code, show.page_of(Voucher, voucher.pk)) if voucher else (show.NOTHING, "")
    else:
        said, url = show.count(row.vouchers_count), show.list_of(Voucher, campaign=row.public_id)
    codes = Figure(label="The code" if row.type == Type.STANDALONE else "Codes", value=said, url=url)
    return [codes, *figures, Figure(label="Left", value=_left(row, done, live, out))]


def _left(row: Campaign, done: Tally, live: Tally, out: Pool | None) -> str:
    """Return the uses left: of one public code from the ledger, of a pool from the limits of its codes."""
    if row.type == Type.STANDALONE:
        voucher = Voucher.objects.filter(campaign=row, deleted_at__isnull=True).first()
        if voucher is None or voucher.redemption_limit is None:
            return show.ENDLESS if voucher else show.NOTHING
        state = counters.state(counters.Name(kind=USES, owner=voucher.pk), now=now()) or counters.UNTOUCHED
        return show.count(max(0, voucher.redemption_limit - state.settled - state.held))
    if out is not None:
        if not out.codes:
            return show.NOTHING
        return show.ENDLESS if out.uses is None else show.count(max(0, out.uses - done.times - live.times))
    if row.redemption_limit is None:
        return show.ENDLESS
    if not done.whole:
        return show.NOTHING
    return f"about {max(0, row.vouchers_count * row.redemption_limit - done.times - live.times):,}"


def _money(row: Campaign, done: Tally, live: Tally) -> list[Figure]:
    currency = row.retailer.currency
    return [
        Figure(label="Spent", value=done.words(show.amount(done.off, currency))),
        Figure(label="Held by locks", value=live.words(show.amount(live.off, currency))),
        Figure(label="Left", value="no cap"),
    ]


def _cards(row: Campaign, done: Tally, live: Tally, out: Pool | None) -> list[Figure]:
    loyalty = row.campaign_type == Kind.LOYALTY_PROGRAM

    def said(number: int) -> str:
        return show.on_card(number, row.retailer.currency, loyalty=loyalty)

    left = said(max(0, out.credits - done.credits - live.credits)) if out else show.NOTHING
    return [
        Figure(label="Given out", value=said(out.credits) if out else show.NOTHING),
        Figure(label="Used", value=done.words(said(done.credits))),
        Figure(label="Locked now", value=live.words(said(live.credits))),
        Figure(label="Left on them", value=left),
    ]
