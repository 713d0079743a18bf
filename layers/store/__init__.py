"""What the feeds ever said: a DuckDB file, or a PostgreSQL server that a team shares.

Everything is added and nothing is changed: an answer with its time and hash, a new version of an
event whose content changed, a new vintage of a measured value that was revised, an entry of the
warning log. One refresh of one feed is one transaction, so a reader sees it whole or not at all,
and a process killed at any moment leaves the store as it was before or after. Newest means latest
written (``refresh`` counts up), never latest by the clock, which may be set back.

``store`` is the store; ``file`` and ``server`` open and lock it, ``sql`` is what they have in
common, ``schema`` holds the tables, ``rows`` what goes in and out of them, ``checks`` what must
hold, ``copy`` moves a store to another place.
"""

from __future__ import annotations

from layers.store.rows import Filled, Pruned, State, payload_hashes
from layers.store.schema import SCHEMA_VERSION
from layers.store.store import FILE_NAME, Store, default_place

__all__ = [
    "FILE_NAME",
    "SCHEMA_VERSION",
    "Filled",
    "Pruned",
    "State",
    "Store",
    "default_place",
    "payload_hashes",
]
