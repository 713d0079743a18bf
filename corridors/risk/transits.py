"""Changes of traffic: a seasonal baseline, frozen while an alarm is on, and count charts on it.

    expected   mu(t) = level · season(t)
    level      median of y / season over the last 120 days without alarm, the last 7 left out
    season     median over past years of (31-day mean / 365-day mean), drawn to 1 by n / (n + 1)
    evidence   S(t) = max(0, S(t-1) + log NB(y; rho mu, phi) - log NB(y; mu, phi))
    fall on    S(.5) or S(.25) > h and 3-day ratio < gate, or S(.75) > h and 7-day ratio < gate,
               gate = .75 - .15 / (n + 1)
    rise on    likewise with 4/3, 2, 4 and 1.25 + .15 / (n + 1)
    off        7-day ratio back within 15 % of the expected on 7 days running
    twin       EWMA of (y - mu) / sd beyond 6 of its standard errors

NB is the negative binomial of mean mu and size phi (count charts: Höhle & Paul 2008; adaptive:
Sparks et al. 2010), n the past years behind a season. Each day is judged by what earlier days
showed, and by nothing later. What is added to the usual recipe, and why:

- a mild fall (rho .75) has to show in a week's mean: a storm of a few days is none;
- the less is known of the season, the wider the gates, and none before a year of data;
- the season is a median over years with the days of mild alarms in it: were winter dips left out
  as alarms, no winter could ever be learnt; days of an alarm beyond 40 % tell nothing of seasons,
  and the expected stands in for them;
- a rise is taken for the new usual after 60 days, and for a year after that falls are counted from
  the lower of the two levels: a surge that ends is no fall;
- the days on which the evidence of an alarm gathered leave the baseline with it.

Tonnage is counted in usual ships: tonnes over the usual tonnes of a call. Series of fewer than 10
ships a day are judged by the week, on Mondays, of fewer than one not at all. All series go through
time together, as arrays of one day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from corridors.network import Bools, Floats, Ints

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["FALL", "RISE", "Rules", "changes", "evidence", "rules_of", "size"]

FALL, RISE = -1, 1
FALLS, RISES = (0.75, 0.5, 0.25), (4 / 3, 2.0, 4.0)
WEEK_D, YEAR_D, HALF_D = 7, 365, 182
SEASON_MOST = 2.0  # a season beyond this is a gap in the data, not a season
SEASON_FAR = 0.4  # days of an alarm farther than this from the expected are of no season

VARIABLES = {
    "expected": ("usual for the season", "1/d"),
    "ratio": ("mean of 7 days over the expected", "1"),
    "ratio_3d": ("mean of 3 days over the expected", "1"),
    "evidence_fall": ("log odds of a fall", "1"),
    "evidence_rise": ("log odds of a rise", "1"),
    "alarm": ("-1 fall, 1 rise, 0 none", "1"),
    "onset": ("day on which the evidence of the alarm began to gather; -1 without", "d"),
    "began": ("day of the alarm; -1 without", "d"),
    "twin": ("the second chart says so too", "1"),
    "judged": ("enough is known to judge the day", "1"),
}


@dataclass(frozen=True)
class Rules:
    """Thresholds of the charts (METHODS of count charts, and choices named above).

    Attributes
    ----------
    evidence
        h, log odds that are an alarm.
    fall, rise, doubt
        Gates, and how much wider they are while no season is known.
    back, back_d
        How near to the expected is back, and for how many days running.
    twin_weight, twin_limit
        lambda and L of the EWMA.
    level_d, gap_d, least_d
        Days of the baseline, those left out before today, and the least it needs.
    history_d
        Days of data before anything is judged.
    low, least
        Ships a day below which a series is judged by the week, and not at all.
    adopt_d, floor_d
        Days after which a rise is the new usual, and for which the old level is remembered.
    review_d
        Days after which a fall asks for a person.
    """

    evidence: float = 15.0
    fall: float = 0.75
    rise: float = 1.25
    doubt: float = 0.15
    back: float = 0.15
    back_d: int = 7
    twin_weight: float = 0.2
    twin_limit: float = 6.0
    level_d: int = 120
    gap_d: int = 7
    least_d: int = 60
    history_d: int = 365
    low: float = 10.0
    least: float = 1.0
    adopt_d: int = 60
    floor_d: int = 365
    review_d: int = 180


def rules_of(world: World) -> Rules:
    """The rules with what the table of assumptions says of them (``transit_*``)."""
    return Rules(
        evidence=world.assumption("transit_evidence"),
        fall=world.assumption("transit_fall"),
        low=world.assumption("observed_min_baseline_d"),
        review_d=int(world.assumption("transit_review_d")),
    )


def evidence(y: Floats, mu: Floats, phi: Floats, rho: float) -> Floats:
    """Log odds that the mean is rho times the usual, of y ships where mu are: NB of size phi."""
    return np.asarray(y * np.log(rho) + (y + phi) * np.log((phi + mu) / (phi + rho * mu)))


def size(mean: Floats, variance: Floats) -> Floats:
    """Size phi = m² / (v - m), within 5 and 200, which is hardly more than Poisson."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(variance > mean, mean**2 / (variance - mean), 200.0)
    return np.asarray(np.clip(found, 5.0, 200.0))


def changes(
    panel: xr.DataArray,
    rules: Rules | None = None,
    *,
    rebased: Mapping[str, pd.Timestamp] | None = None,
) -> xr.Dataset:
    """What each day of each series shows: dims ``series, day``.

    Parameters
    ----------
    panel
        Dims ``series, day``, days without holes, NaN where not known; coordinates ``element``,
        ``ship_class`` (empty: all), ``measure`` (``calls`` or ``tonnage``) and ``calls_of``, the
        position of the calls of the same element and class, -1 without.
    rebased
        Elements whose baseline a person has started anew, and from which day.

    Returns
    -------
    Dataset
        ``VARIABLES``, with the coordinates of the panel.
    """
    rules = rules or Rules()
    chart = _Chart.of(panel, rules, rebased or {})
    for t in range(panel.sizes["day"]):
        chart.step(t)
    return chart.told(panel)


@dataclass
class _Chart:
    """All series on their way through time; ``step`` takes them a day further."""

    y: Floats
    monday: Bools
    calls_of: Ints
    rules: Rules
    rebase: Ints
    out: dict[str, np.ndarray]
    clean: Bools
    plain: Floats
    season: Floats
    index: Floats
    ring: Floats
    ring_day: Ints
    ring_at: Ints
    rows: Ints
    on: Ints
    onset: Ints
    began: Ints
    level: Floats
    phi: Floats
    floor: Floats
    floor_to: Ints
    back: Ints
    known: Ints
    years: Ints
    twin: Floats
    ships: Floats
    usual: Floats
    sums: dict[int, Floats] = field(default_factory=dict)
    zero: dict[int, Ints] = field(default_factory=dict)

    @classmethod
    def of(cls, panel: xr.DataArray, rules: Rules, rebased: Mapping[str, pd.Timestamp]) -> _Chart:
        y = panel.transpose("series", "day").to_numpy().astype(float)
        count = len(y)
        at = pd.DatetimeIndex(panel["day"].to_numpy())
        starts = {e: int(at.searchsorted(day)) for e, day in rebased.items()}
        none, zeros = np.full(count, -1), np.zeros(count, np.int64)
        out = {name: np.full(y.shape, np.nan) for name in VARIABLES}
        return cls(
            y=y,
            monday=np.asarray(at.day_of_week == 0),
            calls_of=panel["calls_of"].to_numpy().astype(np.int64),
            rules=rules,
            rebase=np.array([starts.get(str(e), -1) for e in panel["element"].to_numpy()]),
            out=out,
            clean=np.isfinite(y),
            plain=y.copy(),
            season=np.ones(y.shape),
            index=np.full(y.shape, np.nan),
            ring=np.full((count, rules.level_d), np.nan),
            ring_day=np.full((count, rules.level_d), -1),
            ring_at=zeros.copy(),
            rows=np.arange(count),
            on=zeros.copy(),
            onset=none.copy(),
            began=none.copy(),
            level=np.full(count, np.nan),
            phi=np.full(count, 50.0),
            floor=np.full(count, np.inf),
            floor_to=none.copy(),
            back=zeros.copy(),
            known=zeros.copy(),
            years=zeros.copy(),
            twin=np.zeros(count),
            ships=np.full(y.shape, np.nan),
            usual=np.full(y.shape, np.nan),
            sums={s: np.zeros((count, 3)) for s in (FALL, RISE)},
            zero={s: np.zeros((count, 3), np.int64) for s in (FALL, RISE)},
        )

    def step(self, t: int) -> None:
        """Judge day t."""
        self._restart(np.flatnonzero(self.rebase == t))
        self._learn_season(t)
        self._learn_level(t)
        self._expect(t)
        fell, rose = self._gather(t)
        self._raise(t, fell, FALL)
        self._raise(t, rose & ~fell, RISE)
        self._settle(t)

    def told(self, panel: xr.DataArray) -> xr.Dataset:
        kinds = {**dict.fromkeys(("alarm", "onset", "began"), "int64"), "twin": "bool"}
        kinds["judged"] = "bool"
        made = {
            name: (
                ("series", "day"),
                self.out[name].astype(kinds.get(name, "float64")),
                {"long_name": words, "units": unit},
            )
            for name, (words, unit) in VARIABLES.items()
        }
        return xr.Dataset(made, coords=panel.coords)

    def _restart(self, some: Ints) -> None:
        """Forget baseline and alarm: a person said that what is usual has changed."""
        self.ring[some] = np.nan
        self.on[some], self.back[some], self.twin[some] = 0, 0, 0.0
        self.onset[some] = self.began[some] = -1
        self.floor_to[some] = -1
        for sums in self.sums.values():
            sums[some] = 0.0

    def _learn_season(self, t: int) -> None:
        """The index of the day half a year ago, now that its whole year is known; then today's."""
        centre = t - HALF_D
        if centre >= HALF_D:
            year = _row_means(self.plain[:, centre - HALF_D : t + 1], 200)
            month = _row_means(self.plain[:, centre - 15 : centre + 16], 11)
            self.index[:, centre] = np.where(
                year > 0, month / np.where(year > 0, year, 1.0), np.nan
            )
        past = self.index[:, t - YEAR_D :: -YEAR_D] if t >= YEAR_D else self.index[:, :0]
        self.years = np.isfinite(past).sum(axis=1)
        usual = np.nan_to_num(_row_medians(past), nan=1.0)
        drawn = 1 + self.years / (self.years + 1) * (usual - 1)
        self.season[:, t] = np.clip(drawn, 1 / SEASON_MOST, SEASON_MOST)

    def _learn_level(self, t: int) -> None:
        """Take in the day a week ago, unless an alarm is on; the level is a median of such days."""
        day = t - self.rules.gap_d
        free = self.on == 0
        if day >= 0:
            some = self.rows[free & self.clean[:, day]]
            at = self.ring_at[some]
            self.ring[some, at] = self.y[some, day] / self.season[some, day]
            self.ring_day[some, at] = day
            self.ring_at[some] = (at + 1) % self.rules.level_d
        enough = np.isfinite(self.ring).sum(axis=1) >= self.rules.least_d
        told = np.where(enough, _row_medians(self.ring), np.nan)
        self.level = np.where(free, told, self.level)

    def _expect(self, t: int) -> None:
        """Ships and usual ships of the day; of tonnage by the usual tonnes of a call."""
        own = self.level[np.maximum(self.calls_of, 0)]
        counted = np.where(own > 0, own, np.nan)
        tonnes = self.level / counted
        unit = np.where(self.calls_of >= 0, np.where(tonnes > 0, tonnes, np.nan), 1.0)
        mean, spread = _row_means(self.ring, 1) / unit, _row_variances(self.ring) / unit**2
        self.phi = np.where(self.on == 0, size(mean, spread), self.phi)
        self.ships[:, t] = self.y[:, t] / unit
        self.usual[:, t] = self.level * self.season[:, t] / unit
        self.known += np.isfinite(self.y[:, t])
        self.out["expected"][:, t] = self.level * self.season[:, t]
        self.out["ratio"][:, t] = self._ratio(t, WEEK_D, 5)
        self.out["ratio_3d"][:, t] = self._ratio(t, 3, 2)

    def _ratio(self, t: int, days: int, least: int) -> Floats:
        """Sum of some days over what was usual for those of them that are known."""
        seen = slice(max(0, t - days + 1), t + 1)
        y, usual = self.ships[:, seen], self.usual[:, seen]
        both = np.isfinite(y) & np.isfinite(usual)
        above, below = np.where(both, y, 0.0).sum(axis=1), np.where(both, usual, 0.0).sum(axis=1)
        told = (both.sum(axis=1) >= least) & (below > 0)
        return np.asarray(np.where(told, above / np.where(told, below, 1.0), np.nan))

    def _gather(self, t: int) -> tuple[Bools, Bools]:
        """Add the day's evidence; (series,) whether it makes a fall and a rise."""
        rules, y, mu = self.rules, self.ships[:, t], self.usual[:, t]
        week, three = self.out["ratio"][:, t], self.out["ratio_3d"][:, t]
        judged = np.isfinite(y) & np.isfinite(mu) & (mu >= rules.least)
        judged &= self.known >= rules.history_d
        weekly = mu < rules.low
        counted = judged & (~weekly | (self.monday[t] & np.isfinite(week)))
        seen = np.where(weekly, WEEK_D * week * mu, y)
        usual = np.where(weekly, WEEK_D * mu, mu)
        phi = np.where(weekly, np.clip(WEEK_D * self.phi, 5.0, 200.0), self.phi)
        lower = self._lower(t)
        doubt = rules.doubt / (self.years + 1)
        quick = np.where(weekly, week, three)
        found = {}
        for sign, ratios, base in ((FALL, FALLS, lower), (RISE, RISES, np.ones(len(y)))):
            sums = self._accumulate(t, sign, ratios, seen, usual * base, phi, counted)
            gate = base * (rules.fall - doubt) if sign == FALL else rules.rise + doubt
            short, long = -sign * quick < -sign * gate, -sign * week < -sign * gate
            grave = (sums[:, 1:].max(axis=1) > rules.evidence) & short
            found[sign] = judged & (grave | ((sums[:, 0] > rules.evidence) & long))
            name = "evidence_fall" if sign == FALL else "evidence_rise"
            self.out[name][:, t] = np.where(judged, sums.max(axis=1), np.nan)
        self._second(y, mu, judged)
        self.out["judged"][:, t] = judged
        return found[FALL] & (self.on >= 0), found[RISE] & (self.on == 0)

    def _lower(self, t: int) -> Floats:
        """(series,) the level falls are counted from, over today's: less than 1 after a surge."""
        remembered = (t < self.floor_to) & (self.floor < self.level)
        level = np.where(remembered, self.level, 1.0)
        return np.asarray(np.where(remembered, self.floor / level, 1.0))

    def _accumulate(
        self,
        t: int,
        sign: int,
        ratios: tuple[float, ...],
        seen: Floats,
        usual: Floats,
        phi: Floats,
        counted: Bools,
    ) -> Floats:
        """(series, ratios) the sums of a chart after the day; remembers where each was last 0."""
        sums = self.sums[sign]
        for j, rho in enumerate(ratios):
            more = np.where(counted, evidence(seen, usual, phi, rho), 0.0)
            sums[:, j] = np.maximum(0.0, sums[:, j] + more)
        self.zero[sign] = np.where(sums <= 0, t, self.zero[sign])
        return sums

    def _second(self, y: Floats, mu: Floats, judged: Bools) -> None:
        weight = self.rules.twin_weight
        apart = (y - mu) / np.sqrt(np.where(judged, mu + mu**2 / self.phi, 1.0))
        moved = (1 - weight) * self.twin + weight * apart
        self.twin = np.where(judged, moved, self.twin)

    def _raise(self, t: int, some: Bools, sign: int) -> None:
        """Put an alarm on; the days its evidence gathered on leave the baseline."""
        for s in np.flatnonzero(some):
            onset = int(self.zero[sign][s, self.sums[sign][s].argmax()]) + 1
            self.on[s], self.onset[s], self.began[s], self.back[s] = sign, onset, t, 0
            self.clean[s, onset : t + 1] = False
            self.ring[s, self.ring_day[s] >= onset] = np.nan

    def _settle(self, t: int) -> None:
        """Take alarms off that are over, take long rises for usual, write the day down."""
        rules, ratio = self.rules, self.out["ratio"][:, t]
        lower = self._lower(t)
        near = np.where(self.on < 0, ratio >= (1 - rules.back) * lower, ratio <= 1 + rules.back)
        self.back = np.where((self.on != 0) & near, self.back + 1, 0)
        self.clean[self.on != 0, t] = False
        far = (self.on != 0) & (np.abs(ratio - 1) > SEASON_FAR)
        self.plain[far, t] = self.out["expected"][far, t]
        usual_now = (self.on > 0) & (t - self.began >= rules.adopt_d)
        for s in np.flatnonzero(usual_now):
            self._adopt(int(s), t)
        limit = rules.twin_limit * np.sqrt(rules.twin_weight / (2 - rules.twin_weight))
        self.out["twin"][:, t] = np.where(self.on < 0, self.twin < -limit, self.twin > limit)
        over = usual_now | ((self.on != 0) & (self.back >= rules.back_d))
        self.on[over], self.twin[over] = 0, 0.0
        self.onset[over] = self.began[over] = -1
        for sign, sums in self.sums.items():
            sums[over] = 0.0
            self.zero[sign][over] = t
        for name, values in (("alarm", self.on), ("onset", self.onset), ("began", self.began)):
            self.out[name][:, t] = values

    def _adopt(self, s: int, t: int) -> None:
        """Start the baseline anew from the days of the rise, the old level remembered."""
        days = np.arange(max(0, t - self.rules.adopt_d), t + 1)
        days = days[np.isfinite(self.y[s, days])][-self.rules.level_d :]
        self.ring[s] = np.nan
        self.ring[s, : len(days)] = self.y[s, days] / self.season[s, days]
        self.ring_day[s, : len(days)], self.ring_at[s] = days, len(days) % self.rules.level_d
        self.clean[s, days] = True
        # One surge upon another: the lowest level of the year counts.
        before = self.floor[s] if t < self.floor_to[s] else np.inf
        self.floor[s], self.floor_to[s] = min(before, self.level[s]), t + self.rules.floor_d


def _row_means(values: Floats, least: int) -> Floats:
    """Mean of what is known in each row; NaN where too little is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.where(count >= least, total / np.maximum(count, 1), np.nan))


def _row_medians(values: Floats) -> Floats:
    """Median of what is known in each row; sorting puts what is not known last."""
    count = np.isfinite(values).sum(axis=1)
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered, rows = np.sort(values, axis=1), np.arange(len(values))
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, values.shape[1] - 1)
    middle = (ordered[rows, low] + ordered[rows, high]) / 2
    return np.asarray(np.where(count > 0, middle, np.nan))


def _row_variances(values: Floats) -> Floats:
    """Variance of what is known in each row."""
    mean = _row_means(values, 1)
    return _row_means((values - mean[:, None]) ** 2, 1)
