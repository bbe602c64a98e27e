"""Every model of the checkout app, re-exported."""

from checkout.models.order import Order
from checkout.models.redemption import Redemption
from checkout.models.reply import Reply
from checkout.models.session import LockSession
from checkout.models.validation import Validation

__all__ = ["LockSession", "Order", "Redemption", "Reply", "Validation"]
