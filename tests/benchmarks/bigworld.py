"""A world's trade drawn by lot, of the size and shape of CEPII BACI, for tests of scale.

No figure in it is anybody's statistic. Shape: sellers' shares by Zipf's law, fewer sellers of gas
than of oil products; buyers by size, shared by all commodities; both drawn apart by distance
(gravity); a wide lognormal scatter. How many pairs trade each code is near what a year of BACI has
for it. The same seed gives the same world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.geo import distance_km
from layers.static import read_table
from layers.world import World

COUNTRIES = 200
VINTAGE = "V000000"
OTHER_GOODS = 5_000
UNWEIGHED = 0.03
"""Part of the rows that have a value and no weight."""


@dataclass(frozen=True)
class Code:
    """A six-digit code: pairs that trade it, Mt a year, USD/t, steepness of its sellers' shares."""

    hs: str
    commodity: str
    pairs: int
    mt: float
    usd_t: float
    steep: float


CODES = (
    Code("270900", "crude_oil", 1_300, 2_200, 570, 1.1),
    Code("271000", "refined_products", 14_000, 1_300, 710, 1.0),
    Code("271111", "lng", 900, 400, 580, 1.4),
    Code("271121", "pipeline_gas", 700, 350, 400, 1.5),
    Code("270111", "coal", 1_500, 60, 150, 1.3),
    Code("270112", "coal", 2_600, 900, 140, 1.4),
    Code("270119", "coal", 2_200, 400, 120, 1.4),
    Code("270120", "coal", 1_200, 5, 200, 1.0),
    Code("271112", "lpg", 2_500, 110, 600, 1.2),
    Code("271113", "lpg", 2_500, 60, 600, 1.2),
    Code("120100", "soybeans", 4_200, 170, 440, 1.8),
    Code("100510", "maize", 3_600, 3, 3_000, 1.0),
    Code("100590", "maize", 4_800, 200, 230, 1.5),
    Code("100110", "wheat", 1_800, 10, 300, 1.3),
    Code("100190", "wheat", 3_900, 195, 250, 1.3),
    Code("100300", "barley", 2_300, 36, 210, 1.3),
    Code("100700", "sorghum", 1_600, 10, 240, 1.6),
    Code("100610", "rice", 1_800, 4, 350, 1.3),
    Code("100620", "rice", 3_200, 4, 700, 1.2),
    Code("100630", "rice", 7_500, 42, 550, 1.4),
    Code("100640", "rice", 2_200, 8, 380, 1.4),
    Code("310420", "potash", 3_100, 55, 290, 1.5),
    Code("310430", "potash", 3_000, 5, 500, 1.0),
    Code("310490", "potash", 2_400, 2, 400, 1.0),
)


def countries(world: World) -> pd.DataFrame:
    """``COUNTRIES`` countries with the number CEPII gives them and where they lie."""
    areas = read_table("trade_areas")
    numbers = areas[(areas["scheme"] == "m49") & (areas["note"] == "")]
    numbers = numbers.drop_duplicates("country").set_index("country")["code"]
    table = world.countries[world.countries["country"].isin(set(numbers.index))]
    table = table.sort_values("country").head(COUNTRIES)
    return table.assign(number=table["country"].map(numbers).astype(int)).reset_index(drop=True)


def pull(places: pd.DataFrame, code: Code, lot: np.random.Generator) -> npt.NDArray[np.float64]:
    """(exporter, importer) tonnes that would go if everyone traded with everyone."""
    count = len(places)
    sell = np.empty(count)
    sell[lot.permutation(count)] = np.arange(1, count + 1, dtype=np.float64) ** -code.steep
    # Buyers are large or small for all goods: the lot that sizes them is their own.
    buy = np.random.default_rng(7).permutation(np.arange(1, count + 1, dtype=np.float64) ** -1.0)
    buy = buy * lot.lognormal(0.0, 0.5, count)
    lon, lat = places["lon"].to_numpy(), places["lat"].to_numpy()
    km = np.asarray(distance_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :]))
    drawn = sell[:, None] * buy[None, :] / np.maximum(km, 300.0) ** 1.1
    drawn = drawn * lot.lognormal(0.0, 1.5, drawn.shape)
    np.fill_diagonal(drawn, 0.0)
    found: npt.NDArray[np.float64] = drawn * (code.mt * 1e6 / drawn.sum())
    return found


def baci_year(world: World, year: int, *, seed: int = 1) -> pd.DataFrame:
    """Rows of a year as CEPII writes them: ``t, i, j, k, v, q``."""
    places = countries(world)
    numbers = places["number"].to_numpy()
    parts = []
    for at, code in enumerate(CODES):
        lot = np.random.default_rng([seed, year, at])
        tonnes = pull(places, code, lot)
        order = np.argsort(tonnes, axis=None)[::-1][: code.pairs]
        i, j = np.unravel_index(order, tonnes.shape)
        q = np.maximum(tonnes[i, j], 0.001)
        v = q * code.usd_t / 1e3 * lot.lognormal(0.0, 0.25, len(q))
        told = np.where(lot.random(len(q)) < UNWEIGHED, np.nan, np.round(q, 3))
        parts.append(
            pd.DataFrame(
                {
                    "t": year,
                    "i": numbers[i],
                    "j": numbers[j],
                    "k": code.hs,
                    "v": v.round(3),
                    "q": told,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def write_baci(
    world: World, folder: Path, years: Sequence[int], *, others: int = 0, seed: int = 1
) -> list[Path]:
    """Files of BACI's name and shape, one a year.

    Parameters
    ----------
    others
        Rows of goods that are nobody's business here, about 11 million in a true year.
    """
    paths = []
    for year in years:
        path = folder / f"BACI_HS92_Y{year}_{VINTAGE}.csv"
        table = baci_year(world, year, seed=seed)
        table.to_csv(path, index=False, na_rep="NA")
        if others:
            _add_others(path, countries(world)["number"].to_numpy(), year, others, seed)
        paths.append(path)
    return paths


def _add_others(
    path: Path, numbers: npt.NDArray[np.int64], year: int, rows: int, seed: int
) -> None:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    goods = np.random.default_rng(5).choice(np.arange(320_000, 970_000), OTHER_GOODS, replace=False)
    with path.open("ab") as stream:
        for at in range(0, rows, 1_000_000):
            count = min(1_000_000, rows - at)
            lot = np.random.default_rng([seed, year, at, 99])
            columns = {
                "t": np.full(count, year),
                "i": lot.choice(numbers, count),
                "j": lot.choice(numbers, count),
                "k": lot.choice(goods, count),
                "v": np.round(lot.lognormal(2.0, 2.5, count), 3),
                "q": np.round(lot.lognormal(1.0, 2.5, count), 3),
            }
            options = pacsv.WriteOptions(include_header=False)
            pacsv.write_csv(pa.table(columns), stream, options)


def flows(world: World, rows: int, *, seed: int = 1, year: int = 2024) -> pd.DataFrame:
    """The ``rows`` largest pairs of all commodities in the shape of ``flows.csv``, in base year.

    Each commodity has the same part of them: 480,000 rows are nearly everyone with everyone.
    """
    places = countries(world)
    names = places["country"].to_numpy()
    kinds = sorted({code.commodity for code in CODES})
    parts = []
    for kind in kinds:
        main = max((c for c in CODES if c.commodity == kind), key=lambda c: c.mt)
        lot = np.random.default_rng([seed, CODES.index(main)])
        tonnes = pull(places, main, lot)
        order = np.argsort(tonnes, axis=None)[::-1][: -(-rows // len(kinds))]
        order = order[tonnes.ravel()[order] > 0]
        i, j = np.unravel_index(order, tonnes.shape)
        t = tonnes[i, j]
        parts.append(
            pd.DataFrame(
                {
                    "importer": names[j],
                    "commodity": kind,
                    "year": year,
                    "origin": names[i],
                    "quantity_t": t,
                    "value_usd": t * main.usd_t,
                    "base": 1,
                    "basis": "drawn by lot",
                    "source": "drawn by lot, nobody's statistic",
                    "quality": "secondary",
                    "note": "",
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
