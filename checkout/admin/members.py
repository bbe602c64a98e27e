"""What the page of a customer shows of a member: ids, levels, points and their statement."""

from loyalty import points, points_standing
from loyalty.models import ExternalId, Member, MemberTier
from offers.admin import show
from offers.admin.office import now
from offers.admin.page import Block, Facts, Figure, Figures, Table
from offers.models import Customer

LINES = 25
WORDS = {
    points.EARN: "Earned",
    points.SPEND: "Spent",
    points.ADJUST: "Adjusted by hand",
    points.REVERSE: "Taken back",
    points.EXPIRE: "Expired",
    points.LAPSED: "Had expired before its return",
}


def of(row: Customer) -> Member | None:
    return Member.objects.filter(customer=row).first()


def ids(text: str) -> list[int]:
    """Return the customers whose member has this id, ours or another system's."""
    found = set(ExternalId.objects.filter(value=text).values_list("member__customer_id", flat=True)[:200])
    found |= set(Member.objects.filter(sor_id=text).values_list("customer_id", flat=True)[:200])
    if uuid := show.uuid_of(text):
        found |= set(Member.objects.filter(uuid=uuid).values_list("customer_id", flat=True))
    return sorted(found)


def blocks_of(row: Customer) -> list[Block]:
    """Return what a member has; nothing for a customer who is none."""
    member = of(row)
    if member is None:
        return []
    return [*balances(member), facts(row, member), statement(row, member)]


def balances(member: Member) -> list[Figures]:
    figures = [
        Figure(
            label=one.account.name,
            value=f"{one.available:,}",
            note=f"{one.lifetime:,} earned in all",
            tone="bad" if one.available < 0 else "",
        )
        for one in points_standing.balances(member=member, now=now())
    ]
    return [Figures(title="Points to spend", figures=figures)] if figures else []


def facts(row: Customer, member: Member) -> Facts:
    zone = row.retailer.timezone
    known: dict[str, str] = {"Member id": show.mono(str(member.uuid))}
    if member.sor_id:
        known["Id in the shop's system"] = show.mono(member.sor_id)
    for one in ExternalId.objects.filter(member=member).order_by("type")[:20]:
        known[f"{one.type.replace('_', ' ').capitalize()} id"] = show.mono(one.value)
    known["Tags"] = ", ".join(member.tags)
    for held in MemberTier.objects.filter(member=member).select_related("system", "level").order_by("system__name"):
        since = f"{held.level.name}, since {held.entered_at:%-d %b %Y}"
        until = f", reviewed {held.review_at:%-d %b %Y}" if held.review_at else ""
        known[held.system.name] = since + until
    known["Joined"] = show.moment(member.joined_at, zone)
    return Facts(title="Member", facts=[(name, value) for name, value in known.items() if value])


def statement(row: Customer, member: Member) -> Table:
    """Return the newest movements of all accounts."""
    cells = [
        [
            show.moment(line.at, row.retailer.timezone),
            line.account.name,
            WORDS.get(line.kind, line.kind),
            f"{line.points:+,}",
            line.reason or show.NOTHING,
        ]
        for line in points_standing.statement(member=member, limit=LINES)
    ]
    return Table(
        title="Points statement",
        headers=["When", "Account", "What", "Points", "For"],
        rows=cells,
        empty="No points have moved yet.",
    )
