"""Every model of the offers app, re-exported."""

from offers.models.async_action import AsyncAction
from offers.models.audit import AuditEntry
from offers.models.campaign import Campaign
from offers.models.category import Category
from offers.models.channel import Channel, SessionCampaign
from offers.models.client import Client
from offers.models.customer import Customer
from offers.models.offer import Offer
from offers.models.product import Product, ProductCollection, Sku
from offers.models.promotion import PromotionTier
from offers.models.retailer import Retailer, RetailerVersion
from offers.models.rule import RuleAssignment, ValidationRule
from offers.models.signing_key import SigningKey
from offers.models.store import Store
from offers.models.user_offer import UserOffer, UserOfferEvent
from offers.models.voucher import Voucher

__all__ = [
    "AsyncAction",
    "AuditEntry",
    "Campaign",
    "Category",
    "Channel",
    "Client",
    "Customer",
    "Offer",
    "Product",
    "ProductCollection",
    "PromotionTier",
    "Retailer",
    "RetailerVersion",
    "RuleAssignment",
    "SessionCampaign",
    "SigningKey",
    "Sku",
    "Store",
    "UserOffer",
    "UserOfferEvent",
    "ValidationRule",
    "Voucher",
]
