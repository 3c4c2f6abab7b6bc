import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tryggstat.compass import Indicator, composite_index
from tryggstat.compass._steps import (
    Hierarchy,
    beyond_limits,
    combine,
    normaliser,
    skewness_and_kurtosis,
)

AB = [Indicator("a"), Indicator("b", -1)]
VALUES = np.array([[1.0, 30], [3, 10], [2, 20], [5, 20]])


def table(m=40, p=4, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(50, 10, (m, 1)) + rng.normal(0, 10, (m, p)) + 100


def plain(p):
    return [Indicator(f"i{j}") for j in range(p)]


# --- normalisation, by hand on a = 1, 3, 2, 5 and b = -30, -10, -20, -20 ---


@pytest.mark.parametrize(
    ("how", "a", "b"),
    [
        ("minmax", [0, 50, 25, 100], [0, 100, 50, 50]),
        (
            "zscore",  # means 2.75, -20; squares sum to 8.75 and 200, divided by 3
            np.array([-1.75, 0.25, -0.75, 2.25]) / np.sqrt(8.75 / 3),
            np.array([-10, 10, 0, 0]) / np.sqrt(200 / 3),
        ),
        ("rank", [1, 3, 2, 4], [1, 4, 2, 2]),
        ("borda", [0, 2, 1, 3], [0, 3, 1, 1]),
        ("percentile", [0, 2 / 3, 1 / 3, 1], [0, 1, 1 / 3, 1 / 3]),
        (
            "reference",
            100 * np.array([1, 3, 2, 5]) / 2.75,
            100 * 20 / np.array([30, 10, 20, 20]),
        ),
    ],
)
def test_normalisations_worked_by_hand(how, a, b):
    found = composite_index(VALUES, AB, normalise=how).normalised
    np.testing.assert_allclose(found, np.column_stack([a, b]), atol=1e-12)


def test_categories_lie_between_percentiles():
    values = np.arange(1.0, 102)[:, None]  # percentile q is 1 + q
    found = composite_index(values, [Indicator("a")], normalise="categories").value
    classes, counts = np.unique(found, return_counts=True)
    assert classes.tolist() == [0, 20, 40, 60, 80, 100]
    assert counts.tolist() == [5, 20, 25, 25, 20, 6]


# --- aggregation and weights ---


def test_a_plain_index_worked_by_hand():
    # minmax a: 0, 50, 25, 100; b: 0, 100, 50, 50; weights 3/4 and 1/4
    given_weights = [Indicator("a", weight=3), Indicator("b", -1, weight=1)]
    found = composite_index(VALUES, given_weights)
    np.testing.assert_allclose(found.value, [0, 62.5, 31.25, 87.5])
    assert found.rank.tolist() == [4, 2, 3, 1]
    np.testing.assert_allclose(found.effective_weights, [0.75, 0.25])


def test_means_worked_by_hand():
    rows = np.array([[1.0, 4.0]])
    weights = np.array([0.5, 0.5])
    np.testing.assert_allclose(combine(rows, weights, "arithmetic"), 2.5)
    np.testing.assert_allclose(combine(rows, weights, "geometric"), 2)
    np.testing.assert_allclose(combine(rows, weights, "harmonic"), 1.6)


def test_the_geometric_mean_gives_a_published_human_development_index():
    # Human Development Report 2016, table 1, Norway: life expectancy 81.7, schooling
    # 17.7 (expected) and 12.7 (mean) years, income 67,614; published index 0.949.
    life = (81.7 - 20) / 65
    school = combine(np.array([[17.7 / 18, 12.7 / 15]]), np.ones(2) / 2, "arithmetic")
    income = np.log(67_614 / 100) / np.log(75_000 / 100)
    index = combine(np.array([[life, school[0], income]]), np.ones(3) / 3, "geometric")
    assert round(float(index[0]), 3) == 0.949


def test_a_harmonic_and_a_geometric_index_punish_a_low_value():
    values = np.array([[0.0, 100], [50, 50], [100, 0], [1, 1]])
    arithmetic = composite_index(values, plain(2))
    geometric = composite_index(values, plain(2), aggregate="geometric")
    harmonic = composite_index(values, plain(2), aggregate="harmonic")

    assert arithmetic.value[0] == pytest.approx(arithmetic.value[1])
    assert geometric.value[0] == pytest.approx(np.sqrt(1 * 100))  # limits 1 and 100
    assert harmonic.value[0] < geometric.value[0] < geometric.value[1]


def test_weights_multiply_through_the_levels():
    indicators = [
        Indicator("a", weight=1, parent="work"),
        Indicator("b", weight=3, parent="work"),
        Indicator("c", weight=2),
        Indicator("d", parent="home"),
    ]
    groups = [Indicator("work", weight=1, parent="life"), Indicator("life", weight=2)]
    values = table()
    found = composite_index(values, indicators, groups=groups)

    # top: c 2, life 2, home 1 (named only as a parent)
    np.testing.assert_allclose(found.effective_weights, [0.1, 0.3, 0.4, 0.2])
    n = found.normalised
    np.testing.assert_allclose(found.scores["work"], n[:, 0] / 4 + 3 * n[:, 1] / 4)
    np.testing.assert_allclose(found.scores["life"], found.scores["work"])
    np.testing.assert_allclose(
        found.value, 0.4 * found.scores["life"] + 0.4 * n[:, 2] + 0.2 * n[:, 3]
    )


def test_equal_weights_do_not_look_at_the_given_ones():
    indicators = [Indicator("a", weight=9), Indicator("b", -1)]
    found = composite_index(VALUES, indicators, weights="equal")
    np.testing.assert_allclose(found.effective_weights, [0.5, 0.5])


def test_principal_component_weights_leave_out_what_follows_nothing():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=200)
    values = np.column_stack([shared, shared + 1e-6, rng.normal(size=200)])
    found = composite_index(values, plain(3), weights="pca")
    np.testing.assert_allclose(found.effective_weights[:2], 0.5, atol=0.02)


def test_optimised_weights_make_importance_what_was_asked_for():
    rng = np.random.default_rng(2)
    shared = rng.normal(size=(300, 1))
    values = shared * [1, 1, 0.3] + rng.normal(size=(300, 3))
    nominal = composite_index(values, plain(3))
    optimised = composite_index(values, plain(3), weights="optimised")

    assert np.ptp(np.sqrt(nominal.importance)) > 0.1
    assert np.ptp(np.sqrt(optimised.importance)) < 0.01


# --- what decides, and what happens without it ---


@given(st.integers(0, 1000), st.sampled_from(["arithmetic", "geometric", "harmonic"]))
def test_contributions_add_up_to_the_distance_from_the_mean_area(seed, aggregate):
    adds = {
        "arithmetic": lambda v: v,
        "geometric": np.log,
        "harmonic": lambda v: -1 / v,
    }
    found = composite_index(table(12, 3, seed), plain(3), aggregate=aggregate)
    scale = adds[aggregate](found.value)
    np.testing.assert_allclose(
        found.contributions.sum(axis=1), scale - scale.mean(), atol=1e-9
    )


def test_leaving_an_indicator_out_is_the_index_made_without_it():
    values = table()
    indicators = [
        Indicator("a", parent="work"),
        Indicator("b", weight=2, parent="work"),
        Indicator("c", parent="home"),
        Indicator("d"),
    ]
    found = composite_index(values, indicators)
    for j in range(4):
        others = [i for i in range(4) if i != j]
        other = composite_index(values[:, others], [indicators[i] for i in others])
        assert (found.rank_without[j] == other.rank).all()
        assert found.influence[j] == pytest.approx(
            np.abs(other.rank - found.rank).mean()
        )


def test_a_group_whose_only_indicator_is_left_out_takes_no_weight():
    tree = Hierarchy([Indicator("a"), Indicator("b", parent="g")], [])
    np.testing.assert_allclose(tree.effective(tree.given, without=1), [1, 0])


def test_an_indicator_that_alone_makes_the_index_has_importance_one():
    found = composite_index(table(p=1), plain(1), normalise="zscore")
    np.testing.assert_allclose(found.importance, 1)
    assert np.isnan(found.influence).all()


@given(st.integers(0, 1000))
def test_more_of_a_good_thing_never_lowers_an_area(seed):
    values = table(10, 3, seed)
    better = values.copy()
    better[4, 1] += 5
    before, after = (
        composite_index(v, plain(3), normalise="rank") for v in (values, better)
    )
    assert after.value[4] >= before.value[4]
    assert after.rank[4] <= before.rank[4]


def test_turning_every_direction_turns_the_order():
    values = table()
    up = composite_index(values, plain(4))
    down = composite_index(values, [Indicator(i.name, -1) for i in plain(4)])
    np.testing.assert_allclose(up.value, 100 - down.value)


def test_equal_areas_share_the_better_rank():
    values = np.array([[1.0, 2], [3, 4], [3, 4], [9, 9], [0.1, 0.1]])
    assert composite_index(values, plain(2)).rank.tolist() == [4, 2, 2, 1, 5]


def test_areas_that_differ_by_rounding_only_are_equal():
    turns = [[1.0, 2, 3], [2, 3, 1], [3, 1, 2], [2, 1, 3], [1, 3, 2], [3, 2, 1]]
    values = np.array([[0.0] * 3, [7.0] * 3, *turns])
    assert composite_index(values, plain(3)).rank.tolist() == [8, 1, *[2] * 6]


@pytest.mark.parametrize(
    ("how", "lowest", "highest"),
    [("minmax", 0, 100), ("rank", 1, 4), ("percentile", 0, 1), ("categories", 0, 100)],
)
def test_values_beyond_those_seen_score_like_the_nearest_one(how, lowest, highest):
    seen = np.array([[1.0], [2], [4], [8]])
    score = normaliser(seen, np.array([1]), how, (0.0, 100.0))
    assert score(np.array([[-5.0], [99.0]])).ravel().tolist() == [lowest, highest]


# --- missing values and outliers ---


def test_an_area_with_a_missing_value_has_no_index_unless_it_is_imputed():
    values = VALUES.copy()
    values[1, 0] = np.nan
    none = composite_index(values, AB)
    assert np.isnan(none.value[1])
    assert np.isnan(none.rank[1])
    assert sorted(none.rank[[0, 2, 3]]) == [1, 2, 3]

    mean = composite_index(values, AB, impute="mean")
    assert mean.imputed.tolist() == [[False] * 2, [True, False], *[[False] * 2] * 2]
    # the others are 1, 2, 5: mean 8/3 -> (8/3 - 1) / 4; median 2 -> 1/4
    np.testing.assert_allclose(mean.normalised[1, 0], 100 * (8 / 3 - 1) / 4)
    median = composite_index(values, AB, impute="median")
    np.testing.assert_allclose(median.normalised[1, 0], 25)


def test_an_area_with_too_few_values_of_its_own_is_left_out():
    values = table(p=4)
    values[3, :3] = np.nan
    values[5, 0] = np.nan
    found = composite_index(values, plain(4), impute="median", required=0.5)
    assert np.isnan(found.value[3])
    assert np.isfinite(found.value[5])
    assert found.imputed.sum() == 1


def test_winsorising_pulls_in_outliers_one_by_one_until_the_shape_is_mild():
    column = np.r_[np.arange(1.0, 21), 60, 500]
    found = composite_index(column[:, None], [Indicator("a")], treat="winsorise")
    # with 500 alone pulled in to 60 skewness is 2.2 and kurtosis 6; with both, mild
    assert found.treated.tolist() == [2]
    assert not found.beyond[0]
    np.testing.assert_allclose(found.value[-3:], 100)
    assert composite_index(column[:, None], [Indicator("a")]).beyond[0]


def test_skewness_and_kurtosis_are_those_of_scipy_without_bias():
    column = np.random.default_rng(1).exponential(size=30)
    skew, kurtosis = stats.skew(column, bias=False), stats.kurtosis(column, bias=False)
    np.testing.assert_allclose(skewness_and_kurtosis(column), [skew, kurtosis])


def test_a_column_is_beyond_limits_only_when_skewed_and_heavy_tailed():
    rare = np.repeat([0.0, 1], [87, 13])  # skewness 2.2, kurtosis 3.0
    heavy = np.r_[np.linspace(-1, 1, 90), [-6, 6] * 3]  # skewness 0, kurtosis above 3.5
    rarer = np.repeat([0.0, 1], [95, 5])  # skewness 4.2, kurtosis 16
    assert skewness_and_kurtosis(rare)[0] > 2
    assert skewness_and_kurtosis(heavy)[1] > 3.5
    beyond = [bool(beyond_limits(c[:, None])[0]) for c in (rare, heavy, rarer)]
    assert beyond == [False, False, True]


def test_winsorising_works_on_the_low_side_and_leaves_mild_shapes_alone():
    column = -np.r_[np.arange(1.0, 21), 60, 500]
    values = np.column_stack([column, np.arange(22.0)])
    found = composite_index(values, plain(2), treat="winsorise")
    assert found.treated.tolist() == [2, 0]
    np.testing.assert_allclose(found.normalised[-3:, 0], 0)


@pytest.mark.parametrize(
    ("values", "indicators", "options", "message"),
    [
        (VALUES, AB[:1], {}, "1 columns"),
        (VALUES[:2], AB, {}, "three areas"),
        (VALUES, AB, {"normalise": "log"}, "normalise must be one of minmax"),
        (VALUES, AB, {"limits": (5, 5)}, "limits"),
        (VALUES, AB, {"normalise": "zscore", "aggregate": "geometric"}, "above 0"),
        (VALUES - 1, AB, {"normalise": "reference"}, "above 0"),
        (VALUES * [1, 0], AB, {}, "b is the same in all areas"),
        (np.where(VALUES == 5, np.inf, VALUES), AB, {}, "finite"),
        (VALUES, [Indicator("a"), Indicator("a")], {}, "must differ"),
        (VALUES, [Indicator("a", 2), AB[1]], {}, "1 or -1"),
        (VALUES, [Indicator("a", weight=-1), AB[1]], {}, "0 or more"),
        (
            VALUES,
            [Indicator("a", weight=0), Indicator("b", weight=0)],
            {},
            "not all be 0",
        ),
        (
            VALUES,
            [Indicator("a", parent="b"), Indicator("b")],
            {},
            "cannot be a parent",
        ),
    ],
)
def test_refuses_what_makes_no_index(values, indicators, options, message):
    with pytest.raises(ValueError, match=message):
        composite_index(values, indicators, **options)


def test_refuses_a_circle_of_parents():
    groups = [Indicator("g", parent="h"), Indicator("h", parent="g")]
    with pytest.raises(ValueError, match="cannot be a parent"):
        composite_index(VALUES, [Indicator("a", parent="g"), AB[1]], groups=groups)
