"""What one process takes for so much of something: ``python growth.py events 20000``.

Prints a line of JSON: of each step the seconds of the processor and of the clock, and the most
memory the process had by then, GB. Seconds of the processor are what to compare, since whatever
else runs on the machine does not count in them.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import bigtraffic
import bigworld

import layers
from layers.events import event_frame, observation_frame
from layers.geo import lonlat
from layers.source import Answer, Parsed
from layers.store import State, Store

NOW = datetime(2026, 7, 20, 12, tzinfo=UTC)
YEAR_D = 365
TEN_YEARS_D = 3_650
Found = TypeVar("Found")


@dataclass
class Steps:
    """What each step took."""

    told: dict[str, dict[str, float]] = field(default_factory=dict)

    def __call__(self, name: str, deed: Callable[[], Found]) -> Found:
        cpu, wall = time.process_time(), time.perf_counter()
        found = deed()
        took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.told[name] = took | {"gb": peak / (1e9 if sys.platform == "darwin" else 1e6)}
        return found

    def note(self, **facts: float) -> None:
        self.told["facts"] = self.told.get("facts", {}) | facts


# --- flows


def flows(count: int) -> Steps:
    """Exposure of the world over so many flows."""
    from corridors.assessment import assess, load_network
    from corridors.metrics import exposure

    step, world = Steps(), layers.load_world()
    network, table = load_network(world), bigworld.flows(world, count)
    big = replace(world, flows=table)
    trade = step("routes", lambda: assess(big, network=network, named_corridors=False))
    rows = step("table", lambda: exposure(trade, big, importer="WLD"))
    assert len(rows) > 100
    step.note(flows=len(table))
    return step


# --- events


def drawn(count: int, *, seed: int = 1) -> pd.DataFrame:
    """Events of a year drawn by lot: half of them round elements, as real ones are."""
    from corridors.risk.nearness import pieces

    lot = np.random.default_rng(seed)
    lon, lat = lonlat(pieces(layers.load_world()).middle)
    some, rest = lot.integers(0, len(lon), count // 2), count - count // 2
    lon = np.append(lon[some] + lot.normal(0, 3, count // 2), lot.uniform(-179, 179, rest))
    anywhere = np.degrees(np.arcsin(lot.uniform(-1, 1, rest)))
    lat = np.append(lat[some] + lot.normal(0, 3, count // 2), anywhere)
    lon, lat = np.clip(lon, -179, 179), np.clip(lat, -80, 80)
    kinds = ["conflict", "security_incident", "hazard", "nav_warning"]
    kind = lot.choice(kinds, count, p=[0.5, 0.2, 0.2, 0.1])
    grave, ago = lot.integers(1, 5, count), lot.uniform(0, YEAR_D, count)
    rows = []
    for i in range(count):
        began, holds = NOW - timedelta(days=float(ago[i])), kind[i] == "nav_warning"
        told: dict[str, Any] = dict.fromkeys(("onset_at", "published_at", "updated_at"), began)
        told |= {"event_uid": f"drawn:{i}", "source": "ucdp_candidate", "kind": str(kind[i])}
        told |= {"title": f"Attack {i} on a ship", "subtype": "attack", "confidence": 0.6}
        told |= {"summary": "Text of about the length that reports have. " * 4}
        told |= {"wkt": f"POINT ({lon[i]:.5f} {lat[i]:.5f})", "geom_role": "event"}
        told |= {"status": "active" if holds else "ended", "ends_at": None if holds else began}
        told |= {"severity": int(grave[i]), "retrieved_at": NOW, "content_as_of": NOW}
        rows.append(told)
    return event_frame(rows)


def events(count: int) -> Steps:
    """A year of so many events: written, read, merged, weighed and judged."""
    from corridors.risk import desk, live
    from corridors.risk.merging import distinct_events

    step, world = Steps(), layers.load_world()
    table = step("made", lambda: drawn(count))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "events.duckdb")
        step("written, all new", lambda: _commit(store, table, 0))
        step("written, nothing new", lambda: _commit(store, table, 1))
        tenth = np.arange(count) % 10 == 0
        other = table.assign(title=table["title"].mask(tenth, "Another title"))
        step("written, a tenth changed", lambda: _commit(store, other, 2))
        step("written, 500 of them changed", lambda: _commit(store, table.head(500), 3))
        at = NOW + timedelta(hours=4)
        known = step("read", lambda: live.known_events(world, store))
        assert len(known) == count
        step("merged", lambda: distinct_events(known, now=at))
        step("risk of every element", lambda: live.risk_now(world, store, known, now=at))
        step("run of the monitor", lambda: desk.warn(world, store, _nobody, ["CHN"], now=at))
        later = at + timedelta(hours=1)
        step("its next run", lambda: desk.warn(world, store, _nobody, ["CHN"], now=later))
        step.note(events=count, store_mb=store.path.stat().st_size / 1e6)
    return step


def runs(count: int) -> Steps:
    """A run of the monitor after so many: the log grows with every one."""
    from corridors.risk import desk

    step, world = Steps(), layers.load_world()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "runs.duckdb")
        at = NOW + timedelta(hours=1)
        held = bigtraffic.observations(28, 3 * YEAR_D, retrieved_at=NOW)
        shift = pd.Timestamp(NOW).floor("D") - held["observed_at"].max()
        _commit(store, drawn(2_000), 0, held.assign(observed_at=held["observed_at"] + shift))
        desk.warn(world, store, _everybody(world), _importers(world), now=at)
        record = store.log(["run"])["record"].iloc[-1]
        again = [("run", at + timedelta(minutes=i), record) for i in range(1, count)]
        for first in range(0, len(again), 1_000):
            store.append(again[first : first + 1_000])
        now = at + timedelta(minutes=count)
        step("last run read", lambda: desk.last_run(store))
        impacts, importers = _everybody(world), _importers(world)
        step("next run", lambda: desk.warn(world, store, impacts, importers, now=now))
        size = store.path.stat().st_size / 1e6
        step.note(runs=count, store_mb=size, record_kb=len(json.dumps(record)) / 1e3)
    return step


def _commit(store: Store, table: pd.DataFrame, hour: int, held: pd.DataFrame | None = None) -> None:
    at = NOW + timedelta(hours=hour)
    measured = observation_frame([]) if held is None else held
    parsed = Parsed(table, measured, len(table) + len(measured), {}, at)
    feed = "ucdp_candidate" if held is None else "portwatch_chokepoints"

    def after(before: State) -> State:
        asked = {"last_attempt_at": at, "last_success_at": at, "content_as_of": at}
        return replace(before, n_records=len(table), **asked)

    store.commit(
        feed, after, [Answer("https://example.org/", f"answer {hour}".encode(), at)], parsed
    )


def _nobody(element: str, lost: float) -> pd.DataFrame:
    from corridors.risk.impact import COLUMNS

    return pd.DataFrame(columns=list(COLUMNS))


def _everybody(world: Any) -> Callable[[str, float], pd.DataFrame]:
    """Return what would be lost, the same for ten importers of one commodity."""
    from corridors.risk.impact import COLUMNS

    def lost(element: str, lost: float) -> pd.DataFrame:
        same = {"tier": 3, "short_share": 0.2, "through_t_y": 5e6, "imports_t_y": 7e7}
        same |= {"element": element, "commodity": "lng", "lost": lost}
        rows = [dict.fromkeys(COLUMNS, 1.0) | same | {"importer": i} for i in _importers(world)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    return lost


def _importers(world: Any) -> list[str]:
    return sorted(world.countries["country"])[:10]


# --- processes


def ensemble(workers: int) -> Steps:
    """Ten thousand years of closures and what they cost China's crude oil."""
    from corridors.whatif.ensemble import Chances, simulate
    from corridors.whatif.interdiction import Values

    law = Chances(severity_spread=1.0, shock_cv=0.7)

    def work(engine: Any, hands: Any) -> str:
        values, hazards = Values(engine, {"CHN"}), engine.world.hazards
        among = values.matter(hazards)
        draws = simulate(hazards, years=10_000, seed=1, chances=law, among=among, mapper=hands.map)
        weight = np.zeros(len(draws.closures))
        np.add.at(weight, draws.closure, draws.weight_d)
        values.meet(draws.closures, hands)
        values.focus(draws.closures, weight, 0.995)
        values.look_up(draws.closures, hands)
        return repr([values(closure).tolist() for closure in draws.closures])

    return _crewed(workers, work)


def worst(workers: int) -> Steps:
    """The three closures that would hurt China's crude oil most."""
    from corridors.whatif.interdiction import candidates
    from corridors.whatif.interdiction import worst as search

    def work(engine: Any, hands: Any) -> str:
        among = candidates(engine, {"CHN"}, "chokepoint")
        return repr(search(engine, {"CHN"}, k=3, among=among, hands=hands)[0].to_dict())

    return _crewed(workers, work)


def sweep(workers: int) -> Steps:
    """Every chokepoint and every port in use shut by itself, for every country's crude oil."""
    from corridors.whatif.interdiction import candidates
    from corridors.whatif.scenario import Rule, make_scenario
    from corridors.whatif.sweep import sweep as swept

    def work(engine: Any, hands: Any) -> str:
        kinds = ("chokepoint", "port")
        every = [e for kind in kinds for e in candidates(engine, engine.world.importers, kind)]
        shut = {e: make_scenario("x", rules=[Rule(element=e, lost=1.0)]) for e in every}
        return repr(swept(engine, shut, None, hands=hands).to_dict())

    return _crewed(workers, work)


def replay(workers: int) -> Steps:
    """A quarter of the monitor replayed on 28 straits, for ten importers."""
    from corridors.risk.replay import replay as play

    def work(engine: Any, hands: Any) -> str:
        at = (bigtraffic.FIRST + pd.Timedelta(days=3 * YEAR_D)).to_pydatetime()
        held = bigtraffic.observations(28, 3 * YEAR_D, retrieved_at=at)
        first, world = date(2018, 6, 1), engine.world
        found = play(
            world, held, event_frame([]), _Same(world), _importers(world),
            first=first, last=first + timedelta(days=90), hands=hands,
        )  # fmt: skip
        return repr([found.days.to_dict(), found.alerts])

    return _crewed(workers, work)


class _Same:
    """The impacts of ``_everybody``, so that they survive pickling."""

    def __init__(self, world: Any) -> None:
        self.world = world

    def __call__(self, element: str, lost: float) -> pd.DataFrame:
        return _everybody(self.world)(element, lost)


def _crewed(workers: int, work: Callable[[Any, Any], str]) -> Steps:
    """What some work takes by one process or by some; ``same`` is the hash of what was found."""
    import hashlib

    from corridors.whatif.engine import prepare
    from corridors.whatif.scale import crew
    from layers.memory import remember

    step = Steps()
    engine = prepare(layers.load_world(), commodities=["crude_oil"], remember=remember)
    opened = crew(workers)
    hands = step("start", opened.__enter__)
    client = getattr(hands, "client", None)
    begun = client.run(time.process_time) if client else {}
    found = step("work", partial(work, engine, hands))
    ended = client.run(time.process_time) if client else {}
    busy = [ended[who] - begun[who] for who in ended]
    step("end", lambda: opened.__exit__(None, None, None))
    same = int(hashlib.sha256(found.encode()).hexdigest()[:12], 16)
    step.note(workers=workers, busiest_cpu=max(busy, default=0.0), crew_cpu=sum(busy), same=same)
    return step


# --- PortWatch


def chokepoints(days: int) -> Steps:
    """The portal's file of 28 chokepoints and so many days, imported and asked as the app asks."""
    from corridors.risk import desk
    from layers.portwatch_file import import_file

    step, world = Steps(), layers.load_world()
    with tempfile.TemporaryDirectory() as folder:
        path, store = Path(folder) / "daily.csv", Store(Path(folder) / "traffic.duckdb")
        rows = bigtraffic.write_csv(path, 28, days)
        last = (bigtraffic.FIRST + pd.Timedelta(days=days)).timestamp()
        os.utime(path, (last, last))
        now = datetime.fromtimestamp(last, UTC) + timedelta(days=1)
        step("file imported", lambda: import_file(store, path, now=now))
        size = store.path.stat().st_size / 1e6
        traffic = {"feeds": [desk.TRAFFIC], "every_vintage": True}
        step("read", lambda: store.observations(**traffic))
        step("judged", lambda: desk.known(world, store, now=now))
        step.note(rows=rows, file_mb=path.stat().st_size / 1e6, store_mb=size)
    return step


def ports(count: int) -> Steps:
    """Ten years of so many ports, twelve measures a day, as the feed would have brought them."""
    step = Steps()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "ports.duckdb")
        held = bigtraffic.observations(count, TEN_YEARS_D, retrieved_at=NOW)
        nothing = event_frame([])
        step("written", lambda: _commit(store, nothing, 0, held))
        size = store.path.stat().st_size / 1e6
        at = NOW + timedelta(hours=1)
        new = held[held["observed_at"] >= held["observed_at"].max() - pd.Timedelta(days=24)]
        new = new.assign(value=new["value"] + 1.0, retrieved_at=at)
        step("24 days written again", lambda: _commit(store, nothing, 1, new))
        one = {"series": ["portwatch:chokepoint1"]}
        step("one port read", lambda: store.observations(**one))
        since = {"since": held["observed_at"].max() - pd.Timedelta(days=60)}
        step("60 days of all read", lambda: store.observations(**since))
        step.note(values=len(held), store_mb=size)
    return step


WORKS: dict[str, Callable[[int], Steps]] = {
    work.__name__: work
    for work in (flows, events, runs, ensemble, worst, sweep, replay, chokepoints, ports)
}

if __name__ == "__main__":
    print(json.dumps(WORKS[sys.argv[1]](int(sys.argv[2])).told))
