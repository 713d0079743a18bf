"""``python -m corridors.ui run app.py``: Streamlit, reading the world while no one has come yet.

Streamlit itself runs nothing of an app before its first reader, who then waits for all of it.
"""

from __future__ import annotations

import time
from threading import Thread

from streamlit import runtime
from streamlit.web.cli import main

AGAIN_S = 0.05


def warm() -> None:
    """Make what the first reader will ask for, in the order in which it is asked for."""
    # Imported here, in the thread: the server starts meanwhile.
    from corridors.ui import now, panels, shared, side  # noqa: F401 (the page needs it at once)
    from corridors.ui.answer import Question

    while not runtime.exists():  # nothing is kept before
        time.sleep(AGAIN_S)
    world, _, _ = shared.load()
    usual = panels.DEFAULTS
    shared.answered(world.digest, Question(str(usual["importer"]), str(usual["commodity"])))
    now.known(world)
    shared.settle()
    shared.engine()


if __name__ == "__main__":
    Thread(target=warm, name="warm", daemon=True).start()
    main(prog_name="streamlit")
