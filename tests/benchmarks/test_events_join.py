"""A million events against all elements, beside a plain buffer and spatial join in GeoPandas.

Each side runs in a process of its own, so that its memory is its own. Both answer the same
question: which elements lie within 230 km of each event.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 1_000_000

MADE = f"""
import json, resource, sys, time
import numpy as np, pandas as pd
import layers
from layers.geo import lonlat
from corridors.risk.nearness import near, pieces
from corridors.risk.shapes import samples
world = layers.load_world()
lot, n = np.random.default_rng(1), {EVENTS}
# Half of them lie round elements, as real ones do, and half anywhere.
lon, lat = lonlat(pieces(world).middle)
some = lot.integers(0, len(lon), n // 2)
lon = np.append(lon[some] + lot.normal(0, 3, n // 2), lot.uniform(-179, 179, n - n // 2))
anywhere = np.degrees(np.arcsin(lot.uniform(-1, 1, n - n // 2)))
lat = np.append(lat[some] + lot.normal(0, 3, n // 2), anywhere)
lon, lat = np.clip(lon, -179, 179), np.clip(lat, -80, 80)
wkt = pd.Series([f"POINT ({{x:.5f}} {{y:.5f}})" for x, y in zip(lon, lat)], dtype="str")
def done(start, pairs):
    s = time.perf_counter() - start
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mb = mb / 1024 if sys.platform == "darwin" else mb
    print(json.dumps({{"s": s, "mb": mb, "pairs": pairs}}))
"""
OURS = """
start = time.perf_counter()
found = near(samples(wkt), pieces(world), np.full(n, 230.0))
done(start, len(found.event))
"""
THEIRS = """
import geopandas as gpd
frames = layers.frames(world)
start = time.perf_counter()
kinds = ["chokepoints", "ports", "railways", "pipelines"]
elements = pd.concat([frames[k][["element", "geometry"]] for k in kinds], ignore_index=True)
# A metre of Web Mercator is one at the equator only: far from it the reach falls short and pairs
# are missed, as in most such joins.
elements = gpd.GeoDataFrame(elements, crs="EPSG:4326").to_crs(3857)
metres = elements.to_crs(3857)
elements["geometry"] = metres.geometry.clip_by_rect(-2e7, -2e7, 2e7, 2e7).buffer(230_000)
events = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_wkt(wkt), crs="EPSG:4326").to_crs(3857)
joined = gpd.sjoin(events, elements, predicate="within")
at = metres.geometry.iloc[joined["index_right"].to_numpy()].reset_index(drop=True)
distance = joined.geometry.reset_index(drop=True).distance(at)
done(start, len(distance))
"""
WHOLE = """
from datetime import datetime, timedelta, UTC
from corridors.risk import threat
from layers.events import event_frame
now = datetime(2026, 7, 20, tzinfo=UTC)
row = {"source": "ucdp_candidate", "kind": "conflict", "severity": 3, "status": "ended",
       "retrieved_at": now, "content_as_of": now}
table = event_frame([row]).loc[np.zeros(n, int)].reset_index(drop=True)
table["event_uid"] = pd.Series(np.arange(n)).astype("str")
table["wkt"] = wkt
onset = pd.Series(pd.Timestamp(now) - pd.to_timedelta(lot.uniform(0, 365, n), unit="D"))
table["onset_at"] = onset.astype(table["onset_at"].dtype)
table["ends_at"] = table["onset_at"]
start = time.perf_counter()
found = threat(table, world, now=now)
done(start, len(found.contributions))
"""


def _run(what: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", MADE + what], cwd=ROOT, check=True, capture_output=True, text=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def test_a_million_events_joined_beside_geopandas(benchmark: Any, measured: Any) -> None:
    pytest.importorskip("resource")  # memory of a process is not told on every system
    ours = benchmark.pedantic(lambda: _run(OURS), rounds=1)
    theirs = _run(THEIRS)
    ratio = theirs["s"] / ours["s"]
    benchmark.extra_info.update({"ratio": round(ratio, 1), "ours": ours, "theirs": theirs})
    measured.say(
        "a million events and all elements, beside GeoPandas",
        "–",
        f"{ratio:.1f} × ({theirs['s']:.1f} s against {ours['s']:.1f} s)",
    )
    measured.say(
        "the same, memory of the process",
        "–",
        f"{theirs['mb']:.0f} MB against {ours['mb']:.0f} MB"
        f" ({theirs['pairs']:,.0f} and {ours['pairs']:,.0f} pairs)",
    )


def test_threat_of_a_million_events(benchmark: Any, measured: Any) -> None:
    pytest.importorskip("resource")
    found = benchmark.pedantic(lambda: _run(WHOLE), rounds=1)
    benchmark.extra_info.update(found)
    said = f"{found['s']:.0f} s, {found['mb']:.0f} MB, {found['pairs']:,.0f} contributions"
    measured.say("threat of a million events, merged, joined, pooled", "–", said)
