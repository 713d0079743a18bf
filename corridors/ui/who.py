"""Who sits before the screen, and whether they may write: asked before a page and before a deed.

Where no sign-in is set up, anybody may do anything, as on a laptop. Where Streamlit's own is (the
table ``[auth]`` of its secrets), nothing is shown to who has not signed in, and whoever has is a
reader, or an editor by the table ``[corridors]`` beside it. A reader's deed is refused here and at
the store, whichever buttons were pressed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

from corridors.ui import marks
from corridors.ui.words import word
from layers.errors import CorridorsError, UsageError
from layers.store import Store

NEEDED = ("redirect_uri", "cookie_secret")
PROVIDER = ("client_id", "client_secret", "server_metadata_url")
SHORTEST_SECRET = 32
GROUP = "group:"
REQUIRED = "CORRIDORS_SIGN_IN"
"""Variable of the environment that, set to anything, keeps everybody out without ``[auth]``."""

MOST_NAME = 120
CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True)
class Person:
    """Who does something.

    Attributes
    ----------
    name
        As it stands in the log; empty where nobody signs in.
    may_write
        Whether the store may be written in their name.
    """

    name: str
    may_write: bool


@dataclass(frozen=True)
class Rules:
    """Who may come in and who may write: the table ``[corridors]``.

    Attributes
    ----------
    editors, readers
        E-mail addresses, with ``*`` for any letters, or ``group:NAME``.
    groups
        The claim in which the provider names a person's groups.
    hours
        How long a sign-in holds.
    """

    editors: tuple[str, ...] = ()
    readers: tuple[str, ...] = ("*",)
    groups: str = "groups"
    hours: float = 12.0

    @classmethod
    def of(cls, table: object) -> Rules:
        """The rules a table spells out.

        Raises
        ------
        UsageError
            For a key that is none, or a value of another kind.
        """
        if not isinstance(table, Mapping):
            raise UsageError("[corridors] is no table")
        known = [field.name for field in fields(cls)]
        for key, value in table.items():
            if key not in known:
                raise UsageError(f"[corridors] has no {key!r}; it has {', '.join(known)}")
            if not _fits(key, value):
                raise UsageError(f"[corridors] {key} cannot be {value!r}")
        return cls(
            editors=tuple(table.get("editors", cls.editors)),
            readers=tuple(table.get("readers", cls.readers)),
            groups=table.get("groups", cls.groups),
            hours=table.get("hours", cls.hours),
        )


def _fits(key: str, value: object) -> bool:
    if key == "groups":
        return isinstance(value, str) and bool(value)
    if key == "hours":
        return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def judged(claims: Mapping[str, Any], rules: Rules, now: datetime) -> Person | str:
    """The person of an identity token, or the word that says why nobody comes in by it."""
    if not claims.get("is_logged_in"):
        return "who_sign_in"
    since = claims.get("iat")
    if isinstance(since, bool) or not isinstance(since, int | float):
        return "who_too_long"
    age = now.timestamp() - since
    if not -CLOCKS_APART.total_seconds() <= age <= rules.hours * 3600:
        return "who_too_long"
    address, groups = _address(claims), _groups(claims.get(rules.groups))
    may_write = _listed(rules.editors, address, groups)
    if not may_write and not _listed(rules.readers, address, groups):
        return "who_not_let_in"
    return Person(_name(claims, address), may_write)


def _address(claims: Mapping[str, Any]) -> str:
    """The e-mail address, unless the provider says that nobody has looked whose it is."""
    address = claims.get("email")
    if not isinstance(address, str) or claims.get("email_verified", True) not in (True, "true"):
        return ""
    return address.strip().casefold() if re.fullmatch(r"\s*[^@\s]+@[^@\s]+\s*", address) else ""


def _groups(told: object) -> frozenset[str]:
    several = [told] if isinstance(told, str) else told
    if not isinstance(several, Iterable):
        return frozenset()
    return frozenset(one for one in several if isinstance(one, str))


def _listed(entries: Iterable[str], address: str, groups: frozenset[str]) -> bool:
    for entry in entries:
        if entry.startswith(GROUP):
            if entry.removeprefix(GROUP) in groups:
                return True
        elif entry == "*" or (address and fnmatchcase(address, entry.casefold())):
            return True
    return False


def _name(claims: Mapping[str, Any], address: str) -> str:
    """A name for the log; what a person may call themselves never stands there alone."""
    sure = address or str(claims.get("sub", "")) or "?"
    said = claims.get("name")
    plain = " ".join(said.split()) if isinstance(said, str) else ""
    plain = re.sub(r"[<>@]|[^\w\s.,'’()·-]", "", plain)[: MOST_NAME // 2].strip()
    return (f"{plain} <{sure}>" if plain else sure)[:MOST_NAME]


# ---- of this session


def person() -> Person | str:
    """Who sits there, or the word that says why nobody is let in.

    Raises
    ------
    UsageError
        When sign-in is set up wrongly; then nobody is let in either.
    """
    secrets = _secrets()
    auth = secrets.get("auth")
    if auth is None:
        if os.environ.get(REQUIRED):
            raise UsageError("sign-in is required, but the secrets have no [auth]")
        return Person("", may_write=True)
    _providers(auth)
    return judged(st.user.to_dict(), Rules.of(secrets.get("corridors", {})), datetime.now(UTC))


def may_write() -> bool:
    """Whether who sits there may write."""
    try:
        found = person()
    except UsageError:
        return False
    return isinstance(found, Person) and found.may_write


def signed_name() -> str:
    """The name under which a deed stands in the log; empty where nobody signs in."""
    found = person()
    return found.name if isinstance(found, Person) else ""


def store_to_write(place: Path | str | None = None) -> Store:
    """The store for a deed: the only one of the app that can be written by.

    Raises
    ------
    CorridorsError
        When who sits there may not write.
    """
    found = person()
    if isinstance(found, Person) and found.may_write:
        return Store(place)
    why = found if isinstance(found, str) else "who_reader_only"
    raise CorridorsError(word(why, st.session_state.get("lang", "en")))


def admitted(lang: str) -> bool:
    """Whether the pages may be drawn; if not, what there is to do is."""
    try:
        found = person()
        if isinstance(found, Person):
            _signed_in(found, lang)
            return True
        providers = _providers(_secrets()["auth"])
    except UsageError as error:
        marks.style()
        marks.note("error", word("who_set_up_wrong", lang), str(error))
        return False
    marks.style()
    marks.note("info" if found == "who_sign_in" else "warn", word(found, lang))
    for name in providers:
        known = name or word("who_provider", lang)
        st.button(
            word("who_button", lang, provider=known),
            icon=":material/login:",
            key=f"who_{name}",
            on_click=st.login,
            args=(name or None,),
        )
    return False


def _signed_in(found: Person, lang: str) -> None:
    """Who is signed in, as what, and the way out."""
    if not found.name:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="who"):
        role = word("who_editor" if found.may_write else "who_reader", lang)
        st.html(f'<span class="cx-small">{escape(found.name)} · {escape(role)}</span>')
        st.button(word("who_out", lang), key="who_out", type="tertiary", on_click=st.logout)


def _secrets() -> Mapping[str, Any]:
    """Streamlit's secrets; empty when there is no file of them.

    Raises
    ------
    UsageError
        When there is one that cannot be read: then it is unknown who may come in.
    """
    try:
        if st.secrets.load_if_toml_exists():
            return st.secrets.to_dict()
    except OSError as error:
        raise UsageError(f"the secrets cannot be read: {error.strerror or error}") from error
    there = [path for path in st.get_option("secrets.files") if Path(path).exists()]
    if there:
        raise UsageError(f"{' or '.join(there)} is no TOML, or no file whose name ends in .toml")
    return {}


def _providers(auth: object) -> list[str]:
    """Names of the providers to choose from; the one without a name is empty.

    Raises
    ------
    UsageError
        When something is missing; no value is repeated.
    """
    if not isinstance(auth, Mapping):
        raise UsageError("[auth] is no table")
    if find_spec("authlib") is None:
        raise UsageError("sign-in needs Authlib: pip install 'corridors[team]'")
    _complete("auth", auth, NEEDED)
    if len(auth["cookie_secret"]) < SHORTEST_SECRET:
        raise UsageError(f"[auth] cookie_secret is shorter than {SHORTEST_SECRET} letters")
    named = {name: table for name, table in auth.items() if _is_provider(name, table)}
    for name, table in named.items():
        _complete(f"auth.{name}", table, PROVIDER)
    if named:
        return list(named)
    _complete("auth", auth, PROVIDER)
    return [""]


def _is_provider(name: str, table: object) -> bool:
    return name != "client_kwargs" and isinstance(table, Mapping)


def _complete(name: str, table: Mapping[str, Any], keys: Iterable[str]) -> None:
    missing = [key for key in keys if not isinstance(table.get(key), str) or not table[key]]
    if missing:
        raise UsageError(f"[{name}] lacks {', '.join(missing)}")
