"""Judges where a webhook may go: which URLs are taken, and which of their addresses are the public internet."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from offers.lib.errors import Refusal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Named here rather than read off `is_global`, whose answer differs between Python versions.
_NOT_PUBLIC_4 = [
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # inside Azure every machine reaches the host's control plane by this public address
    )
]
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# Protocol assignments and Teredo, documentation, 6to4: they lead to IPv4 addresses of the writer's choice or nowhere.
_NOT_PUBLIC_6 = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = 0x5EFE
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class AddressRefused(Refusal):
    """Webhooks are not sent to this address."""

    code: ClassVar[str] = "webhook_address_refused"


@dataclass(frozen=True)
class Target:
    """A URL taken apart: the host in ASCII, and what goes on the request line."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


def parse(url: str, *, allow_http: bool) -> Target:
    """Take a URL apart. Refuses (webhook_address_refused) every form a browser and a resolver could read differently.

    Looks up nothing: what the name points to is judged at every delivery, because it may change.
    """
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise AddressRefused("The address holds blanks, control characters or a backslash.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"The address cannot be read: {error}.") from error
    if parts.scheme not in ({"https", "http"} if allow_http else {"https"}):
        raise AddressRefused("The address has to begin with https://.")
    if "@" in parts.netloc:
        raise AddressRefused("The address must not hold a user name or password; deliveries are signed instead.")
    host = _ascii_host(parts.hostname or "")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise AddressRefused("The path has to be percent-encoded.")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def _ascii_host(host: str) -> str:
    if ":" in host:
        if "%" in host:
            raise AddressRefused("The address must not name a network interface.")
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError as error:
            raise AddressRefused("The host is not an IPv6 address.") from error
    try:
        ascii_host = host.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError as error:
        raise AddressRefused("The host name cannot be read.") from error
    labels = ascii_host.split(".")
    # A last label of digits makes resolvers read an IPv4 address in decimal, octal, hex or with parts left out.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(ascii_host))
        except ValueError as error:
            raise AddressRefused("An IPv4 address is written as four decimal numbers.") from error
    if len(ascii_host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("The host name cannot be read.")
    return ascii_host


def resolve(target: Target, *, allow_loopback: bool) -> list[Address]:
    """Return every address of the host. Refuses (webhook_address_refused) when a single one of them is not public.

    One private address among public ones is refused too: which of them is used is up to chance.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressRefused(f"The host name {target.host} cannot be resolved ({error.strerror or error}).") from error
    except UnicodeError as error:
        raise AddressRefused("The host name cannot be read.") from error
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0])) for entry in found))
    for address in addresses:
        if not may_receive(address, allow_loopback=allow_loopback):
            raise AddressRefused(f"{target.host} points to {address}, which is not a public address.")
    return addresses


def may_receive(address: Address, *, allow_loopback: bool = False) -> bool:
    """Whether a delivery may go to this address: public, or our own machine where a setting allows that."""
    inner = _unwrapped(address)
    if allow_loopback and inner.is_loopback:
        return True
    if isinstance(inner, ipaddress.IPv4Address):
        return not any(inner in network for network in _NOT_PUBLIC_4)
    isatap = int(inner) >> 32 & 0xFFFF == _ISATAP
    return inner in _PUBLIC_6 and not isatap and not any(inner in network for network in _NOT_PUBLIC_6)


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            return ipaddress.IPv6Address("::")
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
