"""Every model of the checkout app, re-exported."""

from checkout.models.authorization import Authorization, CodeRefusal
from checkout.models.cart import Cart
from checkout.models.offer_code import OfferCode
from checkout.models.offer_lock import OfferLock
from checkout.models.order import Order
from checkout.models.redemption import Redemption
from checkout.models.reply import Reply
from checkout.models.session import LockSession
from checkout.models.shop_account import ShopAccount
from checkout.models.transaction import Revision, Transaction
from checkout.models.validation import Validation

__all__ = [
    "Authorization",
    "Cart",
    "CodeRefusal",
    "LockSession",
    "OfferCode",
    "OfferLock",
    "Order",
    "Redemption",
    "Reply",
    "Revision",
    "ShopAccount",
    "Transaction",
    "Validation",
]
