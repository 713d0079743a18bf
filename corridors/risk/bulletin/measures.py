"""What a reader can do about a warning, from the table of actions: nothing that is not possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corridors.risk.bulletin.briefing import Briefing, Row, Section, Way
from corridors.risk.bulletin.surroundings import site
from corridors.risk.bulletin.words import joined
from layers.tables import LEVELS, PHASES
from layers.world import records

__all__ = ["actions", "bases", "fitting"]


def actions(this: Briefing, found: Sequence[Mapping[str, str]]) -> Section:
    """The measures that fit, phase by phase; a line that says so when there are none."""
    parts = [
        this.part(phase, [Row(_deed(this, r)) for r in found if r["phase"] == phase])
        for phase in PHASES
        if any(r["phase"] == phase for r in found)
    ]
    none = () if parts else (Row(this.say("actions_none")),)
    return this.part("actions", none, *parts)


def bases(this: Briefing, found: Sequence[Mapping[str, str]]) -> list[str]:
    """What the measures listed are taken from."""
    column = "source" if this.lang == "en" else "source_zh"
    return list(dict.fromkeys(row[column] for row in found))


def fitting(this: Briefing) -> list[dict[str, str]]:
    """Rows of the table of actions for this reader, level, element and cargo, in its order."""
    table = this.world.commodities
    group = table.loc[table["commodity"] == this.alert.commodity, "group"].iloc[0]
    here = site(this.alert.element, this.world)
    return [
        row
        for row in records(this.world.actions)
        if row["reader"] == this.reader
        and _due(this, row["phase"], row["level"])
        and (not row["elements"] or here in row["elements"].split(";"))
        and row["cargo"] in ("", group)
        and _possible(this, row["needs"])
    ]


def _due(this: Briefing, phase: str, level: str) -> bool:
    """Whether a phase is on: recovery when the level has come down, the rest at its level."""
    if phase == "recover":
        return this.clear or this.alert.level < this.alert.previous
    return not this.clear and this.alert.level >= 1 + LEVELS.index(level)


def _possible(this: Briefing, needs: str) -> bool:
    """Whether what an action rests on is known to be there."""
    found = this.alert.impact
    known = {
        "": True,
        "next_best": bool(this.ways),
        "stock": found.cover_days > 0,
        "landings": bool(this.context.landings),
        "no_way": found.infeasible_t_y > 0,
    }
    return known[needs]


def _deed(this: Briefing, row: Mapping[str, str]) -> str:
    """What to do, with the names it speaks of."""
    way = next(iter(this.ways), Way(()))
    landings = sorted(this.context.landings, key=lambda port: -this.context.landings[port])
    return row[f"text_{this.lang}"].format(
        **this.names,
        next_best=this.passages(way),
        more=this.more(way.days, way.usd_t),
        ports=joined([this.name(port) for port in landings[:3]], this.lang),
    )
