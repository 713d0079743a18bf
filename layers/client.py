"""Answers of live sources over HTTP: the only part of the project that asks the network.

(`layers.webhook` tells it; nothing else uses it.)

`fetch` asks for what a `Source` lists, page by page, and returns every answer or raises
`FetchError` with a short reason. It gives up rather than guesses: bodies are counted while they
are unpacked, redirects are followed by hand to hosts that were named beforehand, https is never
left, and a host of a private network is not asked unless that was allowed (``layers.hosts``).
Secrets from the environment are put in at the last moment; what is returned, logged or raised
holds the address as it was written, never the one filled in or redirected to.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, url2pathname

import httpx
import stamina

from layers.errors import FeedError
from layers.hosts import ALLOWED, is_allowed, is_private, private_address
from layers.source import Answer, Request, Source, Walk

CONNECT_TIMEOUT_S = 5.0
TRIES = 3
MAX_PATIENCE_S = 10.0
"""A ``Retry-After`` up to this is waited for; a longer one ends the fetch and is handed on."""
LONGEST_RETRY_AFTER_S = 6 * 3600.0
EMPTY_PAUSE_S = 5.0
MAX_REDIRECTS = 5
MAX_PAGES = 1000
SHORTEST_KEY = 6
"""What is shorter is no key, and may stand anywhere by chance."""
SLOWEST_B_S = 20_000
"""A body that comes slower than this on average, after five read timeouts, is given up."""

_NAME = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
_NOTHING: Mapping[str, Answer] = {}
_HOST_LOCKS: dict[str, threading.Lock] = {}
_HOST_LOCKS_GUARD = threading.Lock()

# Both write every address they ask for, with the signature or key in its query, at INFO and DEBUG.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)
# Told to whoever listens; by nobody it would be on the screen, among the states that say the same.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class FetchError(FeedError):
    """An answer that did not come, or that is not accepted.

    Attributes
    ----------
    reason
        Short code, such as ``http_503``, ``timeout`` or ``too_large``; the message starts with it.
    retry_after_s
        Seconds the server asks to be left alone; None when it does not say.
    """

    def __init__(
        self,
        source: str,
        reason: str,
        detail: str,
        *,
        again: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        self.reason = reason
        self.again = again
        self.retry_after_s = retry_after_s
        super().__init__(source, f"{reason}: {detail}")


@dataclass(frozen=True)
class Step:
    """How far a fetch has come.

    Attributes
    ----------
    source
        Id of the source.
    answers
        Answers complete so far.
    received_bytes
        Unpacked bytes of the answer that is coming in.
    expected_bytes
        Its announced length; None when the server does not say.
    """

    source: str
    answers: int
    received_bytes: int = 0
    expected_bytes: int | None = None


Progress = Callable[[Step], None]


def now() -> datetime:
    """The moment by our clock, UTC."""
    return datetime.now(UTC)


def fetch(
    source: Source,
    *,
    base: str | None = None,
    remembered: Mapping[str, Answer] = _NOTHING,
    clock: Callable[[], datetime] = now,
    sleep: Callable[[float], object] = time.sleep,
    timer: Callable[[], float] = time.monotonic,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
    environment: Mapping[str, str] = os.environ,
    transport: httpx.BaseTransport | None = None,
    max_pages: int = MAX_PAGES,
) -> list[Answer]:
    """Every answer of a source, in the order asked.

    Parameters
    ----------
    source
        What to ask, and the limits of it.
    base
        Scheme, host and port that replace those of every address; the path is kept. For mirrors
        and tests.
    remembered
        The newest accepted answer by address. Its ETag and date go with the question; when the
        server says that nothing changed, it is returned with status 304 and a new
        ``retrieved_at``.
    clock, sleep, timer
        The moment (UTC), a pause and elapsed time, both in seconds.
    progress
        Called after every piece received.
    stop
        Asked between pieces; when true the fetch ends with the reason ``stopped``.
    environment
        Where ``{NAME}`` in an address or header comes from. In ``params`` only the names the
        source ``needs`` are filled in, for there braces have other uses too.
    transport
        Replaces the network, for tests.
    max_pages
        More answers than this are a fault.

    Raises
    ------
    FetchError
        ``needs``, ``timeout``, ``connect``, ``tls``, ``connection_lost``, ``cut_body``,
        ``protocol``, ``http_<status>``, ``redirect_refused``, ``too_many_redirects``,
        ``private_host``,
        ``too_large``, ``too_slow``, ``bad_encoding``, ``empty_body``, ``bad_url``, ``no_file``,
        ``bad_next_page``, ``page_refused``, ``page_loop``, ``repeated_page``,
        ``too_many_pages`` or ``stopped``.
    FeedError
        What the source's own ``next_page`` raises.
    """
    for name in source.needs:
        if not environment.get(name):
            raise FetchError(source.id, "needs", f"{name} is not set")
    # A base on this machine is not reached through a proxy, whatever the environment says.
    try:
        at = httpx.URL(base) if base else None
    except httpx.InvalidURL:
        raise FetchError(source.id, "bad_url", "the base is no address") from None
    local = at is not None and at.host in ("localhost", "127.0.0.1", "::1")
    timeout = httpx.Timeout(source.read_timeout_s, connect=CONNECT_TIMEOUT_S)
    with httpx.Client(timeout=timeout, trust_env=not local, transport=transport) as http:
        asker = _Asker(
            http,
            source,
            at,
            remembered,
            clock,
            sleep,
            timer,
            progress,
            stop,
            environment,
            max_pages,
            transport is None,
        )
        return list(asker.answers())


@cache
def user_agent() -> str:
    """Name and version of this project, and $CORRIDORS_CONTACT where some publishers want one."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        release = version("corridors")
    except PackageNotFoundError:
        release = "0"
    contact = os.environ.get("CORRIDORS_CONTACT", "").strip()
    about = "energy and grain corridor risk" + (f"; {contact}" if contact.isprintable() else "")
    return f"corridors/{release} ({about.removesuffix('; ')})"


def retry_after_s(value: str, reference: datetime) -> float | None:
    """Seconds to wait by a ``Retry-After`` header, 0 to six hours; None when it says nothing.

    Parameters
    ----------
    value
        Seconds or an HTTP date.
    reference
        What the server thinks the time is.
    """
    text = value.strip()
    if re.fullmatch(r"\d{1,12}", text):
        seconds = float(text)
    else:
        moment = _http_date(text)
        if moment is None:
            return None
        seconds = (moment - reference).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


@dataclass
class _Asker:
    http: httpx.Client
    source: Source
    base: httpx.URL | None
    remembered: Mapping[str, Answer]
    clock: Callable[[], datetime]
    sleep: Callable[[float], object]
    timer: Callable[[], float]
    progress: Progress | None
    stop: Callable[[], bool]
    environment: Mapping[str, str]
    max_pages: int
    direct: bool
    asked: set[str] = field(default_factory=set)

    def fail(self, reason: str, detail: str, **more: object) -> NoReturn:
        raise FetchError(self.source.id, reason, detail, **more) from None  # type: ignore[arg-type]

    # Pages

    def answers(self) -> Iterator[Answer]:
        for first in self.source.asks(self.clock()):
            before: Answer | None = None
            request: Request | None = first
            while request is not None:
                answer = self.answer(request)
                if before and not isinstance(request, Walk) and answer.body == before.body:
                    self.fail("repeated_page", "a page came again as the next one")
                yield answer
                before = answer
                request = self.next_page(request, answer)
                if request is not None:
                    self.check_page(first, request)

    def check_page(self, first: Request, page: Request) -> None:
        """Refuse to be led, by what an answer says, to a file or to a host nobody named."""
        try:
            known = urlsplit(self.filled(first.url))
            there = urlsplit(self.filled(page.url))
        except ValueError:
            self.fail("page_refused", "the next page has no address that can be read")
        wanted = ("https",) if known.scheme == "https" else ("http", "https")
        if there.scheme not in wanted or there.hostname not in (known.hostname, *self.source.hosts):
            self.fail("page_refused", "the next page is elsewhere")

    def answer(self, request: Request) -> Answer:
        shown = self.shown(request)
        if shown in self.asked:
            self.fail("page_loop", "the next page was asked for before")
        if len(self.asked) >= self.max_pages:
            self.fail("too_many_pages", f"more than {self.max_pages} answers")
        answer = self.patiently(request, shown)
        if not answer.body.strip():
            # What some servers send instead of 429; a second question after a pause tells.
            self.sleep(EMPTY_PAUSE_S)
            answer = self.patiently(request, shown)
        if not answer.body.strip():
            self.fail("empty_body", "nothing came, twice")
        self.asked.add(shown)
        self.report(0, None)
        return answer

    def next_page(self, request: Request, answer: Answer) -> Request | None:
        if self.source.next_page is None:
            return None
        try:
            return self.source.next_page(request, answer)
        except FeedError:
            raise
        except Exception as error:
            self.fail("bad_next_page", f"the answer does not say what follows: {_kind(error)}")

    def report(self, received: int, expected: int | None) -> None:
        if self.stop():
            self.fail("stopped", "asked to stop")
        if self.progress is not None:
            self.progress(Step(self.source.id, len(self.asked), received, expected))

    # Addresses

    def shown(self, request: Request) -> str:
        """The address as it may be kept: placeholders stay, a user's own query is hidden."""
        if _NAME.fullmatch(request.url):
            return _without_secrets(self.filled(request.url))
        if any(request.url in self.environment.get(name, "") for name in self.source.needs):
            return _without_secrets(request.url)
        return _with_query(request.url, request.params)

    def filled(self, text: str, *, among: Iterable[str] | None = None) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if among is not None and name not in among:
                return found[0]
            if not self.environment.get(name):
                self.fail("needs", f"{name} is not set")
            inside_address = among is None and found.start() > 0
            held = self.environment[name].strip()
            return quote(held, safe="") if inside_address else held

        return _NAME.sub(value, text)

    def address(self, request: Request) -> str:
        params = {k: self.filled(v, among=self.source.needs) for k, v in request.params.items()}
        return _with_query(self.filled(request.url), params)

    def headers(self, request: Request) -> dict[str, str]:
        given = {k: self.filled(v, among=_Everything()) for k, v in request.headers.items()}
        return {**_own_headers(), **given}

    def rewritten(self, url: httpx.URL) -> httpx.URL:
        if self.base is None:
            return url
        path = self.base.raw_path.rstrip(b"/") + url.raw_path
        return self.base.copy_with(raw_path=path)

    def without_keys(self, request: Request, body: bytes) -> bytes:
        """The body with each key it repeats replaced by its name: what came is kept and told."""
        said = " ".join([*request.params.values(), *request.headers.values()])
        for name in _NAME.findall(said):
            key = self.environment.get(name, "").strip()
            if name in self.source.needs and len(key) >= SHORTEST_KEY:
                for spelled in (key, quote(key, safe="")):
                    body = body.replace(spelled.encode(), f"{{{name}}}".encode())
        return body

    # One question

    def patiently(self, request: Request, shown: str) -> Answer:
        for attempt in stamina.retry_context(
            on=self.wait_s, attempts=TRIES, timeout=None, wait_initial=0.5, wait_max=8
        ):
            with attempt:
                return self.once(request, shown)
        raise AssertionError("the last attempt returns or raises")

    def wait_s(self, error: Exception) -> bool | float:
        if not isinstance(error, FetchError) or not error.again or self.stop():
            return False
        if error.retry_after_s is None:
            return True
        return error.retry_after_s if error.retry_after_s <= MAX_PATIENCE_S else False

    def once(self, request: Request, shown: str) -> Answer:
        address = self.address(request)
        if not address.lower().startswith(("http://", "https://")):
            return self.from_file(address, shown, request.max_bytes)
        kept = self.remembered.get(shown)
        headers = {**self.headers(request), **_conditions(kept)}
        with self.faults():
            url = asked = httpx.URL(address)
            for _ in range(MAX_REDIRECTS + 1):
                if self.stop():
                    self.fail("stopped", "asked to stop")
                # A key in a header is for the host asked, not for where it sends us.
                sent = headers if url.host == asked.host else _own_headers() | _conditions(kept)
                self.check_host(url.host)
                with (
                    self.turn(url),
                    self.http.stream("GET", self.rewritten(url), headers=sent) as response,
                ):
                    self.check_peer(url.host, response)
                    if not response.has_redirect_location:
                        found = self.accepted(response, kept, shown, request.max_bytes)
                        return replace(found, body=self.without_keys(request, found.body))
                    url = self.redirected(url, response.headers["location"], asked)
        self.fail("too_many_redirects", f"more than {MAX_REDIRECTS}")

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turn what httpx raises into reasons; its texts may hold addresses, so none is kept."""
        try:
            yield
        except httpx.TimeoutException as error:
            self.fail("timeout", f"{_kind(error)}", again=True)
        except httpx.ConnectError as error:
            if _caused_by(error, ssl.SSLError):
                self.fail("tls", "no trusted connection")
            self.fail("connect", "no connection", again=True)
        except httpx.RemoteProtocolError:
            self.fail("cut_body", "the connection ended before the answer did", again=True)
        except httpx.NetworkError:
            self.fail("connection_lost", "the connection broke", again=True)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            self.fail("bad_url", "not an address that can be asked")
        except httpx.HTTPError as error:
            self.fail("protocol", _kind(error))

    @contextmanager
    def turn(self, url: httpx.URL) -> Iterator[None]:
        """Wait until no other request goes to this host, when the source wants it so."""
        with _host_lock(url.host) if self.source.serial else nullcontext():
            yield

    def redirected(self, url: httpx.URL, location: str, asked: httpx.URL) -> httpx.URL:
        target = url.join(location)
        if self.base is not None and _origin(target) == _origin(self.base):
            target = target.copy_with(scheme=url.scheme, host=url.host, port=url.port)
        if target.scheme not in ("http", "https") or target.userinfo:
            self.fail("redirect_refused", "to something that is not a plain web address")
        if url.scheme == "https" and target.scheme == "http":
            self.fail("redirect_refused", "from https to http")
        own = target.host == asked.host and target.port in (asked.port, None)
        if not own and not (target.host in self.source.hosts and target.port is None):
            self.fail("redirect_refused", f"to {target.host}, which the source does not name")
        return target

    def check_host(self, host: str) -> None:
        """Refuse a host of a private network that nobody allowed; a base was given on purpose."""
        if self.base is not None or is_allowed(host, self.environment):
            return
        if private_address(host, look_up=self.direct):
            self.fail("private_host", f"{host} is of a private network, and {ALLOWED} has it not")

    def check_peer(self, host: str, response: httpx.Response) -> None:
        """Refuse the answer of a host whose name led elsewhere between the look-up and now."""
        stream = response.extensions.get("network_stream")
        if self.base is not None or stream is None or not self.direct or getproxies():
            return
        place = stream.get_extra_info("server_addr")
        if place and is_private(str(place[0])) and not is_allowed(host, self.environment):
            self.fail("private_host", f"{host} led to a private network")

    def accepted(
        self, response: httpx.Response, kept: Answer | None, shown: str, max_bytes: int
    ) -> Answer:
        if response.status_code == 304 and kept is not None:
            return replace(kept, status=304, retrieved_at=self.clock())
        if response.status_code != 200:
            self.refuse_status(response)
        return Answer(
            url=shown,
            body=self.body(response, max_bytes),
            retrieved_at=self.clock(),
            status=200,
            media_type=response.headers.get("content-type", "").split(";")[0].strip().lower(),
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
        )

    def refuse_status(self, response: httpx.Response) -> NoReturn:
        status = response.status_code
        # The server's own clock, where it shows it: ours may be wrong.
        dates = response.headers.get_list("date") or [""]
        said = _http_date(dates[0]) or self.clock()
        wait = retry_after_s(response.headers.get("retry-after", ""), said)
        words = f"the server answered {status}"
        self.fail(
            f"http_{status}",
            words + (f" and asks for a pause of {wait:.0f} s" if wait is not None else ""),
            again=status == 429 or 500 <= status <= 599,
            retry_after_s=wait if status in (429, 503) else None,
        )

    # Bodies

    def body(self, response: httpx.Response, max_bytes: int) -> bytes:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        announced = response.headers.get("content-length", "")
        length = int(announced) if announced.isascii() and announced.isdigit() else None
        plain = encoding in ("", "identity")
        if length is not None and length > max_bytes:  # unpacked it can only be longer
            self.fail("too_large", f"{length} bytes announced, {max_bytes} allowed")
        if plain:
            pieces: Iterator[bytes] = response.iter_raw()
        elif encoding in ("gzip", "x-gzip", "deflate"):
            pieces = self.unpacked(response.iter_raw(), max_bytes)
        else:
            self.fail("bad_encoding", "the body is packed in a way that was not offered")
        return self.collected(pieces, max_bytes, length if plain else None)

    def collected(self, pieces: Iterator[bytes], max_bytes: int, length: int | None) -> bytes:
        held = bytearray()
        began = self.timer()
        for piece in pieces:
            held += piece
            if len(held) > max_bytes:
                self.fail("too_large", f"more than {max_bytes} bytes unpacked")
            allowed = 5 * self.source.read_timeout_s + len(held) / SLOWEST_B_S
            if self.timer() - began > allowed:
                self.fail("too_slow", f"{len(held)} bytes in {allowed:.0f} s")
            self.report(len(held), length)
        return bytes(held)

    def unpacked(self, pieces: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
        """Unpack step by step, never more than the cap at once: a bomb is noticed, not held."""
        unpacker = zlib.decompressobj(wbits=47)
        for piece in pieces:
            rest = piece
            while rest:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(wbits=47)
                try:
                    yield unpacker.decompress(rest, max_bytes + 1)
                except zlib.error:
                    self.fail("bad_encoding", "the packed body is damaged")
                rest = unpacker.unconsumed_tail or unpacker.unused_data
        if not unpacker.eof:
            self.fail("cut_body", "the packed body ends early", again=True)

    def from_file(self, address: str, shown: str, max_bytes: int) -> Answer:
        try:
            parts = urlsplit(address)
        except ValueError:
            self.fail("bad_url", "not an address that can be asked")
        if len(parts.scheme) > 1 and parts.scheme != "file":  # one letter is a Windows drive
            self.fail("bad_url", f"{parts.scheme} is not a way to ask")
        path = Path(url2pathname(parts.path) if parts.scheme == "file" else address)
        try:
            if path.exists() and not path.is_file():  # a pipe or a device would be read for ever
                self.fail("no_file", "a folder, a pipe or a device")
            with path.open("rb") as file:
                body = file.read(max_bytes + 1)
        except (OSError, ValueError) as error:
            self.fail("no_file", _kind(error))
        if len(body) > max_bytes:
            self.fail("too_large", f"more than {max_bytes} bytes")
        return Answer(url=shown, body=body, retrieved_at=self.clock())


class _Everything:
    """Holds every name."""

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __contains__(self, name: object) -> bool:
        return True


def _own_headers() -> dict[str, str]:
    # Explicit, for some publishers refuse a browser's accept header, others any library's name.
    return {"user-agent": user_agent(), "accept": "*/*", "accept-encoding": "gzip"}


def _conditions(kept: Answer | None) -> dict[str, str]:
    if kept is None:
        return {}
    asked = {"if-none-match": kept.etag, "if-modified-since": kept.last_modified}
    return {name: value for name, value in asked.items() if value}


def _with_query(url: str, params: Mapping[str, str]) -> str:
    if not params:
        return url
    joint = "&" if "?" in url else "?"
    return url + joint + urlencode(params, quote_via=quote, safe="{}*,'()=:")


def _without_secrets(url: str) -> str:
    """A user's own address without user, password and query; a hash keeps two queries apart."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    if parts.scheme not in ("http", "https"):
        return url
    place = parts.netloc.rpartition("@")[2]
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    hidden = f"?hidden={mark}" if parts.query or place != parts.netloc else ""
    return f"{parts.scheme}://{place}{parts.path}{hidden}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _host_lock(host: str) -> threading.Lock:
    with _HOST_LOCKS_GUARD:
        return _HOST_LOCKS.setdefault(host, threading.Lock())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _kind(error: BaseException) -> str:
    return type(error).__name__
