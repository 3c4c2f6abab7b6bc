"""Who is whose neighbour."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tryggstat.spatial import (
    contiguity,
    higher_order,
    nearest,
    neighbour_pairs,
    within_distance,
)


def dense(neighbours):
    matrix = np.zeros((neighbours.size, neighbours.size))
    matrix[neighbours.focal, neighbours.neighbour] = neighbours.weight
    return matrix


def named(neighbours):
    return [
        neighbours.neighbour[a:b].tolist()
        for a, b in zip(neighbours.start[:-1], neighbours.start[1:], strict=True)
    ]


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(
    st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))),
)))  # fmt: skip
def test_sums_and_lags_are_those_of_the_whole_matrix(case):
    n, pairs = case
    pairs = [(i, j) for i, j in pairs if i != j]
    focal, other = [i for i, _ in pairs], [j for _, j in pairs]
    near = neighbour_pairs(focal, other, n, np.arange(1.0, len(pairs) + 1))
    w = dense(near)
    both = w + w.T
    np.testing.assert_allclose(
        near.totals, (w.sum(), (both**2).sum() / 2, (both.sum(axis=0) ** 2).sum())
    )
    x = np.arange(n) ** 2 - 3.0
    np.testing.assert_allclose(near.lag(x), w @ x)
    np.testing.assert_allclose(near.row_squares, (w**2).sum(axis=1))
    rows = near.row_standardised().row_sums
    np.testing.assert_allclose(rows, (near.counts > 0).astype(float))


def test_a_corner_is_enough_for_a_queen_and_not_for_a_rook():
    block = [shapely.box(x, y, x + 1, y + 1) for y in (0, 1) for x in (0, 1)]
    assert named(contiguity(block, "queen")) == [
        [1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2],
    ]  # fmt: skip
    assert named(contiguity(block, "rook")) == [[1, 2], [0, 3], [0, 3], [1, 2]]


def test_a_border_counts_where_only_one_side_has_a_vertex():
    # the long side of the first has no vertex where the two others meet
    areas = [
        shapely.box(0, 0, 1, 3),
        shapely.box(1, 0, 2, 1.5),
        shapely.box(1, 1.5, 2, 3),
    ]
    assert named(contiguity(areas, "rook")) == [[1, 2], [0, 2], [0, 1]]


def test_areas_that_overlap_or_lie_within_another_are_neighbours():
    areas = [shapely.box(0, 0, 4, 4), shapely.box(1, 1, 2, 2), shapely.box(3, 3, 5, 5)]
    assert named(contiguity(areas, "rook")) == [[1, 2], [0], [0]]


def test_an_area_of_its_own_is_an_island():
    areas = [
        shapely.box(0, 0, 1, 1),
        shapely.box(1, 0, 2, 1),
        shapely.box(9, 9, 10, 10),
    ]
    assert contiguity(areas).islands.tolist() == [2]


def test_a_tolerance_closes_gaps_but_makes_no_rook_of_a_corner():
    gap = 1e-4
    areas = [
        shapely.box(0, 0, 1, 1),
        shapely.box(1 + gap, 0, 2, 1),
        shapely.box(1 + gap, 1 + gap, 2, 2),
    ]
    assert named(contiguity(areas, "rook")) == [[], [], []]
    assert named(contiguity(areas, "rook", tolerance=1e-3)) == [[1], [0, 2], [1]]
    assert named(contiguity(areas, "queen", tolerance=1e-3)) == [[1, 2], [0, 2], [0, 1]]


def test_areas_without_shape_are_refused():
    with pytest.raises(ValueError, match="area 1 has no shape"):
        contiguity([shapely.box(0, 0, 1, 1), shapely.Polygon()])
    with pytest.raises(ValueError, match="queen or rook"):
        contiguity([shapely.box(0, 0, 1, 1)], "bishop")


def test_of_areas_equally_far_the_first_are_the_nearest():
    cross = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]
    assert named(nearest(cross, 2))[0] == [1, 2]


def test_areas_at_one_and_the_same_point_are_not_their_own_neighbours():
    points = [[0, 0], [0, 0], [0, 0], [5, 0]]
    assert named(nearest(points, 2)) == [[1, 2], [0, 2], [0, 1], [0, 1]]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=12),
    st.integers(1, 3),
)
def test_nobody_nearer_is_left_out(points, k):
    near = nearest(points, k)
    p = np.array(points, dtype=float)
    distance = np.hypot(*(p[:, None] - p).transpose(2, 0, 1))
    for i, chosen in enumerate(named(near)):
        others = [j for j in range(len(p)) if j != i and j not in chosen]
        assert len(chosen) == k
        assert i not in chosen
        if others:
            assert distance[i, chosen].max() <= distance[i, others].min() + 1e-9


def test_the_limit_itself_belongs_to_a_distance():
    points = [[0, 0], [0.3, 0], [0.6, 0]]
    assert named(within_distance(points, 0.3)) == [[1], [0, 2], [1]]
    assert named(within_distance(points, 0.29)) == [[], [], []]


def test_a_degree_of_longitude_is_half_as_long_at_60_degrees_north():
    # 111,195 m at the equator on a globe of radius 6,371,009 m
    equator, north = [[0, 0], [1, 0]], [[17, 60], [18, 60]]
    for points, length in ((equator, 111_195.08), (north, 55_595.4)):
        near, far = (
            within_distance(points, metres, great_circle=True).counts.sum()
            for metres in (length * 1.0001, length * 0.9999)
        )
        assert (near, far) == (2, 0)


def test_the_nearest_across_the_date_line_is_near():
    points = [[179.9, 0], [-179.9, 0], [170, 0]]
    assert named(nearest(points, 1, great_circle=True))[0] == [1]
    assert named(nearest(points, 1))[0] == [2]


def test_the_second_order_is_reached_in_two_steps_and_not_in_one():
    ring = neighbour_pairs(
        np.repeat(range(6), 2), [5, 1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 0], 6
    )
    assert named(higher_order(ring, 1)) == named(ring)
    assert named(higher_order(ring, 2))[0] == [2, 4]
    assert named(higher_order(ring, 3))[0] == [3]
    assert named(higher_order(ring, 4))[0] == []
    assert named(higher_order(ring, 2, cumulative=True))[0] == [1, 2, 4, 5]


def test_links_one_way_are_followed_one_way():
    way = neighbour_pairs([0, 1], [1, 2], 3)
    assert named(higher_order(way, 2)) == [[2], [], []]


def test_an_area_among_its_own_neighbours_weighs_as_the_heaviest(odd):
    matrix = dense(odd.with_self())
    np.testing.assert_allclose(matrix - dense(odd), np.diag([2, 0.5, 1, 3, 1, 1]))


def test_neighbours_among_some_areas_keep_their_weights(odd):
    kept = np.array([True, True, False, True, True, True])
    np.testing.assert_allclose(dense(odd.among(kept)), dense(odd)[np.ix_(kept, kept)])


@pytest.mark.parametrize(
    ("focal", "other", "weight", "why"),
    [
        ([0], [0], None, "its own neighbour"),
        ([0], [2], None, "numbered 0 to 1"),
        ([-1], [0], None, "numbered 0 to 1"),
        ([0, 0], [1, 1], None, "twice"),
        ([0], [1], [0.0], "above 0"),
        ([0], [1], [np.inf], "above 0"),
        ([0, 1], [1], None, "equally long"),
    ],
)
def test_lists_that_make_no_map_are_refused(focal, other, weight, why):
    with pytest.raises(ValueError, match=why):
        neighbour_pairs(focal, other, 2, weight)


@pytest.mark.parametrize("kind", ["queen", "rook"])
def test_columbus_has_the_neighbours_that_spdep_found(columbus, kind):
    from pyogrio.raw import read

    shapes = shapely.from_wkb(read(columbus.folder / "columbus.geojson")[2])
    assert named(contiguity(shapes, kind)) == named(columbus.neighbours(kind))
