"""How several redeemables go together: in which order, which push others out, and how many of a kind may apply."""

from __future__ import annotations

from typing import Literal

from offers.evaluation.context import Redeemable, StackingRules

Group = Literal["common", "exclusive", "joint"]


def arrange(redeemables: tuple[Redeemable, ...], rules: StackingRules) -> list[tuple[Redeemable, Group]]:
    """The redeemables in the order they are applied, each with its group."""
    ordered = [(redeemable, group_of(redeemable, rules)) for redeemable in redeemables]
    if len(ordered) > 1:
        if rules.redeemables_sorting_rule == "CATEGORY_HIERARCHY":
            ordered.sort(key=lambda pair: _hierarchy(pair[0]))
        if rules.grouped_redeemables_sorting_rule == "JOINT_ALWAYS_LAST" and has_exclusive(ordered):
            ordered.sort(key=lambda pair: pair[1] == "joint")
    return ordered


def has_exclusive(ordered: list[tuple[Redeemable, Group]]) -> bool:
    return any(group == "exclusive" for _, group in ordered)


def group_of(redeemable: Redeemable, rules: StackingRules) -> Group:
    """Never stackable beats always stackable where a redeemable is in categories of both kinds."""
    if any(category.id in rules.exclusive_categories for category in redeemable.categories):
        return "exclusive"
    if any(category.id in rules.joint_categories for category in redeemable.categories):
        return "joint"
    return "common"


def counts_from_initial(redeemable: Redeemable, rules: StackingRules) -> bool:
    """Whether its percentages are of the undiscounted amount; its category's mode wins over the general one."""
    for category in redeemable.categories:
        if category.id in rules.initial_amount_mode_categories:
            return True
        if category.id in rules.discounted_amount_mode_categories:
            return False
    return rules.discount_calculation_mode == "INITIAL_AMOUNT"


def skips_without_effect(redeemable: Redeemable, rules: StackingRules) -> bool:
    """Whether it is skipped when it would take nothing off; its category's rule wins over the general one."""
    for category in redeemable.categories:
        if category.id in rules.no_effect_skip_categories:
            return True
        if category.id in rules.no_effect_redeem_anyway_categories:
            return False
    return rules.redeemables_no_effect_rule == "SKIP"


class Tally:
    """What has been applied so far, against the limits."""

    __slots__ = ("applied", "categories", "exclusive", "rules")

    def __init__(self, rules: StackingRules) -> None:
        self.rules = rules
        self.applied = self.exclusive = 0
        self.categories: dict[str, int] = {}

    def count(self, redeemable: Redeemable, group: Group) -> None:
        self.applied += 1
        self.exclusive += group == "exclusive"
        for category in redeemable.categories:
            self.categories[category.id] = self.categories.get(category.id, 0) + 1

    def full(self, redeemable: Redeemable, group: Group) -> tuple[str, int] | None:
        """The limit that leaves no room for one more, and its number."""
        rules = self.rules
        if group == "exclusive" and self.exclusive >= rules.applicable_exclusive_redeemables_limit:
            limit = rules.applicable_exclusive_redeemables_limit
            return "applicable_exclusive_redeemables_limit_exceeded", limit
        if self.applied >= rules.applicable_redeemables_limit:
            return "applicable_redeemables_limit_exceeded", rules.applicable_redeemables_limit
        for category in redeemable.categories:
            limit, code = self._category_limit(category.id)
            if self.categories.get(category.id, 0) >= limit:
                return code, limit
        return None

    def _category_limit(self, category: str) -> tuple[int, str]:
        rules = self.rules
        if category in rules.exclusive_categories:
            limit = rules.applicable_exclusive_redeemables_per_category_limit
            return limit, "applicable_exclusive_redeemables_per_category_limit_exceeded"
        limit = rules.applicable_redeemables_category_limits.get(
            category, rules.applicable_redeemables_per_category_limit
        )
        return limit, "applicable_redeemables_per_category_limit_exceeded"


def _hierarchy(redeemable: Redeemable) -> int:
    return min((category.hierarchy for category in redeemable.categories), default=1)
