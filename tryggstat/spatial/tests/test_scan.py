"""Scan statistics: clusters as other software finds them, and as chance does not."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tryggstat import parallel
from tryggstat.spatial import _scan_kernels, scan
from tryggstat.spatial.scan import (
    Scan,
    scan_bernoulli,
    scan_poisson,
    scan_space_time,
)
from tryggstat.spatial.scan_zones import Zones, circles, ellipses

Table = dict[str, Any]


@pytest.fixture(scope="module")
def york(reference: Path) -> tuple[Table, Table]:
    """281 tracts of upstate New York, and what smerc 1.8.4 found there."""
    with (reference / "scan/nydf.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(r[name]) for r in rows]) for name in rows[0]}
    expected = json.loads((reference / "scan/expected.json").read_text())
    return columns, expected


@pytest.fixture
def town() -> tuple[np.ndarray, np.ndarray, Zones]:
    """40 places with 30 to 300 people, and cases with a cluster in one corner."""
    rng = np.random.default_rng(7)
    x, y = rng.uniform(size=(2, 40))
    people = rng.integers(30, 300, 40)
    cases = rng.poisson(people * np.where(x + y < 0.6, 0.1, 0.03))
    return cases, people, circles(x, y, people)


def agree(ours: Scan, theirs: list[Table]) -> None:
    # the last window of theirs, with a ratio of 0, is no cluster
    theirs = [one for one in theirs if one["llr"] > 0]
    assert len(ours.clusters) == len(theirs)
    for a, b in zip(ours.clusters, theirs, strict=True):
        assert (a.members + 1).tolist() == np.atleast_1d(b["locids"]).tolist()
        assert a.llr == pytest.approx(b["llr"], abs=1e-8)
        assert a.cases == pytest.approx(b["cases"], rel=1e-9)
        assert a.expected == pytest.approx(b["expected"], rel=1e-9)
        assert a.relative_risk == pytest.approx(b["rr"], rel=1e-9)
        assert a.radius == pytest.approx(b["r"], rel=1e-9)


@pytest.mark.parametrize(
    ("question", "across", "up", "whole", "share"),
    [
        ("floor_lonlat_ub10", "longitude", "latitude", True, 0.1),
        ("floor_xy_ub50", "x", "y", True, 0.5),
        ("fractional_xy_ub50", "x", "y", False, 0.5),
    ],
)
def test_circles_find_the_clusters_that_smerc_finds(
    york: tuple[Table, Table],
    question: str,
    across: str,
    up: str,
    whole: bool,
    share: float,
) -> None:
    columns, expected = york
    cases = np.floor(columns["cases"]) if whole else columns["cases"]
    people = columns["population"]
    zones = circles(columns[across], columns[up], people, max_share=share)
    found = scan_poisson(cases, people, zones, replicates=999)
    agree(found, expected[f"ny/{question}"])
    for ours, theirs in zip(
        found.clusters[:6], expected[f"ny/{question}"], strict=False
    ):
        p, runs = theirs["pvalue_MC"], 99 if question.startswith("frac") else 999
        error = np.sqrt(p * (1 - p) * (1 / 999 + 1 / runs)) + 1 / runs
        assert abs((ours.p or 0) - p) < 5 * error


def test_satscan_published_the_same_leading_clusters(
    york: tuple[Table, Table],
) -> None:
    columns, expected = york
    people, published = columns["population"], expected["ny/satscan_published_ub10"]
    zones = circles(columns["longitude"], columns["latitude"], people, max_share=0.1)
    found = scan_poisson(np.floor(columns["cases"]), people, zones, replicates=999)
    for number in (1, 2, 7):
        ours, theirs = found.clusters[number - 1], published[f"cluster{number}"]
        assert ours.llr == pytest.approx(theirs["llr"], abs=1e-6)
        assert round(ours.relative_risk, 2) == theirs["rr"]
        assert ours.p == pytest.approx(theirs["p_satscan"], abs=0.025)


def test_a_ratio_worked_by_hand() -> None:
    # 5 areas of 100 people; 18 of 20 cases in two of them, where 8 are expected:
    # 18 ln(18/8) + 2 ln(2/12) = 14.59674 - 3.58352
    people = [100] * 5
    zones = circles(range(5), [0] * 5, people)
    best = scan_poisson([9, 9, 1, 0, 1], people, zones, replicates=0).clusters[0]
    assert best.llr == pytest.approx(18 * np.log(2.25) + 2 * np.log(1 / 6), abs=1e-12)
    assert best.relative_risk == pytest.approx((18 / 8) / (2 / 12))
    assert (best.centre, best.radius, best.p) == (0, 1.0, None)


def test_equally_distant_places_enter_by_x_then_y() -> None:
    x, y = [1, 2, 1, 0, 1], [1, 1, 2, 1, 0]
    zones = circles(x, y, [1] * 5, max_share=1)
    order = [int(np.flatnonzero(zones.place == p)[0]) for p in zones.member[:5]]
    assert order == [0, 3, 4, 2, 1]


def test_areas_at_the_same_point_are_never_parted() -> None:
    people = [10] * 4
    zones = circles([0, 0, 5, 9], [0, 0, 0, 0], people, max_share=0.75)
    found = scan_poisson([9, 0, 1, 1], people, zones, replicates=0)
    assert found.clusters[0].members.tolist() == [0, 1]


def test_no_window_holds_more_than_the_share() -> None:
    rng = np.random.default_rng(3)
    people = rng.integers(1, 100, 200)
    for share in (0.03, 0.2, 0.5):
        zones = circles(*rng.uniform(size=(2, 200)), people, max_share=share)
        for z in range(200):
            members = zones.member[zones.start[z] : zones.start[z + 1]]
            by_place = np.bincount(zones.place, people)
            assert by_place[members].sum() <= share * people.sum()
            rest = np.setdiff1d(np.arange(200), members)
            gap = ((zones.points - zones.points[zones.centre[z]]) ** 2).sum(axis=1)
            nearest = rest[gap[rest].argmin()]
            assert by_place[members].sum() + by_place[nearest] > share * people.sum()


def test_clusters_share_no_area_and_come_by_likelihood(
    town: tuple[np.ndarray, np.ndarray, Zones],
) -> None:
    cases, people, zones = town
    found = scan_poisson(cases, people, zones, replicates=0).clusters
    everyone = np.concatenate([cluster.members for cluster in found])
    assert len(set(everyone)) == len(everyone)
    ratios = [cluster.llr for cluster in found]
    assert ratios == sorted(ratios, reverse=True)
    assert len(found) > 3


@pytest.mark.parametrize("form", [circles, ellipses])
@pytest.mark.parametrize("kind", ["poisson", "bernoulli", "space-time"])
def test_fast_and_plain_agree(kind: str, form: Any) -> None:
    rng = np.random.default_rng(5)
    times = 4 if kind == "space-time" else 1
    people = rng.integers(1, 50, (25, times))
    zones = form(*rng.uniform(size=(2, 25)), people.sum(axis=1))
    cases, controls = 60, np.inf
    expected = people * cases / people.sum()
    if kind == "bernoulli":
        controls = people.sum() - cases
        drawn = rng.multivariate_hypergeometric(people[:, 0], cases, 32)
    else:
        drawn = rng.multinomial(cases, expected.ravel() / cases, 32)
    counts = drawn.T.reshape(25, times, 32).astype(np.float32)
    inputs = (
        counts.cumsum(axis=1),
        expected.cumsum(axis=1),
        zones.start,
        zones.member,
        np.sqrt(4 * zones.shape) / (zones.shape + 1),
        np.array([(a, b) for a in range(times) for b in range(a, times)]),
        float(cases),
        float(controls),
        2.0,
    )
    np.testing.assert_allclose(
        _scan_kernels.maxima(*inputs), scan.maxima_plain(*inputs), rtol=1e-12
    )


def test_the_numbers_do_not_depend_on_threads_or_blocks(
    town: tuple[np.ndarray, np.ndarray, Zones], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, people, zones = town
    alone = scan_poisson(cases, people, zones, replicates=200).maxima
    with ThreadPoolExecutor(3) as pool:
        threads = scan_poisson(cases, people, zones, replicates=200, pool=pool)
    assert (threads.maxima == alone).all()
    monkeypatch.setattr(parallel, "BLOCK", 45)
    assert (scan_poisson(cases, people, zones, replicates=200).maxima == alone).all()


def test_chance_alone_is_called_a_cluster_one_time_in_twenty(
    town: tuple[np.ndarray, np.ndarray, Zones],
) -> None:
    _, people, zones = town
    rng = np.random.default_rng(11)
    runs, alarms = 200, 0
    for number in range(runs):
        cases = rng.multinomial(60, people / people.sum())
        found = scan_poisson(cases, people, zones, replicates=99, seed=number)
        alarms += found.clusters[0].p is not None and found.clusters[0].p <= 0.05
    assert abs(alarms - 10) < 5 * np.sqrt(runs * 0.05 * 0.95)


def test_cases_without_people_are_refused() -> None:
    zones = circles([0, 1], [0, 0], [1, 1])
    with pytest.raises(ValueError, match="nobody is at risk"):
        scan_poisson([1, 1], [0, 2], zones)
    with pytest.raises(ValueError, match="for each area"):
        scan_poisson([1, 1, 1], [1, 2, 3], zones)


def test_bernoulli_finds_the_clusters_that_smerc_finds(
    york: tuple[Table, Table],
) -> None:
    columns, expected = york
    cases, people = np.floor(columns["cases"]), columns["population"]
    zones = circles(columns["x"], columns["y"], people)
    found = scan_bernoulli(cases, people - cases, zones, replicates=99)
    agree(found, expected["ny/floor_xy_ub50_binomial"])
    assert (found.clusters[0].p or 1) <= 0.05


def test_bernoulli_is_the_likelihood_of_two_shares() -> None:
    # 18 of 20 in the window and 2 of 30 outside, against 20 of 50 everywhere
    def likelihood(c: float, n: float) -> float:
        return c * np.log(c / n) + (n - c) * np.log(1 - c / n)

    zones = circles(range(5), [0] * 5, [10] * 5)
    best = scan_bernoulli([9, 9, 1, 0, 1], [1, 1, 9, 10, 9], zones, replicates=0)
    by_hand = likelihood(18, 20) + likelihood(2, 30) - likelihood(20, 50)
    assert best.clusters[0].llr == pytest.approx(by_hand, abs=1e-12)


def all_cylinders(
    counts: np.ndarray, expected: np.ndarray, zones: Zones, windows: Any
) -> float:
    """Return the largest ratio by going through every window, one at a time."""
    cases, best = counts.sum(), 0.0
    for z in range(len(zones.start) - 1):
        members = zones.member[zones.start[z] : zones.start[z + 1]]
        areas = [np.flatnonzero(zones.place == place)[0] for place in members]
        for k in range(1, len(areas) + 1):
            for a, b in windows:
                c = counts[areas[:k], a : b + 1].sum()
                e = expected[areas[:k], a : b + 1].sum()
                if c > e and c >= 2:
                    ratio = c * np.log(c / e)
                    if c < cases:
                        ratio += (cases - c) * np.log((cases - c) / (cases - e))
                    best = max(best, ratio)
    return best


@pytest.mark.parametrize("prospective", [False, True])
@pytest.mark.parametrize("permuted", [False, True])
def test_the_best_cylinder_is_the_best_of_all(
    prospective: bool, permuted: bool
) -> None:
    rng = np.random.default_rng(9)
    cases = rng.poisson(2, (12, 6))
    people = rng.integers(50, 150, (12, 6))
    cases[3, 2:4] += 9
    cases[5, 5] += 7
    zones = circles(*rng.uniform(size=(2, 12)), cases.sum(axis=1))
    found = scan_space_time(
        cases,
        zones,
        population=None if permuted else people,
        max_duration=2,
        prospective=prospective,
        replicates=99,
    )
    expected = people * cases.sum() / people.sum()
    if permuted:
        expected = np.outer(cases.sum(axis=1), cases.sum(axis=0)) / cases.sum()
    windows = [
        (a, b) for b in ([5] if prospective else range(6)) for a in (b - 1, b) if a >= 0
    ]
    best = found.clusters[0]
    assert best.llr == pytest.approx(all_cylinders(cases, expected, zones, windows))
    part = np.ix_(best.members, range(best.first, best.last + 1))
    assert best.cases == cases[part].sum()
    assert best.expected == pytest.approx(expected[part].sum())
    assert best.last == 5 if prospective else best.first >= 2
    assert best.recurrence == pytest.approx(1 / (best.p or 0))


def test_a_permutation_keeps_the_cases_of_every_place_and_time() -> None:
    rng = np.random.default_rng(2)
    cases = rng.poisson(3, (9, 5)).astype(float)
    expected = np.outer(cases.sum(axis=1), cases.sum(axis=0)) / cases.sum()
    units = np.repeat(np.arange(45), cases.ravel().astype(int))
    windows = np.zeros((1, 2), dtype=np.int64)
    model = scan._Model(cases, expected, "permutation", units, np.inf, windows)
    (stream,) = parallel.streams(1, range(1))
    drawn = scan._drawn(stream, model, expected)
    assert (drawn.sum(axis=0) == cases.sum(axis=0)).all()
    assert (drawn.sum(axis=1) == cases.sum(axis=1)).all()
    assert (drawn != cases).any()


def test_a_season_that_all_places_share_is_no_cluster() -> None:
    cases = np.outer([4, 8, 6, 2, 4], [1, 1, 5, 1])
    zones = circles(range(5), [0] * 5, cases.sum(axis=1))
    assert scan_space_time(cases, zones, replicates=0).clusters == ()
    found = scan_space_time(cases, zones, population=[9] * 5, replicates=0)
    assert found.clusters[0].first == found.clusters[0].last == 2


def test_the_globe_is_round() -> None:
    # at 60 degrees north a degree of longitude is half as long as one of latitude
    lon, lat = [0, 1.5, 0, 179.9, -179.9], [60, 60, 61, 60, 60]
    zones = circles(lon, lat, [1] * 5, max_share=1, great_circle=True)
    names = [int(np.flatnonzero(zones.place == p)[0]) for p in range(5)]
    starts = zones.start[:-1]
    order = [[names[p] for p in zones.member[a : a + 2]] for a in starts]
    assert order[0] == [0, 1]
    assert order[3] == [3, 4]
    flat = circles(lon, lat, [1] * 5, max_share=1)
    assert [names[p] for p in flat.member[:2]] == [0, 2]
    equator = circles([0, 1], [0, 0], [1, 1], max_share=1, great_circle=True)
    assert equator.radius(0, 2) == pytest.approx(6367 * np.pi / 180)


def test_an_ellipse_takes_in_places_by_its_own_distance() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.uniform(size=(2, 30))
    zones = ellipses(x, y, [1] * 30)
    assert len(zones.centre) == 30 * (1 + 4 + 6 + 9 + 12 + 15)
    for z in rng.choice(len(zones.centre), 60, replace=False):
        members = zones.member[zones.start[z] : zones.start[z + 1]]
        dx, dy = (zones.points[members] - zones.points[zones.centre[z]]).T
        turn = np.exp(-1j * np.radians(zones.angle[z])) * (dx + 1j * dy)
        distance = np.hypot(turn.real / zones.shape[z], turn.imag)
        assert len(members) == 15
        assert (np.diff(distance) > 0).all()
        assert zones.radius(int(z), 15) == pytest.approx(distance[-1])


def test_an_ellipse_follows_a_street_that_a_circle_cannot() -> None:
    side = np.arange(9.0)
    x, y = (grid.ravel() for grid in np.meshgrid(side, side))
    people = np.full(81, 100)
    street = (x == y) & (np.abs(x - 4) <= 2)
    cases = np.where(street, 9, 1)
    narrow = scan_poisson(cases, people, ellipses(x, y, people), replicates=0)
    best = narrow.clusters[0]
    assert set(best.members) == set(np.flatnonzero(street))
    assert (best.shape, best.angle % 180) == (4, 45)
    c, e, total = 45, cases.sum() * 5 / 81, cases.sum()
    ratio = c * np.log(c / e) + (total - c) * np.log((total - c) / (total - e))
    penalty = np.sqrt(4 * best.shape / (best.shape + 1) ** 2)
    assert best.llr == pytest.approx(ratio * penalty)
    round_ = scan_poisson(cases, people, circles(x, y, people), replicates=0)
    assert round_.clusters[0].llr < best.llr


def test_gumbel_and_rank_agree_where_both_can_tell(
    town: tuple[np.ndarray, np.ndarray, Zones],
) -> None:
    _, people, zones = town
    rng = np.random.default_rng(6)
    for seed in range(5):
        cases = rng.multinomial(80, people / people.sum())
        best = scan_poisson(cases, people, zones, seed=seed).clusters[0]
        p, gumbel = best.p or 0, best.p_gumbel or 0
        assert abs(p - gumbel) < 5 * np.sqrt(p * (1 - p) / 999) + 0.02


def test_few_cases_in_large_windows_are_not_passed_over() -> None:
    # the kernel's shortcut does not hold where c + e exceeds all cases
    rng = np.random.default_rng(8)
    people = rng.integers(1, 50, 30).astype(float)
    zones = circles(*rng.uniform(size=(2, 30)), people, max_share=0.95)
    for cases in (2, 3, 5, 8):
        drawn = rng.multinomial(cases, people / people.sum(), 32)
        inputs = (
            drawn.T[:, None, :].astype(np.float32),
            people[:, None] * cases / people.sum(),
            zones.start,
            zones.member,
            np.ones(30),
            np.zeros((1, 2), dtype=np.int64),
            float(cases),
            np.inf,
            2.0,
        )
        np.testing.assert_allclose(
            _scan_kernels.maxima(*inputs), scan.maxima_plain(*inputs), rtol=1e-12
        )
