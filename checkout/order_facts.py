"""The order of a request as the engine judges it: lines resolved to products and variants, stored orders as stored."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q

from checkout.asks import ItemAsk, OrderAsk
from offers.configuration import Config
from offers.evaluation.context import CatalogueItem, Line, Order
from offers.lib.errors import InvalidPayload
from offers.models import Product, Retailer, Sku

MOST = 10**15


def order(
    ask: OrderAsk | None, stored: dict[str, Any] | None, catalogue: Mapping[str, CatalogueItem], config: Config
) -> Order | None:
    """Return the order asked about; a stored one counts as it is stored, not as it is sent again."""
    if ask is None:
        return None
    if stored is not None:
        return _stored_order(stored, catalogue, config)
    lines = tuple(line(item, index, catalogue, config) for index, item in enumerate(ask.items or ()))
    if sum(line_amount(one) for one in lines) > MOST:
        raise InvalidPayload("Property .order.items adds up to more than can be counted")
    # Lines make the amount, unless none of them says or knows what it costs.
    amount = None if any(is_priced(one) for one in lines) else ask.amount
    return Order(amount=amount, items=lines, metadata=ask.metadata or {})


def look_up(config: Config, names: Iterable[str]) -> dict[str, CatalogueItem]:
    """Return catalogue items by public or source id, for the few requests that name some only in their discounts."""
    wanted = list(names)
    retailer: Retailer = config.retailer
    match = Q(public_id__in=wanted) | Q(source_id__in=wanted)
    rows: list[list[Any]] = [
        ["product", row.public_id, row.source_id, row.name, row.price, row.metadata, None, None]
        for row in Product.objects.filter(match, retailer=retailer)
    ]
    rows += [
        [
            "sku",
            row.public_id,
            row.source_id,
            row.sku or row.product.name,
            row.product.price if row.price is None else row.price,
            row.metadata,
            row.product.public_id,
            row.product.source_id,
        ]
        for row in Sku.objects.filter(match, retailer=retailer).select_related("product")
    ]
    return {key: item for row in rows for key, item in catalogue_rows(row, config)}


def catalogue_rows(row: list[Any], config: Config) -> list[tuple[str, CatalogueItem]]:
    """Return a row of the catalogue as the engine's value, by public id and by source id."""
    kind, public_id, source_id, name, price, metadata, product_id, product_source_id = row
    item = CatalogueItem(
        id=public_id,
        kind=kind,
        source_id=source_id,
        name=name,
        price=price,
        product_id=product_id,
        product_source_id=product_source_id,
        metadata=metadata or {},
        collections=config.collections_of(public_id, product_id),
    )
    return [(public_id, item), *([(source_id, item)] if source_id else [])]


def is_priced(line: Line) -> bool:
    """Say whether a line has a price, its own or the catalogue's."""
    return line.amount is not None or line.price is not None


def line_amount(line: Line) -> int:
    return line.amount if line.amount is not None else (line.price or 0) * line.quantity


def line(item: ItemAsk, index: int, catalogue: Mapping[str, CatalogueItem], config: Config) -> Line:
    """Resolve a sent line: what the request says wins, then the catalogue."""
    sku = _named(catalogue, item.sku_id, item.sku, item.source_id if item.related_object == "sku" else None, "sku")
    product = _named(
        catalogue,
        item.product_id or (sku.product_id if sku else None),
        item.product,
        item.source_id if item.related_object == "product" else None,
        "product",
    )
    price = item.price
    for part in (item.sku, item.product, sku, product):
        if price is None and part is not None:
            price = part.price
    quantity = 1 if item.quantity is None else item.quantity
    amount = item.amount if item.amount is not None else None if price is None else price * quantity
    product_id = product.id if product else sku.product_id if sku else None
    sent_product, sent_sku = item.product, item.sku
    return Line(
        index=index,
        quantity=quantity,
        price=price,
        amount=amount,
        id=item.id,
        source_id=item.source_id,
        product_id=product_id or item.product_id or (sent_product.id if sent_product else None),
        product_source_id=(product.source_id if product else None)
        or (sent_product.source_id if sent_product else None)
        or (item.source_id if item.related_object == "product" else None),
        sku_id=(sku.id if sku else None) or item.sku_id or (sent_sku.id if sent_sku else None),
        sku_source_id=(sku.source_id if sku else None)
        or (sent_sku.source_id if sent_sku else None)
        or (item.source_id if item.related_object == "sku" else None),
        related_object=item.related_object
        or ("sku" if item.sku_id or item.sku else "product" if item.product_id or item.product else None),
        metadata=item.metadata or {},
        product_name=(sent_product.name if sent_product else None) or (product.name if product else None),
        product_metadata={**(product.metadata if product else {}), **((sent_product and sent_product.metadata) or {})},
        sku_name=(sent_sku.sku if sent_sku else None) or (sku.name if sku else None),
        sku_metadata={**(sku.metadata if sku else {}), **((sent_sku and sent_sku.metadata) or {})},
        collections=config.collections_of(product_id, sku.id if sku else None),
    )


def _named(
    catalogue: Mapping[str, CatalogueItem], key: str | None, part: Any, source_id: str | None, kind: str
) -> CatalogueItem | None:
    names = (key, part.id if part else None, part.source_id if part else None, source_id)
    for name in names:
        if name and (found := catalogue.get(name)) is not None and found.kind == kind:
            return found
    return None


def _stored_order(stored: dict[str, Any], catalogue: Mapping[str, CatalogueItem], config: Config) -> Order:
    """An order that was stored before: its own lines and earlier discounts count, not what is sent again."""
    lines = tuple(
        _stored_line(item, index, catalogue, config) for index, item in enumerate(stored["items"]) if item is not None
    )
    # An order given by its amount alone has more in it than the lines that redemptions added.
    beyond = max(0, (stored["amount"] or 0) - sum(line_amount(line) for line in lines)) if lines else 0
    return Order(
        amount=None if lines else stored["amount"],
        beyond=beyond,
        items=lines,
        metadata=stored["metadata"] or {},
        initial_amount=stored["initial_amount"],
        discount_amount=stored["discount_amount"],
    )


def _stored_line(item: dict[str, Any], index: int, catalogue: Mapping[str, CatalogueItem], config: Config) -> Line:
    product = catalogue.get(item.get("product_id") or "")
    sku = catalogue.get(item.get("sku_id") or "")
    return Line(
        index=index,
        quantity=item.get("quantity") or 0,
        price=item.get("price"),
        amount=item.get("amount"),
        id=item.get("id"),
        source_id=item.get("source_id"),
        product_id=item.get("product_id"),
        product_source_id=(item.get("product") or {}).get("source_id") or (product.source_id if product else None),
        sku_id=item.get("sku_id"),
        sku_source_id=(item.get("sku") or {}).get("source_id") or (sku.source_id if sku else None),
        related_object=item.get("related_object"),
        metadata=item.get("metadata") or {},
        product_name=(item.get("product") or {}).get("name") or (product.name if product else None),
        product_metadata=product.metadata if product else {},
        sku_name=(item.get("sku") or {}).get("sku"),
        sku_metadata=sku.metadata if sku else {},
        collections=config.collections_of(item.get("product_id"), item.get("sku_id")),
        discount_amount=item.get("discount_amount") or 0,
        discount_quantity=item.get("discount_quantity") or 0,
        initial_quantity=item.get("initial_quantity"),
        initial_amount=item.get("initial_amount"),
    )
