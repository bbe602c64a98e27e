"""Server-side request forgery: every trick to have us call an address that is not the public internet."""

import ipaddress
import socket

import pytest

from offers.outbox import addresses


def parse(url: str) -> addresses.Target:
    return addresses.parse(url, allow_http=False)


def test_an_ordinary_address_is_taken_apart() -> None:
    assert parse("https://Shop.Example:8443/hooks?a=b") == addresses.Target("https", "shop.example", 8443, "/hooks?a=b")


def test_a_path_of_nothing_is_a_slash_and_a_fragment_is_not_sent() -> None:
    assert parse("https://shop.example#part").path == "/"


def test_international_names_are_resolved_in_ascii() -> None:
    assert parse("https://müller.example/").host == "xn--mller-kva.example"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://shop.example/", "shop.example"),
        ("https://shop.example:8443/", "shop.example:8443"),
        ("https://[2606:4700::1]/", "[2606:4700::1]"),
    ],
)
def test_the_host_header_names_a_port_only_when_it_is_not_the_usual(url: str, host: str) -> None:
    assert parse(url).host_header == host


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "//shop.example/",
        "shop.example",
        "https://",
        "https:///path",
    ],
)
def test_other_schemes_and_half_addresses_are_refused(url: str) -> None:
    with pytest.raises(addresses.AddressRefused):
        parse(url)


def test_plain_http_needs_its_setting() -> None:
    assert addresses.parse("http://shop.example/", allow_http=True).port == 80


@pytest.mark.parametrize(
    "url",
    [
        "https://user:password@shop.example/",
        "https://shop.example@10.0.0.1/",
        "https://shop.example\\@10.0.0.1/",
        "https://shop.example/\r\nHost: other",
        "https://shop.example/a b",
        "https://shop.example/\tx",
        "https://shop.example/\x00",
        "https://shop\u200b.example/",
        "https://shop.example/ä",
        "https://shop.example:port/",
        "https://shop.example:99999/",
        "https://sh_op!.example/",
        "https://shop..example/",
        f"https://{'a' * 64}.example/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://[zz]/",
    ],
)
def test_addresses_that_programs_read_differently_are_refused(url: str) -> None:
    with pytest.raises(addresses.AddressRefused):
        parse(url)


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "017700000001", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1", "127.1", "127.0.1", "1.2.3.0x4"),
        *("127.0.0.01", "①②⑦.1", "134744072", "0x", "256.1.1.1", "1.2.3.4.5"),
    ],
)
def test_numbers_that_are_no_four_decimals_are_refused(host: str) -> None:
    with pytest.raises(addresses.AddressRefused):
        parse(f"https://{host}/")


def test_a_dotted_quad_with_a_dot_behind_it_is_still_one() -> None:
    assert parse("https://127.0.0.1./").host == "127.0.0.1"


@pytest.mark.parametrize(
    "text",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
        *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("168.63.129.16", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
        *(
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
        ),
        *("ff02::1", "2001:db8::1", "2001::1", "2001:0:7f00:1::1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "3fff::1"),
        *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "100::1", "4000::1", "fe80::1%eth0"),
    ],
)
def test_nothing_but_the_public_internet_receives(text: str) -> None:
    assert not addresses.may_receive(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2606:4700::1111", "2a00:1450::1"],
)
def test_public_addresses_receive(text: str) -> None:
    assert addresses.may_receive(ipaddress.ip_address(text))


def test_our_own_machine_receives_only_by_its_setting_and_no_other_private_one_does() -> None:
    for text in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert addresses.may_receive(ipaddress.ip_address(text), allow_loopback=True)
    for text in ("10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "fd00::1"):
        assert not addresses.may_receive(ipaddress.ip_address(text), allow_loopback=True)


def answers_with(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 443)) for text in texts]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(addresses.AddressRefused, match=r"10\.0\.0\.1"):
        addresses.resolve(parse("https://shop.example/"), allow_loopback=False)


def test_public_addresses_are_returned_once_each_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    answers_with(monkeypatch, "8.8.8.8", "1.1.1.1", "8.8.8.8")
    found = addresses.resolve(parse("https://shop.example/"), allow_loopback=False)
    assert [str(address) for address in found] == ["8.8.8.8", "1.1.1.1"]


def test_localhost_by_name_is_judged_by_where_it_points() -> None:
    with pytest.raises(addresses.AddressRefused):
        addresses.resolve(parse("https://localhost/"), allow_loopback=False)


def test_a_name_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(addresses.AddressRefused, match=r"nowhere\.invalid"):
        addresses.resolve(parse("https://nowhere.invalid/"), allow_loopback=False)
