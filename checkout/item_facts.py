"""What the catalogue knows of the items on a receipt: category, brand and tags, by item id."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from offers.models import Product


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What restrictions and rules may ask of an item beside its id."""

    category: str = ""
    brand: str = ""
    tags: frozenset[str] = frozenset()


UNKNOWN = ItemFacts()


def read(*, retailer_id: int, item_ids: Iterable[str]) -> dict[str, ItemFacts]:
    """Return the facts of the items that are products of the retailer (1 query); others only have their id."""
    wanted = set(item_ids)
    if not wanted:
        return {}
    rows = Product.objects.filter(retailer_id=retailer_id, source_id__in=wanted).values_list("source_id", "metadata")
    return {str(source_id): of_metadata(metadata) for source_id, metadata in rows}


def of_metadata(metadata: dict[str, Any]) -> ItemFacts:
    """Return what a product's metadata says under `category`, `brand` and `tags`."""
    tags = metadata.get("tags")
    return ItemFacts(
        category=str(metadata.get("category") or ""),
        brand=str(metadata.get("brand") or ""),
        tags=frozenset(str(tag) for tag in tags) if isinstance(tags, list) else frozenset(),
    )
