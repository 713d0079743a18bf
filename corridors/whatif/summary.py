"""An answer as tables: by importer and commodity, by origin, by route; annual and over its time.

band    of a sum of flows: ± 1.645 · sqrt(Σ (t_f σ_f)²), σ by quality of the flow; doubt of
        the data alone, not of what shippers would choose
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corridors.demand import members_of
from corridors.metrics import NINE_IN_TEN
from corridors.network import Bools, Floats
from corridors.whatif.answer import OUTCOMES, Answer, Fate
from corridors.whatif.engine import PARTS
from corridors.whatif.stocks import covers
from corridors.whatif.supply import YEAR_D, Group, supply
from layers.tables import QUALITIES

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "by_day",
    "by_element",
    "by_origin",
    "by_route",
    "groups_of",
    "horizon_d",
    "summary",
]

AFTER_D = 180  # looked at beyond the end of the scenario, for late cargo and queues
LEAST_T = 1.0  # t/yr; less is no row


def groups_of(world: World, answer: Answer, importers: Iterable[str] | None) -> list[Group]:
    """Whose supply to look at: each importer asked for, with each commodity it imports.

    Parameters
    ----------
    importers
        Countries, groups of countries (counted as one) or ``WLD``; every country when not given.
    """
    flows = answer.engine.flows
    if importers is None:
        named = {str(c): frozenset({str(c)}) for c in flows["importer"].unique()}
    else:
        named = {importer: members_of(world, importer) for importer in importers}
    traded = {(str(i), str(c)) for i, c in zip(flows["importer"], flows["commodity"], strict=True)}
    return [
        Group(name, countries, commodity)
        for name, countries in named.items()
        for commodity in answer.fates
        if any((country, commodity) in traded for country in countries)
    ]


def summary(answer: Answer, groups: Sequence[Group]) -> pd.DataFrame:
    """What a scenario does to each importer and commodity: one row a group, the most touched first.

    Returns
    -------
    DataFrame
        ``importer, commodity``; in t/yr, while the scenario lasts, ``baseline_t`` and the four
        outcomes, which add up to it, each with ``_low`` and ``_high``; the same ``_duration_t``
        over its days; ``lost_supply_t`` (of the unmet) and ``not_routed_t`` (of the delivered: no
        way is known, so none was tested); ``added_days`` and ``added_cost_usd_t`` of the rerouted,
        the cost by part; ``delivered_added_usd_t`` and ``_days`` of those that stay; then stocks:
        ``cover_days`` and the rest of ``corridors.whatif.stocks.Cover``.
    """
    if not groups:
        return pd.DataFrame()
    duration = answer.scenario.duration_d
    error = _errors(answer)
    rows = [_row(answer, group, error) for group in groups]
    table = pd.DataFrame(rows)
    lines = supply(answer, groups, horizon_d=horizon_d(answer))
    cover = covers(lines).reset_index(drop=True)
    table["unmet_after_stock_t"] = lines["short_t"].sum("day", skipna=False).to_numpy()
    table["cover_days"] = cover["import_cover_d"]
    table["cover"] = cover["import_cover"]
    table["gap_cover_days"] = cover["gap_cover_d"]
    table["gap_cover"] = cover["gap_cover"]
    table["unmet_after_draw_t_d"] = cover["unmet_after_draw_t_d"]
    table["unmet_after_draw"] = cover["unmet_after_draw"]
    for column in ("first_short_day", "first_short", "depth", "recovered_day", "recovered"):
        table[column] = cover[column]
    for name in ("baseline", *OUTCOMES):
        table[f"{name}_duration_t"] = table[f"{name}_t"] * duration / YEAR_D
    table["touched_t"] = table["rerouted_t"] + table["unmet_t"] + table["infeasible_t"]
    order = table.assign(nth=table["importer"].map({n: i for i, n in enumerate(_names(groups))}))
    order = order.sort_values(["nth", "touched_t"], ascending=[True, False])
    return table.loc[order.index].drop(columns="touched_t").reset_index(drop=True)


def _names(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(group.name for group in groups))


def _row(answer: Answer, group: Group, error: Floats) -> dict[str, object]:
    fate = answer.fates[group.commodity]
    mine = answer.engine.imported_by(fate.case.calm, group.countries)
    tonnes = fate.outcome[mine].sum(axis=0)
    baseline = float(fate.case.calm.tonnes[mine].sum())
    row: dict[str, object] = {
        "importer": group.name,
        "commodity": group.commodity,
        "baseline_t": baseline,
        **{f"{name}_t": float(t) for name, t in zip(OUTCOMES, tonnes, strict=True)},
        "lost_share": float(tonnes[2:].sum()) / baseline if baseline > 0 else np.nan,
    }
    rerouted, stays = float(tonnes[1]), float(tonnes[0])
    usd = fate.added_usd[mine].sum(axis=0)
    per_t = usd[1] / rerouted if rerouted > LEAST_T else np.full(len(PARTS), np.nan)
    row["added_days"] = (
        float(fate.added_t_d[mine].sum()) / rerouted if rerouted > LEAST_T else np.nan
    )
    row["added_cost_usd_t"] = float(per_t.sum())
    row |= {f"added_{p}_usd_t": float(v) for p, v in zip(PARTS, per_t, strict=True)}
    row["delivered_added_days"] = (
        float(fate.late_t_d[mine].sum()) / stays if stays > LEAST_T else np.nan
    )
    row["delivered_added_usd_t"] = float(usd[0].sum()) / stays if stays > LEAST_T else np.nan
    row["lost_supply_t"] = float(fate.lost_supply[mine].sum())
    row["not_routed_t"] = float(fate.case.calm.tonnes[mine & ~fate.case.calm.routed].sum())
    by_flow = np.zeros((len(error), len(OUTCOMES)))
    np.add.at(by_flow, fate.case.calm.flow[mine], fate.outcome[mine])
    spread = NINE_IN_TEN * np.sqrt(np.sum((by_flow * error[:, None]) ** 2, axis=0))
    for name, t, band in zip(OUTCOMES, tonnes, spread, strict=True):
        row[f"{name}_low_t"] = max(0.0, float(t - band))
        row[f"{name}_high_t"] = float(t + band)
    return row


def _errors(answer: Answer) -> Floats:
    """(flows,) relative standard error by quality."""
    world = answer.engine.world
    by_quality = {q: world.assumption(f"error_{q}") for q in QUALITIES}
    return np.array([by_quality[q] for q in answer.engine.flows["quality"]])


def by_origin(answer: Answer, groups: Sequence[Group]) -> pd.DataFrame:
    """Outcomes by importer, commodity and origin, with the source of each flow."""
    flows = answer.engine.flows
    parts = []
    for group in groups:
        fate = answer.fates[group.commodity]
        mine = answer.engine.imported_by(fate.case.calm, group.countries)
        flow = fate.case.calm.flow[mine]
        table = pd.DataFrame(fate.outcome[mine], columns=[f"{n}_t" for n in OUTCOMES])
        table["added_usd"] = fate.added_usd[mine, 1].sum(axis=1)
        table["added_t_d"] = fate.added_t_d[mine]
        table["importer"], table["commodity"] = group.name, group.commodity
        for column in ("origin", "source"):
            table[column] = flows[column].to_numpy(dtype=object)[flow]
        keys = ["importer", "commodity", "origin"]
        sums = table.groupby(keys, as_index=False).sum(numeric_only=True)
        says = table.groupby(keys)["source"].agg(_joined).to_numpy()
        parts.append(sums.assign(source=says))
    table = pd.concat(parts, ignore_index=True)
    moved = table["rerouted_t"].where(table["rerouted_t"] > LEAST_T)
    table["added_cost_usd_t"] = table.pop("added_usd") / moved
    table["added_days"] = table.pop("added_t_d") / moved
    table.insert(3, "baseline_t", table[[f"{n}_t" for n in OUTCOMES]].sum(axis=1))
    return table.sort_values("baseline_t", ascending=False, ignore_index=True)


def _joined(texts: pd.Series) -> str:
    return "; ".join(sorted(set(texts)))


def by_route(answer: Answer, groups: Sequence[Group]) -> pd.DataFrame:
    """Every way in use before or after: ``calm_t`` and ``now_t``, t/yr, its passages and cost."""
    parts = [_ways(answer, group) for group in groups]
    parts += [_elsewhere(answer, group) for group in groups]
    table = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    return table.sort_values("now_t", ascending=False, ignore_index=True)


def _ways(answer: Answer, group: Group) -> pd.DataFrame:
    fate = answer.fates[group.commodity]
    market, s = fate.case.calm, fate.case.spread
    mine = answer.engine.imported_by(fate.case.calm, group.countries) & (market.pair >= 0)
    legs = pd.DataFrame(
        {
            "pair": market.pair[mine],
            "origin": answer.engine.sides["origin"][market.flow[mine]],
            "before": market.tonnes[mine],
            "at_sea": fate.case.at_sea[mine],
        }
    )
    legs = legs.groupby(["pair", "origin"], as_index=False).sum()
    ways = pd.DataFrame(
        {
            "pair": s.pair,
            "ship_class": np.array([*market.ships, ""], dtype=object)[s.ship],
            "bits": s.bits,
            "usd_t": s.cost_usd_t,
            "days": s.days,
            "km": s.km,
            "calm": s.calm,
            "now": s.now,
        }
    )
    table = legs.merge(ways, on="pair")
    table["calm_t"] = table.pop("before") * table.pop("calm")
    table["now_t"] = table.pop("at_sea") * table.pop("now")
    pairs = market.sailing.pairs
    table["load"] = pairs["load"].to_numpy()[table["pair"]]
    table["land"] = pairs["land"].to_numpy()[table.pop("pair")]
    return _named(answer, group, table)


def _elsewhere(answer: Answer, group: Group) -> pd.DataFrame:
    rows = answer.elsewhere
    importers = answer.engine.sides["importer"]
    if rows.empty:
        return pd.DataFrame()
    flow = rows["flow"].to_numpy(dtype=np.int64)
    inside = np.fromiter((c in group.countries for c in importers[flow]), np.bool_, len(rows))
    rows = rows[inside & (rows["commodity"] == group.commodity).to_numpy()]
    table = pd.DataFrame(
        {
            "origin": answer.engine.sides["origin"][rows["flow"].to_numpy(dtype=np.int64)],
            "ship_class": rows["ship_class"],
            "bits": rows["bits"].astype(np.uint64),
            "usd_t": rows[[f"{p}_usd_t" for p in PARTS]].sum(axis=1),
            "days": rows["days"],
            "km": rows["km"],
            "calm_t": 0.0,
            "now_t": rows["quantity_t"],
            "load": rows["load"],
            "land": rows["land"],
            "by": [" ".join(e for e in p if not e.startswith("port:")) for p in rows["passes"]],
        }
    )
    return _named(answer, group, table)


def _named(answer: Answer, group: Group, table: pd.DataFrame) -> pd.DataFrame:
    network = answer.engine.network
    names = {b: " ".join(network.elements(b)) for b in set(table["bits"].tolist())}
    table["passages"] = [names[b] for b in table.pop("bits").tolist()]
    table.insert(0, "commodity", group.commodity)
    table.insert(0, "importer", group.name)
    if "by" not in table:
        table["by"] = ""
    return table[(table["calm_t"] > LEAST_T) | (table["now_t"] > LEAST_T)]


def by_element(answer: Answer, groups: Sequence[Group]) -> pd.DataFrame:
    """What rides on each passage, port and line before and after: t/yr, one row an element."""
    loads: dict[tuple[str, str, str], list[float]] = {}
    for group in groups:
        fate = answer.fates[group.commodity]
        mine = answer.engine.imported_by(fate.case.calm, group.countries)
        for element, calm, now in _passed(answer, fate, group, mine):
            at = loads.setdefault((group.name, group.commodity, element), [0.0, 0.0])
            at[0] += calm
            at[1] += now
    table = pd.DataFrame(
        [(*key, *tonnes) for key, tonnes in loads.items()],
        columns=["importer", "commodity", "element", "calm_t", "now_t"],
    )
    table["change_t"] = table["now_t"] - table["calm_t"]
    order = table["change_t"].abs().sort_values(ascending=False).index
    return table.loc[order].reset_index(drop=True)


def _passed(
    answer: Answer, fate: Fate, group: Group, mine: Bools
) -> Iterator[tuple[str, float, float]]:
    """Element, t/yr in calm times and t/yr now, in parts to be summed."""
    ways = by_route(answer, [group])
    for passages, line, calm, now in zip(
        ways["passages"], ways["by"], ways["calm_t"], ways["now_t"], strict=True
    ):
        for element in (*passages.split(), *line.split()):
            yield element, calm, now
    own = fate.case.own_ports
    market = fate.case.calm
    for element, legs in market.passing.items():
        here = legs[mine[legs]]
        if len(here):
            yield element, float(market.tonnes[here].sum()), float(own[here].sum())
    rows = answer.elsewhere[(answer.elsewhere["commodity"] == group.commodity).to_numpy()]
    importers = answer.engine.sides["importer"][rows["flow"].to_numpy(dtype=np.int64)]
    for passes, tonnes, importer in zip(rows["passes"], rows["quantity_t"], importers, strict=True):
        if importer in group.countries:
            for element in passes:
                if element.startswith("port:"):
                    yield element, 0.0, float(tonnes)


DAYS = ("usual_t", "arrivals_t", "gap_t", "drawn_t", "stock_t", "short_t", "waiting_t")


def by_day(answer: Answer, groups: Sequence[Group]) -> pd.DataFrame:
    """Arrivals, stocks and shortage day by day: ``importer, commodity, day`` and ``DAYS``, t."""
    lines = supply(answer, groups, horizon_d=horizon_d(answer))
    table = lines[list(DAYS)].to_dataframe().reset_index()
    names = pd.DataFrame(
        [(i, g.name, g.commodity) for i, g in enumerate(groups)],
        columns=["group", "importer", "commodity"],
    )
    joined = table.merge(names, on="group").drop(columns="group")
    return joined[["importer", "commodity", "day", *DAYS]]


def horizon_d(answer: Answer) -> int:
    """Days looked at: the scenario, at most two years of it, its recovery and half a year."""
    scenario = answer.scenario
    return int(np.ceil(min(scenario.duration_d, 2 * YEAR_D) + scenario.recovery_d)) + AFTER_D
