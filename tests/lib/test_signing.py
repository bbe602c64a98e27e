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


def test_a_signature_is_believed_of_these_bytes_by_this_secret_near_this_time_only() -> None:
    def holds(header: str, body: bytes = b"{}", at: int = 1000, secrets: tuple[str, ...] = ("s",)) -> bool:
        return signing.verified(secrets, header, body, at=at, tolerance=300)

    header = signing.stamp(["s"], b"{}", at=1000)
    assert holds(header)
    assert [holds(header, at=at) for at in (699, 700, 1300, 1301)] == [False, True, True, False]
    assert holds(header.replace(",", " , "))
    assert holds(header, secrets=("new", "s"))
    assert holds(signing.stamp(["other", "s"], b"{}", at=1000))
    assert not holds(header, body=b"{} ")
    assert not holds(header, secrets=("other",))
    assert not holds(header, secrets=())
    assert not holds(header.replace("t=1000", "t=1001"))
    for junk in (
        "",
        "t=1000",
        header.partition(",")[2],
        f"t=1000,{header}",
        "t=x,v1=x",
        "t=1000,v1=é",
        "v1",
        "=" * 9999,
    ):
        assert not holds(junk)
