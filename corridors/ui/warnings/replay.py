"""What the monitor would have said in past crises, day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from html import escape
from math import isnan
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd
import streamlit as st

from corridors.risk import desk
from corridors.risk.alert import Level
from corridors.risk.bulletin.words import word as told
from corridors.risk.replay import Replay, replay
from corridors.ui import marks, sentences, shared
from corridors.ui.warnings import model
from corridors.ui.warnings.model import Log, Stamp
from corridors.ui.warnings.scene import Scene, data_link, fine_print
from layers.errors import CorridorsError
from layers.store import Store
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

LONGEST_D, BEFORE_D = 40, 5
LATEST = "latest"
MOST_KEPT = 16
MOST_RATIO = 1.5
"""Of the season: what is above is drawn there; falls are what warnings are of."""
COLOURS = ("#1f77c0", "#d08700", "#00805f", "#9a4fb0", "#b3201f", "#6b7580")


def draw(scene: Scene) -> None:
    """Choose a crisis, play it, and move over its days."""
    fine_print(scene.say("w_replay_intro"))
    with st.spinner(scene.say("computing")):
        days = model.known_now(scene.mark).days
    found = crises(scene.world, days)
    if not found:
        marks.note("info", scene.say("w_no_series"), scene.say("w_no_series_do"))
        data_link(scene.lang)
        return
    chosen, asked = _chosen(scene, found)
    members = model.importers_to_run(scene.world, Log(), scene.importer)
    if asked:
        _play(scene, members, found[chosen])
    played = replays().get((scene.mark, tuple(members), *found[chosen]))
    if played is None:
        marks.note("info", scene.say("w_replay_press", importer=scene.name))
    else:
        _played(scene, played.days, found[chosen])


def _chosen(scene: Scene, found: dict[str, tuple[date, date]]) -> tuple[str, bool]:
    """The crisis, and whether it shall be played."""
    names = scene.world.disruptions.set_index("disruption")[f"name_{scene.lang}"]
    one, two = st.columns([4, 1], vertical_alignment="bottom")
    chosen: str = one.selectbox(
        scene.say("w_crisis"),
        list(found),
        format_func=lambda id: (
            scene.say("w_latest") if id == LATEST else f"{names[id]} · {found[id][0]:%Y-%m-%d}"
        ),
        key="w_crisis",
        persist_state="session",
    )
    return chosen, two.button(scene.say("w_play"), icon=":material/play_arrow:", key="w_play")


def _play(scene: Scene, members: Sequence[str], window: tuple[date, date]) -> None:
    bar = st.progress(0.0, scene.say("w_replay_prepare"))

    def progress(steps: Sequence[str], _: str) -> Iterator[str]:
        for place, text in enumerate(steps):
            bar.progress(place / len(steps), scene.say("w_playing", day=text))
            yield text

    try:
        model.engine()
        play(scene.mark, members, *window, progress)
    except CorridorsError as error:
        marks.note("error", scene.say("w_ran_failed"), str(error))
    bar.empty()


def _played(scene: Scene, table: pd.DataFrame, window: tuple[date, date]) -> None:
    """A slider over the days, the traffic until then, and what would have been said."""
    first, last = window
    at = st.slider(
        scene.say("w_replay_day"),
        min_value=first,
        max_value=last,
        value=first + (last - first) // 2,
        format="YYYY-MM-DD",
        key=f"w_replay_day_{first}_{last}",
    )
    _traffic(scene, table, at)
    today = table[table["day"] == at]
    if today.empty:
        marks.note("info", scene.say("w_replay_none"))
    else:
        _said(scene, today, at)


def _traffic(scene: Scene, table: pd.DataFrame, at: date) -> None:
    """Traffic beside its season, a line an element, and where the slider stands."""
    drawn = table.drop_duplicates(["day", "element"])[["day", "element", "ratio"]].dropna()
    if drawn.empty:
        return
    drawn = drawn.assign(
        day=pd.to_datetime(drawn["day"]),
        name=[scene.world.name(e, scene.lang) for e in drawn["element"]],
    )
    names = list(dict.fromkeys(drawn["name"]))
    lines = alt.Chart(drawn).encode(
        x=alt.X("day:T", title=scene.say("w_replay_day"), axis=alt.Axis(format="%m-%d")),
        y=alt.Y("ratio:Q", title=scene.say("w_replay_chart"), axis=alt.Axis(format=".0%")).scale(
            domain=[0, MOST_RATIO], clamp=True
        ),
        color=alt.Color("name:N", title=None)
        .scale(domain=names, range=[COLOURS[n % len(COLOURS)] for n in range(len(names))])
        .legend(orient="top"),
        strokeDash=alt.StrokeDash("name:N", title=None, sort=names),
        tooltip=[
            alt.Tooltip("name:N", title=scene.say("w_element")),
            alt.Tooltip("day:T", title=scene.say("w_replay_day"), format="%Y-%m-%d"),
            alt.Tooltip("ratio:Q", title=scene.say("w_replay_chart"), format=".0%"),
        ],
    )
    rule = alt.Chart(pd.DataFrame({"day": [pd.Timestamp(at)]})).mark_rule(strokeWidth=2)
    chart = lines.mark_line(strokeWidth=2.5) + rule.encode(x="day:T", color=alt.value("#8a8f98"))
    st.altair_chart(
        chart.properties(height=240),
        width="stretch",
        alt=scene.say("w_replay_alt"),
        key="w_replay_chart",
    )


def _said(scene: Scene, today: pd.DataFrame, at: date) -> None:
    """What was seen of each element that day, and the level of each subject there."""
    lang = scene.lang
    seen = today.drop_duplicates("element").set_index("element")
    elements = sorted(seen.index, key=lambda e: -_worst(today, e))
    figures = [
        (scene.say("w_seen_of_usual"), [_ships(row) for _, row in seen.loc[elements].iterrows()]),
        (scene.say("w_ratio"), [_share(r, lang) for r in seen.loc[elements, "ratio"]]),
        (
            scene.say("w_key_14"),
            [escape(model.chance(float(p), lang)) for p in seen.loc[elements, "p_14"]],
        ),
    ]
    said = today[today["level"] != ""]
    by = {(_subject(scene, r), str(r["element"])): _mark(scene, r) for r in records(said)}
    subjects = dict.fromkeys(subject for subject, _ in by)
    none = f'<span class="cx-quiet">{escape(scene.say("w_calm"))}</span>'
    levels = [(s, [by.get((s, e), none) for e in elements]) for s in subjects]
    heads = [scene.world.name(e, lang) for e in elements]
    marks.grid(scene.say("w_replay_said", day=f"{at:%Y-%m-%d}"), heads, [*figures, *levels], "")


def _worst(today: pd.DataFrame, element: str) -> int:
    levels = today.loc[today["element"] == element, "level"]
    return max(int(Level[level]) if level else -1 for level in levels)


def _subject(scene: Scene, row: dict[str, Any]) -> str:
    whom = [sentences.place(scene.world, str(row["importer"]), scene.lang)] if scene.group else []
    return " · ".join([*whom, scene.world.name(str(row["commodity"]), scene.lang)])


def _mark(scene: Scene, row: dict[str, Any]) -> str:
    level = Level[str(row["level"])]
    if level:
        return marks.level_chip(level, scene.lang)
    return f"✓ {escape(scene.say('w_clear'))}"


def _ships(row: pd.Series[Any]) -> str:
    return f"{row['observed_d']:.0f} / {row['usual_d']:.0f}" if row["usual_d"] > 0 else "–"


def _share(ratio: float, lang: str) -> str:
    return escape(told("unknown", lang) if isnan(ratio) else sentences.percent(ratio, lang))


# ---- found, not drawn


@st.cache_resource(show_spinner=False)
def replays() -> dict[tuple[object, ...], Replay]:
    """Replays played so far, for all readers."""
    return {}


def crises(world: World, days: pd.DataFrame) -> dict[str, tuple[date, date]]:
    """Days to play of past crises whose traffic the store holds, by id, and of the latest weeks."""
    if days.empty or not days["judged"].any():
        return {}
    judged = days[days["judged"].astype(bool)]
    grouped = judged.groupby("element")["day"]
    firsts = {str(e): pd.Timestamp(d) for e, d in grouped.min().items()}
    lasts = {str(e): pd.Timestamp(d) for e, d in grouped.max().items()}
    last = judged["day"].max().date()
    found = {LATEST: (last - timedelta(days=LONGEST_D - 10), last + timedelta(days=7))}
    for row in records(world.disruptions):
        element = str(row["elements"])
        if element not in firsts or not str(row["start"]):
            continue
        start = pd.Timestamp(str(row["start"]))
        if firsts[element] <= start <= lasts[element]:
            begin = start.date() - timedelta(days=BEFORE_D)
            found[str(row["disruption"])] = (begin, begin + timedelta(days=LONGEST_D))
    return found


def play(
    mark: Stamp,
    importers: Sequence[str],
    first: date,
    last: date,
    progress: Callable[[Sequence[str], str], Iterable[str]],
) -> Replay:
    """What the monitor would have said on those days, kept for all readers."""
    world, kept = shared.load()[0], replays()
    key = (mark, tuple(importers), first, last)
    if key not in kept:
        store = Store(mark[0], only_reads=True)
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = replay(
            world,
            store.observations(feeds=[desk.TRAFFIC], every_vintage=True),
            store.events(every_version=True),
            model.impacts(),
            importers,
            first=first,
            last=last,
            progress=progress,
        )
    return kept[key]
