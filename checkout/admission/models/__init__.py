"""Rows of experiences and of whom they admit: one noun per file."""

from checkout.admission.models.admission import Admission
from checkout.admission.models.bid import AuctionStanding, Bid
from checkout.admission.models.consumer import Consumer
from checkout.admission.models.distribution import Distribution
from checkout.admission.models.draw_run import DrawRun
from checkout.admission.models.entry import Entry
from checkout.admission.models.experience import Experience, Sequence
from checkout.admission.models.flag import Flag
from checkout.admission.models.handoff import Handoff
from checkout.admission.models.line_state import LineState
from checkout.admission.models.payment import Payment
from checkout.admission.models.reservation import Reservation

__all__ = [
    "Admission",
    "AuctionStanding",
    "Bid",
    "Consumer",
    "Distribution",
    "DrawRun",
    "Entry",
    "Experience",
    "Flag",
    "Handoff",
    "LineState",
    "Payment",
    "Reservation",
    "Sequence",
]
