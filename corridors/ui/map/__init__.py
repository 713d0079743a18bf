"""The map: one Streamlit component around MapLibre GL JS, with nothing fetched from outside.

``library`` brings MapLibre here when the project is installed, ``ground`` makes the geometry that
never changes, ``picture`` says what to draw of an answer, ``component`` shows it; the drawing
itself is ``files/map.js``.
"""
