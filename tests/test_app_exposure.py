from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import corridors
from corridors.metrics import KINDS
from corridors.ui import colours, now
from corridors.ui.answer import Question
from corridors.ui.exposure import model, sankey, spread, views
from corridors.ui.exposure.model import Filters, compared, filtered, with_risk, years_said
from corridors.ui.words import LANGUAGES, word
from tests.serving import PATIENCE_S, settled, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from layers.world import World

ROOT = Path(__file__).resolve().parent.parent
PAGE = "corridors/ui/pages/exposure.py"
OIL, JAPAN = Question("CHN", "crude_oil"), Question("JPN", "lng")
HOSTILE = "<img src=x onerror=window.hit=1>"


@pytest.fixture(autouse=True)
def no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the store of whoever runs the tests out of them."""
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "none.duckdb"))


def opened(**query: str) -> AppTest:
    """Return the page as it stands after a first visit with this link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(PAGE)
    return app.run()


def written(app: AppTest) -> str:
    """Return all that the page wrote as HTML."""
    assert not app.exception
    return "\n".join(element.proto.body for element in app.get("html"))


def headline(app: AppTest) -> str:
    found = re.search(r'<p class="cx-verdict"[^>]*>(.*?)</p>', written(app))
    assert found is not None
    return unescape(found.group(1))


def grid(app: AppTest) -> pd.DataFrame:
    """Return the exposure table as shown."""
    shown: pd.DataFrame = app.dataframe[0].value
    return shown


def asked_in_link(app: AppTest) -> dict[str, str]:
    return {k: v if isinstance(v, str) else v[0] for k, v in app.query_params.items()}


def rows(*parts: tuple[str, float, float, float, float]) -> pd.DataFrame:
    """Return an exposure table; parts are (id, share, low, high, tonnes)."""
    columns = ["id", "share", "share_low", "share_high", "quantity_t"]
    table = pd.DataFrame(list(parts), columns=columns)
    return table.assign(
        element="chokepoint:" + table["id"],
        name_en="Strait of " + table["id"].str.upper(),
        name_zh="海峡",
        commodity="crude_oil",
        quality="estimate",
        data_years="2024",
        sources="by hand",
    )


# ---- tables


def test_filters_keep_the_share_the_quality_and_the_name_asked_for() -> None:
    table = rows(("a", 0.5, 0.4, 0.6, 5.0), ("b", 0.1, 0.0, 0.2, 1.0))
    table["quality"] = ["memory", "official"]
    assert filtered(table, Filters())["id"].tolist() == ["a", "b"]
    assert filtered(table, Filters(least=0.2))["id"].tolist() == ["a"]
    assert filtered(table, Filters(quality="secondary"))["id"].tolist() == ["b"]
    assert filtered(table, Filters(find=" strait OF b "))["id"].tolist() == ["b"]
    assert len(filtered(table, Filters(find="海峡"))) == 2
    assert filtered(table, Filters(find="chokepoint")).empty  # the kind is no name
    assert filtered(table, Filters(find=".*")).empty  # text, not a pattern


def test_comparison_has_differences_where_both_are_known_and_no_zeros_elsewhere() -> None:
    one = rows(("a", 0.5, 0.45, 0.55, 5.0), ("b", 0.3, 0.2, 0.4, 3.0))
    other = rows(("a", 0.2, 0.1, 0.3, 4.0), ("c", 0.1, 0.0, 0.2, 2.0))
    table = compared(one, other).set_index("element")
    both, only_one, only_other = (table.loc[f"chokepoint:{id}"] for id in "abc")
    assert math.isclose(both["share_difference"], -0.3)
    assert math.isclose(both["quantity_difference_t"], -1.0)
    assert both["ranges"] == "apart"
    assert (both["where"], only_one["where"], only_other["where"]) == ("both", "one", "other")
    assert math.isnan(only_one["share_b"])
    assert math.isnan(only_one["share_difference"])
    assert math.isnan(only_other["share_a"])
    assert only_other["ranges"] == ""


def test_comparison_with_itself_differs_by_nothing() -> None:
    one = rows(("a", 0.5, 0.45, 0.55, 5.0))
    same = compared(one, one).iloc[0]
    assert same["share_difference"] == 0
    assert same["ranges"] == "overlap"


def test_risk_stands_beside_and_missing_is_not_zero() -> None:
    table = rows(("a", 0.5, 0.4, 0.6, 5.0), ("b", 0.1, 0.0, 0.2, 1.0))
    risk = pd.DataFrame(
        {"threat": [0.4], "threat_state": ["active"], "disruption_30d": [0.1], "top": ["x"]},
        index=["chokepoint:a"],
    )
    beside = with_risk(table, risk)
    assert beside["threat"].tolist()[0] == 0.4
    assert math.isnan(beside["threat"].tolist()[1])
    assert beside["threat_state"].tolist() == ["active", "not_covered"]
    assert beside["observed"].isna().all()


def test_years_said() -> None:
    assert years_said(pd.DataFrame({"data_years": ["2023-2024", "2022"]})) == "2022–2024"
    assert years_said(pd.DataFrame({"data_years": ["2024", "2024"]})) == "2024"


def test_parts_behind_every_row_add_up_to_it(world: World) -> None:
    table = model.table_of(world.digest, OIL, "chokepoint")
    assert table is not None
    for element, tonnes in zip(table["element"][:5], table["quantity_t"][:5], strict=True):
        behind = model.proof_of(world.digest, OIL, element)
        assert math.isclose(behind["quantity_t"].sum(), tonnes, rel_tol=1e-9)
        assert (behind["source"] != "").all()
        assert (behind["source_row"] >= 2).all()


def test_ways_add_up_to_imports_and_pass_what_decides(world: World) -> None:
    trade = model.trade_of(world.digest, OIL)
    assert trade is not None
    ways = model.ways_of(world.digest, OIL)
    assert math.isclose(ways["quantity_t"].sum(), float(trade["flow_t"].sum()), rel_tol=1e-6)
    spread_of = corridors.concentration(trade, world, importer="CHN").iloc[0]
    passages = ways[ways["through"].str.contains(":")].groupby("through")["quantity_t"].sum()
    rest = ways.loc[~ways["through"].str.contains(":"), "quantity_t"].sum()
    # The same split as in the HHI of corridors, where each way without a passage stands alone.
    total = ways["quantity_t"].sum()
    known = float(((passages / total) ** 2).sum())
    assert known <= spread_of["hhi_corridors"] <= known + (rest / total) ** 2 + 1e-9


def test_several_elements_are_counted_once(world: World) -> None:
    pair = ("chokepoint:malacca", "chokepoint:hormuz")
    found = model.once_of(world.digest, OIL, pair).iloc[0]
    table = model.table_of(world.digest, OIL, "chokepoint")
    assert table is not None
    share = table.set_index("element")["share"]
    assert math.isclose(found["sum_share"], share[list(pair)].sum(), rel_tol=1e-9)
    assert share[list(pair)].max() <= found["share"] < found["sum_share"]


def test_trade_is_computed_once_for_all_readers(world: World) -> None:
    first = model.trade_of(world.digest, OIL)
    assert model.trade_of(world.digest, Question("CHN", "crude_oil")) is first


# ---- drawings


WAYS = pd.DataFrame(
    [("AAA", "chokepoint:x", 60.0), ("BBB", "chokepoint:x", 20.0), ("CCC", "sea", 15.0)]
    + [(f"D{i}", f"pipeline:{i}", 1.0) for i in range(5)],
    columns=["origin", "through", "quantity_t"],
)


def test_largest_stand_alone_and_the_rest_together() -> None:
    kept = sankey.gathered(WAYS, origins=3, passages=2)
    assert sankey.ordered(kept, "origin") == ["AAA", "BBB", "CCC", sankey.REST]
    assert sankey.ordered(kept, "through") == ["chokepoint:x", "sea", sankey.REST]
    assert kept["quantity_t"].sum() == WAYS["quantity_t"].sum()


def test_one_left_over_keeps_its_name() -> None:
    kept = sankey.gathered(WAYS.head(4), origins=3, passages=2)
    assert sankey.REST not in set(kept["origin"]) | set(kept["through"])


def test_flow_drawing_escapes_every_name() -> None:
    ids = [f"origin:{o}" for o in WAYS["origin"]] + [f"through:{t}" for t in WAYS["through"]]
    tints = dict.fromkeys(WAYS["through"], "#123456")
    names = dict.fromkeys(ids, HOSTILE)
    drawn = sankey.picture(WAYS, names, names, tints)
    assert "<img" not in drawn
    assert drawn.count("clip-path") == len(WAYS)


def test_concentration_in_words() -> None:
    assert spread.equal(9.22, "origins", "en") == "9.2 equal origins"
    assert spread.equal(1.0, "corridors", "en") == "a single passage"
    assert spread.equal(math.nan, "origins", "en") == "an unknown number"


def test_concentration_chart_says_what_it_shows() -> None:
    row = {"commodity": "x", "equal_origins": 5.0, "equal_corridors": math.nan}
    for which, value in (("origins", 0.2), ("corridors", math.nan)):
        row |= {f"hhi_{which}": value, f"hhi_{which}_low": value, f"hhi_{which}_high": value}
    drawn = spread.chart(pd.DataFrame([row]), {"x": HOSTILE}, colours.LIGHT, "en")
    assert "<img" not in drawn
    assert "5.0 equal origins" in drawn
    assert "nan" not in drawn.lower()


# ---- the page, without a browser


def test_default_view() -> None:
    app = opened()
    assert "crude oil imported by China in 2024" in headline(app)
    assert len(grid(app)) > 10
    assert "of 27 rows" in written(app) or " rows · filters: none" in written(app)
    assert grid(app)["share"].is_monotonic_decreasing
    assert set(asked_in_link(app)) <= {"lang", "beside"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_link_restores_the_view(lang: str) -> None:
    asked = {"importer": "JPN", "commodity": "lng", "by": "corridor", "lang": lang}
    asked |= {"least": "0.01", "grade": "estimate", "show": "compare", "against": "KOR"}
    app = opened(**asked)
    assert app.selectbox(key="least").value == 0.01
    assert app.selectbox(key="against").value == "KOR"
    assert (grid(app)["share"] >= 1).all()
    assert {k: v for k, v in asked_in_link(app).items() if k in asked} == asked


def test_link_restores_the_row_explained() -> None:
    app = opened(row="chokepoint:hormuz")
    assert "Strait of Hormuz: " in written(app)
    assert "flows below add up to it" in written(app)
    proof = app.dataframe[1].value
    assert {"source", "source_row", "data_year"} <= set(proof.columns)
    assert "Saudi Arabia" in set(proof["origin"])


def test_a_row_leads_to_the_map_with_its_element_chosen() -> None:
    app = opened(row="chokepoint:hormuz", importer="JPN")
    app.session_state["element"] = "chokepoint:suez"  # chosen on the map before
    app.button(key="to_map").click().run()
    assert not app.exception
    assert app.selectbox(key="element").value == "chokepoint:hormuz"
    link = asked_in_link(app)
    assert (link["element"], link["importer"]) == ("chokepoint:hormuz", "JPN")


def test_a_row_leads_to_what_follows_if_it_closes() -> None:
    app = opened(row="chokepoint:hormuz", importer="JPN")
    app.button(key="to_whatif").click().run()
    assert "Strait of Hormuz closed" in written(app)
    assert "Japan" in headline(app)
    assert asked_in_link(app)["rule"] == "chokepoint:hormuz~l1"


@pytest.mark.parametrize(
    ("by", "offered"),
    [("origin", set()), ("corridor", {"to_map"}), ("pipeline", {"to_map", "to_whatif"})],
)
def test_a_row_leads_only_where_there_is_something(
    world: World, by: str, offered: set[str]
) -> None:
    table = model.table_of(world.digest, OIL, by)
    assert table is not None
    app = opened(by=by, row=table["element"].iloc[0])
    assert "flows below add up to it" in written(app)
    assert {b.key for b in app.button if b.key in ("to_map", "to_whatif")} == offered


def test_publishers_are_named_once_and_without_their_editions() -> None:
    said = "FAOSTAT Detailed Trade Matrix, item Maize | CEPII BACI HS22 V202601 (https://x.y)"
    assert model.publishers(f"{said} | CEPII BACI HS92 V202601") == "FAOSTAT · CEPII BACI"


def test_link_restores_what_is_counted_together() -> None:
    together = "chokepoint:malacca,chokepoint:hormuz"
    app = opened(show="once", together=together)
    assert app.multiselect(key="together").value == together.split(",")
    assert "each cargo counted once" in written(app)
    assert asked_in_link(app)["together"] == together


def test_hostile_link_shows_as_text() -> None:
    app = opened(find=HOSTILE, row=HOSTILE, together=HOSTILE, show="once", against=HOSTILE)
    assert "<img" not in written(app)
    assert "&lt;img" in written(app)
    assert not app.info  # a frame that would read Markdown


def test_filters_that_leave_nothing_say_so_and_can_be_reset() -> None:
    app = opened(find="no such strait")
    assert "passes the filters" in written(app)
    app.button[0].click().run()
    assert app.text_input(key="find").value == ""
    assert len(grid(app)) > 10


def test_all_commodities_have_their_own_rows(world: World) -> None:
    app = opened(every="True", show="spread")
    mine = world.flows[(world.flows["importer"] == "CHN") & (world.flows["base"] == 1)]
    count = mine["commodity"].nunique()
    assert f"{count} commodities imported by China" in headline(app)
    assert grid(app)["commodity"].nunique() == count - 1  # gas by pipeline passes no chokepoint
    assert "equal origins" in written(app)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_element(kind: str) -> None:
    app = opened(by=kind, commodity="soybeans")
    assert not app.exception
    if app.session_state["by"] in ("chokepoint", "port", "origin", "corridor"):
        assert len(grid(app))


@pytest.mark.parametrize("show", views.VIEWS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_view_draws_in_every_language(show: str, lang: str) -> None:
    app = opened(show=show, lang=lang, importer="JPN", commodity="lng", against="KOR")
    seen = {
        "ways": word("x_key_chokepoint", lang),
        "spread": word("x_hhi_origins", lang),
        "compare": word("x_compare_note", lang),
        "once": "%",
    }
    assert seen[show] in written(app)


def test_no_imports_is_a_sentence() -> None:
    app = opened(importer="ISL", commodity="pipeline_gas")
    assert not app.exception
    assert "no imports of pipeline gas" in headline(app)
    assert "In the data for Iceland in 2024: " in written(app)
    assert not app.dataframe


def test_comparison_with_itself_asks_for_another() -> None:
    app = opened(show="compare", against="CHN")
    assert word("x_same", "en") in written(app)


def test_comparison_with_no_imports_is_no_zero() -> None:
    app = opened(commodity="pipeline_gas", show="compare", against="JPN")
    assert "That is not a zero" in written(app)


@pytest.fixture
def some_risk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a store that knows of Hormuz alone, by a hostile title."""
    risk = pd.DataFrame({"element": world.elements()}).set_index("element")
    risk = risk.assign(
        **{"threat": math.nan, "threat_state": "not_covered", "threat_age_d": math.nan},
        **{"observed": math.nan, "observed_age_d": math.nan, "disruption_30d": math.nan},
        **{"closure_d_y": math.nan, "top": ""},
    )
    risk.loc["chokepoint:hormuz", ["threat", "threat_age_d"]] = [0.4, 0.5]
    risk.loc["chokepoint:hormuz", ["threat_state", "top"]] = ["active", HOSTILE]
    known = SimpleNamespace(risk=risk, stored=True, fault="")
    monkeypatch.setattr(now, "known", lambda world: known)


@pytest.mark.usefixtures("some_risk")
def test_risk_stands_beside_with_state_and_age() -> None:
    app = opened(beside="True", row="chokepoint:hormuz")
    table = grid(app).set_index("name")
    assert table.loc["Strait of Hormuz", "threat_state"] == "active · 12 h"
    assert table.loc["Strait of Malacca", "threat_state"] == "not covered"
    assert math.isnan(table.loc["Strait of Malacca", "threat"])
    assert "not an official warning" in written(app)
    assert "26 of 27 rows are covered by no feed" in written(app)
    assert "<img" not in written(app)
    assert "&lt;img" in written(app)  # the title behind the threat, as text


@pytest.mark.usefixtures("some_risk")
def test_origins_have_no_risk_of_their_own() -> None:
    app = opened(beside="True", by="origin")
    assert "threat" not in grid(app)
    assert word("x_risk_origin", "en") in written(app)


# ---- the page, in a browser


@pytest.fixture
def page(chromium: str, streamlit_server: str) -> Iterator[Page]:
    """Yield the page in a watched browser."""
    with watched(chromium, streamlit_server, 1200, 900) as view:
        view.goto(f"{streamlit_server}/exposure?row=chokepoint:hormuz&beside=False")
        yield view


def downloaded(page: Page, format: str) -> bytes:
    with page.expect_download() as download:
        page.locator(".st-key-downloads_table").get_by_role(
            "button", name=format, exact=True
        ).click()
    stem = f"exposure_IND_crude_oil_2024_chokepoint.{format.lower()}"
    assert download.value.suggested_filename == stem.replace("geopackage", "gpkg")
    return Path(download.value.path()).read_bytes()


@pytest.mark.browser
def test_importer_changes_files_download_and_the_link_restores(page: Page) -> None:
    page.locator(".cx-verdict", has_text="China").wait_for()
    settled(page)
    page.get_by_role("combobox").first.click()
    page.keyboard.type("India")
    page.keyboard.press("Enter")
    page.locator(".cx-verdict", has_text="India").wait_for()
    settled(page)
    assert "importer=IND" in page.url
    assert "row=chokepoint%3Ahormuz" in page.url
    table = pd.read_csv(io.BytesIO(downloaded(page, "CSV")), encoding="utf-8-sig")
    assert set(table["importer"]) == {"IND"}
    assert table["sources"].str.len().gt(0).all()
    book = pd.read_excel(io.BytesIO(downloaded(page, "XLSX")), sheet_name=None)
    assert len(book[next(iter(book))]) == len(table)
    assert "India" in book["about"]["note"].iloc[0]
    assert "licence" in book["sources"]
    assert len(pd.read_parquet(io.BytesIO(downloaded(page, "Parquet")))) == len(table)
    for format, key in (("GeoJSON", "features"), ("JSON", "rows")):
        body = json.loads(downloaded(page, format))
        assert len(body[key]) == len(table)
        assert body["sources"]
        assert "India" in body["note"]
    assert downloaded(page, "GeoPackage")[:6] == b"SQLite"
    page.reload()
    page.locator(".cx-verdict", has_text="India").wait_for()
    settled(page)
    assert "Strait of Hormuz: " in page.inner_text("body")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_flow_is_painted_in_both_themes(page: Page, scheme: str) -> None:
    from PIL import Image

    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.get_by_text("中文", exact=True).click()
    flow = page.locator(".cx-flow")
    flow.filter(has_text="俄罗斯").wait_for()
    settled(page)
    flow.scroll_into_view_if_needed()
    shot = Image.open(io.BytesIO(flow.screenshot())).convert("RGB")
    assert len(shot.getcolors(1 << 20) or []) > 200
    assert "Russia" not in flow.inner_text()
