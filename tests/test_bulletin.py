"""Bulletins: one warning in the words of five readers and two languages."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.risk.alert import Alert, Impact, Level, Message, Status
from corridors.risk.bulletin import (
    PIPS,
    READERS,
    Bulletin,
    Context,
    Incident,
    Way,
    bulletin,
    surrounded,
)
from corridors.risk.bulletin.briefing import lines, spoken
from corridors.risk.bulletin.surroundings import (
    area,
    countries_near,
    line,
    middle,
    neighbours,
    site,
)
from corridors.risk.bulletin.words import LANGUAGES, WORDS, authority, figure, moment, told, word
from corridors.risk.levels import Reason
from layers.errors import UnknownIdError, UsageError
from layers.geo import distance_km
from layers.tables import LEVELS, PHASES

if TYPE_CHECKING:
    from layers.world import World

NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)
PETROLINE = Way(("pipeline:east_west_petroline", "chokepoint:bab_el_mandeb"), 9.5, 6.2)
CONTEXT = Context(
    landings={"port:CNNGB": 5.1e7, "port:CNTAO": 6.1e7},
    next_best=(PETROLINE,),
    incidents=(
        Incident("Tanker hit", "UKMTO", datetime(2026, 4, 18, tzinfo=UTC), "Fujairah"),
        Incident("Seen by a guard", "guard", visibility="private"),
    ),
    war_risk_pct=1.5,
)
MAKER = Callable[..., Alert]


def text(found: Bulletin) -> str:
    """Return all a bulletin says."""
    head = [found.headline, found.grade, found.reference, found.title, *found.notes]
    heads = [s.heading for s in found.sections]
    return "\n".join([*head, *heads, *lines(found.sections, found.lang)])


def facts(found: Bulletin, key: str = "meaning") -> dict[str, str]:
    return {row.name: row.text for row in found.section(key).rows}


def deeds(found: Bulletin) -> dict[str, list[str]]:
    return {p.key: [row.text for row in p.rows] for p in found.section("actions").parts}


def written(world: World, alert: Alert, reader: str, lang: str = "en", **more: Any) -> Bulletin:
    return bulletin(alert, reader, lang, world, **{"context": CONTEXT, "now": NOW, **more})


# --- the words -----------------------------------------------------------------------------


def test_every_word_has_the_same_braces_in_every_language() -> None:
    for key, columns in WORDS.items():
        assert len(columns) == len(LANGUAGES), key
        braces = [{f for _, f, _, _ in string.Formatter().parse(c) if f} for c in columns]
        # A Chinese sentence may leave out what an English one has to say twice, never add.
        assert braces[1] <= braces[0], key


def test_chinese_words_hold_no_english_and_never_claim_to_be_a_warning() -> None:
    for key, (_, zh) in WORDS.items():
        assert not re.search(r"[A-Za-z]", re.sub(r"\{\w+\}", "", zh)), key
        assert "警报" not in zh, key
    assert [k for k, (_, zh) in WORDS.items() if "预警" in zh] == ["reference"]


def test_every_reason_has_a_word() -> None:
    assert {f"reason_{reason.name}" for reason in Reason} <= set(WORDS)


def test_an_unknown_word_or_language_is_named() -> None:
    with pytest.raises(UnknownIdError, match="word"):
        word("nothing", "en")
    with pytest.raises(UnknownIdError, match="language"):
        word("what", "fr")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(nan, "not known"), (0, "0"), (0.04, "< 0.1"), (9.5, "9.5"), (9.0, "9"), (9.96, "10")],
)
def test_figures(value: float, shown: str) -> None:
    assert figure(value, "en") == shown


def test_moments_name_their_zone() -> None:
    assert moment(NOW, "en") == "2026-04-23 06:00 UTC"
    assert moment(NOW, "zh") == "2026年4月23日14:00（北京时间）"
    assert moment(datetime(2026, 12, 31, 20, tzinfo=UTC), "zh").startswith("2027年1月1日04:00")


def test_text_from_outside_is_one_clean_line() -> None:
    assert told("a\x00\nb\u202ec\u200b d\ufffe") == "a b c d"
    assert told("<script>=cmd|") == "<script>=cmd|"
    assert len(told("x" * 10_000)) == 600


# --- the table of actions --------------------------------------------------------------------


def test_actions_are_many_and_whole(world: World) -> None:
    table = world.actions
    assert len(table) >= 60
    for reader in READERS:
        mine = table[table["reader"] == reader]
        assert set(mine["phase"]) == set(PHASES), reader
        assert set(mine.loc[mine["phase"] == "monitor", "level"]) >= {"blue"}, reader
    assert table["text_zh"].str.fullmatch(r".*[\u4e00-\u9fff].*。").all()
    assert not table["text_zh"].str.contains("警报").any()
    assert not table["text_en"].duplicated().any()


def test_actions_name_only_what_is_filled_in_and_only_where_it_is_known(world: World) -> None:
    needed = {"next_best": "next_best", "more": "next_best", "ports": "landings"}
    for row in world.actions.to_dict("records"):
        for column in ("text_en", "text_zh"):
            parts = {f for _, f, _, _ in string.Formatter().parse(row[column]) if f}
            assert parts <= {"element", "commodity", "importer", *needed}, row["action"]
            assert {needed[p] for p in parts & set(needed)} <= {row["needs"]}, row["action"]


def test_actions_grow_with_the_level(world: World, make_warning: MAKER) -> None:
    for reader in READERS:
        counts = [
            sum(map(len, deeds(written(world, make_warning(level=Level[name]), reader)).values()))
            for name in LEVELS
        ]
        assert counts == sorted(counts)
        assert 0 < counts[0] < counts[-1]


def test_nothing_impossible_is_advised(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    with_way = "\n".join(lines([written(world, alert, "enterprise").section("actions")], "en"))
    assert "Send new cargo by East–West Crude Pipeline (Petroline), Bab el-Mandeb" in with_way
    for ways in ((), (Way(("chokepoint:hormuz", "chokepoint:lombok"), 1.0, 1.0),)):
        context = Context(next_best=ways)
        without = text(written(world, alert, "enterprise", context=context))
        assert "Send new cargo" not in without
        assert "Next best way: not known" in without
    empty = replace(alert.impact, cover_days=nan)
    bare = written(world, replace(alert, impact=empty), "central_agency")
    assert "draw of stocks" not in text(bare)
    assert "Stock cover: not known" in text(bare)


@pytest.mark.parametrize(
    ("element", "commodity", "wanted", "unwanted"),
    [
        ("chokepoint:panama", "crude_oil", "Book the transit early", "wagons"),
        ("railway:china_laos", "maize", "wagons", "Book the transit"),
        ("pipeline:east_west_petroline", "crude_oil", "Settle with the operator", "war risk cover"),
        ("port:SARTA", "crude_oil", "berthing plan", "wagons"),
        ("chokepoint:suez", "wheat", "Book storage", "stocks at the plant"),
        ("chokepoint:suez", "potash", "List cargo under way", "Book storage"),
    ],
)
def test_actions_fit_the_place_and_the_cargo(
    world: World, make_warning: MAKER, element: str, commodity: str, wanted: str, unwanted: str
) -> None:
    alert = make_warning(element=element, commodity=commodity)
    found = lines([written(world, alert, "enterprise").section("actions")], "en")
    assert any(wanted in deed for deed in found)
    assert not any(unwanted in deed for deed in found)


# --- what each reader is told ----------------------------------------------------------------

GOLDEN = """\
霍尔木兹海峡通行风险提示：中国原油进口参考等级红色（新增）
参考等级：红色（四档中第4档）
基本情况
对外宣布开放（coast state，2026年4月1日）；\
实际观测日均通行8艘次，同期常值89艘次；数据截至2026年4月20日。
数据所及最近7日载重吨为同期常值的7%。
通行量自2026年3月1日起异常下降。
可能性研判
很可能：7日载重吨降至同期常值75%以下的概率，14天内为87%，30天内为93%。
对贵方的影响
测算前提：此处通行量减少92%，持续30天
受影响份额：40%
预计延误：9.5天
增加成本：每吨6.2美元
次优路线：经东西原油管道(沙特)、曼德海峡：航程增加9.5天、每吨增加6.2美元
无替代通道：每年1.9亿吨
战争险附加费：船舶价值的1.5%
建议措施
监测：梳理未来60天途经霍尔木兹海峡的在途货物和合同。
监测：向保险人询问战争险费率及报价有效期。
准备：就经东西原油管道(沙特)、曼德海峡改道提前询价、落实运力，航程增加9.5天、每吨增加6.2美元。
准备：核对战争险、绕航和不可抗力条款，掌握通知期限。
准备：在库容允许范围内提高厂内库存。
准备：部分货物无替代通道，提前安排降负荷生产。
处置：新签货物改经东西原油管道(沙特)、曼德海峡，已通过船舶按原计划航行。
处置：授权船长视情等待或返航，未落实保险、未经船员同意不得进入。
处置：及时向客户和主管部门通报延误数量和预计时间。
有效期与联系方式
发出时间：2026年4月23日13:00（北京时间）
有效期至：2026年4月24日01:00（北京时间）
知悉范围：公开
联系方式：[航运与安全值班，电话]
研判依据
通行监测（IMF PortWatch，2026年4月20日）：原文：Eight ships a day.
资料来源与数据时效
通行数据时效：截至2026年4月20日，成文时已有3天
数据版本：2026-04-20
规则版本：2026-11
编号：W-1
措施参考：《业务连续性管理体系要求》（ISO 22301）；伦敦保险市场联合战争委员会列示区域惯例；\
本项目整理；波罗的海国际航运公会战争险条款（CONWARTIME、VOYWAR）；\
商务部《对外投资合作境外安全风险预警和信息通报制度》（2010年）"""


def test_a_whole_bulletin_in_chinese(world: World, make_warning: MAKER) -> None:
    found = written(world, make_warning(), "enterprise", "zh")
    parts = [found.headline, found.grade]
    for section in found.sections:
        parts += [section.heading, *lines([section], "zh")]
    assert "\n".join(parts) == GOLDEN
    assert found.reference == "参考等级,非政府发布预警"


def test_declared_and_observed_stand_together(world: World, make_warning: MAKER) -> None:
    found = written(world, make_warning(), "central_agency")
    assert found.section("what").rows[0].text == (
        "Declared open (coast state, 2026-04-01); observed 8 ships a day against 89 usual; "
        "data to 2026-04-20."
    )


def test_what_is_not_known_is_never_a_zero(world: World, make_warning: MAKER) -> None:
    numbers = {f: nan for f in Impact.__dataclass_fields__ if f != "tier"}
    alert = make_warning(
        impact=Impact(**numbers, tier=0),
        status=Status(),
        probability_14d=nan,
        probability_30d=nan,
        evidence=(),
        vintage="",
    )
    for reader in READERS:
        found = written(world, alert, reader, context=Context())
        said = [
            spoken(r, "en")
            for k in ("what", "meaning", "probability", "evidence")
            for r in found.section(k).rows
        ]
        digits = re.findall(r"\d[\d.]*", " ".join(said))
        place = re.findall(r"\d[\d.]*", facts(found).get("Place", ""))
        assert digits == place, reader
        assert "nothing declared that is known here" in " ".join(said).lower()
    zeros = text(written(world, alert, "central_agency", context=Context()))
    assert "Imports through here: not known" in zeros
    assert "Impact: not known" in zeros


def test_figures_of_the_central_agency(world: World, make_warning: MAKER) -> None:
    found = facts(written(world, make_warning(), "central_agency"))
    assert found["Imports through here"] == "220 Mt a year, 40 % of the crude oil imported by China"
    assert found["Shortfall"].startswith("4.2 Mt in 30 days after reroute and stocks, 6 % of home")
    assert found["Stock cover"] == "102 days of imports"
    assert found["Reroute"] == "15 Mt a year can go another way, 9.5 days and 6.2 USD/t more"
    assert found["Impact"] == "tier 2 of 4, 5 to 15 % lost"


def test_shares_of_imports_where_home_use_is_not_known(world: World, make_warning: MAKER) -> None:
    impact = replace(make_warning().impact, used_t_y=nan)
    found = facts(written(world, make_warning(impact=impact), "central_agency"))
    assert "6 % of imports in that time" in found["Shortfall"]


def test_nothing_short_is_said_so(world: World, make_warning: MAKER) -> None:
    impact = replace(make_warning().impact, short_t=0.0, short_share=0.0)
    found = facts(written(world, make_warning(impact=impact), "central_agency"))
    assert found["Shortfall"] == "none in 30 days after reroute and stocks"


def test_landings_by_hand(world: World, make_warning: MAKER) -> None:
    found = facts(written(world, make_warning(), "local_government"))
    # 61 of 112 Mt are 54 %; 61 Mt x 0.92 x 30 / 365 are 4.61 Mt.
    assert found["Qingdao (Huangdao)"].startswith(
        "61 Mt a year comes through the Strait of Hormuz, 54 % of what these ports land of it; "
        "4.61 Mt at risk in 30 days"
    )
    bare = facts(written(world, make_warning(), "local_government", context=Context()))
    assert bare["Landing ports"] == "not known"


def test_more_ports_than_can_be_named_are_counted(world: World, make_warning: MAKER) -> None:
    ports = [f"port:{port}" for port in world.ports["port"][:11]]
    context = Context(landings={port: 1e6 * (20 - i) for i, port in enumerate(ports)})
    found = facts(written(world, make_warning(), "local_government", context=context))
    assert found["Other ports"] == "3 more, 33 Mt a year"  # 12 + 11 + 10


def test_firms_given_go_before_the_operator(world: World, make_warning: MAKER) -> None:
    context = replace(CONTEXT, firms={"port:CNNGB": ("Firm A", "Firm B")})
    found = facts(written(world, make_warning(), "local_government", context=context))
    assert found["Ningbo (Beilun, Daxie, Zhejiang LNG)"].endswith("; firms: Firm A, Firm B")


def test_an_embassy_reads_of_countries_ships_and_events(world: World, make_warning: MAKER) -> None:
    context = surrounded(
        "chokepoint:hormuz",
        world,
        **vars(replace(CONTEXT, nationals=1200)) | {"nearby": (), "countries": ("IRN", "OMN")},
    )
    found = facts(written(world, make_warning(), "embassy", context=context))
    assert found["Countries here"] == "Iran, Oman"
    assert found["Nationals of China"] == "1,200"
    assert found["Ships"] == "8 a day pass now, 89 as a rule"
    assert found["Recent event"] == "2026-04-18, Fujairah: Tanker hit"


def test_guards_read_where_it_is(world: World, make_warning: MAKER) -> None:
    context = surrounded("chokepoint:hormuz", world)
    found = facts(written(world, make_warning(), "security_company", context=context))
    assert found["Place"] == "strait, 26.70° N 56.42° E"
    assert "Bandar Abbas (Shahid Rajaee) (57 km)" in found["Near"]


def test_an_importer_with_an_article_and_a_port_without(world: World, make_warning: MAKER) -> None:
    alert = make_warning(importer="EU27", element="port:SARTA")
    found = written(world, alert, "central_agency")
    assert found.headline.startswith("Ras Tanura: crude oil imports of the European Union")
    assert "at Ras Tanura" in text(found)


# --- levels, changes, notes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "level", "before", "en", "zh"),
    [
        (Message.alert, 2, 0, "level yellow, new", "参考等级黄色（新增）"),
        (Message.update, 3, 2, "orange, raised from yellow", "橙色（由黄色上调）"),
        (Message.update, 2, 3, "yellow, lowered from orange", "黄色（由橙色下调）"),
        (Message.update, 1, 1, "blue, unchanged", "蓝色（维持不变）"),
        (Message.cancel, 0, 1, "reference level lifted", "参考等级撤销"),
    ],
)
def test_headlines(
    world: World, make_warning: MAKER, message: Message, level: int, before: int, en: str, zh: str
) -> None:
    alert = make_warning(message=message, level=Level(level), previous=Level(before))
    assert written(world, alert, "embassy").headline.endswith(en)
    assert written(world, alert, "embassy", "zh").headline.endswith(zh)


def test_an_all_clear_has_no_losses_and_only_recovery(world: World, make_warning: MAKER) -> None:
    alert = make_warning(message=Message.cancel, level=Level.none, previous=Level.blue)
    for reader in READERS:
        found = written(world, alert, reader)
        assert list(deeds(found)) == ["recover"]
        assert "meaning" not in [s.key for s in found.sections]
        assert found.notes[0].startswith("All clear")
        assert not found.current
    with pytest.raises(UnknownIdError, match="section"):
        found.section("meaning")


def test_a_downgrade_says_so_and_adds_recovery(world: World, make_warning: MAKER) -> None:
    alert = make_warning(message=Message.update, level=Level.yellow, previous=Level.orange)
    found = written(world, alert, "embassy")
    assert found.notes == (word("downgrade", "en"),)
    assert list(deeds(found)) == ["monitor", "prepare", "recover"]


def test_held_on_old_data_says_so(world: World, make_warning: MAKER) -> None:
    alert = make_warning(held=True, reason=Reason.held.value)
    found = written(world, alert, "embassy", "zh")
    assert found.notes == ("因数据未及时更新，等级暂按原值维持，不升不降。",)
    assert "定级说明：未获新数据，暂予维持" in text(found)


def test_an_expired_bulletin_is_not_current(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    late = written(world, alert, "embassy", now=alert.expires)
    assert not late.current
    assert "Expired on 2026-04-23 17:00 UTC" in late.notes[0]
    assert written(world, alert, "embassy", now=alert.expires - timedelta(seconds=1)).current


def test_an_exercise_is_marked_at_the_top(world: World, make_warning: MAKER) -> None:
    found = written(world, make_warning(exercise=True), "embassy", "zh")
    assert found.headline.startswith("【演习】")
    assert found.mark == "演习"
    assert "并未发生" in found.notes[0]


@pytest.mark.parametrize(
    ("p14", "p30", "opening"),
    [
        (0.005, 0.2, "Very unlikely: "),
        (0.01, 0.2, "Unlikely: "),
        (0.1, 0.2, "Possible: "),
        (0.3, 0.4, "As likely as not: "),
        (0.6, 0.7, "Likely: "),
        (0.9, 0.95, "Very likely: "),
        (nan, 0.95, "Very likely: "),
        (nan, nan, "Not known."),
    ],
)
def test_probability_in_words(
    world: World, make_warning: MAKER, p14: float, p30: float, opening: str
) -> None:
    alert = make_warning(probability_14d=p14, probability_30d=p30)
    said = written(world, alert, "embassy").section("probability").rows[0].text
    assert said.startswith(opening)
    assert ("not known within 14 days" in said) == (isnan(p14) and not isnan(p30))


def test_a_declaration_nobody_foresaw_is_told_as_it_is(world: World, make_warning: MAKER) -> None:
    for declared in ("headline", "{0}", "open with escort"):
        status = replace(make_warning().status, declared=declared, declared_by="", declared_at=None)
        found = written(world, make_warning(status=status), "embassy")
        assert found.section("what").rows[0].text.startswith(f"Declared {declared};")


# --- who may see what ------------------------------------------------------------------------


@pytest.mark.parametrize(("audience", "seen"), [("public", 1), ("organisation", 2), ("private", 3)])
def test_evidence_is_for_those_it_is_for(
    world: World, make_warning: MAKER, audience: str, seen: int
) -> None:
    for reader in READERS:
        found = written(world, make_warning(), reader, audience=audience)
        assert len(found.section("evidence").rows) == seen
        said = text(found) + " ".join(found.sources)
        assert ("The firm's own news." in said) == (seen > 1)
        assert ("A guard's whisper." in said) == (seen > 2)
        assert ("Seen by a guard" in said) == (
            audience == "private" and reader in ("embassy", "security_company")
        )


def test_a_private_warning_does_not_leave(world: World, make_warning: MAKER) -> None:
    alert = make_warning(visibility="private")
    for audience in ("public", "organisation"):
        with pytest.raises(UsageError, match="private"):
            written(world, alert, "embassy", audience=audience)
    found = written(world, alert, "embassy", audience="private")
    assert found.handling == "For the named reader only"
    with pytest.raises(UsageError, match="slip"):
        written(world, make_warning(visibility="a slip"), "embassy")


@pytest.mark.parametrize(
    ("changes", "more", "kind"),
    [
        ({}, {"reader": "king"}, "reader"),
        ({}, {"lang": "fr"}, "language"),
        ({}, {"audience": "all"}, "audience"),
        ({"element": "chokepoint:hormus"}, {}, "element"),
        ({"commodity": "CHN"}, {}, "commodity"),
        ({"importer": "XXX"}, {}, "XXX"),
    ],
)
def test_what_is_unknown_is_named(
    world: World, make_warning: MAKER, changes: dict[str, Any], more: dict[str, Any], kind: str
) -> None:
    asked = {"reader": "embassy", "lang": "en", "audience": "public", **more}
    with pytest.raises(UnknownIdError, match=kind):
        written(
            world,
            make_warning(**changes),
            asked["reader"],
            asked["lang"],
            audience=asked["audience"],
        )


# --- Chinese that is Chinese -------------------------------------------------------------------

# Units, ids and names that stay as they are.
LATIN = {"IMF", "PortWatch", "BMP", "UKMTO", "ISO", "GB", "CONWARTIME", "VOYWAR", "W"}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("message", Message)
def test_no_english_in_a_chinese_bulletin(
    world: World, make_warning: MAKER, reader: str, message: Message
) -> None:
    for element in ("chokepoint:hormuz", "chokepoint:suez", "pipeline:druzhba", "port:SARTA"):
        if element not in world.elements():
            continue
        for level in Level:
            status = replace(make_warning().status, declared_by="", review_due=True)
            alert = make_warning(
                **{"message": message, "level": level, "previous": Level.yellow, "held": True},
                **{"element": element, "status": status, "exercise": True, "evidence": ()},
            )
            context = surrounded(
                element,
                world,
                landings={"port:CNNGB": 1e6},
                firms={"port:CNNGB": ("甲公司",)},
                next_best=(PETROLINE,),
            )
            found = written(world, alert, reader, "zh", context=context)
            words = set(re.findall(r"[A-Za-z]+", text(found)))
            assert words <= LATIN, (element, level, words - LATIN)


# --- every warning can be written --------------------------------------------------------------

unknowable = st.floats(0, 1e9) | st.just(nan)
share = st.floats(0, 1) | st.just(nan)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)
impacts = st.builds(
    Impact,
    **{f: unknowable for f in Impact.__dataclass_fields__ if f != "tier"},
    tier=st.integers(0, 4),
)
statuses = st.builds(
    Status,
    declared=st.sampled_from(["", "open", "restricted", "closed"]) | st.text(max_size=20),
    declared_by=st.text(max_size=20),
    declared_at=st.none() | moments,
    observed_d=unknowable,
    usual_d=unknowable,
    ratio=unknowable,
    data_to=st.none() | moments,
    alarm=st.sampled_from(["", "fall", "rise"]),
    since=st.none() | moments,
    review_due=st.booleans(),
)


@settings(max_examples=60)
@given(data=st.data())
def test_any_warning_can_be_written_for_any_reader(
    world: World, make_warning: MAKER, data: st.DataObject
) -> None:
    draw = data.draw
    alert = make_warning(
        message=draw(st.sampled_from(Message)),
        level=draw(st.sampled_from(Level)),
        previous=draw(st.sampled_from(Level)),
        importer=draw(st.sampled_from(["CHN", "JPN", "EU27"])),
        commodity=draw(st.sampled_from(sorted(world.commodities["commodity"]))),
        element=draw(st.sampled_from(world.elements())),
        probability_14d=draw(share),
        probability_30d=draw(share),
        impact=draw(impacts),
        status=draw(statuses),
        held=draw(st.booleans()),
        exercise=draw(st.booleans()),
        reason=draw(st.text(max_size=30)),
        vintage=draw(st.text(max_size=30)),
    )
    for reader in READERS:
        for lang in LANGUAGES:
            found = written(world, alert, reader, lang)
            said = text(found)
            assert "nan" not in re.findall(r"\w+", said)
            assert found.reference == word("reference", lang)
            assert ("exercise" in said.lower() or "演习" in said) or not alert.exercise
            assert PIPS[found.level].count("●") == int(alert.level)
            assert all(row.text for s in found.sections for row in s.rows)


# --- places ----------------------------------------------------------------------------------


def test_the_area_holds_every_element_with_room(world: World) -> None:
    from shapely import Polygon
    from shapely.geometry import LineString, Point

    for element in world.elements():
        place, ring = line(element, world), area(element, world)
        shape = Polygon(ring)
        assert shape.is_valid, element
        assert shape.exterior.is_ccw, element
        inner = Point(place[0]) if len(place) == 1 else LineString(place)
        assert shape.contains(inner), element
        assert np.abs(ring[:, 1]).max() <= 90
        assert np.abs(ring[:, 0]).max() <= 180, element


def test_the_area_of_a_port_is_a_circle(world: World) -> None:
    (port,) = line("port:SARTA", world)
    ring = area("port:SARTA", world, radius_km=25)
    assert len(ring) == 17
    assert np.allclose(distance_km(*port, ring[:, 0], ring[:, 1]), 25, atol=1e-6)


def test_kinds_of_place(world: World) -> None:
    kinds = {
        "chokepoint:cape_good_hope": "strait",
        "chokepoint:kiel_canal": "canal",
        "port:SARTA": "port",
        "railway:china_laos": "railway",
        "pipeline:east_west_petroline": "pipeline",
        "chokepoint:gulf_of_aden": "strait",
    }
    assert {element: site(element, world) for element in kinds} == kinds
    with pytest.raises(UnknownIdError, match="element"):
        site("chokepoint:nowhere", world)


def test_what_lies_around(world: World) -> None:
    near = neighbours("chokepoint:hormuz", world)
    assert [n.km for n in near] == sorted(n.km for n in near)
    assert near[-1].km <= 500
    assert "port:IRBSR" in [n.element for n in near[:4]]
    assert set(countries_near("chokepoint:hormuz", world)) == {"IRN", "ARE", "OMN"}
    assert countries_near("port:SARTA", world) == ("SAU",)
    assert countries_near("railway:china_laos", world) == ("CHN", "LAO")
    lon, lat = middle("chokepoint:suez", world)
    assert (round(lon, 2), round(lat, 2)) == (32.45, 30.5)


def test_who_declared_it_in_a_drill_is_named_in_the_language() -> None:
    assert authority("central_agency", "zh") == "中央部门"
    assert authority("central_agency", "en") == "Central agency"
    assert authority("Suez Canal\nAuthority", "zh") == "Suez Canal Authority"
    assert authority("", "en") == ""
