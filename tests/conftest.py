from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import Postgres, running
from tests.serving import serving

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from pytest_httpserver import HTTPServer

    from corridors.network import Network, Tariff
    from corridors.risk.alert import Alert
    from corridors.whatif.engine import Engine
    from layers.sea import SeaGraph
    from layers.world import World

ROOT = Path(__file__).resolve().parent.parent

# The same examples each time, on a machine however slow: a test says of the code, and not of the
# hour, whether it holds. `--hypothesis-profile=search` looks for new ones.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", settings.get_profile("search"), derandomize=True)
settings.load_profile("steady")


def reference_folder() -> Path:
    """Return where material to compare with lies: $CORRIDORS_REFERENCE, or beside the checkout."""
    return Path(os.environ.get("CORRIDORS_REFERENCE", ROOT.parent / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `reference` on a machine that holds nothing to compare with."""
    if reference_folder().is_dir():
        return
    skip = pytest.mark.skip(reason=f"no reference material at {reference_folder()}")
    for item in items:
        if item.get_closest_marker("reference"):
            item.add_marker(skip)


@pytest.fixture(scope="module")
def make_httpserver() -> Iterator[HTTPServer]:
    """Serve each file's tests by a server of their own that answers several at once."""
    from pytest_httpserver import HTTPServer

    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def quick() -> Iterator[None]:
    """Try again without a pause between."""
    import stamina

    from layers import client

    stamina.set_testing(True, attempts=client.TRIES)
    yield
    stamina.set_testing(False)


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Return the files git holds, and new ones it would take, from ROOT; or skip without git."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git or no git checkout, so it is unknown which files belong to it")
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    names = (Path(name) for name in listed.stdout.split("\0") if name)
    return [name for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def reference() -> Path:
    """Return the folder with the reference material, or skip."""
    if not reference_folder().is_dir():
        pytest.skip(f"no reference material at {reference_folder()}")
    return reference_folder()


@pytest.fixture(scope="session")
def world() -> World:
    """Return the world of data/, read and checked once for all tests."""
    import layers

    return layers.load_world()


@pytest.fixture(scope="session")
def sea(world: World) -> SeaGraph:
    """Return the sea graph of the world of data/."""
    return world.sea


@pytest.fixture(scope="session")
def network(world: World, sea: SeaGraph) -> Network:
    """Return the gate graph of the world of data/, measured anew."""
    from corridors.gates import build_network

    return build_network(world, sea)


@pytest.fixture(scope="session")
def tariffs(world: World, network: Network) -> dict[str, Tariff]:
    """Return what every ship class of the world of data/ pays."""
    from corridors.tariff import ship_tariffs

    return ship_tariffs(world, network)


@pytest.fixture(scope="session")
def engine(world: World) -> Engine:
    """Return the engine of all there is in data/."""
    from corridors.whatif.engine import prepare

    return _prepared_once(prepare)(world)


@pytest.fixture(scope="module")
def engines_kept() -> Iterator[None]:
    """What is prepared once is used again, as the app does; files and options are as ever."""
    from corridors.whatif import engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "prepare", _prepared_once(engine.prepare))
        yield


def _prepared_once(prepare: Callable[..., Engine]) -> Callable[..., Engine]:
    def kept(world: World, **said: object) -> Engine:
        asked = [said.get(name) for name in ("commodities", "year", "switches")]
        wish = f"{world.content} {asked}"
        if wish not in _ENGINES:
            _ENGINES[wish] = prepare(world, **said)
        return _ENGINES[wish]

    return kept


_ENGINES: dict[str, Engine] = {}


@dataclass(frozen=True)
class Toy:
    """A world small enough to compute by hand: four sea nodes, two gates, a bridge, a pipeline.

    ::

              N (10, 4)  BRW ──── bridge (pipeline, oil) ────┐
         500 ╱        ╲ 500, gate `north`                   │
        A (0, 0)        B (20, 0)  BRE ◄────────────────────┘
        LOD  ╲        ╱        ╲ 300
         600  S (10,-4) 600      E (30, 0)  DIS
                        gate `south`

    AAA ships oil from LOD to DIS of CCC; BBB sends it to CCC by the pipeline `direct`. The ship
    costs 0.005 USD a tonne and km and sails 500 km a day. `north` takes 1 USD/t and a day (1.5
    USD/t), the bridge 5 USD/t and two days.
    """

    world: World
    sea: SeaGraph
    network: Network

    def trade(self, **options: object) -> xr.Dataset:
        """Return the trade dataset of this world."""
        from corridors.assessment import assess

        return assess(self.world, network=self.network, **options)  # type: ignore[arg-type]


Rows = Sequence[Mapping[str, object]]

TOY_TABLES: Mapping[str, Rows] = {
    "countries": [
        {"country": "AAA", "lon": 0, "lat": 1, "groups": "WEST"},
        {"country": "BBB", "lon": 12, "lat": 9, "groups": "WEST", "neighbours": "CCC"},
        {"country": "CCC", "lon": 31, "lat": 1, "groups": "EAST", "neighbours": "BBB"},
    ],
    "chokepoints": [
        {"chokepoint": "north", "kind": "strait", "open": "yes"}
        | {"lon1": 15, "lat1": 0.5, "lon2": 15, "lat2": 8},
        {"chokepoint": "south", "kind": "strait", "open": "yes"}
        | {"lon1": 15, "lat1": -0.5, "lon2": 15, "lat2": -8},
    ],
    "passage_limits": [{"passage": "chokepoint:north", "max_beam_m": 50, "max_draft_m": 16}],
    "passage_costs": [
        {"passage": "chokepoint:north", "ship_class": "small", "toll_usd": 1e5, "delay_d": 1},
        {"passage": "pipeline:bridge", "ship_class": "small", "toll_usd": 5e5, "delay_d": 2},
        {"passage": "pipeline:bridge", "ship_class": "big", "toll_usd": 1e6, "delay_d": 2},
    ],
    "ports": [
        {"port": "LOD", "country": "AAA", "lon": 0, "lat": 0, "roles": "crude_export"},
        {"port": "BRW", "country": "BBB", "lon": 10, "lat": 4, "roles": "transit"},
        {"port": "BRE", "country": "BBB", "lon": 20, "lat": 0, "roles": "transit"},
        {"port": "DIS", "country": "CCC", "lon": 30, "lat": 0, "roles": "crude_import"},
    ],
    "pipelines": [
        {"pipeline": "bridge", "from_country": "BBB", "to_country": "BBB", "countries": "BBB"}
        | {"length_km": 900, "from_port": "BRW", "to_port": "BRE"}
        | {"wkt": "LINESTRING (10 4, 15 12, 20 0)"},
        {"pipeline": "direct", "from_country": "BBB", "to_country": "CCC", "countries": "BBB;CCC"}
        | {"length_km": 2000, "wkt": "LINESTRING (12 9, 31 1)"},
    ],
    "gateways": [
        {"country": "AAA", "direction": "export", "gateway": "port:LOD", "share": 1},
        {"country": "CCC", "direction": "import", "gateway": "port:DIS", "share": 1},
        {"country": "CCC", "direction": "import", "gateway": "pipeline:direct", "share": 1}
        | {"counterpart": "BBB"},
    ],
    "corridors": [
        {"corridor": "by_strait", "mode": "sea", "commodities": "crude_oil", "origins": "WEST"}
        | {"via": "port:LOD;chokepoint:north|chokepoint:south;port:DIS"},
        {"corridor": "backwards", "mode": "sea", "via": "port:DIS;chokepoint:north"},
    ],
    "commodities": [
        {"commodity": "crude_oil", "group": "energy", "modes": "sea;pipeline"}
        | {"ship_classes": "small", "port_role": "crude", "energy_gj_t": 40, "price_usd_t": 500}
        | {"native_unit": "mb/d", "t_per_native": 5e7, "national": "oil"},
    ],
    "ship_classes": [
        {"ship_class": "small", "cargo_t": 1e5, "deadweight_t": 1.1e5, "draft_m": 15, "beam_m": 40}
        | {"speed_kn": 500 / 44.448, "fuel_t_d": 100, "hire_usd_d": 1e5, "hull_value_usd": 5e7},
        {"ship_class": "big", "cargo_t": 2e5, "deadweight_t": 2.2e5, "draft_m": 20, "beam_m": 60}
        | {"speed_kn": 500 / 44.448, "fuel_t_d": 100, "hire_usd_d": 1e5, "hull_value_usd": 9e7},
    ],
    "flows": [
        {"importer": "CCC", "origin": "AAA", "quantity_t": 60e6, "value_usd": 30e9, "base": 1},
        {"importer": "CCC", "origin": "BBB", "quantity_t": 30e6, "value_usd": 15e9, "base": 1},
        {"importer": "CCC", "origin": "R_OTH", "quantity_t": 10e6, "value_usd": 5e9, "base": 1},
    ],
    "national": [
        {"country": "CCC", "commodity": "oil", "metric": "consumption_t_y", "year": "2024"}
        | {"value": 200e6, "unit": "t/y"},
    ],
    "assumptions": [
        {"assumption": "logit_theta", "low": 0.25, "central": 0.5, "high": 1},
        {"assumption": "path_size_beta", "low": 0, "central": 1, "high": 1},
        {"assumption": "bunker_usd_t", "low": 1000, "central": 1000, "high": 1000},
        *(
            {"assumption": f"value_of_time_pct_day_{g}", "low": 0.1, "central": 0.1, "high": 0.1}
            for g in ("energy", "grain")
        ),
        {"assumption": "connector_max_km", "low": 50, "central": 50, "high": 50},
        {"assumption": "pair_detour_usd_t", "low": 99, "central": 99, "high": 99},
        {"assumption": "border_usd_t", "low": 0, "central": 0, "high": 0},
        {"assumption": "border_delay_d", "low": 0, "central": 0, "high": 0},
        {"assumption": "gauge_break_usd_t", "low": 0, "central": 0, "high": 0},
        {"assumption": "gauge_break_delay_d", "low": 0, "central": 0, "high": 0},
        {"assumption": "pipeline_usd_t_km", "low": 0.01, "central": 0.01, "high": 0.01},
        {"assumption": "pipeline_km_d", "low": 100, "central": 100, "high": 100},
        {"assumption": "railway_usd_t_km", "low": 0.02, "central": 0.02, "high": 0.02},
        {"assumption": "railway_km_d", "low": 500, "central": 500, "high": 500},
        *(
            {"assumption": f"error_{q}", "low": 0, "central": 0, "high": 0}
            for q in ("official", "secondary", "estimate", "memory")
        ),
    ],
}

TOY_LINKS_KM = (500.0, 500.0, 600.0, 600.0, 300.0)  # A-N, N-B (north), A-S, S-B (south), B-E


def toy_table(name: str, rows: Rows) -> pd.DataFrame:
    """Return a table: what a row leaves out is filled in with what changes nothing."""
    import pandas as pd

    from layers import schema

    table = schema.empty(name)
    if not rows:
        return table
    key = schema.TABLES[name].key[0]
    usual: dict[str, object] = {"commodity": "crude_oil", "year": 2024, "source": "by hand"}
    usual |= {"quality": "official", "unit": "1", "status": "operating", "direction": "one_way"}
    usual |= {"from_place": "here", "to_place": "there"}
    frame = pd.DataFrame(list(rows))
    for column, kind in table.dtypes.items():
        if column not in frame:
            blank = frame[key] if column in ("name_en", "name_zh") else ""
            frame[column] = usual.get(str(column), blank if kind != "float64" else float("nan"))
        elif kind not in ("float64", "int64"):
            frame[column] = frame[column].fillna(usual.get(str(column), ""))
    return frame[list(table.columns)].astype(table.dtypes.to_dict())


@cache
def _usual_table(name: str) -> pd.DataFrame:
    return toy_table(name, TOY_TABLES.get(name, ()))


@cache
def assumption_ids() -> tuple[str, ...]:
    """Return the ids of the assumptions of data/."""
    with (ROOT / "data" / "assumptions.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(row["assumption"] for row in csv.DictReader(stream))


def make_toy(
    tables: Mapping[str, Rows] | None = None, links_km: Sequence[float] = TOY_LINKS_KM
) -> Toy:
    """Return the toy world with some tables replaced."""
    import numpy as np

    from corridors.gates import build_network
    from layers import schema
    from layers.sea import SeaGraph
    from layers.world import World

    rows = {**TOY_TABLES, **(tables or {})}
    said = {row["assumption"] for row in rows["assumptions"]}
    free = (name for name in assumption_ids() if name not in said)
    nothing = [{"assumption": name, "low": 0, "central": 0, "high": 0} for name in free]
    rows["assumptions"] = [*rows["assumptions"], *nothing]  # what is not said costs nothing
    frames = {
        name: _usual_table(name)
        if rows.get(name) is TOY_TABLES.get(name)
        else toy_table(name, rows[name])
        for name in schema.TABLES
    }
    known = {name: frame for name, frame in frames.items() if name in World.__annotations__}
    world = World(**known, digest="toy", folder=Path("toy"))
    sea = SeaGraph(
        lon=np.array([0.0, 10.0, 10.0, 20.0, 30.0]),
        lat=np.array([0.0, 4.0, -4.0, 0.0, 0.0]),
        u=np.array([0, 1, 0, 2, 3], dtype=np.int32),
        v=np.array([1, 3, 2, 3, 4], dtype=np.int32),
        km=np.array(links_km, dtype=np.float64),
        shortcut=np.zeros(5, dtype=np.bool_),
    )
    return Toy(world, sea, build_network(world, sea))


@pytest.fixture(scope="session")
def toys() -> ToyMaker:
    """Return the maker of toy worlds, and its usual tables to start from."""
    return ToyMaker()


class ToyMaker:
    """Makes toy worlds: called with tables to replace and lengths of the five links."""

    tables = TOY_TABLES
    links_km = TOY_LINKS_KM

    def __call__(
        self, tables: Mapping[str, Rows] | None = None, links_km: Sequence[float] = TOY_LINKS_KM
    ) -> Toy:
        return make_toy(tables, links_km)


@pytest.fixture(scope="session")
def toy() -> Toy:
    """Return the toy world as it is drawn in `Toy`."""
    return make_toy()


@pytest.fixture(scope="session")
def make_warning() -> Callable[..., Alert]:
    """Return the maker of warnings: China's crude oil at Hormuz, red, with changes."""
    return _warning


def _warning(**changes: object) -> Alert:
    from corridors.risk.alert import Alert, Evidence, Impact, Level, Message, Status

    impact = Impact(
        **{"lost": 0.92, "days": 30.0, "short_t": 4.2e6, "short_share": 0.061, "gap_share": 0.32},
        **{"used_t_y": 7.5e8, "imports_t_y": 5.5e8, "through_t_y": 2.2e8, "rerouted_t_y": 1.5e7},
        **{"unmet_t_y": 0.0, "infeasible_t_y": 1.9e8, "added_days": 9.5, "added_usd_t": 6.2},
        **{"cover_days": 102.0, "tier": 2},
    )
    status = Status(
        **{"declared": "open", "declared_by": "coast state", "observed_d": 8.0, "usual_d": 89.0},
        **{"declared_at": datetime(2026, 4, 1, tzinfo=UTC), "ratio": 0.07, "alarm": "fall"},
        data_to=datetime(2026, 4, 20, tzinfo=UTC),
        since=datetime(2026, 3, 1, tzinfo=UTC),
    )
    day = datetime(2026, 4, 20, tzinfo=UTC)
    usual: dict[str, object] = {
        **{"id": "W-1", "thread": "W-1", "message": Message.alert, "level": Level.red},
        **{"previous": Level.none, "importer": "CHN", "commodity": "crude_oil"},
        **{"element": "chokepoint:hormuz", "probability_14d": 0.87, "probability_30d": 0.93},
        **{"impact": impact, "status": status, "vintage": "2026-04-20"},
        "sent": datetime(2026, 4, 23, 5, tzinfo=UTC),
        "expires": datetime(2026, 4, 23, 17, tzinfo=UTC),
        "evidence": (
            Evidence("traffic", "Eight ships a day.", "IMF PortWatch", day),
            Evidence("feeds", "The firm's own news.", "firm", day, "organisation"),
            Evidence("feeds", "A guard's whisper.", "guard", day, "private"),
        ),
    }
    return Alert(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server of our own, or skip where none can be had."""
    with running() as server:
        yield server


@pytest.fixture(params=["file", "server"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield a place for a store that holds nothing yet: a file, and a database of a server."""
    if request.param == "file":
        yield str(tmp_path / "feeds.duckdb")
        return
    server: Postgres = request.getfixturevalue("postgres")
    address = server.database()
    yield address
    server.drop(address)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium ($CHROMIUM goes first), or skip."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, filter(None, names))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install chromium, or set CHROMIUM to its path")
    return found


@pytest.fixture(scope="session")
def streamlit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve app.py with an empty store and yield its address."""
    folder = tmp_path_factory.mktemp("streamlit")
    # A store of its own: what this machine holds is nobody's test data.
    with serving(folder / "store.duckdb", folder / "log.txt") as address:
        yield address


@pytest.fixture(scope="session")
def recorded_traffic(reference: Path) -> pd.DataFrame:
    """Return daily counts of 12 chokepoints as others compiled them, as observations."""
    import numpy as np
    import pandas as pd

    from layers.events import OBSERVATION

    tables = _recorded_tables(reference / "samples" / "portwatch")
    parts = [
        t.rename_axis("day")
        .reset_index()
        .melt("day", var_name="metric")
        .dropna()
        .assign(series=f"portwatch:{n}")
        for n, t in tables.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(
        element="",
        unit=np.where(table["metric"].str.startswith("n_"), "calls/d", "t"),
        observed_at=table["day"].dt.tz_localize("UTC"),
        source="portwatch_chokepoints",
        retrieved_at=pd.Timestamp("2026-07-27", tz="UTC"),
        quality_flags="",
    )
    return table[list(OBSERVATION)].astype(dict(OBSERVATION))


def _recorded_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return a table a chokepoint: the longest series there is of each, of one vintage."""
    import json

    import pandas as pd

    classes = {"dryBulk": "dry_bulk", "generalCargo": "general_cargo", "total": "total"}
    classes |= {name: name for name in ("container", "roro", "tanker")}
    names = {n: f"n_{c}" for n, c in classes.items()}
    names |= {"cap" + n[0].upper() + n[1:]: f"capacity_{c}" for n, c in classes.items()}
    found: dict[str, pd.DataFrame] = {}

    def put(number: int, table: pd.DataFrame, day: str) -> None:
        days = pd.DatetimeIndex(pd.to_datetime(table[day]))
        counts = table.drop(columns=day).set_index(days).astype("float64")
        if "capacity" not in counts:
            counts["capacity"] = counts.filter(like="capacity_").sum(axis=1)
        found[f"chokepoint{number}"] = counts

    whole = json.loads((folder / "worldmonitor_chokepoint-transit-2026-07.json").read_text())
    for name, number in {
        "suez": 1, "bab_el_mandeb": 4, "hormuz_strait": 6, "cape_of_good_hope": 7,
    }.items():  # fmt: skip
        table = pd.DataFrame(whole["chokepoints"][name]["history"]).rename(columns=names)
        put(number, table[["date", *(c for c in table if c in names.values())]], "date")
    wide = pd.read_csv(folder / "oilsense_7cp_wide_to2026-05.csv")
    for number in (3, 5, 11):
        own = {f"cp{number}_total": "n_total", f"cp{number}_tanker": "n_tanker"}
        own |= {f"cp{number}_cap_total": "capacity", f"cp{number}_cap_tanker": "capacity_tanker"}
        put(number, wide[["date", *own]].rename(columns=own), "date")
    late = json.loads((folder / "lephare_12cp_2024-2026-07.json").read_text())
    short = {n: f"n_{n}" for n in ("total", "tanker", "container", "dry_bulk")}
    short |= {"capacity_dwt": "capacity"}
    for name, number in {
        "panama": 2, "gibraltar": 8, "dover": 9, "danish-straits": 10, "kerch": 28,
    }.items():  # fmt: skip
        table = pd.DataFrame(late["chokepoints"][name]["series"], columns=late["columns"])
        put(number, table.rename(columns=short)[["date", *short.values()]], "date")
    return found


@pytest.fixture(scope="session")
def recorded_days(world: World, recorded_traffic: pd.DataFrame) -> pd.DataFrame:
    """Return what the recorded counts show of every element on every day."""
    from corridors.risk.outlook import traffic_outlook

    now = datetime(2026, 7, 27, tzinfo=UTC)
    return traffic_outlook(world, recorded_traffic, now=now)[0]
