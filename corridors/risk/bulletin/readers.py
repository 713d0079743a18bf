"""What a warning means for each of its readers, in the figures that matter to them."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, isnan, nan

from corridors.risk.bulletin.briefing import SHOWN, Briefing, Incident, Row, Way
from corridors.risk.bulletin.surroundings import middle, site
from corridors.risk.bulletin.words import joined, told
from corridors.whatif.supply import YEAR_D
from corridors.wording import in_sentence, place
from layers.events import may_see

__all__ = ["meaning"]


def meaning(this: Briefing) -> list[Row]:
    """The figures that matter to the reader, by name; what is not known says so."""
    written = {
        "central_agency": _for_nation,
        "local_government": _for_ports,
        "embassy": _for_mission,
        "security_company": _for_guards,
        "enterprise": _for_firm,
    }
    return written[this.reader](this)


def _for_nation(this: Briefing) -> list[Row]:
    found = this.alert.impact
    rows = [*_assumed(this), _through(this), *_shortfall(this)]
    cover = this.say("cover_text", days=this.figure(found.cover_days))
    rows.append(this.fact("cover", cover, found.cover_days))
    rows.append(_reroute(this))
    stranded = found.unmet_t_y + found.infeasible_t_y
    if stranded != 0:
        rows.append(this.fact("stranded", this.yearly(stranded), stranded))
    return [*rows, _tier(this)]


def _for_ports(this: Briefing) -> list[Row]:
    landings = sorted(this.context.landings.items(), key=lambda item: -item[1])
    total = sum(landed for _, landed in landings)
    if not landings:
        return [*_assumed(this), this.fact("landing", "", nan), *_shortfall(this)[:1]]
    rows = [_port(this, port, landed, landed / total) for port, landed in landings[:SHOWN]]
    rest = landings[SHOWN:]
    if rest:
        text = this.say(
            "more_ports_text", count=str(len(rest)), tonnes=this.tonnes(sum(t for _, t in rest))
        )
        rows.append(Row(text, this.say("more_ports")))
    return [*_assumed(this), *rows, *_shortfall(this)[:1]]


def _port(this: Briefing, port: str, landed: float, share: float) -> Row:
    found = this.alert.impact
    risk = landed * found.lost * found.days / YEAR_D
    key = "port_text" if isfinite(risk) else "port_text_part"
    text = this.say(
        key,
        element=this.names["element"],
        tonnes=this.tonnes(landed),
        share=this.share(share),
        risk=this.tonnes(risk),
        days=this.figure(found.days),
    )
    firms = this.context.firms.get(port) or _operator(this, port)
    shown = [told(firm, most=60) for firm in firms]
    return Row(
        text + (this.say("firms", firms=joined(shown, this.lang)) if shown else ""),
        this.name(port),
    )


def _operator(this: Briefing, port: str) -> tuple[str, ...]:
    table = this.world.ports
    found = table.loc[table["port"] == port.removeprefix("port:"), "operator"]
    return tuple(filter(None, found))


def _for_mission(this: Briefing) -> list[Row]:
    context, status = this.context, this.alert.status
    who = in_sentence(this.world, this.alert.importer, this.lang)
    countries = [place(this.world, country, this.lang) for country in context.countries]
    ships = this.say(
        "ships_text", now=this.figure(status.observed_d), usual=this.figure(status.usual_d)
    )
    return [
        Row(joined(countries, this.lang), this.say("countries")),
        Row(this.figure(context.nationals), this.say("nationals", importer=who)),
        this.fact("ships", ships, status.observed_d),
        Row(this.status(), this.say("passage")),
        *_incidents(this),
    ]


def _for_guards(this: Briefing) -> list[Row]:
    near = [
        this.say("nearby_text", name=this.name(n.element), km=f"{n.km:.0f}")
        for n in this.context.nearby[:SHOWN]
    ]
    return [
        Row(_position(this), this.say("place")),
        Row(joined(near, this.lang), this.say("nearby")),
        *_incidents(this),
    ]


def _position(this: Briefing) -> str:
    lon, lat = middle(this.alert.element, this.world)
    return this.say(
        "place_text",
        kind=this.say(site(this.alert.element, this.world)),
        lat=this.say("north" if lat >= 0 else "south", value=f"{abs(lat):.2f}"),
        lon=this.say("east" if lon >= 0 else "west", value=f"{abs(lon):.2f}"),
    )


def _incidents(this: Briefing) -> list[Row]:
    """Events that the audience may see, each with its day and place."""
    seen = [i for i in this.context.incidents if may_see(this.audience, i.visibility)]
    if not seen:
        return [this.fact("incidents", "", nan)]
    return [_incident(this, found) for found in seen[:SHOWN]]


def _incident(this: Briefing, found: Incident) -> Row:
    row = this.quoted(told(found.title), this.say("incidents"))
    where = told(found.place, most=80) or told(found.source, most=80)
    if found.at is not None:
        where = this.say("incident_at", day=this.day(found.at), place=where)
    return replace(row, text=this.say("named", name=where, text=row.text))


def _for_firm(this: Briefing) -> list[Row]:
    found, context = this.alert.impact, this.context
    share = _ratio(this, found.through_t_y, found.imports_t_y)
    delay = this.say("delay_text", days=this.figure(found.added_days))
    dearer = this.say("dearer_text", usd=this.figure(found.added_usd_t))
    risk = this.say("war_risk_text", rate=this.figure(context.war_risk_pct))
    ways = [Row(_way(this, way), this.say("way")) for way in this.ways[:3]]
    rows = [
        this.fact("own_share", this.share(share), share),
        this.fact("delay", delay, found.added_days),
        this.fact("dearer", dearer, found.added_usd_t),
        *(ways or [this.fact("way", "", nan)]),
    ]
    if found.infeasible_t_y > 0:
        stranded = this.yearly(found.infeasible_t_y)
        rows.append(this.fact("stranded", stranded, found.infeasible_t_y))
    return [*_assumed(this), *rows, this.fact("war_risk", risk, context.war_risk_pct)]


def _assumed(this: Briefing) -> list[Row]:
    found = this.alert.impact
    if not isfinite(found.lost) or not isfinite(found.days):
        return []
    text = this.say("assumed_text", lost=this.share(found.lost), days=this.figure(found.days))
    return [Row(text, this.say("assumed"))]


def _through(this: Briefing) -> Row:
    found = this.alert.impact
    names = {k: this.names[k] for k in ("commodity", "importer")}
    share = this.share(_ratio(this, found.through_t_y, found.imports_t_y))
    text = this.say("through_text", tonnes=this.tonnes(found.through_t_y), share=share, **names)
    return this.fact("through", text, found.through_t_y)


def _shortfall(this: Briefing) -> list[Row]:
    """The shortfall after stocks, and before them."""
    found = this.alert.impact
    base = this.say("all_imports" if isnan(found.used_t_y) else "home_use")
    text = this.say(
        "short_zero" if found.short_t == 0 else "short_text",
        tonnes=this.tonnes(found.short_t),
        days=this.figure(found.days),
        share=this.share(found.short_share),
        base=base,
    )
    before = this.say("share_of", share=this.share(found.gap_share), base=base)
    return [
        this.fact("short", text, found.short_t),
        this.fact("before_stocks", before, found.gap_share),
    ]


def _reroute(this: Briefing) -> Row:
    found = this.alert.impact
    if found.rerouted_t_y == 0:
        return Row(this.say("reroute_none"), this.say("reroute"))
    more = this.more(found.added_days, found.added_usd_t)
    text = this.say("reroute_text", tonnes=this.tonnes(found.rerouted_t_y), more=more)
    return this.fact("reroute", text, found.rerouted_t_y)


def _tier(this: Briefing) -> Row:
    tier = this.alert.impact.tier
    if tier not in (1, 2, 3, 4):
        return this.fact("tier", "", nan)
    text = this.say("tier_text", tier=str(tier), range=this.say(f"tier{tier}"))
    return Row(text, this.say("tier"))


def _way(this: Briefing, way: Way) -> str:
    more = this.more(way.days, way.usd_t)
    return this.say("way_text", names=this.passages(way), more=more)


def _ratio(this: Briefing, part: float, whole: float) -> float:
    return part / whole if whole > 0 else nan
