"""From events and observations to the risk of every element: three numbers, side by side.

>>> from corridors.risk import corridor_risk, risk_table
>>> table = risk_table(world, events, observations, states, now=now)
>>> corridor_risk(world, table)
"""

from corridors.risk.embedded import embedded_events, embedded_observations
from corridors.risk.merging import distinct_events
from corridors.risk.observed import observed
from corridors.risk.risk import corridor_risk, risk_table, risk_weighted
from corridors.risk.structural import disrupted_trade, structural
from corridors.risk.threat import Threat, threat

__all__ = [
    "Threat",
    "corridor_risk",
    "disrupted_trade",
    "distinct_events",
    "embedded_events",
    "embedded_observations",
    "observed",
    "risk_table",
    "risk_weighted",
    "structural",
    "threat",
]
