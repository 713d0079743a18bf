"""Trade of the whole world from the publishers' files: each layout, its units, what is left out.

No publisher's rows are here: the files are made by hand in their published layout, and what must
come out is worked out by hand beside them.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.errors import CorridorsError, DataError, UsageError
from layers.flows import (
    FLOW,
    FORMATS,
    Codes,
    Imported,
    Kept,
    countries_file,
    import_files,
    parse_ref,
    read_codes,
)

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
BACI = "BACI_HS92_Y2022_V202401b.csv"

Keep = Callable[..., tuple[Imported, pd.DataFrame]]


@pytest.fixture(scope="module")
def codes() -> Codes:
    return read_codes()


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "flows")


@pytest.fixture
def keep(tmp_path: Path, kept: Kept, codes: Codes) -> Keep:
    """Write files, import them as one format and give what came of it and the rows kept."""

    def work(
        source: str, files: dict[str, str | bytes], *, year: int = 2022, **options: object
    ) -> tuple[Imported, pd.DataFrame]:
        paths = []
        for name, body in files.items():
            path = tmp_path / name
            path.write_bytes(body if isinstance(body, bytes) else body.encode())
            paths.append(path)
        known = options.pop("codes", codes)
        found = import_files(kept, paths, FORMATS[source], known, now=NOW, **options)  # type: ignore[arg-type]
        part = kept.part(parse_ref(f"{source}:{year}"))
        return found, kept.read(part).to_pandas()

    return work


def rows_of(table: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    """Rows as tuples of some columns, numbers rounded to be read."""
    plain = table[list(columns)].round(6).replace({np.nan: None})
    return list(plain.itertuples(index=False, name=None))


def faults_of(work: Callable[[], object]) -> list[str]:
    with pytest.raises(DataError) as caught:
        work()
    return [str(fault) for fault in caught.value.faults]


# --- CEPII BACI ------------------------------------------------------------------------------

BACI_TEXT = """t,i,j,k,v,q
2022,643,156,270900,58000000.5,86200000
2022,682,156,270900,65000000,87500000
2022,842,490,120100,170,0.3
2022,4,8,010121,5,4
"""


def test_baci_in_tonnes_and_dollars(keep: Keep) -> None:
    found, table = keep("baci", {BACI: BACI_TEXT})
    columns = ("year", "commodity", "exporter", "importer", "side", "tonnes", "usd", "quality")
    assert rows_of(table, *columns) == [
        (
            2022,
            "crude_oil",
            "RUS",
            "CHN",
            "reconciled",
            86_200_000.0,
            58_000_000_500.0,
            "secondary",
        ),
        (2022, "crude_oil", "SAU", "CHN", "reconciled", 87_500_000.0, 65e9, "secondary"),
        (2022, "soybeans", "USA", "TWN", "reconciled", 0.3, 170_000.0, "secondary"),
    ]
    assert set(table["source"]) == {"CEPII BACI V202401b"}
    assert set(table["months"]) == {12}
    assert found.tally.rows == 4
    assert found.tally.left_out == {"another commodity": 1}


def test_baci_adds_up_the_codes_of_a_commodity(keep: Keep) -> None:
    """Paddy counts 0.667 and husked rice 0.875 of its weight: 30 × .667 + 8 × .875 + 10 = 37.01."""
    text = "t,i,j,k,v,q\n2022,356,50,100610,9,30\n2022,356,50,100620,4,8\n2022,356,50,100630,6,10\n"
    _, table = keep("baci", {BACI: text})
    assert rows_of(table, "commodity", "tonnes", "usd") == [("rice", 37.01, 19_000.0)]


def test_baci_what_has_no_weight_weighs_what_the_rest_does_for_its_money(keep: Keep) -> None:
    """100 t for 50 thousand; 25 thousand more without a weight are 50 t, and an estimate."""
    text = "t,i,j,k,v,q\n2022,36,156,270112,50,100\n2022,36,156,270119,25,NA\n"
    found, table = keep("baci", {BACI: text})
    assert rows_of(table, "tonnes", "usd", "quality") == [(150.0, 75_000.0, "estimate")]
    assert found.tally.noted == {"no weight given": 1}


def test_baci_a_pair_without_any_weight_has_none(keep: Keep) -> None:
    _, table = keep("baci", {BACI: "t,i,j,k,v,q\n2022,36,156,270112,50,NA\n"})
    assert rows_of(table, "tonnes", "usd") == [(None, 50_000.0)]


def test_baci_numbers_without_their_noughts(keep: Keep) -> None:
    """Chapter 1 read as a number, 10121, is a horse and no wheat of heading 1001."""
    text = "t,i,j,k,v,q\n2022,4,156,10121,1,1\n2022,004,156,100199,1,2\n"
    _, table = keep("baci", {BACI: text})
    assert rows_of(table, "exporter", "commodity") == [("AFG", "wheat")]


def test_customs_areas_of_comtrade_are_countries(keep: Keep) -> None:
    text = "t,i,j,k,v,q\n" + "".join(
        f"2022,{number},156,270900,1,{number}\n" for number in (251, 579, 757, 842, 699, 490)
    )
    _, table = keep("baci", {BACI: text})
    assert set(table["exporter"]) == {"FRA", "NOR", "CHE", "USA", "IND", "TWN"}


def test_places_not_told_stay_groups_and_strangers_go(keep: Keep) -> None:
    text = """t,i,j,k,v,q
2022,899,156,270900,1,10
2022,568,156,270900,1,5
2022,156,899,270900,1,7
2022,0,156,270900,1,9
2022,777,156,270900,1,3
2022,156,156,270900,1,3
"""
    found, table = keep("baci", {BACI: text})
    assert rows_of(table, "exporter", "importer", "tonnes") == [("R_OTH", "CHN", 15.0)]
    assert found.tally.left_out == {
        "a group of countries": 1,
        "an importer that is not told": 1,
        "an unknown country code": 1,
        "a country's trade with itself": 1,
    }
    assert found.tally.unknown == {("i", "777"): 1}


def test_the_publishers_own_list_of_countries(keep: Keep, tmp_path: Path, codes: Codes) -> None:
    told = tmp_path / "country_codes_V202401b.csv"
    told.write_text(
        "country_code,country_name,country_iso2,country_iso3\n"
        '777,Newly numbered,SA,SAU\n490,"Other Asia, nes",,S19\n'
    )
    text = "t,i,j,k,v,q\n2022,777,156,270900,1,3\n2022,490,156,270900,1,2\n"
    _, table = keep("baci", {BACI: text}, codes=countries_file(codes, told))
    assert rows_of(table, "exporter", "tonnes") == [("SAU", 3.0), ("TWN", 2.0)]


def test_an_archive_of_baci_brings_its_countries_and_only_years_asked_are_read(
    keep: Keep, tmp_path: Path
) -> None:
    archive = tmp_path / "made.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        head = "country_code,country_name,country_iso2,country_iso3\n"
        made.writestr("country_codes_V202401b.csv", head + "777,Newly numbered,SA,SAU\n")
        made.writestr("product_codes_HS92_V202401b.csv", "code,description\n270900,Oil\n")
        made.writestr("Readme.txt", "no table")
        made.writestr("BACI_HS92_Y2021_V202401b.csv", "t,i,j,k,v,q\n2021,broken\n")
        made.writestr(BACI, "t,i,j,k,v,q\n2022,777,156,270900,1,3\n")
    found, table = keep("baci", {"BACI_HS92_V202401b.zip": archive.read_bytes()}, years=(2022,))
    assert rows_of(table, "exporter", "tonnes") == [("SAU", 3.0)]
    assert [str(ref) for ref in found.rows] == ["baci:2022@V202401b"]


# --- UN Comtrade -----------------------------------------------------------------------------

RECORD = {
    "typeCode": "C",
    "freqCode": "A",
    "refPeriodId": 20220101,
    "refYear": 2022,
    "refMonth": 52,
    "period": "2022",
    "reporterCode": 156,
    "flowCode": "M",
    "partnerCode": 643,
    "partner2Code": 0,
    "classificationCode": "H6",
    "cmdCode": "2709",
    "customsCode": "C00",
    "mosCode": "0",
    "motCode": 0,
    "qtyUnitCode": 8,
    "qty": 86_200_000_000.0,
    "netWgt": 86_200_000_000.0,
    "isNetWgtEstimated": False,
    "primaryValue": 58e9,
}


def answer(*changes: dict[str, object]) -> str:
    """An answer of the API with one record a change."""
    data = [{**RECORD, **change} for change in changes]
    return json.dumps({"elapsedTime": "0.1 secs", "count": len(data), "data": data, "error": ""})


def test_comtrade_answer_from_both_sides(keep: Keep) -> None:
    text = answer({}, {"reporterCode": 643, "partnerCode": 156, "flowCode": "X", "netWgt": 80e9})
    _, table = keep("comtrade", {"answer.json": text})
    assert rows_of(table, "exporter", "importer", "side", "tonnes", "usd", "quality") == [
        ("RUS", "CHN", "importer", 86_200_000.0, 58e9, "official"),
        ("RUS", "CHN", "exporter", 80_000_000.0, 58e9, "official"),
    ]


def test_comtrade_a_bare_list_of_records(keep: Keep) -> None:
    _, table = keep("comtrade", {"answer.json": json.dumps([RECORD])})
    assert rows_of(table, "tonnes") == [(86_200_000.0,)]


def test_comtrade_takes_totals_once(keep: Keep) -> None:
    """Of heading 2709 and its part 270900 the heading; no modes, second partners or re-exports."""
    text = answer(
        {},
        {"cmdCode": "270900", "netWgt": 86e9},
        {"motCode": 2100},
        {"partner2Code": 528},
        {"customsCode": "C04"},
        {"flowCode": "RX"},
        {"partnerCode": 0},
        {"classificationCode": "S3"},
        {"cmdCode": "TOTAL"},
    )
    found, table = keep("comtrade", {"answer.json": text})
    assert rows_of(table, "exporter", "tonnes") == [("RUS", 86_200_000.0)]
    assert found.tally.left_out == {
        "a part of a row that is kept": 1,
        "a part: by mode, procedure or second partner": 3,
        "re-export or another flow": 1,
        "a group of countries": 1,
        "not in the Harmonized System": 1,
        "another commodity": 1,
    }


def test_comtrade_weight_else_kilograms_else_none(keep: Keep) -> None:
    text = answer(
        {"partnerCode": 682, "netWgt": 0, "qty": 5_000, "qtyUnitCode": 8},
        {"partnerCode": 368, "netWgt": None, "qty": 5_000, "qtyUnitCode": 12},
        {"partnerCode": 414, "netWgt": 7_000, "isNetWgtEstimated": True},
    )
    found, table = keep("comtrade", {"answer.json": text})
    assert rows_of(table, "exporter", "tonnes", "quality") == [
        ("IRQ", None, "official"),
        ("KWT", 7.0, "estimate"),
        ("SAU", 5.0, "official"),
    ]
    assert found.tally.noted == {"no weight given": 1, "weight estimated by the publisher": 1}


def test_comtrade_months_add_up_and_give_way_to_the_year(keep: Keep) -> None:
    months = [{"period": f"2022{m:02}", "netWgt": 1_000.0, "freqCode": "M"} for m in (1, 2, 3)]
    text = answer({"partnerCode": 682, **months[0]}, {"partnerCode": 682, **months[2]}, *months, {})
    _, table = keep("comtrade", {"answer.json": text})
    assert rows_of(table, "exporter", "tonnes", "months") == [
        ("RUS", 86_200_000.0, 12),
        ("SAU", 2.0, 3),  # its buyer told of three months; in one of them nothing came
    ]


CLASSIC = (
    "Classification,Year,Period,Period Desc.,Aggregate Level,Is Leaf Code,Trade Flow Code,Trade "
    "Flow,Reporter Code,Reporter,Reporter ISO,Partner Code,Partner,Partner ISO,2nd Partner Code,"
    "2nd Partner,2nd Partner ISO,Customs Proc. Code,Customs,Mode of Transport Code,Mode of "
    "Transport,Commodity Code,Commodity,Qty Unit Code,Qty Unit,Qty,Alt Qty Unit Code,Alt Qty Unit,"
    "Alt Qty,Netweight (kg),Gross weight (kg),Trade Value (US$),CIF Trade Value (US$),FOB Trade "
    "Value (US$),Flag\n"
)


def test_comtrade_classic_csv(keep: Keep) -> None:
    row = (
        "H5,2022,2022,2022,4,0,1,Import,392,Japan,JPN,36,Australia,AUS,,,,,,,,2701,"
        '"Coal; briquettes, ovoids",8,Weight in kilograms,60000000,,,,60000000,,9000000,,,{}\n'
    )
    _, table = keep("comtrade", {"classic.csv": CLASSIC + row.format(4)})
    assert rows_of(table, "exporter", "importer", "commodity", "tonnes", "usd", "quality") == [
        ("AUS", "JPN", "coal", 60_000.0, 9e6, "estimate")
    ]


def test_comtrade_csv_whose_rows_end_in_a_comma(keep: Keep) -> None:
    """Read naively each cell slips one column to the side."""
    names = [*RECORD]
    row = ",".join(str(RECORD[name]) for name in names)
    text = ",".join(names) + "\n" + row + ",\n"
    _, table = keep("comtrade", {"TradeData.csv": text})
    assert rows_of(table, "exporter", "importer", "tonnes") == [("RUS", "CHN", 86_200_000.0)]


# --- FAOSTAT ---------------------------------------------------------------------------------

LONG = (
    "Reporter Country Code,Reporter Country Code (M49),Reporter Countries,Partner Country Code,"
    "Partner Country Code (M49),Partner Countries,Item Code,Item Code (CPC),Item,Element Code,"
    "Element,Year Code,Year,Unit,Value,Flag\n"
)


def fao(
    reporter: str, partner: str, item: int, element: int, value: object, flag: str = "A"
) -> str:
    unit = "1000 USD" if element in (5622, 5922) else "t"
    return (
        f'"9","\'{reporter}","A, B","9","\'{partner}","Côte d\'Ivoire","{item}",'
        f'"\'0111","Some item","{element}","Some element","2022","2022","{unit}",'
        f'"{value}","{flag}"\n'
    )


def test_faostat_weights_and_values_of_both_sides(keep: Keep) -> None:
    text = LONG + "".join(
        [
            fao("818", "643", 15, 5610, 6_000_000),
            fao("818", "643", 15, 5622, 2_100_000),
            fao("643", "818", 15, 5910, "5800000.5", "I"),
            fao("818", "643", 15, 5611, 1),
            fao("818", "159", 15, 5610, 1),
            fao("818", "804", 15, 5610, "", "M"),
            fao("818", "804", 388, 5610, 3),
        ]
    )
    found, table = keep("faostat", {"Trade_DetailedTradeMatrix_E_All_Data_(Normalized).csv": text})
    assert rows_of(table, "exporter", "importer", "side", "tonnes", "usd", "quality") == [
        ("RUS", "EGY", "importer", 6_000_000.0, 2.1e9, "official"),
        ("RUS", "EGY", "exporter", 5_800_000.5, None, "estimate"),
    ]
    assert found.tally.left_out == {
        "another element": 1,
        "a group of countries": 1,
        "missing, says the publisher": 1,
        "another commodity": 1,
    }


def test_faostat_names_in_an_old_encoding_do_not_matter(keep: Keep) -> None:
    text = (LONG + fao("818", "384", 15, 5610, 5)).encode("latin-1")
    _, table = keep("faostat", {"matrix.csv": text})
    assert rows_of(table, "exporter") == [("CIV",)]


def test_faostat_rice_in_milled_weight_once(keep: Keep) -> None:
    """Item 30 is the sum of 27, 28, 31 and 32: for Bangladesh it is there, for Benin it is not."""
    text = LONG + "".join(
        [
            fao("50", "356", 30, 5610, 1_000),
            fao("50", "356", 27, 5610, 900),
            fao("50", "356", 31, 5610, 400),
            fao("204", "356", 27, 5610, 100),
            fao("204", "356", 31, 5610, 200),
            fao("204", "356", 32, 5610, 50),
        ]
    )
    _, table = keep("faostat", {"matrix.csv": text})
    assert rows_of(table, "importer", "tonnes") == [
        ("BEN", pytest.approx(100 * 0.667 + 250)),
        ("BGD", 1_000.0),
    ]


def test_faostat_wide_layout(keep: Keep) -> None:
    head = LONG.partition("Year Code")[0] + "Unit,Y2021,Y2021F,Y2021N,Y2022,Y2022F,Y2022N\n"
    row = "9,'818,A,9,'643,B,15,'0111,Wheat,5610,Import quantity,t,{},A,,{},E,a note\n"
    body = head + row.format(500, 600) + row.replace("'643", "'804").format("", 70)
    found, table = keep("faostat", {"wide.csv": body})
    assert rows_of(table, "exporter", "tonnes", "quality") == [
        ("RUS", 600.0, "estimate"),
        ("UKR", 70.0, "estimate"),
    ]
    assert [ref.year for ref in found.rows] == [2021, 2022]
    assert list(found.rows.values()) == [1, 2]


# --- Eurostat --------------------------------------------------------------------------------

BULK = (
    "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,PRODUCT_SITC,PRODUCT_CPA21,PRODUCT_CPA22,PRODUCT_BEC,"
    "PRODUCT_BEC5,PRODUCT_SECTION,FLOW,STAT_PROCEDURE,SUPPL_UNIT,PERIOD,VALUE_EUR,VALUE_NAC,"
    "QUANTITY_KG,QUANTITY_SUPPL_UNIT\n"
)


def comext(
    partner: str, product: str, kg: object, eur: object = 100, period: int = 202252, flow: int = 1
) -> str:
    return (
        f"DE,{partner},E,{product},33300,0610,0610,310,112110,05,{flow},1,NO_SU,{period},{eur},"
        f"{eur},{kg},0\n"
    )


def test_eurostat_bulk_file(keep: Keep) -> None:
    """Euros of 2022 at 1.0530 dollars; Greece and Serbia by the Union's own letters."""
    text = BULK + "".join(
        [
            comext("NO", "27090090", 5_000_000, 3_000_000),
            comext("NO", "27090010", 1_000_000, 500_000),
            comext("EL", "27101943", 2_000, 1_000),
            comext("XS", "10019900", 3_000, 1_000, flow=2),
            comext("QZ", "27090090", 4_000, 2_000),
            comext("NO", "27SSS999", 1, 1),
        ]
    )
    found, table = keep("eurostat", {"full_202252.dat": text})
    assert rows_of(table, "commodity", "exporter", "importer", "side", "tonnes", "usd") == [
        ("crude_oil", "NOR", "DEU", "importer", 6_000.0, pytest.approx(3_500_000 * 1.053)),
        ("crude_oil", "R_OTH", "DEU", "importer", 4.0, pytest.approx(2_106)),
        ("refined_products", "GRC", "DEU", "importer", 2.0, pytest.approx(1_053)),
        ("wheat", "DEU", "SRB", "exporter", 3.0, pytest.approx(1_053)),
    ]
    assert found.tally.left_out == {"another commodity": 1}


def test_eurostat_bulk_file_of_before(keep: Keep) -> None:
    head = (
        "DECLARANT,DECLARANT_ISO,PARTNER,PARTNER_ISO,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_REGIME,"
        "SUPP_UNIT,PERIOD,VALUE_IN_EUROS,QUANTITY_IN_KG,SUP_QUANTITY\n"
    )
    rows = (
        "004,DE,0028,NO,E,27090090,1,4,,202203,100,9000,\n"
        "004,DE,0028,NO,E,27090090,1,1,,202203,60,5000,\n"
        "004,DE,0028,NO,E,27090090,1,2,,202203,40,4000,\n"
    )
    _, table = keep("eurostat", {"full202203.dat": head + rows})
    assert rows_of(table, "exporter", "tonnes", "months") == [("NOR", 9.0, 1)]


SDMX = (
    "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,"
    "OBS_FLAG\n"
)


def test_eurostat_sdmx_csv_in_hundreds_of_kilograms(keep: Keep) -> None:
    row = "ESTAT:DS-045409(1.0),16/07/26 11:00:00,M,{},{},{},1,{},2022-04,{},{}\n"
    text = SDMX + "".join(
        [
            row.format("DE", "US", "2709", "QUANTITY_IN_100KG", "123.45", ""),
            row.format("DE", "US", "2709", "VALUE_IN_EUROS", "10000", "e"),
            row.format("DE", "US", "270900", "QUANTITY_IN_100KG", "120", ""),
            row.format("DE", "US", "2709", "SUPPLEMENTARY_QUANTITY", "1", ""),
            row.format("EU27_2020", "US", "2709", "QUANTITY_IN_100KG", "1", ""),
            row.format("DE", "WORLD", "2709", "QUANTITY_IN_100KG", "1", ""),
        ]
    )
    found, table = keep("eurostat", {"ds-045409.csv": text})
    assert rows_of(table, "exporter", "importer", "tonnes", "usd", "quality") == [
        ("USA", "DEU", 12.345, pytest.approx(10_530), "estimate")
    ]
    assert found.tally.left_out == {
        "a part of a row that is kept": 1,
        "another indicator": 1,
        "a group of countries": 2,
    }


def test_eurostat_tsv(keep: Keep) -> None:
    text = (
        "freq,reporter,partner,product,flow,indicators\\TIME_PERIOD\t2021 \t2022 \n"
        "A,NL,QA,271111,1,QUANTITY_IN_100KG\t: \t5000 e\n"
        "A,NL,QA,271111,1,VALUE_IN_EUROS\t10 \t: c\n"
        "A,NL,QA,850110,1,VALUE_IN_EUROS\t10 \t10 \n"
    )
    found, table = keep("eurostat", {"ds-045409.tsv": text})
    assert rows_of(table, "exporter", "importer", "commodity", "tonnes", "usd", "quality") == [
        ("QAT", "NLD", "lng", 500.0, None, "estimate")
    ]
    assert [ref.year for ref in found.rows] == [2021, 2022]


def test_eurostat_without_a_rate_the_value_is_not_known(keep: Keep) -> None:
    text = BULK + comext("NO", "27090090", 5_000, 3_000, period=199952)
    found, table = keep("eurostat", {"full_199952.dat": text}, year=1999)
    assert rows_of(table, "tonnes", "usd") == [(5.0, None)]
    assert found.tally.noted == {"value left out: no exchange rate of its year": 1}


# --- one's own -------------------------------------------------------------------------------


def test_own_table_in_the_headings_of_ours(keep: Keep) -> None:
    text = "importer,commodity,year,origin,quantity_t,value_usd\nCHN,lng,2022,QAT,15.5,\n"
    _, table = keep("own", {"mine.csv": text})
    assert rows_of(table, "exporter", "importer", "side", "tonnes", "usd", "quality") == [
        ("QAT", "CHN", "importer", 15.5, None, "secondary")
    ]


def test_own_table_with_a_bom_semicolons_and_windows_ends(keep: Keep) -> None:
    text = "\ufeffyear;exporter;importer;commodity;tonnes;usd;side;quality\r\n"
    text += "2022;QAT;CHN;lng;15;9;exporter;official\r\n\r\n"
    _, table = keep("own", {"mine.csv": text})
    assert rows_of(table, "exporter", "side", "tonnes", "usd", "quality") == [
        ("QAT", "exporter", 15.0, 9.0, "official")
    ]


COUNTRIES = ("CHN", "IND", "JPN", "QAT", "RUS", "SAU", "USA")
figure = st.one_of(st.none(), st.floats(0, 1e9, allow_nan=False).map(lambda v: round(v, 3)))
trade = st.dictionaries(
    st.tuples(
        st.sampled_from((2021, 2022)),
        st.sampled_from(COUNTRIES),
        st.sampled_from(COUNTRIES),
        st.sampled_from(("crude_oil", "lng", "wheat")),
        st.sampled_from(("importer", "exporter")),
    ).filter(lambda key: key[1] != key[2]),
    st.tuples(figure, figure),
    min_size=1,
)


@settings(max_examples=40)
@given(trade)
def test_what_is_written_down_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    codes: Codes,
    told: dict[tuple[int, str, str, str, str], tuple[float | None, float | None]],
) -> None:
    place = tmp_path_factory.mktemp("own")
    path, kept = place / "mine.csv", Kept(place / "flows")
    told = {key: figures for key, figures in told.items() if figures != (None, None)}
    lines = [
        ",".join([*map(str, key), *("" if f is None else repr(f) for f in figures)])
        for key, figures in told.items()
    ]
    head = "year,exporter,importer,commodity,side,tonnes,usd\n"
    path.write_text(head + "".join(f"{line}\n" for line in lines))
    if not told:
        with pytest.raises(DataError):
            import_files(kept, [path], FORMATS["own"], codes, now=NOW)
        return
    import_files(kept, [path], FORMATS["own"], codes, now=NOW)
    back = pd.concat([kept.read(part).to_pandas() for part in kept.parts()])
    found = {
        (r.year, r.exporter, r.importer, r.commodity, r.side): (
            None if pd.isna(r.tonnes) else r.tonnes,
            None if pd.isna(r.usd) else r.usd,
        )
        for r in back.itertuples()
    }
    assert found == told


rows_of_baci = st.dictionaries(
    st.tuples(
        st.sampled_from((643, 682, 842, 36, 710)),
        st.sampled_from((156, 392, 410)),
        st.sampled_from(("270900", "271111", "100190", "100110", "270112", "999999")),
    ),
    st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)),
    min_size=1,
)


@settings(max_examples=30)
@given(rows_of_baci, st.randoms(use_true_random=False))
def test_sums_do_not_depend_on_the_order_of_rows(
    tmp_path_factory: pytest.TempPathFactory,
    codes: Codes,
    told: dict[tuple[int, int, str], tuple[int, int]],
    lot: object,
) -> None:
    kept_codes = {key for key in told if key[2] != "999999"}
    place = tmp_path_factory.mktemp("baci")
    lines = [f"2022,{i},{j},{k},{v},{q}\n" for (i, j, k), (v, q) in told.items()]
    totals = []
    for _ in range(2):
        lot.shuffle(lines)  # type: ignore[attr-defined]
        (place / BACI).write_text("t,i,j,k,v,q\n" + "".join(lines))
        kept = Kept(place / "flows")
        if not kept_codes:
            with pytest.raises(DataError):
                import_files(kept, [place / BACI], FORMATS["baci"], codes, now=NOW)
            return
        import_files(kept, [place / BACI], FORMATS["baci"], codes, now=NOW, replace=True)
        totals.append(kept.read(kept.parts()[0]))
    assert totals[0].equals(totals[1])
    table = totals[0].to_pandas()
    assert table["tonnes"].sum() == pytest.approx(sum(told[key][1] for key in kept_codes))
    assert table["usd"].sum() == pytest.approx(sum(told[key][0] for key in kept_codes) * 1e3)
    assert totals[0].schema.equals(FLOW)


# --- what people also have -------------------------------------------------------------------


def test_gzip(keep: Keep) -> None:
    _, table = keep("baci", {f"{BACI}.gz": gzip.compress(BACI_TEXT.encode())})
    assert len(table) == 3


def test_several_files_are_read_as_one(keep: Keep) -> None:
    head = "t,i,j,k,v,q\n"
    files: dict[str, str | bytes] = {
        "BACI_HS92_Y2021_V202401b.csv": head + "2021,643,156,270900,1,5\n",
        BACI: head + "2022,643,156,270900,1,6\n",
    }
    found, table = keep("baci", files)
    assert {ref.year: rows for ref, rows in found.rows.items()} == {2021: 1, 2022: 1}
    assert rows_of(table, "tonnes") == [(6.0,)]


def test_the_same_answer_twice_counts_once(keep: Keep) -> None:
    found, table = keep("comtrade", {"a.json": answer({}), "b.json": answer({})})
    assert rows_of(table, "tonnes") == [(86_200_000.0,)]
    assert found.tally.left_out == {"the same row again": 1}


# --- what is wrong is said, with file, row and column ----------------------------------------

HEAD = "t,i,j,k,v,q\n"
GOOD = "2022,643,156,270900,1,5\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", f"{BACI}: is empty"),
        ("t,i,j,k,v\n2022,1,2,3,4\n", f"{BACI} row 1 column q: no such column"),
        (HEAD + GOOD + "2022,643,156\n", f"{BACI} row 3: 3 cells, 6 expected"),
        (
            HEAD + GOOD + '2022,682,156,270900,1,"1,5"\n',
            f"{BACI} row 3 column q: '1,5' is no number: the decimal point must be a point",
        ),
        (HEAD + "2022,643,156,270900,NaN,5\n", f"{BACI} row 2 column v: 'NaN' is no number"),
        (HEAD + "2022,643,156,270900,inf,5\n", f"{BACI} row 2 column v: 'inf' is no number"),
        (HEAD + "2022,643,156,270900,1,-5\n", f"{BACI} row 2 column q: -5 is negative"),
        (
            HEAD + "2022,643,156,270900,1,1e300\n",
            f"{BACI} row 2 column q: 1e300 is more than the world trades",
        ),
        (HEAD + "22,643,156,270900,1,5\n", f"{BACI} row 2 column t: '22' is no year or month"),
        (
            HEAD + GOOD + "2022,643,156,270900,1,6\n",
            f"{BACI} row 3: says otherwise than row 2 of the same trade",
        ),
        (
            "<html><body>not found</body></html>\n",
            f"{BACI} row 1 column t: no such column",
        ),
        ((HEAD + GOOD).encode("utf-16"), f"{BACI}: is text in UTF-16: save it as CSV in UTF-8"),
        (b"t,i,j,k,v,q\n2022,\0\n", f"{BACI}: holds zero bytes: it is no text"),
        (
            HEAD.encode() + b"2022,643,156,27\xff900,1,5\n",
            f"{BACI}: holds bytes that are no UTF-8 among its codes and numbers",
        ),
        (b"7z\xbc\xaf\x27\x1c\0\0", f"{BACI}: is a 7-Zip archive: unpack it first"),
        (b"\x1f\x8b\x08\0\0\0\0\0cut", f"{BACI}: is cut off or damaged"),
        (
            HEAD + "2022,4,8,010121,5,4\n",
            f"{BACI}: holds no trade of the commodities known here "
            "(1 rows read: 1 another commodity)",
        ),
    ],
)
def test_a_bad_file_is_refused_and_nothing_kept(
    keep: Keep, kept: Kept, body: str | bytes, told: str
) -> None:
    assert told in faults_of(lambda: keep("baci", {BACI: body}))
    assert kept.parts() == []
    assert list(kept.folder.glob("*")) == []


def test_a_blank_line_does_not_shift_the_rows(keep: Keep) -> None:
    body = HEAD + GOOD + "\n" + "2022,682,156,270900,x,5\n"
    assert faults_of(lambda: keep("baci", {BACI: body})) == [
        f"{BACI} row 4 column v: 'x' is no number"
    ]


def test_every_bad_number_of_a_chunk_is_named(keep: Keep) -> None:
    body = HEAD + "2022,643,156,270900,x,5\n" + "2022,682,156,270900,y,5\n"
    assert len(faults_of(lambda: keep("baci", {BACI: body}))) == 2


def test_bad_numbers_of_goods_that_are_not_ours_are_nobodys_business(keep: Keep) -> None:
    _, table = keep("baci", {BACI: HEAD + GOOD + "2022,1,2,850110,x,y\n"})
    assert len(table) == 1


def test_a_file_that_is_not_there(kept: Kept, codes: Codes, tmp_path: Path) -> None:
    told = faults_of(lambda: import_files(kept, [tmp_path / BACI], FORMATS["baci"], codes, now=NOW))
    assert told == [f"{BACI}: cannot be read: No such file or directory"]


def test_an_unknown_unit_is_not_guessed(keep: Keep) -> None:
    text = LONG + fao("818", "643", 15, 5610, 5).replace('"t"', '"1000 t"')
    assert faults_of(lambda: keep("faostat", {"m.csv": text})) == [
        "m.csv row 2 column Unit: '1000 t' is no unit of this element"
    ]


@pytest.mark.parametrize(
    ("source", "text", "told"),
    [
        (
            "own",
            "importer,commodity,year,origin,quantity_t\nCHN,lng,2022,QAT,many\n",
            "row 2 column quantity_t: 'many' is no number",
        ),
        (
            "faostat",
            LONG.partition("Year Code")[0] + "Unit,Y2022\n9,'818,A,9,'643,B,15,1,W,5610,I,t,x\n",
            "row 2 column Y2022: 'x' is no number",
        ),
        (
            "eurostat",
            "freq,reporter,partner,product,flow,indicators\\TIME_PERIOD\t2022\n"
            "A,NL,QA,271111,1,QUANTITY_IN_100KG\t1,5\n",
            "row 2 column 2022: '1,5' is no number: the decimal point must be a point",
        ),
        (
            "eurostat",
            BULK + comext("NO", "27090090", "5.000,3"),
            "row 2: 19 cells, 18 expected",
        ),
    ],
)
def test_a_fault_names_the_column_as_the_file_does(
    keep: Keep, source: str, text: str, told: str
) -> None:
    assert faults_of(lambda: keep(source, {"x.csv": text})) == [f"x.csv {told}"]


def test_unknown_countries_are_counted_by_the_files_own_columns(keep: Keep) -> None:
    text = answer({}, {"partnerCode": 777}, {"reporterCode": 778, "flowCode": "X"})
    found, _ = keep("comtrade", {"a.json": text})
    assert found.tally.unknown == {("partnerCode", "777"): 1, ("reporterCode", "778"): 1}


def test_a_mistyped_commodity_of_ones_own(keep: Keep) -> None:
    text = "year,exporter,importer,commodity,tonnes\n2022,QAT,CHN,lngg,15\n"
    assert faults_of(lambda: keep("own", {"mine.csv": text})) == [
        "mine.csv row 2 column commodity: 'lngg' is not known; did you mean lng?"
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"statusCode": 401, "message": "Access denied"}', "a.json: holds no records"),
        ('{"data": [], "count": 0}', "a.json: holds no records"),
        (answer({})[:-40], "a.json row 1: is cut off, or no record of JSON"),
        (answer({}, {})[:-40], "a.json row 2: is cut off, or no record of JSON"),
        (answer({"netWgt": "much"}), "a.json row 1 column netWgt: 'much' is no number"),
        ('{"data": [{"period": 2022}]}', "a.json row 1 column cmdCode: no such column"),
    ],
)
def test_a_bad_answer_is_refused(keep: Keep, body: str, told: str) -> None:
    assert told in faults_of(lambda: keep("comtrade", {"a.json": body}))


def test_files_of_two_vintages_at_once(keep: Keep) -> None:
    files = {BACI: HEAD + GOOD, "BACI_HS92_Y2021_V202301.csv": HEAD}
    with pytest.raises(UsageError, match="two vintages at once: V202301 and V202401b"):
        keep("baci", files)


WHOLE = {
    "baci": BACI_TEXT.encode(),
    "comtrade": answer({}, {"partnerCode": 682}).encode(),
    "faostat": (LONG + fao("818", "643", 15, 5610, 5)).encode(),
    "eurostat": (BULK + comext("NO", "27090090", 5_000)).encode(),
    "own": b"year,exporter,importer,commodity,tonnes\n2022,QAT,CHN,lng,15\n",
}


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(WHOLE)),
    st.one_of(st.binary(max_size=6), st.sampled_from([b",", b'"', b"\n", b"-", b"e9", b"\r"])),
    st.integers(0, 10_000),
    st.integers(0, 20),
)
def test_a_file_damaged_anywhere_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory,
    codes: Codes,
    source: str,
    put: bytes,
    at: int,
    cut: int,
) -> None:
    place = tmp_path_factory.mktemp("damaged")
    body = WHOLE[source]
    at %= len(body)
    path = place / f"{source}.csv"
    path.write_bytes(body[:at] + put + body[at + cut :])
    kept = Kept(place / "flows")
    try:
        found = import_files(kept, [path], FORMATS[source], codes, now=NOW)
    except CorridorsError:
        found = None
    assert bool(kept.parts()) == (found is not None)


# --- bounds ----------------------------------------------------------------------------------


def bomb(inside: bytes, times: int) -> bytes:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(BACI, "w") as one,
    ):
        one.write(HEAD.encode())
        for _ in range(times):
            one.write(inside)
    return made.getvalue()


def test_a_zip_that_unpacks_without_end_is_stopped(keep: Keep) -> None:
    rows = b"2022,1,1,1,1,1\n" * 70_000
    packed = bomb(rows, 80)
    assert len(packed) < 500_000
    told = faults_of(lambda: keep("baci", {"bomb.zip": packed}))
    assert told == [f"bomb.zip/{BACI}: unpacks to more than 250 times its size: that is no table"]


def test_a_line_without_end_is_stopped(keep: Keep) -> None:
    body = HEAD.encode() + b"2" * (20 << 20)
    told = faults_of(lambda: keep("baci", {BACI: body}))
    assert told == [f"{BACI}: holds a line longer than 8 MB"]


def test_a_record_without_end_is_stopped(keep: Keep) -> None:
    body = '{"data": [{"period": "' + "2" * (5 << 20)
    told = faults_of(lambda: keep("comtrade", {"a.json": body}))
    assert told == ["a.json row 1: is no record of JSON"]


def test_a_year_of_too_many_rows_is_refused(
    keep: Keep, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.flows.importing.MOST_ROWS", 2)
    told = faults_of(lambda: keep("baci", {BACI: BACI_TEXT}))
    assert told == [f"{BACI}: holds more than 2 rows of 2022: that is no trade of a year"]
    assert list(kept.folder.glob("*")) == []


def test_a_locked_archive_says_so(keep: Keep) -> None:
    packed = bytearray(bomb(b"", 0))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(magic) + at] |= 1
    told = faults_of(lambda: keep("baci", {"x.zip": bytes(packed)}))
    assert "cannot be unpacked" in told[0]


def test_a_workbook_is_told_what_to_become(keep: Keep, tmp_path: Path) -> None:
    pd.DataFrame({"t": [1]}).to_excel(tmp_path / "book.xlsx")
    body = (tmp_path / "book.xlsx").read_bytes()
    told = faults_of(lambda: keep("baci", {"book.xlsx": body}))
    assert told == ["book.xlsx: holds no table of baci; a workbook must be saved as CSV"]


def test_chunks_do_not_change_what_is_read(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"2022,{i},156,270900,{i},{i}\n" for i in (643, 682, 842, 36, 710, 784, 368)]
    _, whole = keep("baci", {BACI: HEAD + "".join(lines)})
    monkeypatch.setattr("layers.flows.reading.BLOCK_BYTES", 64)
    _, parts = keep("baci", {BACI: HEAD + "".join(lines)}, replace=True)
    pd.testing.assert_frame_equal(whole, parts)
    body = HEAD + "".join(lines) + "2022,414,156,270900,x,1\n"
    told = faults_of(lambda: keep("baci", {BACI: body}, replace=True))
    assert told == [f"{BACI} row 9 column v: 'x' is no number"]


# --- the tables behind it ---------------------------------------------------------------------


def test_every_country_and_code_of_the_tables_has_its_place(codes: Codes) -> None:
    from layers.world import load_world

    world = load_world()
    own = set(world.countries["country"]) - {"EU27"}
    for scheme in ("m49", "iso2"):
        assert own <= set(codes.areas[scheme].values()), scheme
    assert own <= set(codes.areas["iso3"])
    for commodity, cell in zip(
        world.commodities["commodity"], world.commodities["hs"], strict=True
    ):
        for hs in cell.split(";"):
            good = codes.good("hs", hs)
            assert good is not None
            assert codes.commodities[good.commodity] == commodity


def test_codes_of_countries_agree_with_our_own_letters(codes: Codes) -> None:
    from layers.world import load_world

    countries = load_world().countries
    for country, iso2 in zip(countries["country"], countries["iso2"], strict=True):
        if iso2 and country != "EU27":
            assert codes.areas["iso2"][iso2] == country


@pytest.mark.parametrize(
    ("scheme", "code", "commodity"),
    [
        ("hs", "270900", "crude_oil"),
        ("hs", "27101943", "refined_products"),
        ("hs", "271113", "lpg"),
        ("hs", "271119", None),
        ("hs", "27", None),
        ("hs", "TOTAL", None),
        ("fao", "236", "soybeans"),
        ("fao", "2555", None),
    ],
)
def test_which_commodity_a_code_is(
    codes: Codes, scheme: str, code: str, commodity: str | None
) -> None:
    good = codes.good(scheme, code)
    assert (codes.commodities[good.commodity] if good else None) == commodity


def test_formats_are_named_and_licensed() -> None:
    names: Sequence[str] = list(FORMATS)
    assert names == ["baci", "comtrade", "faostat", "eurostat", "own"]
    assert all(format.publisher and format.licence and format.units for format in FORMATS.values())
