"""Scarce capacity shared out: by hand, beside another solver, and proved by a dual built here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from corridors.whatif.capacity import STEPS, Plan, Problem, plan

PENALTY = 1000.0
INERTIA = PENALTY / 2  # what leaving the usual way costs, so that cargo that fits stays on it
CLOSE = 1e-9

few = settings(max_examples=80)


@dataclass(frozen=True)
class Way:
    """A way of a group: its cost, the tonnes usually on it, and resources a tonne takes up."""

    group: int
    usd_t: float
    prior: float = 0.0
    takes: tuple[tuple[int, float], ...] = ()


def problem(tonnes: Sequence[float], ways: Sequence[Way], spare: Sequence[float] = ()) -> Problem:
    uses = [(c, r, amount) for c, way in enumerate(ways) for r, amount in way.takes]
    return Problem(
        tonnes=np.array(tonnes, dtype=np.float64),
        group=np.array([w.group for w in ways], dtype=np.int64),
        cost_usd_t=np.array([w.usd_t for w in ways], dtype=np.float64),
        prior=np.array([w.prior for w in ways], dtype=np.float64),
        use_column=np.array([u[0] for u in uses], dtype=np.int64),
        use_resource=np.array([u[1] for u in uses], dtype=np.int64),
        use=np.array([u[2] for u in uses], dtype=np.float64),
        spare=np.array(spare, dtype=np.float64),
    )


def test_hormuz_with_one_pipeline() -> None:
    # METHODS E2: 40 still pass at 20 USD/t, 26 go by the pipeline at 34, 34 are left over at 1000.
    ways = [Way(0, 20, takes=((0, 1),)), Way(0, 34, takes=((1, 1),))]
    found = plan(problem([100], ways, [40, 26]), penalty_usd_t=PENALTY, steps=1)
    assert found.carried == pytest.approx([40, 26])
    assert found.unmet == pytest.approx([34])
    assert found.cost_usd + PENALTY * found.unmet.sum() == pytest.approx(35_684)
    assert found.used == pytest.approx([40, 26])
    assert found.binding.all()
    # One more tonne through: 1000 saved, 20 or 34 paid.
    assert found.worth_usd == pytest.approx([980, 966])


EXPORTS = {"SA": 6.0, "AE": 3.0, "IQ": 3.5, "KW": 2.5, "QA": 1.5, "IR": 2.4, "other": 2.0}
BYPASS = {"SA": 1.9, "AE": 0.7}


def bypassed(lost: float, *, pooled: bool) -> float:
    """Return mb/d left over when each exporter has its own bypass, or all share one."""
    names = list(EXPORTS)
    owners = {e: 0 for e in names} if pooled else {e: i for i, e in enumerate(BYPASS)}
    spare = [sum(BYPASS.values())] if pooled else list(BYPASS.values())
    ways = [Way(names.index(e), 30, takes=((r, 1),)) for e, r in owners.items()]
    stranded = [lost * EXPORTS[e] for e in names]
    return float(plan(problem(stranded, ways, spare), penalty_usd_t=PENALTY).unmet.sum())


@pytest.mark.parametrize(
    ("lost", "own", "shared"),
    [(1, 18.3, 18.3), (0.5, 7.85, 7.85), (0.3, 3.77, 3.67), (0.1, 1.19, 0)],
)
def test_a_bypass_of_ones_own_helps_nobody_else(lost: float, own: float, shared: float) -> None:
    # METHODS E2. At 0.3 Saudi Arabia strands 1.8 and has 1.9: a tenth of it is of no use to others.
    assert bypassed(lost, pooled=False) == pytest.approx(own, abs=1e-9)
    assert bypassed(lost, pooled=True) == pytest.approx(shared, abs=1e-9)


def test_the_buyer_who_lies_nearest_does_not_take_it_all() -> None:
    ways = [Way(0, 10, takes=((0, 1),)), Way(1, 30, takes=((0, 1),))]
    two = problem([100, 100], ways, [100])
    alike = plan(two, penalty_usd_t=PENALTY)
    assert alike.unmet.sum() == pytest.approx(100)
    assert abs(alike.unmet[0] - alike.unmet[1]) <= 100 / STEPS + CLOSE
    assert plan(two, penalty_usd_t=PENALTY, steps=1).unmet == pytest.approx([0, 100])


def test_shares_lost_are_alike_between_large_and_small() -> None:
    ways = [Way(0, 20, takes=((0, 1),)), Way(1, 20, takes=((0, 1),))]
    found = plan(problem([900, 100], ways, [500]), penalty_usd_t=PENALTY)
    lost = found.unmet / [900, 100]
    assert abs(lost[0] - lost[1]) <= 1 / STEPS + CLOSE


def test_what_has_no_way_is_left_over_whole() -> None:
    found = plan(problem([7, 5], [Way(0, 1)]), penalty_usd_t=PENALTY)
    assert found.unmet == pytest.approx([0, 5])


def test_less_than_nothing_to_spare_is_nothing() -> None:
    found = plan(problem([7], [Way(0, 1, takes=((0, 1),))], [-3]), penalty_usd_t=PENALTY)
    assert found.carried == pytest.approx([0])
    assert found.unmet == pytest.approx([7])


def test_a_ship_that_takes_up_more_of_a_canal_pays_for_it() -> None:
    # Six slots; small ships need two a tonne, large ones one. The large go first: what is left over
    # takes one tonne by small ships, so a slot is worth half of 1000 − 10.
    ways = [Way(0, 10, takes=((0, 2),)), Way(1, 10, takes=((0, 1),))]
    found = plan(problem([4, 4], ways, [6]), penalty_usd_t=PENALTY, steps=1)
    assert found.carried == pytest.approx([1, 4])
    assert found.worth_usd == pytest.approx([495])


def test_a_small_buyer_beside_a_large_one_adds_up() -> None:
    # The solver holds balances to 1e-7 of its largest number: small ones must still add up.
    ways = [
        *(Way(0, 20 + i, prior=3e7, takes=((0, 1),)) for i in range(3)),
        *(Way(1, 20 + i, prior=2.0, takes=((0, 1),)) for i in range(3)),
        *(Way(2, 25 - i, prior=0.1, takes=((0, 1),)) for i in range(3)),
    ]
    tonnes = [9e7, 6.0, 0.3]
    found = plan(problem(tonnes, ways, [5e7]), penalty_usd_t=PENALTY)
    carried = np.bincount([w.group for w in ways], found.carried)
    assert carried + found.unmet == pytest.approx(tonnes, rel=1e-12)
    assert (found.carried >= 0).all()


@st.composite
def problems(draw: st.DrawFn, *, fits: bool = False) -> Problem:
    """Draw small problems; with ``fits`` every tonne has a usual way, and there is room on it."""
    tonnes = draw(st.lists(st.floats(0.5, 100), min_size=1, max_size=4))
    spare = draw(st.lists(st.floats(0, 120), min_size=1, max_size=3))
    takes = st.dictionaries(st.integers(0, len(spare) - 1), st.floats(0.25, 4), max_size=2)
    ways: list[Way] = []
    for group, amount in enumerate(tonnes):
        count = draw(st.integers(1 if fits else 0, 3))
        split = np.array(draw(st.lists(st.floats(0.01, 1), min_size=count, max_size=count)))
        share = draw(st.sampled_from([0.0, 0.4, 1.0])) if not fits else 1.0
        for part in split / split.sum() if count else ():
            cost, uses = draw(st.floats(0, 400)), draw(takes)
            ways.append(Way(group, cost, share * part * amount, tuple(sorted(uses.items()))))
    if fits:
        used = np.zeros(len(spare))
        for way in ways:
            for resource, amount in way.takes:
                used[resource] += amount * way.prior
        spare = list(used * draw(st.floats(1, 2)) + 1e-6)
    return problem(tonnes, ways, spare)


def least(p: Problem, steps: int) -> float:
    """Return the least objective, found another way: x, u, what leaves its way, and P over u.

    P(u) is the greatest of its tangents, and what leaves its way the greater of 0 and x − prior.
    """
    groups, columns = len(p.tonnes), len(p.group)
    held = np.minimum(p.prior, p.tonnes[p.group])
    size = 2 * columns + 2 * groups  # x, x beyond the usual, u, P
    x, beyond, u, price = np.split(np.arange(size), np.cumsum([columns, columns, groups]))
    cost = np.zeros(size)
    cost[x], cost[beyond], cost[u], cost[price] = p.cost_usd_t, INERTIA, INERTIA, 1.0
    rows: list[tuple[np.ndarray, float, float]] = []
    for g in range(groups):
        row = np.zeros(size)
        row[x[p.group == g]] = 1.0
        row[u[g]] = 1.0
        rows.append((row, float(p.tonnes[g]), float(p.tonnes[g])))
        paid, width = 0.0, p.tonnes[g] / steps
        for step in range(steps):
            slope = PENALTY * (1 + step / steps)
            row = np.zeros(size)
            row[price[g]], row[u[g]] = 1.0, -slope
            rows.append((row, paid - slope * step * width, np.inf))
            paid += slope * width
    for c in range(columns):
        row = np.zeros(size)
        row[beyond[c]], row[x[c]] = 1.0, -1.0
        rows.append((row, -float(held[c]), np.inf))
    for r, room in enumerate(p.spare):
        row = np.zeros(size)
        mine = p.use_resource == r
        np.add.at(row, x[p.use_column[mine]], p.use[mine])
        rows.append((row, -np.inf, max(float(room), 0.0)))
    matrix, low, high = (np.array([row[i] for row in rows]) for i in range(3))
    found = milp(cost, constraints=LinearConstraint(matrix, low, high))
    assert found.success
    return float(found.fun)


def proved(p: Problem, found: Plan, steps: int) -> float:
    """Return what the worth of the resources alone proves no plan can go under.

    With each resource paid for at what it is worth, groups no longer compete: each fills up its
    ways and its loss from the cheapest on.
    """
    worth = np.maximum(found.worth_usd, 0.0)
    fee = np.bincount(p.use_column, p.use * worth[p.use_resource], minlength=len(p.group))
    bound = -float(worth @ np.maximum(p.spare, 0.0))
    for g, tonnes in enumerate(p.tonnes):
        mine = np.flatnonzero(p.group == g)
        offers = [(PENALTY * (1 + i / steps) + INERTIA, tonnes / steps) for i in range(steps)]
        offers += [(p.cost_usd_t[c] + fee[c], min(p.prior[c], tonnes)) for c in mine]
        offers += [(p.cost_usd_t[c] + fee[c] + INERTIA, np.inf) for c in mine]
        left = float(tonnes)
        for usd_t, most in sorted(offers):
            bound += usd_t * min(left, most)
            left -= min(left, most)
    return bound


@few
@given(problems(), st.sampled_from([1, 3, STEPS]))
def test_the_plan_is_the_best_there_is(p: Problem, steps: int) -> None:
    found = plan(p, penalty_usd_t=PENALTY, steps=steps)
    scale = max(found.objective, 1.0)
    assert found.objective == pytest.approx(least(p, steps), rel=1e-7, abs=1e-6)
    for bound in (found.bound, proved(p, found, steps)):
        assert bound <= found.objective + CLOSE * scale
        assert found.objective - bound <= CLOSE * scale
    assert found.gap < CLOSE


@few
@given(problems(), st.sampled_from([1, STEPS]))
def test_a_plan_balances_and_keeps_to_what_is_free(p: Problem, steps: int) -> None:
    found = plan(p, penalty_usd_t=PENALTY, steps=steps)
    carried = np.bincount(p.group, found.carried, minlength=len(p.tonnes))
    assert carried + found.unmet == pytest.approx(p.tonnes, rel=1e-12)
    assert (found.carried >= 0).all()
    assert (found.unmet >= 0).all()
    assert (found.used <= p.spare * (1 + 1e-6) + 1e-5).all()
    idle = found.used < p.spare * (1 - 1e-6) - 1e-5
    assert (found.worth_usd[idle] <= 1e-6).all()  # nobody pays for what is left over
    assert found.cost_usd == pytest.approx(float(p.cost_usd_t @ found.carried))


@few
@given(problems(fits=True))
def test_where_nothing_binds_the_usual_ways_stay(p: Problem) -> None:
    found = plan(p, penalty_usd_t=PENALTY)
    assert found.carried == pytest.approx(p.prior, rel=1e-9, abs=1e-9)
    assert found.unmet == pytest.approx(np.zeros(len(p.tonnes)), abs=1e-9)
    assert not found.binding.any()


@few
@given(st.floats(1, 100), st.floats(0.01, 0.99), st.floats(0, 300), st.floats(0.001, 0.5))
def test_a_slot_less_moves_what_it_held_and_no_more(
    tonnes: float, share: float, dearer: float, cut: float
) -> None:
    """At the seam: room for all that wants through, then a little less, and so on."""
    first, second = share * tonnes, (1 - share) * tonnes
    ways = [Way(0, 20, first, ((0, 1),)), Way(0, 20 + dearer, second)]
    room = [first, first * (1 - cut), first * (1 - 2 * cut)]
    whole, less, least_room = (
        plan(problem([tonnes], ways, [r]), penalty_usd_t=PENALTY).carried for r in room
    )
    assert whole == pytest.approx([first, second])
    assert less - whole == pytest.approx([-cut * first, cut * first], abs=1e-6 * tonnes)
    assert least_room - less == pytest.approx([-cut * first, cut * first], abs=1e-6 * tonnes)


@few
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_ways_and_groups_does_not_matter(p: Problem, lot: Random) -> None:
    groups, columns = list(range(len(p.tonnes))), list(range(len(p.group)))
    lot.shuffle(groups)
    lot.shuffle(columns)
    place = np.argsort(columns) if columns else np.array([], dtype=np.int64)
    mixed = replace(
        p,
        tonnes=p.tonnes[groups],
        group=np.argsort(groups)[p.group[columns]] if columns else p.group,
        cost_usd_t=p.cost_usd_t[columns],
        prior=p.prior[columns],
        use_column=place[p.use_column] if len(p.use_column) else p.use_column,
    )
    one, other = (plan(q, penalty_usd_t=PENALTY) for q in (p, mixed))
    assert other.objective == pytest.approx(one.objective, rel=1e-9, abs=1e-9)
    assert other.unmet.sum() == pytest.approx(one.unmet.sum(), rel=1e-6, abs=1e-5)
