import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from tryggstat.compass import count_groups, groups_test, standardise
from tryggstat.compass import groups as groups_module
from tryggstat.compass._dip import QUANTILES, dip, dip_p
from tryggstat.parallel import streams

OPEN_DATA = Path(os.environ.get("TRYGG_OPEN_DATA", "../shared/data"))
AREAS = OPEN_DATA / "sweden" / "scb_deso2018_2022_wide.csv"
SHARES = {  # of the labour force, of those 16-64, of all, of homes, of houses …
    "unemployed": ("arbetslosa", ["arbetskraft"]),
    "employed": ("sysselsatta", ["arbm_totalt"]),
    "born_far_away": ("fodd_ovriga", ["fodd_totalt"]),
    "rented": ("hyresratt", ["hyresratt", "bostadsratt", "aganderatt"]),
    "small_houses": ("smahus", ["hus_totalt"]),
    "alone": ("hh_ensam_utan", ["hh_sambo_barn", "hh_sambo_utan", "hh_ensam_utan"]),
}


def nearest_with_one_peak(sample):
    """The dip by linear programming: try each value as the peak."""
    x = np.unique(sample)
    m = len(x)
    heights = [[(sample < v).mean() for v in x], [(sample <= v).mean() for v in x]]
    distances = []
    for peak in range(m):  # unknown: G at each x, G just after the peak, the distance
        rows, bounds = [], []

        def at_most(terms, bound, rows=rows, bounds=bounds):
            row = np.zeros(m + 2)
            for place, factor in terms:
                row[place] += factor
            rows.append(row)
            bounds.append(bound)

        def right(i, peak=peak):
            return m if i == peak else i

        for i in range(m):
            for place, height in ((i, heights[0][i]), (right(i), heights[1][i])):
                at_most([(place, 1), (m + 1, -1)], height)
                at_most([(place, -1), (m + 1, -1)], -height)
        at_most([(peak, 1), (m, -1)], 0)
        for i in range(m - 1):
            at_most([(right(i), 1), (i + 1, -1)], 0)
        for i in range(1, m - 1):
            a, b = 1 / (x[i] - x[i - 1]), 1 / (x[i + 1] - x[i])
            if i < peak:
                at_most([(i, a + b), (i - 1, -a), (i + 1, -b)], 0)
            if i > peak:
                at_most([(i, -a - b), (right(i - 1), a), (i + 1, b)], 0)
        free = [(None, None)] * (m + 1) + [(0, None)]
        cost = np.eye(m + 2)[-1]
        distances.append(linprog(cost, np.array(rows), bounds, bounds=free).fun)
    return max(min(distances), 1 / (2 * len(sample)))


@pytest.mark.parametrize("seed", range(12))
def test_the_dip_is_the_distance_to_the_nearest_distribution_with_one_peak(seed):
    rng = np.random.default_rng(seed)
    kinds = [
        rng.random(10),
        np.r_[rng.normal(0, 1, 5), rng.normal(5, 1, 6)],
        rng.integers(0, 6, 9).astype(float),
    ]
    sample = kinds[seed % 3]
    np.testing.assert_allclose(dip(sample), nearest_with_one_peak(sample), atol=1e-9)


def test_two_points_twice_are_as_far_from_one_peak_as_can_be():
    assert dip(np.array([0.0, 0, 1, 1])) == 0.25


@pytest.mark.parametrize("n", [20, 100, 350])
def test_the_table_of_the_dip_is_that_of_uniform_samples(n):
    draws = [dip_p(dip(g.random(n)), n) for g in streams(99, range(1000))]
    for level in (0.05, 0.5):
        share = np.mean(np.array(draws) <= level)
        assert abs(share - level) < 5 * np.sqrt(level * (1 - level) / 1000)


def test_the_table_agrees_with_that_of_another_program():
    # upper 5 % points of the dip by a million samples each, from diptest 0.12.0
    for n, point in ((20, 0.1051), (50, 0.0703), (100, 0.0511), (500, 0.0237)):
        assert QUANTILES[n][7] / np.sqrt(n) == pytest.approx(point, rel=0.005)


@pytest.mark.parametrize(
    ("dip_p", "components", "gap_groups", "areas", "verdict"),
    [
        (0.01, 2, 3, 150, "groups"),
        (0.01, 2, 3, 20, "groups"),
        (0.01, 1, 1, 150, "cannot_tell"),
        (0.20, 1, 1, 150, "no_groups"),
        (0.20, 3, 1, 150, "no_groups"),
        (0.20, 1, 2, 150, "no_groups"),
        (0.20, 3, 2, 150, "cannot_tell"),
        (0.20, 1, 1, 49, "cannot_tell"),
    ],
)
def test_three_tests_make_a_verdict(dip_p, components, gap_groups, areas, verdict):
    assert groups_module._verdict(dip_p, components, gap_groups, areas) == verdict


def test_a_mixture_must_be_clearly_better_than_one_normal():
    assert groups_module._components(np.array([100.0, 91, 95])) == 1
    assert groups_module._components(np.array([100.0, 95, 89])) == 3


def test_the_gap_is_the_mean_of_the_reference_samples_less_the_data():
    z = standardise(np.random.default_rng(5).normal(size=(20, 2)))
    found = count_groups(z, most=2, references=3, seed=8)
    axes = np.linalg.svd(z - z.mean(axis=0), full_matrices=False)[2]
    scores = (z - z.mean(axis=0)) @ axes.T
    logs = []
    for generator in streams(8, range(3)):
        # the axes may point either way, which turns the box round
        box = scores.min(axis=0) + generator.random((20, 2)) * np.ptp(scores, axis=0)
        logs.append(np.log(((box - box.mean(axis=0)) ** 2).sum()))
    assert found.gap[0] == pytest.approx(np.mean(logs) - np.log(40), abs=1e-9)
    assert found.gap_error[0] == pytest.approx(np.std(logs) * np.sqrt(4 / 3))


def test_gradual_differences_are_called_so():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(150, 1))  # one common cause behind nine variables
    found = groups_test(shared + rng.normal(size=(150, 9)))

    assert found.verdict == "no_groups"
    assert (found.components, found.gap_groups) == (1, 1)
    assert "inga skilda grupper" in found.sentence["sv"]


@pytest.mark.skipif(not AREAS.exists(), reason="no open data (TRYGG_OPEN_DATA)")
def test_the_areas_of_uppsala_do_not_fall_into_groups():
    table = pl.read_csv(
        AREAS, schema_overrides={"Kommun": pl.String}, infer_schema_length=None
    ).filter(pl.col("Kommun") == "0380")
    values = table.select(
        pl.col("netto_median_tkr"),
        *(pl.col(a) / pl.sum_horizontal(b) for a, b in SHARES.values()),
    )
    people = table["bef_2023"].to_numpy()
    transform = ["log", *["logit"] * len(SHARES)]
    found = groups_test(values.to_numpy(), people, transform=transform)

    assert len(table) == 150
    assert found.verdict == "no_groups"
    assert found.column_p[5] < 0.05  # one kind of house or the other, seldom both


def test_separate_groups_are_called_so():
    rng = np.random.default_rng(1)
    found = groups_test(rng.normal(size=(120, 5)) + 4 * (np.arange(120) % 3)[:, None])

    assert found.verdict == "groups"
    assert (found.components, found.gap_groups) == (3, 3)
    assert found.dip_p < 0.01


@pytest.mark.filterwarnings("error")
def test_areas_of_two_kinds_only_are_two_groups():
    found = groups_test(np.repeat([[0.0, 0], [1, 1]], 30, axis=0))
    assert found.verdict == "groups"
    assert found.gap_groups == 2


def test_skewed_variables_are_not_called_groups():
    values = np.exp(np.random.default_rng(2).normal(size=(150, 3)))
    found = groups_test(values)
    assert found.components > 1  # the mixture is deceived …
    assert found.dip_p > 0.05  # … and the dip is not
    assert found.verdict != "groups"


def test_few_areas_never_show_that_there_are_no_groups():
    found = groups_test(np.random.default_rng(1).normal(size=(40, 3)))
    assert (found.components, found.gap_groups) == (1, 1)
    assert found.verdict == "cannot_tell"


def test_the_best_mixture_of_one_normal_has_the_likelihood_of_that_normal():
    x = np.random.default_rng(3).normal(size=(60, 1))
    z = (x - x.mean()) / x.std()
    likelihood = -0.5 * 60 * (np.log(2 * np.pi) + 1)
    np.testing.assert_allclose(
        groups_test(z).bic[0], -2 * likelihood + 2 * np.log(60), rtol=1e-5
    )


def test_one_variable_with_two_peaks_is_shown():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(150, 4))
    values[:, 2] += 6 * (np.arange(150) % 2)
    p = groups_test(values).column_p
    assert p.argmin() == 2
    assert p[2] < 0.01


def test_gap_and_silhouette_find_the_number_of_groups():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(100, 3)) + 10 * np.eye(4, 3)[np.arange(100) % 4]
    found = count_groups(values)
    assert (found.by_gap, found.by_silhouette) == (4, 4)
    assert np.isnan(found.silhouette[0])


def test_the_gap_of_evenly_spread_areas_is_small():
    # in one dimension the box of the reference samples is the shape of the data
    values = np.random.default_rng(2).random((200, 1))
    found = count_groups(values, most=4)
    assert (np.abs(found.gap) < 5 * found.gap_error).all()
    assert found.by_gap == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: groups_test(np.eye(5)), "10 areas or more"),
        (lambda: groups_test(np.eye(12), references=1), "2 or more"),
        (lambda: count_groups(np.eye(5), most=5), "most must be 2 to 4"),
    ],
)
def test_refuses_too_little(call, message):
    with pytest.raises(ValueError, match=message):
        call()
