"""GeoJSON (RFC 7946): a feature a bulletin, the element its place, its facts flat beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from corridors.risk.alert import Alert
from corridors.risk.bulletin import Bulletin
from corridors.risk.bulletin.briefing import lines
from corridors.risk.bulletin.formats.geometry import geojson
from corridors.risk.bulletin.formats.markup import stamp
from corridors.risk.bulletin.formats.publisher import Publisher
from corridors.risk.bulletin.words import told, word

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["collection", "to_geojson"]


def to_geojson(
    bulletins: Sequence[Bulletin], alert: Alert, world: World, publisher: Publisher | None = None
) -> bytes:
    """The collection of one alert, in UTF-8."""
    return collection([(bulletin, alert) for bulletin in bulletins], world, publisher)


def collection(
    written: Iterable[tuple[Bulletin, Alert]], world: World, publisher: Publisher | None = None
) -> bytes:
    """The collection of many bulletins; a number that is not known is null."""
    features = [_feature(bulletin, alert, world) for bulletin, alert in written]
    body = {
        "type": "FeatureCollection",
        "name": "bulletins",
        "note": " / ".join(word("reference", lang) for lang in ("en", "zh")),
        "exercise": any(f["properties"]["exercise"] for f in features),
        "publisher": (publisher or Publisher()).sender,
        "features": features,
    }
    return json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _feature(bulletin: Bulletin, alert: Alert, world: World) -> dict[str, Any]:
    place = geojson(alert.element, world)
    facts = _facts(bulletin, alert, world)
    return {"type": "Feature", "id": bulletin.id, "geometry": place, "properties": facts}


def _facts(bulletin: Bulletin, alert: Alert, world: World) -> dict[str, Any]:
    lang, impact, status = bulletin.lang, alert.impact, alert.status
    numbers = {
        "probability_14d": alert.probability_14d,
        "probability_30d": alert.probability_30d,
        "observed_d": status.observed_d,
        "usual_d": status.usual_d,
        "ratio": status.ratio,
        "through_t_y": impact.through_t_y,
        "short_t": impact.short_t,
        "short_share": impact.short_share,
        "added_days": impact.added_days,
        "added_usd_t": impact.added_usd_t,
        "cover_days": impact.cover_days,
    }
    parts = {s.key: "\n".join(lines([s], lang)) for s in bulletin.sections if s.key != "sources"}
    return {
        "id": bulletin.id,
        "title": bulletin.headline,
        "reference": bulletin.reference,
        "exercise": alert.exercise,
        "mark": bulletin.mark,
        "alert": alert.id,
        "thread": alert.thread,
        "message": str(alert.message),
        "reader": bulletin.reader,
        "lang": lang,
        "severity": int(alert.level),
        "level": alert.level.name,
        "level_name": bulletin.colour,
        "previous": alert.previous.name,
        "held": alert.held,
        "current": bulletin.current,
        "sent": stamp(alert.sent),
        "expires": stamp(alert.expires),
        "element": alert.element,
        "element_name": world.name(alert.element, lang),
        "importer": alert.importer,
        "commodity": alert.commodity,
        "declared": told(status.declared, most=60),
        **{name: value if isfinite(value) else None for name, value in numbers.items()},
        **parts,
        "rules": told(alert.rules, most=60),
        "vintage": told(alert.vintage, most=200),
        "visibility": bulletin.audience,
        "sources": "; ".join(bulletin.sources),
    }
