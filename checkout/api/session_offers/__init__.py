"""The dialect of session offers: authorise, present, apply, and the cart's JSON calls."""
