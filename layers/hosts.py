"""Whether a host lies in somebody's own network, where a feed has no business to lead us.

An address that a publisher sends, or a name that it lets point elsewhere, could make this machine
ask its neighbours what the publisher cannot. So hosts of private networks, of this machine and of
a cloud's own services are not asked, but for those that ``CORRIDORS_PRIVATE_HOSTS`` names.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.request import getproxies

ALLOWED = "CORRIDORS_PRIVATE_HOSTS"
"""Environment variable with host names or addresses, separated by ``;``; ``*`` is every one."""

STAND_INS = ip_network("198.18.0.0/15")
"""What some tunnels answer for every name there is: nobody's network."""

__all__ = ["ALLOWED", "is_allowed", "is_private", "private_address", "within_link"]


def is_allowed(host: str, environment: Mapping[str, str]) -> bool:
    """Whether whoever set up this machine lets a private host be asked."""
    named = {name.strip().casefold() for name in environment.get(ALLOWED, "").split(";")}
    return "*" in named or host.strip("[]").casefold() in named


def is_private(address: str) -> bool:
    """Whether an address is of no public network; what is no address counts as public."""
    found = _address(address)
    if found is None or found in STAND_INS:
        return False
    return not found.is_global or found.is_multicast


def within_link(address: str) -> bool:
    """Whether an address reaches this cable only, as the services of a cloud do."""
    found = _address(address)
    return found is not None and found.is_link_local


def private_address(host: str, *, look_up: bool = True) -> str:
    """The first private address of a host; empty when it has none, or none is found.

    Parameters
    ----------
    host
        A name or an address.
    look_up
        Whether to ask which addresses a name has. A proxy looks names up itself, so behind one
        only addresses and ``localhost`` are told.
    """
    if host.casefold().rstrip(".").rpartition(".")[2] == "localhost":
        return "127.0.0.1"
    known: Sequence[str] = (host.strip("[]"),)
    if _address(known[0]) is None and look_up and not getproxies():
        try:
            known = [str(found[4][0]) for found in socket.getaddrinfo(host, None)]
        except (OSError, UnicodeError):
            return ""  # asking it fails in words of its own
    return next((address for address in known if is_private(address)), "")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address a text spells; an IPv4 one within IPv6 as what it is."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return _odd_v4(text)
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped or found.sixtofour or found
    return found


def _odd_v4(text: str) -> IPv4Address | None:
    """What the system reads ``127.1``, ``0x7f000001`` and ``2130706433`` as."""
    try:
        return IPv4Address(socket.inet_aton(text)) if text.strip(".")[:1].isdigit() else None
    except (OSError, UnicodeError):
        return None
