"""Scarce capacity shared out at least cost: a min-cost multicommodity flow over priced routes.

    min  Σ_c (cost_c + inertia_c) x_c  +  Σ_g P(u_g)
    s.t. Σ_{c of g} x_c + u_g = tonnes_g         every group: carried or unmet
         Σ_c use_rc x_c ≤ spare_r                every scarce resource
         x, u ≥ 0

solved by HiGHS (``scipy.optimize.linprog``) and proved optimal by its own dual: the bound is built
here from the multipliers, and the gap is part of the answer.

Two choices make the answer one that people can live with. *Inertia*: tonnes that the logit has put
on a way stay there as long as they fit, so that where nothing binds the plan is the logit's, and
where something starts to bind it moves away from it by no jump. *Scarcity*: a buyer who has lost
much pays more for the next tonne than one who has lost little, P(u) rises in steps from ``penalty``
to twice that; without it the plan would give all of a bypass to whoever lies nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from corridors.network import Bools, Floats, Ints

__all__ = ["Plan", "Problem", "plan"]

STEPS = 10  # of the price of unmet tonnes: shares of two buyers differ by a step at most


@dataclass(frozen=True, eq=False)
class Problem:
    """Groups of cargo, the routes each may take, and what the routes use up.

    Attributes
    ----------
    tonnes
        (groups,) t/yr.
    group, cost_usd_t, prior
        (columns,) the group a route is for; its cost; the tonnes the logit has put there.
    use_column, use_resource, use
        (uses,) a column takes ``use`` units of a resource for each tonne.
    spare
        (resources,) units free.
    """

    tonnes: Floats
    group: Ints
    cost_usd_t: Floats
    prior: Floats
    use_column: Ints
    use_resource: Ints
    use: Floats
    spare: Floats


@dataclass(frozen=True, eq=False)
class Plan:
    """The least-cost plan.

    Attributes
    ----------
    carried
        (columns,) t/yr.
    unmet
        (groups,) t/yr.
    used, worth_usd
        (resources,) units used; what one more unit would save, USD (0 where it does not bind).
    price_usd_t
        (groups,) what one more tonne would cost: a route not yet offered pays only below it, its
        use of resources at their worth included.
    cost_usd
        What carrying costs, without the price of unmet tonnes.
    objective, bound
        Of the linear program, and what its dual proves no plan can go under.
    """

    carried: Floats
    unmet: Floats
    used: Floats
    worth_usd: Floats
    price_usd_t: Floats
    cost_usd: float
    objective: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the plan may be from the best, relative: 0 is proved optimal."""
        return abs(self.objective - self.bound) / max(abs(self.objective), 1.0)

    @property
    def binding(self) -> Bools:
        """(resources,) whether more of it would help."""
        return np.asarray(self.worth_usd > 1e-6)


def plan(problem: Problem, *, penalty_usd_t: float, steps: int = STEPS) -> Plan:
    """The least-cost plan of a problem, proved by its dual.

    Parameters
    ----------
    penalty_usd_t
        What a tonne not delivered costs the buyer who has lost least; twice that at the end.
    steps
        Of the rise; 1 keeps the penalty the same for all.

    Raises
    ------
    ValueError
        When HiGHS finds no plan, which a non-negative ``spare`` and the unmet tonnes rule out.
    """
    from scipy.optimize import linprog

    groups, columns = len(problem.tonnes), len(problem.group)
    held = np.minimum(problem.prior, problem.tonnes[problem.group])
    stays = np.flatnonzero(held > 0)
    inertia = penalty_usd_t / 2  # above any difference of routes, under the price of unmet tonnes
    rises = penalty_usd_t * (1 + np.arange(steps) / steps)
    unit = max(float(problem.tonnes.max(initial=1.0)), 1.0)  # scaled: HiGHS works near 1
    cost = np.concatenate(
        [
            problem.cost_usd_t + inertia,
            problem.cost_usd_t[stays],
            np.tile(rises + inertia, groups),
        ]
    )
    most = np.concatenate(
        [
            np.full(columns, np.inf),
            held[stays] / unit,
            np.repeat(problem.tonnes / unit / steps, steps),
        ]
    )
    row = np.concatenate([problem.group, problem.group[stays], np.repeat(np.arange(groups), steps)])
    balance = _matrix(np.ones(len(row)), row, np.arange(len(row)), groups, len(row))
    scarce, size = _scarce(problem, stays, len(cost))
    limit = np.maximum(problem.spare, 0.0) / unit / size
    bounds: Any = np.column_stack([np.zeros(len(cost)), most])  # SciPy takes more than it types
    answer = linprog(
        cost,
        A_ub=scarce,
        b_ub=limit,
        A_eq=balance,
        b_eq=problem.tonnes / unit,
        bounds=bounds,
        method="highs",
    )
    if answer.status != 0:
        raise ValueError(f"HiGHS found no plan: {answer.message}")
    flow = np.asarray(answer.x) * unit
    carried = flow[:columns].copy()
    carried[stays] += flow[columns : columns + len(stays)]
    carried = np.maximum(carried, 0.0)
    # HiGHS keeps a balance to 1e-7 of the largest group; a small group is set right here.
    total = np.bincount(problem.group, carried, minlength=groups)
    most_of = np.divide(problem.tonnes, total, out=np.ones(groups), where=total > problem.tonnes)
    carried *= most_of[problem.group]
    total = np.bincount(problem.group, carried, minlength=groups)
    unmet = np.maximum(problem.tonnes - total, 0.0)
    price = np.asarray(answer.ineqlin.marginals)
    finite = np.isfinite(most)
    bound = (
        float(answer.eqlin.marginals @ problem.tonnes)
        + float(price @ limit) * unit
        + float(answer.upper.marginals[finite] @ most[finite]) * unit
    )
    return Plan(
        carried=carried,
        unmet=unmet,
        used=np.bincount(
            problem.use_resource,
            problem.use * carried[problem.use_column],
            minlength=len(problem.spare),
        ).astype(np.float64),
        worth_usd=-price / size,
        price_usd_t=np.asarray(answer.eqlin.marginals) - inertia,
        cost_usd=float(problem.cost_usd_t @ carried),
        objective=float(cost @ np.asarray(answer.x)) * unit,
        bound=bound,
    )


def _matrix(values: Floats, row: Ints, column: Ints, rows: int, columns: int) -> Any:
    from scipy.sparse import csr_array

    return csr_array((values, (row, column)), shape=(rows, columns))


def _scarce(problem: Problem, stays: Ints, variables: int) -> tuple[Any, Floats]:
    """Rows of the resources, each scaled by its largest use; that use.

    Tonnes that stay on their way use it up like any others.
    """
    place = np.full(len(problem.group), -1)
    place[stays] = len(problem.group) + np.arange(len(stays))
    again = np.flatnonzero(place[problem.use_column] >= 0)
    row = np.append(problem.use_resource, problem.use_resource[again])
    column = np.append(problem.use_column, place[problem.use_column[again]])
    size = np.full(len(problem.spare), 1e-30)
    np.maximum.at(size, problem.use_resource, problem.use)
    value = np.append(problem.use, problem.use[again]) / size[row]
    return _matrix(value, row, column, len(problem.spare), variables), size
