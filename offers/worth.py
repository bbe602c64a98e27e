"""What a code is worth: checks discounts, gift amounts and points, and gives them the one form they are stored in."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from json import loads
from typing import Any

from offers.lib.errors import InvalidPayload

INT64 = 2**63 - 1
PERCENT_PLACES = 6
MOST_ON_CARD = 10**15  # credits or points: far above any money, far below what overflows
RATE_STEP, RATE_MOST = Decimal("0.000001"), 10**9
UNITS_LIMIT = 100
AMOUNT_EFFECTS = {
    "APPLY_TO_ORDER",
    "APPLY_TO_ITEMS",
    "APPLY_TO_ITEMS_BY_QUANTITY",
    "APPLY_TO_ITEMS_PROPORTIONALLY",
    "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY",
}
ORDER_OR_ITEMS = {"APPLY_TO_ORDER", "APPLY_TO_ITEMS"}
UNIT_EFFECTS = {"ADD_MISSING_ITEMS", "ADD_NEW_ITEMS", "ADD_SAME_ITEMS"}
MANY = "ADD_MANY_ITEMS"
# type -> (the field it needs, the limits it may have, the effects it may have)
FORMS: dict[str, tuple[str, tuple[str, ...], set[str]]] = {
    "AMOUNT": ("amount_off", ("aggregated_amount_limit",), AMOUNT_EFFECTS),
    "PERCENT": ("percent_off", ("amount_limit", "aggregated_amount_limit"), ORDER_OR_ITEMS),
    "FIXED": ("fixed_amount", (), ORDER_OR_ITEMS),
    "UNIT": ("unit_off", (), UNIT_EFFECTS | {MANY}),
}
# Takes nothing off the order itself: whoever charges for shipping leaves that out.
FREE_SHIPPING = "FREE_SHIPPING"
FORMULAS = ("amount_off_formula", "percent_off_formula", "fixed_amount_formula", "unit_off_formula")


def whole(value: object, path: str, *, least: int = 0, most: int = INT64) -> int:
    """Return a whole number between the bounds; 10.0 counts as 10, because some clients send it so."""
    number = _decimal(value, path)
    if number != number.to_integral_value():
        raise InvalidPayload(f"Property {path} should be a whole number")
    if not least <= number <= most:
        raise InvalidPayload(f"Property {path} should be between {least} and {most}")
    return int(number)


def one_of(value: object, choices: Iterable[str], path: str) -> str:
    """Return a text that is one of the choices."""
    for choice in choices:
        if value == choice:
            return choice
    raise InvalidPayload(f"Property {path} should be one of {', '.join(sorted(choices))}")


def percent(value: object, path: str) -> Any:
    """Return a percentage from 0 to 100 as the JSON number it is stored as."""
    number = _decimal(value, path)
    if not 0 <= number <= 100:
        raise InvalidPayload(f"Property {path} should be between 0 and 100")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > PERCENT_PLACES:
        raise InvalidPayload(f"Property {path} should have at most {PERCENT_PLACES} decimals")
    return int(number) if number == number.to_integral_value() else loads(format(number.normalize(), "f"))


def discount(raw: object, path: str = ".discount") -> dict[str, Any]:
    """Return a checked discount: its type, what it takes off, its effect and limits; anything else is dropped.

    Refuses `invalid_payload`, naming the field. Without an effect it applies to a rule's items, else to the order.
    """
    given = _object(raw, path)
    kind = one_of(given.get("type"), (*FORMS, FREE_SHIPPING), f"{path}.type")
    if kind == FREE_SHIPPING:
        return {"type": kind}
    for formula in FORMULAS:
        if given.get(formula):
            raise InvalidPayload(f"Property {path}.{formula} is not supported: discounts by formula do not exist here")
    needed, limits, effects = FORMS[kind]
    checked: dict[str, Any] = {"type": kind}
    effect = given.get("effect")
    if effect is not None:
        checked["effect"] = one_of(effect, effects, f"{path}.effect")
    if kind == "UNIT":
        return checked | _units(given, path)
    if given.get(needed) is None:
        raise InvalidPayload(f"Property {path} should have required property '{needed}'")
    check = percent if kind == "PERCENT" else whole
    checked[needed] = check(given[needed], f"{path}.{needed}")
    for limit in limits:
        if given.get(limit) is not None:
            checked[limit] = whole(given[limit], f"{path}.{limit}")
    return checked


def gift(raw: object, path: str = ".gift") -> tuple[int, str]:
    """Return a gift card's credits and effect."""
    given = _object(raw, path)
    if given.get("amount") is None:
        raise InvalidPayload(f"Property {path} should have required property 'amount'")
    effect = one_of(given.get("effect") or "APPLY_TO_ORDER", ORDER_OR_ITEMS, f"{path}.effect")
    return whole(given["amount"], f"{path}.amount"), effect


def loyalty_card(raw: object, path: str = ".loyalty_card") -> int:
    """Return the points a loyalty card begins with. Refuses `invalid_payload`, also for points that would expire."""
    given = {} if raw is None else _object(raw, path)
    if given.get("expiration_rules"):
        raise InvalidPayload(f"Property {path}.expiration_rules is not supported: points on a card do not expire here")
    points = given.get("points")
    return 0 if points is None else whole(points, f"{path}.points", most=MOST_ON_CARD)


def rate(raw: object, path: str = ".loyalty_card") -> tuple[Decimal, int] | None:
    """Return what points pay: minor units, and how many points pay them. None where nothing is said of it."""
    given = {} if raw is None else _object(raw, path)
    worth_, per = given.get("exchange_ratio"), given.get("points_ratio")
    if worth_ is None and per is None:
        return None
    value = Decimal(1) if worth_ is None else _decimal(worth_, f"{path}.exchange_ratio")
    if not RATE_STEP <= value <= RATE_MOST or value % RATE_STEP:
        raise InvalidPayload(f"Property {path}.exchange_ratio should be a number from {RATE_STEP:f} to {RATE_MOST}")
    return value, 1 if per is None else whole(per, f"{path}.points_ratio", least=1, most=RATE_MOST)


def _units(given: Mapping[str, Any], path: str) -> dict[str, Any]:
    if given.get("effect") != MANY:
        return _unit(given, path)
    units = given.get("units")
    if not isinstance(units, list) or not 1 <= len(units) <= UNITS_LIMIT:
        raise InvalidPayload(f"Property {path}.units should be a list of 1 to {UNITS_LIMIT} items")
    checked = []
    for index, raw in enumerate(units):
        place = f"{path}.units[{index}]"
        unit = _object(raw, place)
        effect = one_of(unit.get("effect") or "ADD_NEW_ITEMS", UNIT_EFFECTS, f"{place}.effect")
        checked.append(_unit(unit, place) | {"effect": effect})
    return {"units": checked}


def _unit(given: Mapping[str, Any], path: str) -> dict[str, Any]:
    unit_type = given.get("unit_type")
    if not isinstance(unit_type, str) or not 1 <= len(unit_type) <= 255:
        raise InvalidPayload(f"Property {path} should have required property 'unit_type'")
    if given.get("unit_off") is None:
        raise InvalidPayload(f"Property {path} should have required property 'unit_off'")
    return {"unit_off": whole(given["unit_off"], f"{path}.unit_off", most=1_000_000), "unit_type": unit_type}


def _object(raw: object, path: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise InvalidPayload(f"Property {path} should be an object")
    return raw


def _decimal(value: object, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise InvalidPayload(f"Property {path} should be a number")
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError) as error:
        raise InvalidPayload(f"Property {path} should be a number") from error
    if not number.is_finite():
        raise InvalidPayload(f"Property {path} should be a number")
    return number
