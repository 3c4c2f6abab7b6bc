from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from trygg.areas import queries
from trygg.areas.actions import (
    NoOverlap,
    load_geography,
    load_indicators,
    make_crosswalk,
    recalculate,
)
from trygg.areas.actions.crosswalks import land_shares, population_shares
from trygg.areas.combining import combine
from trygg.areas.models import Combining, Indicator, Observation
from trygg.areas.reading.maps import MapFile
from trygg.areas.tests.conftest import NOW, X, Y, square


@pytest.fixture
def halves(tiny):
    """A geography of two: the three western quarters of the land, and the rest."""
    west = shapely.box(X, Y, X + 1_500, Y + 2_000)
    east = shapely.box(X + 1_500, Y, X + 2_000, Y + 2_000)
    return load_geography(
        MapFile(["W", "E"], ["West", "East"], np.array([west, east])),
        code="halves",
        kind="police",
        name="Halves",
        valid_from=date(2020, 1, 1),
        at=NOW,
    )


def test_land_is_shared_as_worked_by_hand(tiny, halves):
    crosswalk = make_crosswalk(tiny["deso"], halves, "area", at=NOW)
    weights = crosswalk.weights.order_by("source__code", "target__code")

    assert list(weights.values_list("source__code", "target__code", "weight")) == [
        ("1111A0010", "W", 1),
        ("1111A0020", "E", 0.5),
        ("1111A0020", "W", 0.5),
        ("1111A0030", "W", 1),
        ("1111A0040", "E", 0.5),
        ("1111A0040", "W", 0.5),
    ]


def test_figures_are_carried_over_as_worked_by_hand(tiny, halves, tiny_csv, mapping):
    load_indicators(tiny_csv, mapping, at=NOW)
    crosswalk = make_crosswalk(tiny["deso"], halves, "area", at=NOW)
    codes = ["population", "young-share", "median"]
    recalculate(crosswalk, codes, at=NOW)
    found = queries.values(codes, halves)

    # West: 100 + 300/2 + 50 + 150/2 people, of whom 40 + 60/2 + 25 young.
    # Medians by people: (100 × 300.5 + 150 × 200 + 50 × 250) / 300.
    west = dict(zip([a.code for a in found.areas], found.values, strict=True))["W"]
    np.testing.assert_allclose(west, [375, 100 * 95 / 375, 72_550 / 300])
    assert found.is_recalculated.all()


def test_people_are_shared_by_where_they_live_not_by_land(
    tiny, halves, tiny_csv, mapping
):
    load_indicators(tiny_csv, mapping, at=NOW)
    crosswalk = make_crosswalk(
        tiny["municipality"], halves, "population", fine=tiny["deso"], at=NOW
    )

    shares = dict(crosswalk.weights.values_list("target__code", "weight"))
    # East holds half of the squares with 300 and 150 people, of 600 in all.
    assert shares == pytest.approx({"W": 375 / 600, "E": 225 / 600})


def test_recalculating_again_replaces_what_was_there(tiny, halves, tiny_csv, mapping):
    load_indicators(tiny_csv, mapping, at=NOW)
    crosswalk = make_crosswalk(tiny["deso"], halves, "area", at=NOW)
    first = recalculate(crosswalk, ["population"], at=NOW)
    again = recalculate(crosswalk, ["population"], at=NOW)

    assert first == again == 2
    assert Observation.objects.filter(area__geography=halves).count() == 2


def test_a_classification_is_never_carried_over(tiny, halves, tiny_csv, mapping):
    load_indicators(tiny_csv, mapping, at=NOW)
    Indicator.objects.filter(code="population").update(combines=Combining.NEVER)
    crosswalk = make_crosswalk(tiny["deso"], halves, "area", at=NOW)
    with pytest.raises(ValueError, match="classification"):
        recalculate(crosswalk, ["population"], at=NOW)


def test_geographies_apart_give_no_crosswalk(tiny):
    far = MapFile(["F"], ["Far"], np.array([square(50, 50)]))
    away = load_geography(
        far, code="far", kind="other", name="Far", valid_from=date(2020, 1, 1), at=NOW
    )
    with pytest.raises(NoOverlap):
        make_crosswalk(tiny["deso"], away, at=NOW)


def grids(columns, rows):
    """Cut the same land into columns × rows rectangles."""
    w, h = 4_000 / columns, 4_000 / rows
    return np.array(
        [
            shapely.box(X + c * w, Y + r * h, X + (c + 1) * w, Y + (r + 1) * h)
            for c in range(columns)
            for r in range(rows)
        ]
    )


sizes = st.integers(1, 5)


@settings(deadline=None, max_examples=30)
@given(sizes, sizes, sizes, sizes, st.randoms(use_true_random=False))
def test_nobody_is_lost_or_made_when_both_cover_the_land(a, b, c, d, random):
    source, target = grids(a, b), grids(c, d)
    people = np.array([random.randint(1, 900) for _ in source], dtype=float)
    young = people * random.random()
    fine = grids(5, 3)
    inhabitants = np.array([random.randint(0, 50) for _ in fine], dtype=float)
    for weights in (
        land_shares(source, target),
        population_shares(source, target, fine, inhabitants),
    ):
        np.testing.assert_allclose(weights.sum(axis=0), 1)
        total, _n = combine(people, people * np.nan, weights, Combining.SUM)
        share, n = combine(100 * young / people, people, weights, Combining.MEAN)
        assert np.nansum(total) == pytest.approx(people.sum())
        assert np.nansum(share * n) == pytest.approx(100 * young.sum())


def test_a_sum_that_lacks_a_part_is_missing_and_a_mean_is_of_what_is_known():
    weights = land_shares(grids(2, 1), grids(1, 1))
    gap = np.array([np.nan, 30.0])
    n = np.array([10.0, 10.0])

    assert np.isnan(combine(gap, n, weights, Combining.SUM)[0]).all()
    assert combine(gap, n, weights, Combining.MEAN)[0] == [30]
    assert combine(gap, n, weights, Combining.MEAN)[1] == [10]
