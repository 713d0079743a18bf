"""Globe maths against values worked out by hand and against its own laws."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from layers import geo

QUARTER_KM = np.pi / 2 * geo.EARTH_RADIUS_KM

longitudes = st.floats(-180, 180)
latitudes = st.floats(-89, 89)
points = st.tuples(longitudes, latitudes)


def between(p: tuple[float, float], q: tuple[float, float]) -> float:
    return float(geo.distance_km(*p, *q))


def test_a_quarter_of_the_globe() -> None:
    assert between((0, 0), (90, 0)) == pytest.approx(QUARTER_KM)
    assert between((12, 90), (77, 0)) == pytest.approx(QUARTER_KM)
    assert between((0, 0), (180, 0)) == pytest.approx(2 * QUARTER_KM)


def test_distance_broadcasts() -> None:
    table = geo.distance_km(np.zeros((2, 1)), 0, np.array([0, 1, 2]), 0)
    assert table.shape == (2, 3)
    assert table[1] == pytest.approx([0, 111.195, 222.390], abs=1e-3)


@given(points, points)
def test_distance_is_symmetric_and_agrees_with_vectors(
    p: tuple[float, float], q: tuple[float, float]
) -> None:
    assert between(p, q) == pytest.approx(between(q, p), abs=1e-6)
    angle = float(geo.angle(geo.unit(*p), geo.unit(*q)))
    # The haversine formula loses digits near the antipode: a metre there.
    assert between(p, q) == pytest.approx(angle * geo.EARTH_RADIUS_KM, abs=1e-3)


@given(points, points, points)
def test_no_detour_is_shorter(
    p: tuple[float, float], q: tuple[float, float], r: tuple[float, float]
) -> None:
    assert between(p, r) <= between(p, q) + between(q, r) + 1e-3


@given(points, st.integers(-2, 2))
def test_a_whole_turn_changes_nothing(p: tuple[float, float], turns: int) -> None:
    assert between(p, (p[0] + 360 * turns, p[1])) == pytest.approx(0, abs=1e-6)


@given(points)
def test_vectors_lead_back_to_the_point(p: tuple[float, float]) -> None:
    lon, lat = geo.lonlat(geo.unit(*p))
    assert between(p, (float(lon), float(lat))) == pytest.approx(0, abs=1e-6)


def test_bearing_of_the_four_winds() -> None:
    bearing = geo.bearing_deg(0, 0, [0, 1, 0, -1], [1, 0, -1, 0])
    assert bearing == pytest.approx([0, 90, 180, 270])


def cross(a1: object, a2: object, b1: object, b2: object) -> bool:
    ends = [geo.unit(*p) for p in (a1, a2, b1, b2)]  # type: ignore[misc]
    return bool(geo.arcs_cross(*ends))


def test_arcs_cross_or_not() -> None:
    assert cross((-5, 0), (5, 0), (0, -5), (0, 5))
    assert not cross((-5, 0), (5, 0), (10, -5), (10, 5))
    assert cross((175, 0), (-175, 0), (180, -5), (-180, 5))


def test_planes_that_meet_at_the_antipode_do_not_count() -> None:
    assert not cross((-5, 0), (5, 0), (180, -5), (180, 5))


def test_the_chord_in_degrees_misses_what_the_great_circle_crosses() -> None:
    # From 60 N to 60 N the great circle bulges to 63.4 N; the straight line in degrees does not.
    assert cross((0, 60), (60, 60), (30, 62), (30, 65))
    assert not cross((0, 60), (60, 60), (30, 58), (30, 62))


@given(points, points, points, points)
def test_crossing_is_symmetric(
    a1: tuple[float, float],
    a2: tuple[float, float],
    b1: tuple[float, float],
    b2: tuple[float, float],
) -> None:
    assume(between(a1, a2) < 3 * QUARTER_KM / 2 and between(b1, b2) < 3 * QUARTER_KM / 2)
    assert cross(a1, a2, b1, b2) == cross(b1, b2, a1, a2)


@given(st.floats(-4, 4), points, points)
def test_a_path_with_its_corner_on_the_gate_does_not_leak(
    corner: float, start: tuple[float, float], end: tuple[float, float]
) -> None:
    gate = geo.unit(0, -40), geo.unit(0, 40)
    west = geo.unit(-abs(start[0]) / 9 - 1, start[1] / 9)
    east = geo.unit(abs(end[0]) / 9 + 1, end[1] / 9)
    on_gate = geo.unit(0, corner)
    for first, last in ((west, east), (east, west)):
        crossings = int(geo.arcs_cross(first, on_gate, *gate))
        crossings += int(geo.arcs_cross(on_gate, last, *gate))
        assert crossings == 1


@given(points, points, st.floats(0, 1))
def test_interpolation_divides_the_way(
    p: tuple[float, float], q: tuple[float, float], fraction: float
) -> None:
    assume(between(p, q) < 1.9 * QUARTER_KM)
    lon, lat = geo.lonlat(geo.interpolate(geo.unit(*p), geo.unit(*q), fraction))
    assert between(p, (float(lon), float(lat))) == pytest.approx(fraction * between(p, q), abs=1e-3)


def test_densify_keeps_the_points_and_the_step() -> None:
    lon, lat = geo.densify([170, -170, -160], [0, 0, 50], 500)
    assert (lon[0], lat[0], lon[-1], lat[-1]) == (170, 0, -160, 50)
    assert -170 in lon
    steps = geo.distance_km(lon[:-1], lat[:-1], lon[1:], lat[1:])
    assert steps.max() <= 500 + 1e-6
    whole = between((170, 0), (-170, 0)) + between((-170, 0), (-160, 50))
    assert steps.sum() == pytest.approx(whole)


def test_densify_refuses_a_step_of_nothing() -> None:
    with pytest.raises(ValueError, match="positive"):
        geo.densify([0, 1], [0, 0], 0)


def test_nearest_on_arcs() -> None:
    point = geo.unit([-1, 3, 11, 5], [0, 1, 0, 0])
    distance, fraction = geo.nearest_on_arcs(point, geo.unit(0, 0), geo.unit(10, 0))
    assert distance == pytest.approx([111.195, 111.195, 111.195, 0], abs=1e-3)
    assert fraction == pytest.approx([0, 0.3, 1, 0.5])


@given(points, points, points)
def test_no_point_of_the_arc_is_nearer(
    p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]
) -> None:
    assume(1 < between(a, b) < 1.9 * QUARTER_KM)
    ends = geo.unit(*a), geo.unit(*b)
    distance, fraction = geo.nearest_on_arcs(geo.unit(*p), *ends)
    on = geo.interpolate(*ends, np.linspace(0, 1, 41))
    away = geo.angle(geo.unit(*p), on) * geo.EARTH_RADIUS_KM
    assert float(distance) <= float(away.min()) + 1e-3
    foot = geo.interpolate(*ends, fraction)
    reached = float(geo.angle(geo.unit(*p), foot)) * geo.EARTH_RADIUS_KM
    assert reached == pytest.approx(float(distance), abs=1e-3)


def test_unwrap_has_no_jump() -> None:
    assert geo.unwrap([170, -170, -160, 175]).tolist() == [170, 190, 200, 175]


def test_split_at_the_meridian() -> None:
    east, west = geo.split_antimeridian([[170, 0], [-170, 0]])
    assert east.tolist() == [[170, 0], [180, 0]]
    assert west.tolist() == [[-180, 0], [-170, 0]]


def test_a_vertex_on_the_meridian_is_cut_without_scraps() -> None:
    east, west = geo.split_antimeridian([[170, 0], [180, 10], [-170, 20]])
    assert (east[-1].tolist(), west[0].tolist()) == ([180, 10], [-180, 10])
    (whole,) = geo.split_antimeridian([[170, 0], [180, 10], [170, 20]])
    assert len(whole) == 3


@given(st.lists(points, min_size=1, max_size=8))
def test_parts_stay_in_the_map_and_hold_every_vertex(line: list[tuple[float, float]]) -> None:
    parts = geo.split_antimeridian(line)
    together = np.concatenate(parts)
    assert np.abs(together[:, 0]).max() <= 180 + 1e-9
    assert all(np.abs(np.diff(part[:, 0])).max(initial=0) <= 180 + 1e-9 for part in parts)
    lon, lat = together.T
    for p in line:
        assert geo.distance_km(*p, lon, lat).min() < 1e-3
    for left, right in pairwise(parts):
        assert abs(left[-1, 0]) == pytest.approx(180)
        assert right[0].tolist() == pytest.approx([-left[-1, 0], left[-1, 1]])
