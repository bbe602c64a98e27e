"""A shop with a little of everything in it, made by the same verbs that shops and staff use."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from checkout import redemption, session_offers, sessions, transactions, validation
from checkout.admission import admissions, distributions, signals
from checkout.admission.models import Admission, Consumer, Distribution, Entry, Flag
from checkout.asks import Ask
from checkout.models import Authorization, LockSession, Order, Redemption, Transaction, Validation
from loyalty import members, points, tier_systems
from loyalty import rules as loyalty_rules
from loyalty.models import Member, PointAccount, Rule, TierSystem
from offers import (
    campaigns,
    catalogue,
    categories,
    channels,
    collections,
    customers,
    offer_templates,
    promotions,
    rules,
    signing_keys,
    stores,
    user_offers,
    vouchers,
)
from offers.lib import clock
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import (
    AsyncAction,
    AuditEntry,
    Campaign,
    Category,
    Client,
    Customer,
    Offer,
    Product,
    ProductCollection,
    PromotionTier,
    Retailer,
    RetailerVersion,
    SigningKey,
    Sku,
    Store,
    UserOffer,
    ValidationRule,
    Voucher,
)
from tests import factories

SHOP = Actor(kind="API", ident="app_webshop", label="Webshop")


@dataclass
class Scene:
    shop: Retailer
    campaign: Campaign
    voucher: Voucher
    card: Voucher
    tier: PromotionTier
    rule: ValidationRule
    category: Category
    customer: Customer
    product: Product
    sku: Sku
    collection: ProductCollection
    job: AsyncAction
    credential: tuple[Client, str]
    store: Store
    member: Member
    offer: Offer
    held: UserOffer
    transaction: Transaction
    earning: Rule
    club: TierSystem

    @property
    def audit_entry(self) -> AuditEntry:
        return AuditEntry.objects.latest("pk")

    @property
    def redemption(self) -> Redemption:
        return Redemption.objects.filter(succeeded=True, kind="redemption", voucher=self.voucher).latest("pk")

    @property
    def failed(self) -> Redemption:
        return Redemption.objects.filter(succeeded=False).latest("pk")

    @property
    def lock(self) -> LockSession:
        return LockSession.objects.filter(state="live").latest("pk")

    @property
    def order(self) -> Order:
        return Order.objects.latest("pk")

    @property
    def launch(self) -> Distribution:
        return self.launched("queue")

    @property
    def draw(self) -> Distribution:
        return self.launched("draw")

    @property
    def auction(self) -> Distribution:
        return self.launched("auction")

    def launched(self, mechanism: str) -> Distribution:
        found = Distribution.objects.filter(mechanism=mechanism).first()
        return found or distributions.create(
            mechanism=mechanism, fields={}, experience={"name": "Drop"}, **who(self.shop)
        )

    @property
    def signing_key(self) -> SigningKey:
        return signing_keys.active(retailer_id=self.shop.pk, purpose=signing_keys.ADMISSION, now=clock.now())

    @property
    def admission(self) -> Admission:
        """Somebody's, open."""
        if found := Admission.objects.first():
            return found
        at = clock.now()
        person = Consumer.objects.create(retailer=self.shop, created_at=at)
        entry = Entry.objects.create(distribution=self.launch, consumer=person, state="QUEUED", entered_at=at)
        [made] = admissions.issue(distribution=self.launch, entries=[entry], now=at)
        return made

    @property
    def flag(self) -> Flag:
        """Somebody worth a look."""
        if not Flag.objects.exists():
            person = self.admission.consumer_id
            signals.flag(self.launch, [person], Flag.Kind.DEVICE, mark="0123456789abcdef", now=clock.now())
        return Flag.objects.get()

    @property
    def shown(self) -> Authorization:
        """What a session was shown of a channel."""
        if found := Authorization.objects.first():
            return found
        channel = channels.ensure(prefix="FP_", fields={"name": "Widget"}, **who(self.shop))
        fields: vouchers.Fields = {"discount": {"type": "PERCENT", "percent_off": 5}}
        vouchers.create(code="FP_FIVE", channel=channel, fields=fields, **who(self.shop))
        channels.create_campaign(channel=channel, fields={"name": "Five", "code": "FP_FIVE"}, **who(self.shop))
        return session_offers.authorize(
            retailer_id=self.shop.pk, session_hash="5" * 64, code="FP_FIVE", trusted=True, now=clock.now()
        )

    @property
    def validation(self) -> Validation:
        return Validation.objects.latest("pk")


def who(shop: Retailer, actor: Actor = SHOP) -> dict[str, Any]:
    return {"retailer_id": shop.pk, "actor": actor, "now": clock.now()}


def ask(*codes: str, **more: Any) -> Ask:
    asked = {"redeemables": [{"object": "voucher", "id": code} for code in codes], **more}
    return msgspec.convert(asked, Ask)


def order(amount: int, source_id: str) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "items": [
            {"source_id": "shirt", "related_object": "product", "quantity": 2, "price": amount // 4},
            {"source_id": "mug", "related_object": "product", "quantity": 1, "amount": amount - amount // 4 * 2},
        ],
    }


def redeem(shop: Retailer, *codes: str, **more: Any) -> None:
    """Redeem, and shrug when it is refused: the refusal is what history shows."""
    with suppress(Refusal):
        redemption.redeem(ask=ask(*codes, **more), **who(shop))


def lock(shop: Retailer, code: str, key: str, **more: Any) -> None:
    session = {"type": "LOCK", "key": key, "ttl": 2, "ttl_unit": "HOURS"}
    validation.validate(ask=ask(code, session=session, options={"explain": True}, **more), **who(shop))


def lay(shop: Retailer) -> Scene:
    """Fill a shop."""
    product = catalogue.upsert_product(source_id="shirt", fields={"name": "Shirt", "price": 2500}, **who(shop))
    catalogue.upsert_product(source_id="mug", fields={"name": "Mug", "price": 900}, **who(shop))
    who_of_product: dict[str, Any] = {"actor": SHOP, "now": clock.now()}
    sku = catalogue.upsert_sku(product=product, source_id="shirt-m", fields={"sku": "Shirt M"}, **who_of_product)
    customer = customers.upsert(
        source_id="cust-1", fields={"name": "Ada Example", "email": "ada@example.com"}, **who(shop)
    )
    category = categories.create(retailer_id=shop.pk, name="Seasonal", hierarchy=1, now=clock.now())
    rule = rules.create(
        fields={
            "name": "Orders from 20",
            "rules": {
                "1": {"name": "order.amount", "conditions": {"$more_than_or_equal": [2000]}},
                "logic": "1",
            },
            "error": {"message": "This code works from 20."},
        },
        **who(shop),
    )
    campaign = campaigns.create(
        name="Summer sale",
        campaign_type="DISCOUNT_COUPONS",
        fields={
            "type": "STANDALONE",
            "discount": {"type": "PERCENT", "percent_off": 10},
            "redemption_limit": 50,
            "budget": 5000,
            "rules": [rule.public_id],
        },
        **who(shop),
    )
    voucher = vouchers.create(code="SUMMER10", campaign=campaign, fields={}, **who(shop))
    card = vouchers.create(
        code="GIFT-50", fields={"type": "GIFT_VOUCHER", "gift": {"amount": 5000}, "redemption_limit": None}, **who(shop)
    )
    promotion = campaigns.create(name="Black Friday", campaign_type="PROMOTION", fields={}, **who(shop))
    tier = promotions.create(
        campaign=promotion,
        fields={"name": "Five off", "discount": {"type": "AMOUNT", "amount_off": 500}},
        actor=SHOP,
        now=clock.now(),
    )
    buyer = {"source_id": "cust-1"}
    lock(shop, "SUMMER10", "cart-1", order=order(8000, "O-1"), customer=buyer)
    sessions.release(voucher_code="SUMMER10", key="cart-1", **who(shop))
    lock(shop, "SUMMER10", "cart-2", order=order(10000, "O-2"), customer=buyer)
    redeem(shop, "SUMMER10", order=order(10000, "O-2"), customer=buyer, session={"type": "LOCK", "key": "cart-2"})
    redeem(shop, "GIFT-50", order=order(3000, "O-3"), customer=buyer)
    redeem(shop, "SUMMER10", order=order(1000, "O-4"), customer=buyer)
    redeem(shop, "NOSUCHCODE", order=order(1000, "O-5"))
    lock(shop, "SUMMER10", "cart-3", order=order(20000, "O-6"), customer=buyer)
    shirts = collections.create(name="Shirts", idents=["shirt"], **who(shop))
    pool = campaigns.create(
        name="Newsletter",
        fields={"discount": {"type": "AMOUNT", "amount_off": 500}, "redemption_limit": 1},
        vouchers_count=1,
        **who(shop),
    )
    job = campaigns.add_vouchers(ident=pool.public_id, count=20, fields={}, **who(shop))
    credential = factories.credential(shop)
    return Scene(
        shop,
        campaign,
        voucher,
        card,
        tier,
        rule,
        category,
        customer,
        product,
        sku,
        shirts,
        job,
        credential,
        *loyal(shop, customer),
    )


def loyal(shop: Retailer, customer: Customer) -> tuple[Store, Member, Offer, UserOffer, Transaction, Rule, TierSystem]:
    """A till, a member with points and an offer in his wallet, and a sale that waits in the queue."""
    store = stores.create(fields={"name": "High Street", "tags": ["city"]}, **who(shop))
    member = members.create(first_name="Ada", external_ids=[("card", "4711")], customer=customer, **who(shop))
    account = PointAccount.objects.create(retailer=shop, name="Points", default=True)
    points.earn(member=member, account=account, amount=250, reference="welcome", now=clock.now(), reason="Welcome")
    offer = offer_templates.create(body=five_off(), **who(shop)).offer
    [held] = user_offers.issue(offer=offer, customer_id=customer.pk, source={"kind": "staff"}, **who(shop))
    sale = {
        "transaction_id": "T-1",
        "is_closed": True,
        "subtotal": "40.00",
        "receipt_code": "R-1",
        "modified_time": "2026-11-21T10:00:00Z",
        "items": [{"line_id": "1", "item_id": "shirt", "quantity": "1", "subtotal": "40.00"}],
    }
    sent = transactions.accept(
        retailer_id=shop.pk,
        version=RetailerVersion.objects.get(retailer=shop).number,
        store_id=store.uuid,
        request_id="r-1",
        payload=sale,
        actor=SHOP,
        now=clock.now(),
    )
    earning = loyalty_rules.save(
        name="One point per dollar",
        scope="economy",
        definition={"outcomes": [{"type": "points_per", "rate": 1, "unit": "1.00"}]},
        **who(shop),
    )
    levels = [
        {"key": "base", "name": "Base", "rank": 1},
        {"key": "gold", "name": "Gold", "rank": 2, "entry": {"metric": "lifetime_points", "op": ">=", "value": 500}},
    ]
    club = tier_systems.create(key="club", name="Club", levels=levels, **who(shop))
    return store, member, offer, held, Transaction.objects.get(revisions=sent.revision_id), earning, club


def five_off() -> dict[str, Any]:
    return {
        "offer_type": "fixed_check_discount",
        "publish": True,
        "text_config": [{"culture": "en", "title": "Five off", "description": "5.00 off any order."}],
        "common_config": {"key": "five-off"},
        "discount_config": {"amount": "5.00"},
    }
