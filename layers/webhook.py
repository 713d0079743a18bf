"""Telling a webhook what the warning log says: signed, tried again, in bounded time, never raising.

The receiver checks ``X-Corridors-Signature``: ``sha256=`` and the hex HMAC-SHA-256, under the
secret both know, of ``X-Corridors-Timestamp`` (seconds since 1970), a full stop and the body. It
should refuse an old timestamp, and take ``X-Corridors-Id`` once only: what was told may be told
again when its answer got lost. Nothing returned or logged here holds the secret, or more of the
address than its host. (`layers.client` asks, this module tells; no other uses the network.)
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, urlsplit

import httpx
import stamina

from layers.client import CONNECT_TIMEOUT_S, MAX_PATIENCE_S, TRIES, now, retry_after_s, user_agent
from layers.hosts import within_link

if TYPE_CHECKING:
    import pandas as pd

TOTAL_S = 20.0
"""For one letter, all its tries and pauses together."""
DEADLINE_S = 60.0
"""For all letters of a run."""
AT_ONCE = 4

Outcome = Literal["delivered", "refused", "failed"]
_TOKEN = re.compile(r"[!-~]{1,200}")
_NAME = re.compile(r"[\w.:-]{1,253}")
_MEDIA_TYPE = re.compile(r"[ -~]{3,200}")


@dataclass(frozen=True)
class Letter:
    """One thing to tell, under an id by which the receiver knows it again."""

    id: str
    body: bytes
    media_type: str


@dataclass(frozen=True)
class Delivery:
    """What became of a letter.

    Attributes
    ----------
    outcome
        ``delivered``: the receiver answered 2xx. ``refused``: it, or its address, will not do, so
        it was not tried again. ``failed``: no good answer came in time.
    status
        Of the last answer; None when none came.
    attempts
        How often it was sent; 0 when it was not.
    fault
        Why it was not delivered, starting with a short code; empty when it was.
    """

    outcome: Outcome
    status: int | None = None
    attempts: int = 0
    fault: str = ""


def deliver(
    url: str,
    body: bytes,
    *,
    media_type: str,
    secret: str,
    id: str,
    now: Callable[[], datetime] = now,
    total_s: float = TOTAL_S,
) -> Delivery:
    """What became of one letter (`deliver_all`)."""
    letters = [Letter(id, body, media_type)]
    return deliver_all(url, letters, secret=secret, now=now, total_s=total_s)[0]


def deliver_all(
    url: str,
    letters: Sequence[Letter],
    *,
    secret: str,
    now: Callable[[], datetime] = now,
    total_s: float = TOTAL_S,
    deadline_s: float = DEADLINE_S,
) -> list[Delivery]:
    """What became of each letter, in their order; a few are under way at a time. Never raises.

    A fault of the connection, 429 and 5xx are tried three times, any other answer once; a redirect
    is not followed, for it could lead the body elsewhere. Of an answer only the status is read.

    Parameters
    ----------
    url
        https; http only on this machine.
    letters
        Each under its own id.
    secret
        Known to the receiver; without one nothing is sent.
    now
        The clock (UTC) of the timestamps.
    total_s, deadline_s
        For each letter, and for all together; what is not delivered then has failed. Only how
        long a name is looked up is the system's own affair.
    """
    fault = _refusal(url, secret)
    if fault:
        return [Delivery("refused", fault=fault) for _ in letters]
    teller = _Teller(url, secret.encode("utf-8", "surrogatepass"), now, total_s)
    try:
        # In a thread of its own, since there may be a loop already where this is called.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, teller.told(letters, deadline_s)).result()
    except Exception as error:
        # A warning is not lost because telling it failed; the text may hold the address.
        return [Delivery("failed", fault=f"unexpected: {_kind(error)}") for _ in letters]


def host_of(url: str) -> str:
    """Host, and port where it is told, of an address: as much of it as may be written down."""
    parts = _parts(url)
    name = (parts.hostname if parts else None) or ""
    if parts is None or not _NAME.fullmatch(name):
        return "unknown"
    return name if parts.port is None else f"{name}:{parts.port}"


def record_of(alert: str, url: str, delivery: Delivery) -> dict[str, Any]:
    """The record of a delivery for the warning log (``layers.ledger``)."""
    told = {"outcome": delivery.outcome, "status": delivery.status, "attempts": delivery.attempts}
    return {"alert": alert, "host": host_of(url), **told, "fault": delivery.fault}


def undelivered(log: pd.DataFrame, host: str) -> list[str]:
    """Ids of the alerts of a log that a host was not told yet, oldest first.

    Parameters
    ----------
    log
        Of `layers.store.Store.log`, with alerts and deliveries; ``since`` bounds how far back a
        webhook set up today looks. Whether an alert is still current is for the caller to see.
    host
        Of `host_of`.
    """
    records = [(kind, record) for kind, record in zip(log["kind"], log["record"], strict=True)]
    told = {
        record["alert"]
        for kind, record in records
        if (kind, record.get("host"), record.get("outcome")) == ("delivery", host, "delivered")
    }
    ids = dict.fromkeys(record["id"] for kind, record in records if kind == "alert")
    return [id for id in ids if id not in told]


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What ``X-Corridors-Signature`` must be."""
    return (
        "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    )


class _FaultError(Exception):
    """A try that was not delivered; ``wait`` is whether to try again, or after how many seconds."""

    def __init__(
        self, fault: str, status: int | None = None, *, wait: bool | float = False
    ) -> None:
        self.fault, self.status, self.wait = fault, status, wait
        super().__init__(fault)


@dataclass(frozen=True)
class _Teller:
    url: str
    secret: bytes
    now: Callable[[], datetime]
    total_s: float

    async def told(self, letters: Sequence[Letter], deadline_s: float) -> list[Delivery]:
        turns = asyncio.Semaphore(AT_ONCE)
        until = asyncio.get_running_loop().time() + deadline_s
        here = _is_here(urlsplit(self.url).hostname or "")
        timeout = httpx.Timeout(self.total_s, connect=CONNECT_TIMEOUT_S)
        # This machine is not reached through a proxy, whatever the environment says.
        async with httpx.AsyncClient(timeout=timeout, trust_env=not here) as http:
            return await asyncio.gather(*(self.tell(http, one, turns, until) for one in letters))

    async def tell(
        self, http: httpx.AsyncClient, letter: Letter, turns: asyncio.Semaphore, until: float
    ) -> Delivery:
        if not (_TOKEN.fullmatch(letter.id) and _MEDIA_TYPE.fullmatch(letter.media_type)):
            return Delivery("refused", fault="bad_letter: its id or media type is no header")
        attempts = 0
        try:
            async with asyncio.timeout_at(until), turns, asyncio.timeout(self.total_s):
                async for attempt in stamina.retry_context(
                    on=_wait, attempts=TRIES, timeout=None, wait_initial=0.5, wait_max=4
                ):
                    attempts = attempt.num
                    with attempt:
                        return Delivery("delivered", await self.once(http, letter), attempts)
        except _FaultError as error:
            outcome: Outcome = "refused" if error.wait is False else "failed"
            return Delivery(outcome, error.status, attempts, error.fault)
        except TimeoutError:
            return Delivery("failed", None, attempts, "timeout: no good answer in time")
        raise AssertionError("the last attempt returns or raises")

    async def once(self, http: httpx.AsyncClient, letter: Letter) -> int:
        try:
            async with http.stream(
                "POST", self.url, content=letter.body, headers=self.headers(letter)
            ) as response:
                status, pause = response.status_code, response.headers.get("retry-after", "")
        except httpx.TimeoutException:
            raise _FaultError("timeout: no answer", wait=True) from None
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            if "[SSL" in str(error):
                raise _FaultError("tls: no trusted connection") from None
            raise _FaultError(f"connection: {_kind(error)}", wait=True) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            raise _FaultError("bad_url: not an address that can be told") from None
        if 200 <= status <= 299:
            return status
        if status in (301, 302, 303, 307, 308):
            raise _FaultError(f"redirect_refused: the answer was {status}", status)
        raise _FaultError(f"http_{status}: the answer", status, wait=self.pause(status, pause))

    def pause(self, status: int, told: str) -> bool | float:
        """Whether to try again; after how many seconds where the receiver says so."""
        if not (status == 429 or 500 <= status <= 599):
            return False
        asked = retry_after_s(told, self.now())
        return True if asked is None else asked

    def headers(self, letter: Letter) -> dict[str, str]:
        timestamp = str(int(self.now().timestamp()))
        return {
            "user-agent": user_agent(),
            "content-type": letter.media_type,
            "x-corridors-id": letter.id,
            "x-corridors-timestamp": timestamp,
            "x-corridors-signature": signature(self.secret, timestamp, letter.body),
        }


def _wait(error: Exception) -> bool | float:
    if not isinstance(error, _FaultError):
        return False
    # Asked for a longer pause than that, the next run will do.
    return error.wait if error.wait is True or error.wait <= MAX_PATIENCE_S else False


def _refusal(url: str, secret: str) -> str:
    """Why nothing can be told at an address; empty when it can."""
    parts = _parts(url)
    if parts is None or not parts.hostname or parts.scheme not in ("http", "https"):
        return "bad_url: not an address that can be told"
    if parts.scheme == "http" and not _is_here(parts.hostname):
        return "not_https: only this machine is told without https"
    if within_link(parts.hostname):
        return "private_host: a cloud's own services are told nothing"
    return "" if secret else "no_secret: nothing is sent unsigned"


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


__all__ = [
    "Delivery",
    "Letter",
    "deliver",
    "deliver_all",
    "host_of",
    "record_of",
    "signature",
    "undelivered",
]
