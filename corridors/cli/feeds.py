"""Commands about live news: ask the feeds, list events, show the risk of every element."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from corridors.cli.options import (
    REFERENCE,
    Audience,
    Base,
    Place,
    circle_of,
    clock,
    leaves_screen,
    open_store,
    shipped_world,
    span_of,
)
from corridors.cli.terminal import Output, Shape, emit
from layers.errors import UnknownIdError
from layers.events import VISIBILITY, may_see

if TYPE_CHECKING:
    import pandas as pd

    from layers.client import Step
    from layers.refresh import Status
    from layers.world import World


feeds_app = typer.Typer(no_args_is_help=True, help="The live feeds: ask them, see how they do.")


Restricted = Annotated[
    bool, typer.Option("--restricted", help="Write also what a licence keeps back.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(feeds_app, name="feeds")
    for command in (events, risk):
        app.command()(command)


@feeds_app.command("refresh")
def feeds_refresh(
    feed: Annotated[list[str] | None, typer.Argument(help="Feeds to ask; all by default.")] = None,
    store: Place = None,
    url_base: Base = None,
    force: Annotated[bool, typer.Option(help="Ask also what is not due.")] = False,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Ask the feeds that are due. One that fails is told and stops nothing."""
    from layers.refresh import refresh
    from layers.source import feeds

    kept, found = open_store(store), feeds()
    with _bars() as progress:
        states = refresh(kept, found, base=url_base, only=feed, force=force, progress=progress)
    _emit_states(states, format, output)


@feeds_app.command("status")
def feeds_status(store: Place = None, format: Shape = None, output: Output = None) -> None:
    """How each feed does: live, cached, stale, empty_ok, failed or never, with ages and faults."""
    from layers.refresh import status
    from layers.source import feeds

    _emit_states(status(open_store(store), feeds(), now=clock()), format, output)


@feeds_app.command("import")
def feeds_import(
    file: Annotated[Path, typer.Argument(help="CSV of chokepoints from the PortWatch portal.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Write days already known too, where they differ.")
    ] = False,
    store: Place = None,
) -> None:
    """Load the history of chokepoint traffic from a file; days already known stay as they are."""
    from layers.portwatch_file import import_file

    found = import_file(open_store(store), file, now=clock(), replace=replace)
    skipped = ", ".join(f"{n} {why}" for why, n in sorted(found.skipped.items()))
    days = found.days
    typer.echo(
        f"{file.name}: {found.rows} rows, {found.first} to {found.last}; {days.added} days of a "
        f"chokepoint added, {days.known} known before, of which {days.differing} differ"
        + (f"; skipped: {skipped}" if skipped else ""),
        err=True,
    )


def events(
    since: Annotated[str, typer.Option(help="How far back: 30d, 12h, 6w.")] = "30d",
    near: Annotated[str | None, typer.Option(help="Element id; with how far it is.")] = None,
    within_km: Annotated[float, typer.Option(min=0, help="How near is near.")] = 300.0,
    min_severity: Annotated[int, typer.Option(min=0, max=4)] = 0,
    restricted: Restricted = False,
    audience: Audience = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """What the feeds report, the gravest first; the embedded set while there is no store."""
    from corridors.risk import live

    world = shipped_world()
    known = live.known_events(world, open_store(store))
    found = live.recent(known, clock() - span_of(since))
    leaves = leaves_screen(format, output)
    found = _shown(found, circle_of(audience, format, output), restricted=restricted or not leaves)
    found = found[found["severity"] >= min_severity]
    if near is not None:
        found = live.near(world, found, near, within_km)
    found = found.sort_values(["severity", "onset_at"], ascending=[False, False])
    columns = [*(["distance_km"] if near else []), *EVENT_COLUMNS]
    note = f"events since {since}; {live.told_age(known, clock())}"
    emit(world, "events", note, found[columns].reset_index(drop=True), format, output)


def risk(
    element: Annotated[
        list[str] | None, typer.Option(help="Element id; every element by default.")
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="The events the threat is made of.")] = False,
    restricted: Restricted = False,
    audience: Audience = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Threat, observed traffic and long-run rate of every element, side by side, never blended."""
    from corridors.risk import live

    world, kept = shipped_world(), open_store(store)
    chosen = _chosen(world, element)
    known = live.known_events(world, kept)
    leaves = leaves_screen(format, output)
    circle, free = circle_of(audience, format, output), restricted or not leaves
    if why:
        table = live.threat_now(world, kept, known, now=clock()).contributions
        table = table[[*WHY_COLUMNS, *(c for c in table if c not in WHY_COLUMNS)]]
        table = table[table["event_uid"].isin(_shown(known, circle, restricted=free)["event_uid"])]
    else:
        table = live.risk_now(world, kept, known, now=clock())
        # Titles: some of them nobody's to pass on, or not for this audience.
        if not free:
            table = table.drop(columns="top")
        elif hidden := set(known["event_uid"]) - set(_seen(known, circle)["event_uid"]):
            said = live.threat_now(world, kept, known, now=clock()).contributions
            kept_back = said.loc[said["event_uid"].isin(hidden), "element"]
            table["top"] = table["top"].mask(table["element"].isin(kept_back), "")
    table = table[table["element"].isin(chosen)].reset_index(drop=True)
    emit(world, "why" if why else "risk", REFERENCE, table, format, output)


def _shown(events: pd.DataFrame, circle: str, *, restricted: bool) -> pd.DataFrame:
    """The events an audience may see and a licence lets go; says how many are left out, and why.

    A reader's own report is under no licence: who may see it is all there is to ask.
    """
    found = _seen(events, circle)
    if unseen := len(events) - len(found):
        typer.echo(f"not for this audience ({circle}), so left out: {unseen}", err=True)
    if not restricted:
        bound = ~found["redistribute"].astype(bool) & (found["reporter_type"] == "")
        found = found[~bound]
        if bound.any():
            words = "not to be passed on, so left out without --restricted"
            typer.echo(f"{words}: {bound.sum()}", err=True)
    return found


def _seen(events: pd.DataFrame, circle: str) -> pd.DataFrame:
    """The events that an audience may see; one of unknown visibility is private."""
    rule = {visibility: may_see(circle, visibility) for visibility in VISIBILITY}
    shown = [rule.get(visibility, rule["private"]) for visibility in events["visibility"]]
    return events[np.array(shown, bool)]


def with_risk(world: World, exposure: pd.DataFrame, store: str | None) -> pd.DataFrame:
    """The exposure table with the risk of each element now (``corridors.risk.risk_weighted``)."""
    from corridors.risk import risk_weighted

    return risk_weighted(exposure, risk_today(world, store))


def risk_today(world: World, store: str | None) -> pd.DataFrame:
    """The risk of every element now, from what the store holds."""
    from corridors.risk import live

    kept = open_store(store)
    return live.risk_now(world, kept, live.known_events(world, kept), now=clock())


def _chosen(world: World, elements: list[str] | None) -> list[str]:
    """The elements and corridors asked for, or all.

    Raises
    ------
    UnknownIdError
        For one that no table has.
    """
    known = [*world.elements(), *("corridor:" + world.corridors["corridor"])]
    for wanted in elements or ():
        if wanted not in known:
            raise UnknownIdError("element", wanted, known)
    return elements or known


WHY_COLUMNS = ["element", "weight", "title", "distance_km", "age_d", "match", "merged"]


EVENT_COLUMNS = [
    "severity",
    "kind",
    "subtype",
    "title",
    "onset_at",
    "ends_at",
    "status",
    "source",
    "severity_basis",
    "countries",
    "certainty",
    "reporter_type",
    "confidence",
    "visibility",
    "retrieved_at",
    "content_as_of",
    "wkt",
    "geom_precision_km",
    "licence",
    "attribution",
    "event_uid",
    "source_url",
]


def _emit_states(states: list[Status], format: Shape, output: Output) -> None:
    import pandas as pd

    table = pd.DataFrame([_state_row(s) for s in states])
    emit(shipped_world(), "feeds", counts_of(states), table, format, output)


def _state_row(status: Status) -> dict[str, Any]:
    facts = status.facts
    return {
        "feed": status.feed,
        "state": status.state,
        "content_age": _age(status.content_age),
        "asked": _age(status.success_age),
        "records": facts.n_records,
        "records_in": facts.records_in,
        "skipped": ", ".join(f"{n} {why}" for why, n in facts.skipped.items()),
        "fault": status.fault,
        "content_as_of": _moment(facts.content_as_of),
        "last_success_at": _moment(facts.last_success_at),
        "last_attempt_at": _moment(facts.last_attempt_at),
        "next_due_at": _moment(facts.next_due_at),
        "breaker_open_until": _moment(facts.breaker_open_until),
    }


def counts_of(states: list[Status]) -> str:
    """How many feeds are in each state, in words."""
    names = sorted({s.state for s in states})
    return ", ".join(f"{sum(s.state == name for s in states)} {name}" for name in names)


def _age(age: timedelta | None) -> str:
    """An age as people say it; a dash when it is not known."""
    if age is None:
        return "–"
    hours = age.total_seconds() / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} d"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""


@contextmanager
def _bars() -> Iterator[Any]:
    """A bar a feed on standard error for what takes longer than a second."""
    from tqdm import tqdm

    bars: dict[str, tqdm[Any]] = {}

    def step(done: Step) -> None:
        bar = bars.get(done.source)
        if bar is None:
            options = {"unit": "B", "unit_scale": True, "delay": 1.0, "disable": None}
            bar = bars[done.source] = tqdm(
                desc=done.source, file=sys.stderr, leave=False, **options
            )
        bar.total = done.expected_bytes
        bar.update(max(0, done.received_bytes - bar.n))

    try:
        yield step
    finally:
        for bar in bars.values():
            bar.close()
