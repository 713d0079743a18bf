"""CAP 1.2: by the schema, by the rules the schema can't say, and read back by our own reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from defusedxml.ElementTree import fromstring
from lxml import etree
from shapely import from_wkt
from shapely.geometry import LineString

from corridors.risk.alert import Alert, Level, Message
from corridors.risk.bulletin import READERS, Bulletin, Context, Way, bulletin
from corridors.risk.bulletin.formats import Publisher, to_cap
from corridors.risk.bulletin.formats.cap import NAMESPACE, certainty, urgency
from corridors.risk.bulletin.surroundings import line
from layers.errors import UsageError
from layers.feeds import cap_url
from layers.source import Answer

if TYPE_CHECKING:
    from layers.world import World

MAKER = Callable[..., Alert]
NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)
EARLIER = ("W-0", datetime(2026, 4, 22, 5, tzinfo=UTC))
OWN = Publisher(sender="duty@example.org", name="Duty desk", link="https://example.org/bulletins")

ALERT = "identifier sender sent status msgType source scope restriction addresses code note"
ALERT_ORDER = [*ALERT.split(), "references", "incidents", "info"]
INFO = "language category event responseType urgency severity certainty audience eventCode"
INFO_ORDER = [*INFO.split(), "effective", "onset", "expires", "senderName", "headline"]
INFO_ORDER += ["description", "instruction", "web", "contact", "parameter", "resource", "area"]
VALUES = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {"Transport", "Security", "Infra"},
    "responseType": {"Prepare", "Avoid", "Monitor", "AllClear"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")


def both(world: World, alert: Alert, reader: str = "embassy", **more: Any) -> list[Bulletin]:
    """Return the bulletins of one reader in both languages."""
    asked: dict[str, Any] = {"context": Context(), "now": NOW, **more}
    return [bulletin(alert, reader, lang, world, **asked) for lang in ("zh", "en")]


def message(
    world: World, alert: Alert, publisher: Publisher | None = OWN, **more: Any
) -> ElementTree.Element:
    return fromstring(to_cap(both(world, alert, **more), alert, world, publisher))


def texts(root: ElementTree.Element, name: str) -> list[str]:
    return [e.text or "" for e in root.iter(f"{{{NAMESPACE}}}{name}")]


def names(element: ElementTree.Element) -> list[str]:
    return [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]


def cases(make_warning: MAKER) -> list[Alert]:
    """Return a warning of each message, level and kind of place, some of them exercises."""
    places = ["chokepoint:hormuz", "chokepoint:suez", "port:SARTA", "railway:china_laos"]
    found = []
    for kind in Message:
        for level in [Level.none] if kind is Message.cancel else list(Level)[1:]:
            for number, element in enumerate([*places, "pipeline:east_west_petroline"]):
                found.append(
                    make_warning(
                        **{"message": kind, "level": level, "element": element},
                        references=() if kind is Message.alert else (EARLIER,),
                        exercise=number == 1,
                        scenario="a drill" if number == 1 else "",
                    )
                )
    return found


@pytest.mark.reference
def test_every_message_is_valid_by_the_schema(
    world: World, make_warning: MAKER, reference: Path
) -> None:
    schema = etree.XMLSchema(etree.parse(reference / "samples" / "cap" / "CAP-v1.2.xsd"))
    for number, alert in enumerate(cases(make_warning)):
        reader = READERS[number % len(READERS)]
        audience = ("public", "organisation", "private")[number % 3]
        body = to_cap(both(world, alert, reader, audience=audience), alert, world, OWN)
        schema.assertValid(etree.fromstring(body))


def test_every_message_keeps_order_and_words(world: World, make_warning: MAKER) -> None:
    for alert in cases(make_warning):
        root = message(world, alert)
        assert root.tag == f"{{{NAMESPACE}}}alert"
        assert _ordered(names(root), ALERT_ORDER)
        infos = root.findall(f"{{{NAMESPACE}}}info")
        assert [texts(i, "language") for i in infos] == [["zh-CN"], ["en-US"]]
        for info in infos:
            assert _ordered(names(info), INFO_ORDER)
            assert {"description", "instruction", "contact"} <= set(names(info))
        for name, allowed in VALUES.items():
            assert texts(root, name)
            assert set(texts(root, name)) <= allowed
        for name in ("sent", "effective", "expires"):
            assert all(MOMENT.fullmatch(at) for at in texts(root, name))


def _ordered(found: list[str], order: list[str]) -> bool:
    places = [order.index(name) for name in found]
    return places == sorted(places)


def test_who_sends_decides_whether_it_is_real(world: World, make_warning: MAKER) -> None:
    real, drill = make_warning(), make_warning(exercise=True, scenario="drill 7")
    assert texts(message(world, real), "status") == ["Actual"]
    assert texts(message(world, real, None), "status") == ["Draft"]
    assert texts(message(world, real, None), "sender") == ["corridors.local"]
    for publisher in (OWN, None):
        root = message(world, drill, publisher)
        assert texts(root, "status") == ["Exercise"]
        assert "Exercise" in texts(root, "note")[0]
        assert "演习" in texts(root, "note")[0]
        assert "drill 7" in texts(root, "note")[0]
        assert [h[:4] for h in texts(root, "headline")] == ["【演习】", "[EXE"]


def test_every_message_says_it_is_no_official_warning(world: World, make_warning: MAKER) -> None:
    root = message(world, make_warning())
    assert texts(root, "note") == [
        "参考等级,非政府发布预警 / analytical reference, not an official warning"
    ]
    ends = [text.rsplit("\n", 1)[1] for text in texts(root, "description")]
    assert ends == texts(root, "note")[0].split(" / ")


def test_an_update_names_all_it_replaces(world: World, make_warning: MAKER) -> None:
    second = ("W-0b", datetime(2026, 4, 22, 17, tzinfo=UTC))
    alert = make_warning(message=Message.update, references=(EARLIER, second), thread="W-0")
    root = message(world, alert)
    assert texts(root, "references") == [
        "duty@example.org,W-0.embassy,2026-04-22T05:00:00+00:00 "
        "duty@example.org,W-0b.embassy,2026-04-22T17:00:00+00:00"
    ]
    assert texts(root, "incidents") == ["W-0"]
    with pytest.raises(UsageError, match="refers to no earlier"):
        message(world, make_warning(message=Message.cancel))


def test_one_message_for_several_readers_has_no_reader_in_its_name(
    world: World, make_warning: MAKER
) -> None:
    alert = make_warning(message=Message.update, references=(EARLIER,))
    found = [b for reader in READERS for b in both(world, alert, reader)]
    root = fromstring(to_cap(found, alert, world, OWN))
    assert texts(root, "identifier") == ["W-1"]
    assert texts(root, "references")[0].split(",")[1] == "W-0"
    assert len(texts(root, "language")) == 2 * len(READERS)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"level": Level.red}, ("Immediate", "Extreme", "Observed")),
        ({"level": Level.red, "calm": True}, ("Immediate", "Extreme", "Likely")),
        ({"level": Level.red, "calm": True, "p": 0.4}, ("Immediate", "Extreme", "Possible")),
        ({"level": Level.orange}, ("Expected", "Severe", "Likely")),
        ({"level": Level.orange, "calm": True}, ("Future", "Severe", "Likely")),
        ({"level": Level.orange, "calm": True, "p": 0.49}, ("Future", "Severe", "Possible")),
        ({"level": Level.yellow}, ("Future", "Moderate", "Possible")),
        ({"level": Level.blue, "p": 0.1}, ("Future", "Minor", "Possible")),
        ({"level": Level.blue, "p": 0.09}, ("Future", "Minor", "Unlikely")),
        ({"level": Level.blue, "p": nan}, ("Future", "Minor", "Possible")),
        ({"level": Level.none, "clear": True}, ("Past", "Minor", "Unlikely")),
        ({"level": Level.none, "clear": True, "p": nan}, ("Past", "Minor", "Unknown")),
    ],
)
def test_urgency_severity_and_certainty(
    world: World, make_warning: MAKER, changes: dict[str, Any], wanted: tuple[str, str, str]
) -> None:
    alert = make_warning(level=changes["level"], probability_14d=changes.get("p", 0.6))
    if changes.get("calm"):
        alert = replace(alert, status=replace(alert.status, alarm="", ratio=0.9))
    if changes.get("clear"):
        alert = replace(alert, message=Message.cancel, references=(EARLIER,))
    root = message(world, alert)
    found = tuple(texts(root, name)[0] for name in ("urgency", "severity", "certainty"))
    assert found == wanted
    assert (urgency(alert), certainty(alert)) == (wanted[0], wanted[2])


def test_to_avoid_it_is_advised_only_where_there_is_another_way(
    world: World, make_warning: MAKER
) -> None:
    alert = make_warning()
    assert "Avoid" not in texts(message(world, alert), "responseType")
    context = Context(next_best=(Way(("chokepoint:suez",), 1.0, 1.0),))
    assert "Avoid" in texts(message(world, alert, context=context), "responseType")


def test_scope_follows_the_audience(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    assert "restriction" not in names(message(world, alert))
    held = message(world, alert, audience="organisation")
    assert texts(held, "scope") == ["Restricted"]
    assert "For this organisation only" in texts(held, "restriction")[0]
    own = message(world, alert, audience="private")
    assert texts(own, "scope") == ["Private"]
    assert texts(own, "addresses") == ["duty@example.org"]


def test_parameters_leave_out_what_is_not_known(world: World, make_warning: MAKER) -> None:
    known = _pairs(message(world, make_warning()), "parameter")
    assert known["level"] == "red"
    assert known["probability14d"] == "0.87"
    assert known["shortShare30d"] == "0.061"
    assert (known["importer"], known["commodity"]) == ("CHN", "crude_oil")
    assert known["ruleVersion"] == make_warning().rules
    bare = _pairs(message(world, make_warning(probability_14d=nan)), "parameter")
    assert "probability14d" not in bare


def _pairs(root: ElementTree.Element, name: str) -> dict[str, str]:
    found = root.iter(f"{{{NAMESPACE}}}{name}")
    return {texts(e, "valueName")[0]: texts(e, "value")[0] for e in found}


def test_our_own_reader_reads_it_back(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    body = to_cap(both(world, alert), alert, world, OWN)
    (row,) = _read(body).events.to_dict("records")
    assert row["event_uid"] == "cap_url:duty@example.org,W-1.embassy"
    assert row["severity"] == int(alert.level)
    assert row["title"].startswith("Strait of Hormuz: crude oil imports of China")
    assert row["published_at"].to_pydatetime() == alert.sent
    assert row["ends_at"].to_pydatetime() == alert.expires
    assert row["status"] == "active"
    assert row["certainty"] == "observed"
    assert row["source_url"] == OWN.link
    place = from_wkt(row["wkt"])
    assert place.is_valid
    assert place.contains(LineString(line(alert.element, world)))


def test_our_own_reader_sees_what_is_replaced_or_over(world: World, make_warning: MAKER) -> None:
    update = make_warning(message=Message.update, references=(EARLIER,))
    rows = _read(to_cap(both(world, update), update, world, OWN)).events.set_index("source_id")
    assert rows.loc["W-0.embassy", "status"] == "superseded"
    cancel = make_warning(message=Message.cancel, level=Level.none, references=(EARLIER,))
    rows = _read(to_cap(both(world, cancel), cancel, world, OWN)).events.set_index("source_id")
    assert rows["status"].to_dict() == {"W-0.embassy": "cancelled"}


def test_our_own_reader_takes_no_exercise_for_real(world: World, make_warning: MAKER) -> None:
    drill = make_warning(exercise=True)
    assert _read(to_cap(both(world, drill), drill, world, OWN)).events.empty


def _read(body: bytes) -> Any:
    return cap_url.parse([Answer("https://example.org/alert.cap", body, NOW)])


@pytest.mark.parametrize("sender", ["", "duty desk", "a,b", "a<b", "a&b", "a\x00b"])
def test_a_sender_cap_forbids_is_refused(sender: str) -> None:
    with pytest.raises(UsageError, match="sender"):
        Publisher(sender=sender)


@pytest.mark.parametrize("link", ["ftp://a.b", "javascript:alert(1)", "https://a b", "a.b"])
def test_a_link_that_is_none_is_refused(link: str) -> None:
    with pytest.raises(UsageError, match="address"):
        Publisher(link=link)


def test_bulletins_of_another_alert_are_refused(world: World, make_warning: MAKER) -> None:
    other = make_warning(id="W-2")
    with pytest.raises(UsageError, match="W-1"):
        to_cap(both(world, other), make_warning(), world)
    with pytest.raises(UsageError, match="W-1"):
        to_cap([], make_warning(), world)
