"""Points and identities: balances, deposits, spending, and the user id of an id of another system."""

from dataclasses import dataclass
from typing import Any, ClassVar

from checkout.api.sessionm import scalars
from checkout.api.sessionm.envelope import ConnectView, at
from loyalty import members, outcomes, points, points_standing
from loyalty.models import Member, PointAccount

MOST_ENTRIES = 100
MOST_REFERENCE = 100
USER_POINTS = r"^incentives/api/1\.0/user_points/"
LOYALTY = r"^api/2\.0/loyalty/"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a deposit or of spending."""

    account: PointAccount
    amount: int
    reference: str
    reason: str


class LoyaltyView(ConnectView):
    """A call about one member; where the shop's ids are the record, an id seen for the first time is a new member."""

    scopes: ClassVar[tuple[str, ...]] = ("loyalty",)

    def member(self) -> Member:
        user_id = scalars.text(scalars.needed(self.body, "user_id"), "user_id")
        return members.find(retailer_id=self.retailer_id, user_id=user_id, now=self.now)

    def movements(self, key: str) -> list[Movement]:
        """Return the lines of the body's list, every one checked before the first counts."""
        lines = scalars.objects(scalars.needed(self.body, key), key)
        if not 0 < len(lines) <= MOST_ENTRIES:
            raise scalars.ArgumentError(key, f"should have 1 to {MOST_ENTRIES} entries", "out_of_range")
        return [self._movement(line, f"{key}[{place}].") for place, line in enumerate(lines)]

    def _movement(self, line: dict[str, Any], path: str) -> Movement:
        named = line.get("point_account_id") or line.get("account_name") or ""
        reference = scalars.needed(line, "reference", path)
        return Movement(
            account=points.account(
                retailer_id=self.retailer_id, named=scalars.text(named, f"{path}point_account_id", least=0)
            ),
            amount=scalars.integer(scalars.needed(line, "amount", path), f"{path}amount", least=1, most=points.MOST),
            reference=scalars.text(reference, f"{path}reference", most=MOST_REFERENCE),
            reason=scalars.text(line.get("reason") or "", f"{path}reason", most=200, least=0),
        )


class AllBalances(LoyaltyView):
    """Show balances: what a member has of every kind of points."""

    def handle(self, **kwargs: str) -> Any:
        return document(self.member(), self)


class Deposit(LoyaltyView):
    """Give points: they count as earned, all entries or none; a reference counts once per account."""

    writes = True

    def handle(self, **kwargs: str) -> Any:
        member = self.member()
        for one in self.movements("deposits"):
            outcomes.deposit(
                retailer_id=self.retailer_id,
                member=member,
                account=one.account,
                amount=one.amount,
                reference=one.reference,
                reason=one.reason,
                actor=self.actor,
                now=self.now,
            )
        return document(member, self)


class SpendMultiple(LoyaltyView):
    """Spend points: all entries or none; a reference counts once per account."""

    writes = True

    def handle(self, **kwargs: str) -> Any:
        member = self.member()
        for one in self.movements("spends"):
            points.spend(
                member=member,
                account=one.account,
                amount=one.amount,
                reference=f"api:{one.reference}",
                reason=one.reason,
                actor=self.actor,
                now=self.now,
            )
        return document(member, self)


class TranslateUser(ConnectView):
    """Translate an id: the user id of the member another system knows by an id of its own."""

    scopes: ClassVar[tuple[str, ...]] = ("pos", "loyalty")

    def handle(self, **kwargs: str) -> Any:
        kind = self.body.get("external_id_type")
        member = members.translate(
            retailer_id=self.retailer_id,
            external_id=scalars.text(scalars.needed(self.body, "external_id"), "external_id"),
            external_id_type=members.ANY_EXTERNAL if kind in (None, "") else scalars.text(kind, "external_id_type"),
            now=self.now,
        )
        return {"user_id": members.shown_id(member)}


def document(member: Member, view: ConnectView) -> dict[str, Any]:
    """Return the balances of a member: the sums (what can be spent, what was ever earned) and every account."""
    found = points_standing.opened(member=member, now=view.now)
    return {
        "summary": {
            "total_points": sum(one.available for one in found if one.account.spendable),
            "life_time_points": sum(one.lifetime for one in found),
        },
        "details": [
            {
                "account_name": one.account.name,
                "user_point_account_id": str(one.row.uuid) if one.row else None,
                "point_account_id": str(one.account.uuid),
                "grouping_label": one.account.grouping_label,
                "available_balance": one.available,
                "life_time_value": one.lifetime,
            }
            for one in found
        ],
    }


urlpatterns = [
    route
    for prefix in (USER_POINTS, LOYALTY)
    for path, view in (("all_balances", AllBalances), ("deposit", Deposit), ("spend_multiple", SpendMultiple))
    for route in at(path, view=view, prefix=prefix)
]
urlpatterns += at("users/translate", view=TranslateUser)
