"""The offer, POS and loyalty dialect: /api/2.0 and /incentives/api/1.0."""
