"""What the codes of trade statistics mean here: countries, commodities, currencies.

Commodities come from the Harmonized System codes of ``commodities.csv``, refined by
``trade_codes.csv``; countries from ``trade_areas.csv``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from layers.errors import DataError, Fault
from layers.flows.shape import UNPLACED, by_heading
from layers.static import read_table

__all__ = ["Codes", "Good", "read_codes", "with_countries"]

HEADING_DIGITS = 4
DIGITS = re.compile(r"\d{4,10}")
MOST_CODES_BYTES = 1_000_000


@dataclass(frozen=True)
class Good:
    """What a code of goods counts as.

    Attributes
    ----------
    commodity
        Place in ``Codes.commodities``.
    t_per_t
        Tonnes of the commodity in one as weighed.
    rank
        Of codes that hold the same goods the lowest counts: the broadest heading, unless
        ``trade_codes.csv`` says that its parts convert better.
    """

    commodity: int
    t_per_t: float
    rank: int


@dataclass(frozen=True)
class Codes:
    """Lookups by code.

    Attributes
    ----------
    areas
        By scheme (``m49``, ``iso2``, ``iso3``) and code: a country, ``R_OTH`` for a place that is
        not told, empty for a group of countries.
    commodities
        Ids, in the order of the table.
    """

    areas: Mapping[str, Mapping[str, str]]
    commodities: tuple[str, ...]
    _hs: Mapping[str, Good] = field(repr=False)
    _fao: Mapping[str, Good] = field(repr=False)
    _usd: Mapping[tuple[str, int], float] = field(repr=False)
    _seen: dict[tuple[str, str], Good | None] = field(default_factory=dict, repr=False)

    @cached_property
    def countries(self) -> tuple[str, ...]:
        """Every country a code may count as, and ``R_OTH``."""
        return tuple(sorted({c for codes in self.areas.values() for c in codes.values() if c}))

    def good(self, scheme: str, code: str) -> Good | None:
        """What a code of goods counts as here; None for goods of no commodity.

        Parameters
        ----------
        scheme
            ``hs`` for the Harmonized System and what subdivides it, ``fao`` for items of FAOSTAT.
        """
        if scheme == "fao":
            return self._fao.get(code)
        if (scheme, code) not in self._seen:
            if len(self._seen) > 100_000:  # a file may hold any number of codes
                self._seen.clear()
            self._seen[scheme, code] = self._heading(code)
        return self._seen[scheme, code]

    def starts(self, scheme: str) -> tuple[int, frozenset[str]]:
        """How many digits tell whether a code may be of interest, and which these are."""
        if scheme == "fao":
            return max(map(len, self._fao)), frozenset(self._fao)
        return HEADING_DIGITS, frozenset(code[:HEADING_DIGITS] for code in self._hs)

    def _heading(self, code: str) -> Good | None:
        """The good of the longest known heading a code belongs to."""
        if not DIGITS.fullmatch(code):
            return None
        for length in range(len(code), HEADING_DIGITS - 1, -1):
            good = self._hs.get(code[:length])
            if good is not None:
                return replace(good, rank=good.rank + len(code))
        return None

    def usd(self, currency: str, year: int) -> float | None:
        """Dollars in one unit of a currency, mean of a year; None when it is not known."""
        return self._usd.get((currency, year))


def read_codes(folder: Path | None = None) -> Codes:
    """The lookups of a folder of tables; the project's own by default.

    Raises
    ------
    DataError
        When a table lacks or has faults.
    """
    names = ("commodities", "trade_areas", "trade_codes", "exchange_rates")
    commodities, areas, codes, rates = (read_table(name, folder=folder) for name in names)
    places = {
        str(scheme): dict(zip(rows["code"], rows["country"], strict=True))
        for scheme, rows in areas.groupby("scheme")
    }
    known = {c for country in places.values() for c in country.values() if c}
    ids = tuple(commodities["commodity"])
    return Codes(
        areas={**places, "iso3": {c: c for c in sorted(known)}},
        commodities=ids,
        _hs={**_headings(commodities, ids), **_goods(codes, "hs", ids)},
        _fao=_goods(codes, "fao", ids),
        _usd=dict(zip(_pairs(rates), rates["usd"].astype(float), strict=True)),
    )


def _pairs(rates: pd.DataFrame) -> Iterable[tuple[str, int]]:
    return zip(rates["currency"], rates["year"].astype(int), strict=True)


LAST = 10
"""Headings of commodities.csv come after those that trade_codes.csv puts first."""


def _headings(commodities: pd.DataFrame, ids: tuple[str, ...]) -> dict[str, Good]:
    return {
        code: Good(ids.index(commodity), 1.0, 100 * LAST)
        for commodity, cell in zip(commodities["commodity"], commodities["hs"], strict=True)
        for code in filter(None, cell.split(";"))
    }


def _goods(codes: pd.DataFrame, scheme: str, ids: tuple[str, ...]) -> dict[str, Good]:
    rows = codes[codes["scheme"] == scheme]
    wrong = sorted(set(rows["commodity"]) - set(ids))
    if wrong:
        raise DataError(
            [Fault("data/trade_codes.csv", 0, "commodity", f"{c} unknown") for c in wrong]
        )
    cells = zip(rows["code"], rows["commodity"], rows["t_per_t"], rows["first"], strict=True)
    return {
        str(code): Good(ids.index(str(commodity)), float(t_per_t), 100 * int(first))
        for code, commodity, t_per_t, first in cells
    }


def with_countries(codes: Codes, text: str, file: str) -> Codes:
    """The lookups with the numeric codes that a publisher sends along (``country_codes_….csv``).

    A code whose letters are no country known here keeps the meaning it has in
    ``trade_areas.csv``; with none it stays unknown.

    Raises
    ------
    DataError
        When a column lacks or a code is told twice with different countries.
    """
    table = csv.reader(text.removeprefix("\ufeff").splitlines())
    wanted = {
        "code": ("country_code", "code"),
        "iso3": ("country_iso3", "iso_3digit_alpha", "iso3"),
    }
    try:
        rows = [(table.line_num, row) for row in table]
    except csv.Error as error:
        raise DataError([Fault(file, table.line_num, "", f"is no CSV: {error}")]) from None
    at = by_heading(rows[0][1] if rows else [], file, wanted)
    told: dict[str, str] = {}
    faults = []
    for line, row in rows[1:]:
        if len(row) <= max(at.values()):
            continue
        code, letters = row[at["code"]].strip().lstrip("0"), row[at["iso3"]].strip()
        if letters not in codes.areas["iso3"] or letters == UNPLACED:
            continue
        if told.setdefault(code, letters) != letters:
            words = f"{code} is {told[code]} in an earlier row and {letters} here"
            faults.append(Fault(file, line, "country_code", words))
    if faults:
        raise DataError(faults)
    return replace(codes, areas={**codes.areas, "m49": {**codes.areas["m49"], **told}})


def countries_file(codes: Codes, path: Path) -> Codes:
    """The lookups with the codes of a file.

    Raises
    ------
    DataError
        When it cannot be read, or as `with_countries`.
    """
    try:
        with path.open("rb") as stream:
            body = stream.read(MOST_CODES_BYTES + 1)
    except OSError as error:
        words = f"cannot be read: {error.strerror or error}"
        raise DataError([Fault(path.name, 0, "", words)]) from None
    if len(body) > MOST_CODES_BYTES:
        raise DataError([Fault(path.name, 0, "", "is too large for a list of countries")])
    return with_countries(codes, body.decode("utf-8", "replace"), path.name)
