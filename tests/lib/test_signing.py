"""Signatures a receiver can check with any HMAC library."""

import hashlib
import hmac

from offers.lib import signing


def test_signature_is_the_hex_hmac_of_the_raw_bytes() -> None:
    body = '{"a":"ä b"}'.encode()
    assert signing.sign("secret", body) == hmac.new(b"secret", body, hashlib.sha256).hexdigest()


def test_stamp_signs_the_time_with_the_body_once_per_secret() -> None:
    new, old = (hmac.new(secret, b"1700000000.{}", hashlib.sha256).hexdigest() for secret in (b"new", b"old"))
    assert signing.stamp(["new", "old"], b"{}", at=1_700_000_000) == f"t=1700000000,v1={new},v1={old}"


def test_another_time_is_another_signature() -> None:
    assert signing.stamp(["s"], b"{}", at=1).split("v1=")[1] != signing.stamp(["s"], b"{}", at=2).split("v1=")[1]
