"""The voucher dialect: the wire of Voucherify's API, spoken at /v1 and /client/v1."""
