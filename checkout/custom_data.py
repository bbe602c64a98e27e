"""The custom data of a transaction: objects of a till's own making, within bounds of depth, number and size."""

from collections.abc import Mapping
from typing import Any

import orjson

from checkout.till_fields import Fields
from offers.lib.errors import Refusal

MOST_CUSTOM_ELEMENTS = 1000
CUSTOM_DEPTH = 6
CUSTOM_BYTES = 256 * 1024


class TooManyCustomElements(Refusal):
    """The custom data of a transaction has at most 1,000 values."""

    code = "too_many_custom_elements"


class CustomDataTooDeep(Refusal):
    """Custom data is nested at most 6 levels deep."""

    code = "custom_data_too_deep"


class CustomDataTooLarge(Refusal):
    """The custom data of a transaction takes at most 256 KiB."""

    code = "custom_data_too_large"


def check(reader: Fields, payload: Mapping[str, Any], found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Count the values of all custom data together; look at depth and size only where there is any."""
    holders = [("custom_data", payload)] if payload.get("custom_data") is not None else []
    for name in ("items", "payments"):
        rows = enumerate(found[name])
        holders += [(f"{name}[{at}].custom_data", row) for at, row in rows if row.get("custom_data") is not None]
    count = size = 0
    for place, holder in holders:
        data = holder["custom_data"]
        if not isinstance(data, dict):
            raise reader.wrong(place, "not_an_object", "should be an object")
        values, deep = _measure(data)
        if deep:
            raise CustomDataTooDeep(details=reader.detail(place, CustomDataTooDeep.code, f"at most {CUSTOM_DEPTH}"))
        count += values
        size += len(orjson.dumps(data, default=str))
    if size > CUSTOM_BYTES:
        raise CustomDataTooLarge(size=size)
    if count > MOST_CUSTOM_ELEMENTS:
        raise TooManyCustomElements(count=count)


def _measure(data: Any) -> tuple[int, bool]:
    """Return how many values hang on the data, and whether it is nested too deep."""
    level, count, depth = [data], 0, 0
    while level:
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
            else:
                count += 1
        if any(isinstance(value, dict | list) for value in level):
            depth += 1
            if depth > CUSTOM_DEPTH:
                return count, True
        level = below
    return count, False
