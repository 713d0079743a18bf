"""Bombs: files and answers that are small on the way and huge once opened, in little memory.

Each is opened by a process that may have a bounded amount of memory more than it starts with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MORE_BYTES = 1_500 << 20

CODE = """
import contextlib, gzip, io, json, os, resource, struct, sys, time, zipfile
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
from corridors.whatif import scenario_file
from layers import memory, portwatch_file
from layers.errors import CorridorsError
from layers.flows import FORMATS, Kept, countries_file, import_files, parse_ref, read_codes
from layers.source import Answer, feeds
from layers.static import examine
from tests.test_scenario import HERE

NOW = datetime(2026, 9, 1, tzinfo=UTC)
folder = Path(sys.argv[1])
os.environ["CORRIDORS_CACHE"] = str(folder / "cache")
codes, known = read_codes(), feeds()
at = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (at + int(sys.argv[2]),) * 2)

def parsed(id, body):
    return known[id].parse([Answer("https://example.org/x", body, NOW)])

def imported(format, body, name="table.csv"):
    (folder / name).write_bytes(body)
    import_files(Kept(folder / "flows"), [folder / name], FORMATS[format], codes, now=NOW)

def table(body):
    (folder / "flows.csv").write_bytes(body)
    frame, faults = examine("flows", folder / "flows.csv")
    if faults:
        raise CorridorsError(str(faults[0])[:100])

def portwatch(body):
    (folder / "p.csv").write_bytes(body)
    portwatch_file.read(folder / "p.csv", retrieved_at=NOW)

def remembered(shape):
    make = lambda: {"a": np.arange(3.0)}
    memory.remember("k", make)
    for path in (folder / "cache").glob("*.npz"):
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            head, {"descr": "<f8", "fortran_order": False, "shape": shape}
        )
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("a.npy", head.getvalue())
    assert memory.remember("k", make)["a"].tolist() == [0, 1, 2]
    raise CorridorsError("made again")

def parquet(rows):
    # A footer that promises what is not there: the count of rows is in it as a number.
    path = folder / "flows" / "own" / "v1" / "2022.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "own.csv").write_text(
        "importer,commodity,year,origin,quantity_t\\n" + "CHN,lng,2022,QAT,15.5\\n"
    )
    kept = Kept(folder / "flows")
    import_files(kept, [folder / "own.csv"], FORMATS["own"], codes, now=NOW, vintage="v1",
                 replace=True)
    body = path.read_bytes()
    size = struct.unpack("<I", body[-8:-4])[0]
    foot = body[-8 - size:-8]
    for n in range(size):
        if foot[n] == 2:  # how Thrift writes a 1
            lied = foot[:n] + b"\\x7e" + foot[n + 1:]
            path.write_bytes(body[:-8 - size] + lied + body[-8:])
            with contextlib.suppress(CorridorsError):
                kept.read(kept.part(parse_ref("own:2022@v1")))
    path.unlink()
    raise CorridorsError("every lie was read or refused")

laughs = b'<!DOCTYPE a [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12)
) + b"]><a>&m;</a>"
quadratic = b'<!DOCTYPE a [<!ENTITY a "' + b"h" * 100_000 + b'">]><a>' + b"&a;" * 100_000 + b"</a>"
outside = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>'
wide = b",".join(b"c%d" % n for n in range(250_000)) + b"\\n" + b"1," * 249_999 + b"1\\n"
deep = b"[" * 5_000_000
nested = b'{"features":' * 1_000_000
many = b'{"a":[' + b"[0]," * 400_000 + b"[0]]}"
attributes = b"<a " + b" ".join(b'b%d="1"' % n for n in range(100_000)) + b"/>"
siblings = b"<rss><channel>" + b"<item/>" * 100_000 + b"</channel></rss>"
cell = b"time,what,kind,severity,reporter_type,visibility\\n" + b"x" * 15_000_000 + b",,,,,\\n"
corners = [[n % 360 - 180, n % 170 - 85] for n in range(300_000)]
said = {"name": "x", "time": 1787000000000, "severity": 3}
shape = {"type": "Polygon", "coordinates": [corners]}
polygon = json.dumps({"features": [{"properties": said, "geometry": shape}]}).encode()
packed = gzip.compress(b"0" * (70 << 20))
zipped = io.BytesIO()
with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as one:
    for n in range(3):
        with one.open(f"t{n}.csv", "w") as part:
            part.write(b"importer,commodity,year,origin,quantity_t\\n")
            for _ in range(40):
                part.write(b"CHN,lng,2022,QAT,1\\n" * 100_000)
brackets = b'{"a": ' + b"[0," * 300_000

work = {}
for id in ("cap_url", "georss_url", "gdacs_events", "mfa_notices"):
    for name in ("laughs", "quadratic", "outside", "attributes", "siblings"):
        work[f"{id} {name}"] = (parsed, id, globals()[name])
for id in ("usgs_earthquakes", "georss_url", "local_reports", "fcdo_advice"):
    for name in ("deep", "nested", "many"):
        work[f"{id} {name}"] = (parsed, id, globals()[name])
for id in ("local_reports", "ofac_sdn", "ucdp_candidate", "acp_gatun"):
    work[f"{id} wide"] = (parsed, id, wide)
work["local_reports cell"] = (parsed, "local_reports", cell)
work["georss_url polygon"] = (parsed, "georss_url", polygon)
for format in FORMATS:
    work[f"{format} wide"] = (imported, format, wide)
    work[f"{format} gzip"] = (imported, format, packed, "t.csv.gz")
    work[f"{format} zip"] = (imported, format, zipped.getvalue(), "t.zip")
for name in ("deep", "nested", "brackets", "many"):
    work[f"comtrade {name}"] = (imported, "comtrade", globals()[name])
work["countries wide"] = (lambda b: ((folder / "c.csv").write_bytes(b),
                          countries_file(codes, folder / "c.csv")), wide)
work["table wide"] = (table, wide)
work["table long cell"] = (table, b"importer,commodity\\n" + b"x" * 15_000_000 + b",y\\n")
work["portwatch wide"] = (portwatch, wide)
work["memory huge"] = (remembered, (10**13,))
work["memory overflow"] = (remembered, (2**62, 2**10))
work["scenario"] = (
    lambda t: scenario_file.parse(t, name="a", file="a", known=HERE), "a=" + "[" * 900_000
)
work["parquet"] = (parquet, 0)
for name, (deed, *given) in work.items():
    began = time.process_time()
    try:
        deed(*given)
        told = "read"
    except CorridorsError as error:
        told = f"refused: {str(error)[:80]!r}"
    except BaseException as error:
        told = f"BROKE: {type(error).__name__} {str(error)[:200]!r}"
    print(json.dumps([name, told, time.process_time() - began]), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by Linux here")
def test_no_bomb_takes_the_memory_or_the_evening(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path), str(MORE_BYTES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(told) > 60
    assert [(name, what) for name, what, _ in told if what.startswith("BROKE")] == []
