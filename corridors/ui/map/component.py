"""The map on the page: serves its files from this machine and hands over what was clicked."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
import streamlit.components.v2
from streamlit.components.v1 import declare_component

__all__ = ["clicked", "complete", "draw", "publish"]

FILES = Path(__file__).parent / "files"
LIBRARY = ("maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css")
HTML = (
    '<div class="cx-map" role="region"><div class="cx-canvas"></div>'
    '<div class="cx-legend" aria-hidden="true"></div></div>'
)
# A few lines that fetch the rest: Streamlit sends them with every rerun.
START = """
let drawing;
export default (component) => {
  const address = new URL(component.data.program, location.origin).href;
  let end;
  (drawing ??= import(address)).then((module) => { end = module.default(component); });
  return () => end?.();
};
"""


def complete() -> bool:
    """Whether the library of the map is installed."""
    return all((FILES / name).is_file() for name in LIBRARY)


def publish(content: Any) -> tuple[Path, str]:
    """Folder and name of a file the browser can fetch, kept while the server runs.

    Its name is the hash of what is in it, so that a browser may keep it.
    """
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    folder, name = Path(_folder().name), f"{hashlib.sha256(body).hexdigest()[:16]}.json"
    (folder / name).write_bytes(body)
    return folder, name


def draw(
    data: dict[str, Any], ground: tuple[Path, str], *, key: str, on_click: Callable[[], None]
) -> None:
    """Show the map.

    Parameters
    ----------
    data
        Of ``corridors.ui.map.picture``.
    ground
        Of `publish`.
    key
        Of the component; `clicked` asks by it.
    """
    # A component of the first kind, which is never drawn, is how Streamlit serves a folder.
    own = declare_component("files", path=FILES).name
    still = declare_component("ground", path=ground[0]).name
    base = "/".join(["", *filter(None, [st.get_option("server.baseUrlPath").strip("/")])])
    addresses = {
        "program": f"{base}/component/{own}/map.js?v={_version()}",
        "library": f"{base}/component/{own}/",
        "ground": f"{base}/component/{still}/{ground[1]}",
    }
    mount = st.components.v2.component(
        "corridors_map",
        html=HTML,
        css=(FILES / "map.css").read_text("utf-8"),
        js=START,
        isolate_styles=False,
    )
    mount(key=key, data=data | addresses, on_picked_change=on_click)


def clicked(key: str) -> str | None:
    """Id of the element that was just clicked, inside the callback of `draw`."""
    found = (st.session_state.get(key) or {}).get("picked")
    return found if isinstance(found, str) else None


@st.cache_resource(show_spinner=False)
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="corridors-map-")


@st.cache_data(show_spinner=False)
def _version() -> str:
    """Hash of the program, so that no browser goes on with an old one."""
    return hashlib.sha256((FILES / "map.js").read_bytes()).hexdigest()[:12]
