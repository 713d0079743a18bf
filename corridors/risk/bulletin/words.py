"""Every word of a bulletin: one table, one column a language; figures, dates and names in words."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite

from layers.errors import UnknownIdError
from layers.tables import READERS

__all__ = ["LANGUAGES", "WORDS", "age_days", "day", "figure", "joined", "moment", "told", "word"]

LANGUAGES = ("en", "zh")
MOST = 600  # characters of a text from outside
BEIJING = timezone(timedelta(hours=8))

# English, Chinese. What stands in braces is filled in; names come from the tables of data/.
WORDS: dict[str, tuple[str, str]] = {
    # What is always said.
    "reference": (
        "analytical reference, not an official warning",
        "参考等级,非政府发布预警",
    ),
    "exercise": ("EXERCISE", "演习"),
    "exercise_note": (
        "Exercise: made up for training. Nothing in it has happened; do not act on it.",
        "演习：内容为训练假设，所述情况并未发生，不得据此采取实际行动。",
    ),
    "marked": ("[{mark}] {text}", "【{mark}】{text}"),
    "named": ("{name}: {text}", "{name}：{text}"),
    "and": (", ", "、"),
    "comma": (", ", "，"),
    "then": ("; ", "；"),
    "stop": (".", "。"),
    "unknown": ("not known", "不详"),
    "title": ("Corridor risk bulletin", "运输通道风险提示"),
    "publisher": ("Corridors, a model of trade routes", "运输走廊分析模型"),
    # Readers.
    "for": ("For: {reader}", "报送对象：{reader}"),
    "central_agency": ("Central agency", "中央部门"),
    "local_government": ("Local government", "地方政府"),
    "embassy": ("Embassy or consulate", "驻外使领馆"),
    "security_company": ("Security company", "安保公司"),
    "enterprise": ("Enterprise", "企业"),
    # Who may see it.
    "public": ("Public", "公开"),
    "organisation": ("For this organisation only", "仅限本单位内部"),
    "private": ("For the named reader only", "仅限指定收件人"),
    # Levels.
    "none": ("none", "无"),
    "blue": ("blue", "蓝色"),
    "yellow": ("yellow", "黄色"),
    "orange": ("orange", "橙色"),
    "red": ("red", "红色"),
    "level": ("Reference level: {level} ({step} of 4)", "参考等级：{level}（四档中第{step}档）"),
    "level_none": ("Reference level: lifted", "参考等级：已解除"),
    # Headlines.
    "headline": (
        "{element}: {commodity} imports of {importer}, reference level {level}{change}",
        "{element}通行风险提示：{importer}{commodity}进口参考等级{level}{change}",
    ),
    "headline_cancel": (
        "{element}: all clear for {commodity} imports of {importer}, reference level lifted",
        "{element}通行风险解除：{importer}{commodity}进口参考等级撤销",
    ),
    "raised": (", raised from {before}", "（由{before}上调）"),
    "lowered": (", lowered from {before}", "（由{before}下调）"),
    "kept": (", unchanged", "（维持不变）"),
    "raised_none": (", new", "（新增）"),
    # What happened.
    "what": ("What happened", "基本情况"),
    "status": (
        "{declared}; {observed}; {data}.",
        "{declared}；{observed}；{data}。",
    ),
    "declared": ("declared {status}", "对外宣布{status}"),
    "declared_who": ("declared {status} ({who})", "对外宣布{status}（{who}）"),
    "declared_none": ("nothing declared that is known here", "未见对外宣布"),
    "open": ("open", "开放"),
    "restricted": ("restricted", "限制通行"),
    "closed": ("closed", "关闭"),
    "observed": (
        "observed {now} ships a day against {usual} usual",
        "实际观测日均通行{now}艘次，同期常值{usual}艘次",
    ),
    "observed_now": ("observed {now} ships a day, usual not known", "实际观测日均通行{now}艘次"),
    "observed_none": ("observed traffic not known", "实际通行情况不详"),
    "data_to": ("data to {day}", "数据截至{day}"),
    "data_to_none": ("last day of data not known", "数据截止日不详"),
    "tonnage": (
        "Tonnage of the last seven days of data: {ratio} of its season.",
        "数据所及最近7日载重吨为同期常值的{ratio}。",
    ),
    "alarm_fall": (
        "Traffic is unusually low{since}.",
        "通行量{since}异常下降。",
    ),
    "alarm_rise": (
        "Traffic is unusually high{since}: ships from elsewhere may be passing here.",
        "通行量{since}异常上升，可能有他处改道船舶经此。",
    ),
    "since": (" since {day}", "自{day}起"),
    "review": (
        "It has been so for more than 180 days: a person should confirm what is usual here.",
        "上述异常已持续逾180天，应由人工复核常值。",
    ),
    "held": (
        "The data are too old to change the level: it is held as it was, neither raised nor "
        "lowered.",
        "因数据未及时更新，等级暂按原值维持，不升不降。",
    ),
    "downgrade": (
        "The level goes down one step at a time; the measures of the level above end now.",
        "等级逐级下调，上一等级的措施相应终止。",
    ),
    "all_clear": (
        "All clear: the grounds for the level are gone. What is left to do is below.",
        "风险解除：原定级依据已消除，后续工作见下。",
    ),
    "expired": (
        "Expired on {until}: no longer current, kept for the record.",
        "本提示已于{until}失效，仅供存档。",
    ),
    "reason": ("Why", "定级说明"),
    "reason_agreed": ("raised, since two kinds of evidence agree", "两类依据相互印证，予以上调"),
    "reason_sure": (
        "raised on one kind of evidence, which is all but certain",
        "一类依据已近乎确定，予以上调",
    ),
    "reason_repeated": (
        "raised on one kind of evidence, which new data confirm",
        "一类依据经新数据再次证实，予以上调",
    ),
    "reason_eased": (
        "lowered, since the danger has eased for long enough",
        "风险持续缓解已满规定时限，予以下调",
    ),
    "reason_renewed": ("renewed, unchanged", "情况无明显变化，予以续期"),
    "reason_held": ("held for want of fresh data", "未获新数据，暂予维持"),
    "reason_resumed": (
        "renewed after it had lapsed",
        "前次提示已到期，经研判予以接续",
    ),
    # How likely.
    "probability": ("How likely", "可能性研判"),
    "chance": (
        "{word}: tonnage of seven days falls below 75 % of its season with a probability of "
        "{p14} within 14 days and {p30} within 30 days.",
        "{word}：7日载重吨降至同期常值75%以下的概率，14天内为{p14}，30天内为{p30}。",
    ),
    "chance_none": ("Not known.", "概率不详。"),
    "p0": ("Very unlikely", "可能性很小"),
    "p1": ("Unlikely", "可能性较小"),
    "p2": ("Possible", "有一定可能"),
    "p3": ("As likely as not", "可能性较大"),
    "p4": ("Likely", "很可能"),
    "p5": ("Very likely", "极有可能"),
    # What it means for the reader.
    "meaning": ("What it means for you", "对贵方的影响"),
    "assumed": ("Reckoned with", "测算前提"),
    "assumed_text": (
        "{lost} of the traffic here lost for {days} days",
        "此处通行量减少{lost}，持续{days}天",
    ),
    "through": ("Imports through here", "途经进口量"),
    "through_text": (
        "{tonnes} a year, {share} of the {commodity} imported by {importer}",
        "每年{tonnes}，占{importer}{commodity}进口量的{share}",
    ),
    "short": ("Shortfall", "供应缺口"),
    "short_text": (
        "{tonnes} in {days} days after reroute and stocks, {share} of {base} in that time",
        "改道和动用库存后，{days}天内仍缺{tonnes}，占同期{base}的{share}",
    ),
    "short_zero": (
        "none in {days} days after reroute and stocks",
        "{days}天内可由改道和库存弥补，无缺口",
    ),
    "before_stocks": ("Before stocks are drawn", "动用库存前缺口"),
    "share_of": ("{share} of {base}", "占{base}的{share}"),
    "home_use": ("home use", "国内消费量"),
    "all_imports": ("imports", "进口量"),
    "cover": ("Stock cover", "库存保障"),
    "cover_text": ("{days} days of imports", "可保障{days}天进口量"),
    "reroute": ("Reroute", "改道运输"),
    "reroute_text": (
        "{tonnes} a year can go another way, {more}",
        "每年可改道{tonnes}，{more}",
    ),
    "reroute_none": ("none of it can", "无可改道货量"),
    "more": (
        "{days} days and {usd} USD/t more",
        "航程增加{days}天、每吨增加{usd}美元",
    ),
    "more_none": ("how much longer and dearer is not known", "增加的天数和费用不详"),
    "stranded": ("No other way", "无替代通道"),
    "a_year": ("{tonnes} a year", "每年{tonnes}"),
    "tier": ("Impact", "影响程度"),
    "tier_text": ("tier {tier} of 4, {range} lost", "四档中第{tier}档（缺口{range}）"),
    "tier1": ("less than 5 %", "不足5%"),
    "tier2": ("5 to 15 %", "5%至15%"),
    "tier3": ("15 to 30 %", "15%至30%"),
    "tier4": ("30 % or more", "30%及以上"),
    # Local government.
    "landing": ("Landing ports", "到货港口"),
    "port_text": (
        "{tonnes} a year comes through {element}, {share} of what these ports land of it; "
        "{risk} at risk in {days} days",
        "每年经{element}到货{tonnes}，占所列港口的{share}；{days}天内受影响约{risk}",
    ),
    "port_text_part": (
        "{tonnes} a year comes through {element}, {share} of what these ports land of it",
        "每年经{element}到货{tonnes}，占所列港口的{share}",
    ),
    "firms": ("; firms: {firms}", "；有关企业：{firms}"),
    "more_ports": ("Other ports", "其他港口"),
    "more_ports_text": ("{count} more, {tonnes} a year", "另有{count}个，每年{tonnes}"),
    # Embassies.
    "countries": ("Countries here", "所涉国家"),
    "nationals": ("Nationals of {importer}", "{importer}公民"),
    "ships": ("Ships", "船舶"),
    "ships_text": (
        "{now} a day pass now, {usual} as a rule",
        "现日均通行{now}艘次，常值{usual}艘次",
    ),
    "passage": ("Passage", "通行状态"),
    # Security companies.
    "place": ("Place", "位置"),
    "place_text": ("{kind}, {lat} {lon}", "{kind}，{lat}，{lon}"),
    "strait": ("strait", "海峡"),
    "canal": ("canal", "运河"),
    "port": ("port", "港口"),
    "railway": ("railway", "铁路"),
    "pipeline": ("pipeline", "管道"),
    "north": ("{value}° N", "北纬{value}°"),
    "south": ("{value}° S", "南纬{value}°"),
    "east": ("{value}° E", "东经{value}°"),
    "west": ("{value}° W", "西经{value}°"),
    "nearby": ("Near", "周边要素"),
    "nearby_text": ("{name} ({km} km)", "{name}（{km}公里）"),
    "incidents": ("Recent event", "近期事件"),
    "incident_at": ("{day}, {place}", "{day}，{place}"),
    # Enterprises.
    "own_share": ("Share of this cargo", "受影响份额"),
    "way": ("Next best way", "次优路线"),
    "way_text": ("by {names}: {more}", "经{names}：{more}"),
    "way_open": ("open sea", "开阔海域"),
    "delay": ("Later by", "预计延误"),
    "delay_text": ("{days} days", "{days}天"),
    "dearer": ("Dearer by", "增加成本"),
    "dearer_text": ("{usd} USD/t", "每吨{usd}美元"),
    "war_risk": ("War risk premium", "战争险附加费"),
    "war_risk_text": ("{rate} % of hull value", "船舶价值的{rate}%"),
    # Actions.
    "actions": ("What to do", "建议措施"),
    "actions_none": ("No measures are listed at this level.", "该等级未列措施。"),
    "monitor": ("Monitor", "监测"),
    "prepare": ("Prepare", "准备"),
    "act": ("Act", "处置"),
    "recover": ("Recover", "恢复"),
    # Validity.
    "validity": ("Validity and contact", "有效期与联系方式"),
    "sent": ("Issued", "发出时间"),
    "until": ("Valid until", "有效期至"),
    "contact": ("Contact", "联系方式"),
    "contact_central_agency": ("[duty desk, telephone]", "[值班室，电话]"),
    "contact_local_government": ("[emergency office, telephone]", "[应急值班室，电话]"),
    "contact_embassy": ("[consular protection, telephone]", "[领事保护与协助，电话]"),
    "contact_security_company": ("[operations room, telephone]", "[运行值守，电话]"),
    "contact_enterprise": ("[shipping and safety desk, telephone]", "[航运与安全值班，电话]"),
    "handling": ("May be seen by", "知悉范围"),
    # Evidence and sources.
    "evidence": ("Evidence", "研判依据"),
    "evidence_none": ("None that this reader may see.", "无可向该对象提供的依据。"),
    "evidence_name": ("{domain} ({source}, {day})", "{domain}（{source}，{day}）"),
    "evidence_name_undated": ("{domain} ({source})", "{domain}（{source}）"),
    "quoted": ("in the original: {text}", "原文：{text}"),
    "traffic": ("Traffic", "通行监测"),
    "feeds": ("Reports", "信息来源"),
    "structural": ("Long record", "历史统计"),
    "drill": ("Exercise", "演习设定"),
    "declaration": ("Declaration", "对外宣布"),
    "other": ("Other", "其他"),
    "sources": ("Sources and age of the data", "资料来源与数据时效"),
    "age": ("Age of the traffic data", "通行数据时效"),
    "age_text": (
        "to {day}, {days} days old when this was written",
        "截至{day}，成文时已有{days}天",
    ),
    "vintage": ("Data as of", "数据版本"),
    "rules": ("Rules", "规则版本"),
    "number": ("Number", "编号"),
    "basis": ("Measures after", "措施参考"),
}


def word(key: str, lang: str, **parts: str) -> str:
    """The word or sentence in a language, its braces filled.

    Raises
    ------
    UnknownIdError
        For a word that is not in the table or a language it has no column for.
    """
    if lang not in LANGUAGES:
        raise UnknownIdError("language", lang, LANGUAGES)
    if key not in WORDS:
        raise UnknownIdError("word", key, list(WORDS))
    return WORDS[key][LANGUAGES.index(lang)].format(**parts)


def figure(value: float, lang: str) -> str:
    """A number in words: whole from ten on, else one digit; what is not finite is not known."""
    if not isfinite(value):
        return word("unknown", lang)
    if 0 < value < 0.1:
        return "< 0.1"
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")


def day(at: datetime, lang: str) -> str:
    """A day as its readers write it: ``2026-04-20`` in UTC, or 2026年4月20日."""
    told = at.astimezone(UTC)
    return f"{told:%Y-%m-%d}" if lang == "en" else f"{told.year}年{told.month}月{told.day}日"


def moment(at: datetime, lang: str) -> str:
    """A moment: ``2026-04-20 06:00 UTC``, or in Beijing time for readers of Chinese."""
    if lang == "en":
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    there = at.astimezone(BEIJING)
    return f"{there.year}年{there.month}月{there.day}日{there:%H:%M}（北京时间）"


def age_days(then: datetime, now: datetime) -> float:
    """Whole days from one moment to another; a moment to come is 0 days old."""
    return float(max(0, (now - then).days))


def joined(names: list[str], lang: str) -> str:
    """Names one after another; not known when there are none."""
    return word("and", lang).join(names) or word("unknown", lang)


def told(text: str, *, most: int = MOST) -> str:
    """Text from outside on one line: no control, format or unassigned characters, cut at `most`.

    Markup and formulas stay as they are: what a format would run, the format escapes.
    """
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: most * 4])
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"


def authority(said: str, lang: str) -> str:
    """Who declared something: the name of a reader of bulletins by its id, else as it was told."""
    return word(said, lang) if said in READERS else told(said, most=80)
