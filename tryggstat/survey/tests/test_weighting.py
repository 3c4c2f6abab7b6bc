"""Weights against cases by hand, R survey, and laws that must hold for all inputs."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tryggstat.survey import _cross_table, calibration, nonresponse, weighting
from tryggstat.survey import _raking_kernels as kernels
from tryggstat.survey.design import Design
from tryggstat.survey.estimation import estimate
from tryggstat.survey.replicates import replicate

PROJECT = Path(__file__).parents[3]
REFERENCE = (
    PROJECT / os.environ.get("TRYGG_REFERENCE", "../shared/reference") / "survey_api"
)
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"no reference cases at TRYGG_REFERENCE: {REFERENCE}"
)
SCHOOL = {"E": 4421, "H": 755, "M": 1018}
TARGET_MET = {"No": 1072, "Yes": 5122}


def read(name):
    with (REFERENCE / name).open() as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


@pytest.fixture(scope="module")
def schools():
    table = read("apiclus1.csv")
    expected = read("dclus1_calibrated_weights.csv")
    variables = {
        "stype": table["stype"],
        "sch.wide": table["sch.wide"],
        "api99": table["api99"].astype(float),
    }
    return (
        expected.pop("base").astype(float),
        variables,
        {k: v.astype(float) for k, v in expected.items() if k not in ("snum", "dnum")},
    )


@needs_reference
def test_post_stratification_and_raking_agree_with_r_survey(schools):
    base, variables, expected = schools
    post = calibration.post_stratify(base, variables["stype"], SCHOOL)
    raked = calibration.rake(base, variables, {"stype": SCHOOL, "sch.wide": TARGET_MET})

    assert_allclose(post.weight, expected["poststrat"], rtol=1e-12)
    assert_allclose(raked.weight, expected["rake"], rtol=1e-9)


@needs_reference
@pytest.mark.parametrize(
    ("column", "method", "bounds"),
    [
        ("cal_linear_api99", "linear", None),
        ("cal_raking_api99", "raking", None),
        ("cal_logit_api99", "logit", (0.5, 2.5)),
        ("cal_trunclin_api99", "linear", (0.6, 1.6)),
    ],
)
def test_calibration_agrees_with_r_survey(schools, column, method, bounds):
    base, variables, expected = schools
    result = calibration.calibrate(
        base,
        variables,
        {"stype": SCHOOL, "api99": 3914069},
        method=method,
        bounds=bounds,
    )
    assert_allclose(result.weight, expected[column], rtol=1e-9)


@needs_reference
def test_trimming_agrees_with_r_survey(schools):
    _, _, expected = schools
    trimmed = weighting.trim(expected["rake"], lower=20, upper=45)
    assert_allclose(trimmed.weight, expected["trim_rake_20_45"], rtol=1e-12)


@needs_reference
def test_raked_jackknife_agrees_with_r_survey(schools):
    _, variables, _ = schools
    table = read("repweights_dclus1_JK1.csv")
    base = table.pop("base").astype(float)
    replicates = np.column_stack([column.astype(float) for column in table.values()])
    truth = json.loads((REFERENCE / "expected.json").read_text())
    spec = truth["rep/dclus1_JK1/spec"]
    totals = {"stype": SCHOOL, "sch.wide": TARGET_MET}
    outcome = read("apiclus1.csv")["api00"].astype(float)

    raked = calibration.rake_replicates(
        np.ones_like(base), replicates, variables, totals, tolerance=1e-12
    )
    full = calibration.rake(base, variables, totals, tolerance=1e-12)
    means = (
        outcome @ raked.weights(np.ones_like(base), replicates) / sum(SCHOOL.values())
    )
    mean = outcome @ full.weight / full.weight.sum()
    centre = mean if spec["mse"] else means.mean()
    se = np.sqrt(spec["scale"] * (np.array(spec["rscales"]) @ (means - centre) ** 2))

    answer = truth["rep/dclus1_JK1/raked_mean_api00"]
    assert_allclose(mean, answer["est"]["api00"], rtol=1e-9)
    assert_allclose(se, answer["se"]["api00"], rtol=1e-9)


def test_raking_matches_a_table_worked_by_hand():
    # A 2 x 2 table keeps its odds ratio, here 4: x (x - 20) = 4 (60 - x)(40 - x) + ...
    # with rows 50, 50 and columns 60, 40: x / (50 - x) * (x - 10) / (60 - x) = 4
    # -> 3x^2 - 430x + 12000 = 0 -> x = (430 - sqrt(40900)) / 6
    corner = (430 - np.sqrt(40900)) / 6
    raked = calibration.rake(
        [20, 10, 10, 20],
        {"row": [1, 1, 2, 2], "column": [1, 2, 1, 2]},
        {"row": {1: 50, 2: 50}, "column": {1: 60, 2: 40}},
    )
    table = [corner, 50 - corner, 60 - corner, corner - 10]
    assert_allclose(raked.weight, table, rtol=1e-10)
    assert raked.errors[0] > raked.errors[1] > raked.errors[-1]
    assert raked.errors[-1] <= 1e-10


def test_raking_does_not_stop_while_an_earlier_margin_is_missed():
    # the same table with a last variable that always holds
    corner = (430 - np.sqrt(40900)) / 6
    raked = calibration.rake(
        [20, 10, 10, 20],
        {"row": [1, 1, 2, 2], "column": [1, 2, 1, 2], "all": [1, 1, 1, 1]},
        {"row": {1: 50, 2: 50}, "column": {1: 60, 2: 40}, "all": {1: 100}},
    )
    assert_allclose(raked.weight[0], corner, rtol=1e-10)


def test_logit_calibration_matches_a_case_worked_by_hand():
    # bounds 1/2 and 2: A = 1.5 / (0.5 * 1) = 3. With exp(3b) = 2 the adjustments are
    # (0.5 + 1 * 2) / (1 + 0.5 * 2) = 1.25 at x = 1, (0.5 + 4) / (1 + 2) = 1.5 at x = 2
    result = calibration.calibrate(
        [1, 1], {"x": [1, 2]}, {"x": 1.25 + 2 * 1.5}, method="logit", bounds=(0.5, 2)
    )
    assert_allclose(result.weight, [1.25, 1.5], rtol=1e-10)
    assert result.iterations < 8  # Newton's, not merely some convergence


def test_small_weights_are_raised_at_the_cost_of_all_others():
    assert_allclose(weighting.trim([1, 5, 6], lower=2).weight, [2, 4.5, 5.5])


def test_design_weights_and_their_design_effect():
    assert_allclose(weighting.design_weights([[0.1, 0.1], [0.5, 1]]), [20, 10])
    assert weighting.kish_design_effect([1, 1, 2, 0]) == 3 * 6 / 16


def test_linear_calibration_matches_a_regression_worked_by_hand():
    # w = 1, x = (1, z), z = -1, 0, 1; totals 6 and 2: g = 2 + z
    result = calibration.calibrate(
        [1, 1, 1], {"one": [1, 1, 1], "z": [-1, 0, 1]}, {"one": 6, "z": 2}
    )
    assert_allclose(result.weight, [1, 2, 3], rtol=1e-12)


def test_truncated_linear_cuts_off_and_lets_the_others_make_up_for_it():
    # without bounds g = 1.5 + z/3; cut at 2.1 the others need a and b with
    # 2a + b + 2.1 = 6 and -2a + 4.2 = 2
    result = calibration.calibrate(
        [1, 1, 1, 1],
        {"one": [1] * 4, "z": [-1, -1, 0, 2]},
        {"one": 6, "z": 2},
        bounds=(0.1, 2.1),
    )
    assert_allclose(result.weight, [1.1, 1.1, 1.7, 2.1], rtol=1e-12)


@pytest.mark.parametrize("method", ["linear", "raking", "logit"])
def test_bounds_hold_and_all_margins_are_met(method):
    rng = np.random.default_rng(13)
    variables = {"a": rng.integers(0, 3, 90), "z": rng.gamma(2, 1, 90)}
    # totals of a population in which people stand for 0.75 or 1.55 times 11
    hidden = 11 * np.where(variables["z"] > 1.5, 1.55, 0.75)
    totals = {
        "a": {level: hidden[variables["a"] == level].sum() for level in range(3)},
        "z": hidden @ variables["z"],
    }
    result = calibration.calibrate(
        np.full(90, 11.0), variables, totals, method=method, bounds=(0.7, 1.6)
    )
    assert result.smallest_adjustment >= 0.7
    assert result.largest_adjustment <= 1.6
    assert result.largest_margin_error < 1e-10
    free = calibration.calibrate(np.full(90, 11.0), variables, totals, method="raking")
    assert free.largest_adjustment > 1.6  # so that the bound is felt


def test_linear_calibration_warns_of_negative_weights():
    result = calibration.calibrate(
        [1, 1, 1], {"one": [1, 1, 1], "z": [-1, 0, 1]}, {"one": 3, "z": 3}
    )
    assert_allclose(result.weight, [-0.5, 1, 2.5])
    assert result.warnings == ("1 weights are negative: use bounds or raking",)


def test_raking_and_calibration_with_the_raking_distance_are_the_same():
    rng = np.random.default_rng(7)
    variables = {"a": rng.integers(0, 3, 60), "b": rng.integers(0, 4, 60)}
    totals = {"a": {0: 30, 1: 50, 2: 20}, "b": {0: 20, 1: 40, 2: 10, 3: 30}}
    weight = rng.uniform(0.1, 0.4, 60)
    assert_allclose(
        calibration.calibrate(weight, variables, totals, method="raking").weight,
        calibration.rake(weight, variables, totals).weight,
        rtol=1e-8,
    )


def test_calibration_reaches_totals_far_from_the_first_weights():
    result = calibration.calibrate(
        [1, 1, 1, 1],
        {"sex": list("kkmm"), "age": [20, 30, 40, 60]},
        {"sex": {"k": 9000, "m": 8000}, "age": 660_000},
        method="raking",
    )
    assert result.largest_margin_error < 1e-10
    assert (result.weight > 0).all()


sample = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from("xyz"),
        st.floats(0.5, 8),
    ),
    min_size=1,
    max_size=30,
)
EVERY_CELL = [(a, x, 1.0) for a in "ab" for x in "xyz"]


@given(sample, st.floats(0.2, 0.8), st.floats(0.2, 0.6))
@settings(deadline=None, max_examples=60)
def test_raking_meets_every_margin_and_does_not_care_about_scale_or_order(
    people, share_a, share_x
):
    a, x, w = zip(*people, *EVERY_CELL, strict=True)
    weight = np.array(w)
    variables = {"a": np.array(a), "x": np.array(x)}
    totals = {
        "a": {"a": 100 * share_a, "b": 100 - 100 * share_a},
        "x": {"x": 100 * share_x, "y": 20, "z": 80 - 100 * share_x},
    }
    raked = calibration.rake(weight, variables, totals)
    for name, wanted in totals.items():
        for level, total in wanted.items():
            reached = raked.weight[variables[name] == level].sum()
            assert_allclose(reached, total, rtol=2e-10)

    order = np.random.default_rng(1).permutation(weight.size)
    moved = {name: values[order] for name, values in variables.items()}
    again = calibration.rake(1000 * weight[order], moved, totals)
    assert_allclose(again.weight, raked.weight[order], rtol=1e-8)


@given(st.lists(st.floats(0.1, 50), min_size=2, max_size=30), st.floats(1.05, 5))
@settings(deadline=None)
def test_trimming_keeps_the_sum_and_the_limit(weights, limit):
    weight = np.array(weights)
    upper = limit * weight.mean()
    trimmed = weighting.trim(weight, upper=upper)
    assert_allclose(trimmed.weight.sum(), weight.sum(), rtol=1e-10)
    assert (trimmed.weight <= upper * (1 + 1e-12)).all()
    assert (trimmed.weight[weight < upper] >= weight[weight < upper]).all()


def test_a_sparse_cross_table_gives_the_same_weights_as_a_dense_one(monkeypatch):
    rng = np.random.default_rng(3)
    variables = {name: rng.integers(0, 4, 300) for name in "abc"}
    totals = {name: dict.fromkeys(range(4), 250) for name in "abc"}
    weight = rng.uniform(1, 5, 300)
    dense = calibration.rake(weight, variables, totals)
    monkeypatch.setattr(_cross_table, "DENSE", 8)
    sparse = calibration.rake(weight, variables, totals)
    assert_allclose(sparse.weight, dense.weight, rtol=1e-12)


def test_replicates_are_raked_as_if_each_were_alone():
    rng = np.random.default_rng(5)
    variables = {"a": rng.integers(0, 3, 200), "b": rng.integers(0, 2, 200)}
    totals = {"a": {0: 300, 1: 500, 2: 200}, "b": {0: 450, 1: 550}}
    weight = rng.uniform(2, 8, 200)
    times = rng.poisson(1, (200, 5)).astype(np.uint8)

    raked = calibration.rake_replicates(weight, times, variables, totals)

    for column, together in zip(times.T, raked.weights(weight, times).T, strict=True):
        alone = calibration.rake(weight * column, variables, totals)
        assert_allclose(together, alone.weight, rtol=1e-8)


def test_a_prepared_raker_is_raking_and_serves_replicate_variances():
    rng = np.random.default_rng(6)
    variables = {"a": rng.integers(0, 3, 120), "b": rng.integers(0, 2, 120)}
    totals = {"a": {0: 300, 1: 500, 2: 200}, "b": {0: 450, 1: 550}}
    weight, y = rng.uniform(2, 8, 120), rng.normal(size=120)
    to_margins = calibration.raker(variables, totals)
    raked = calibration.rake(weight, variables, totals).weight
    assert_allclose(to_margins(weight), raked, rtol=1e-12)
    # raking forgets what an earlier raking did
    assert_allclose(to_margins(raked * np.r_[2, np.ones(119)]),
                    to_margins(weight * np.r_[2, np.ones(119)]), rtol=1e-8)  # fmt: skip

    jackknife = replicate(Design(raked), "jk1", calibrate=to_margins)
    found = estimate(jackknife, {"y": y})
    left_out = [
        to_margins(raked * (np.arange(120) != i)) @ y / 1000 for i in range(120)
    ]
    spread = np.sum((left_out - np.mean(left_out)) ** 2) * 119 / 120
    assert_allclose(found.se, np.sqrt(spread), rtol=1e-9)


def test_fast_and_plain_raking_agree():
    rng = np.random.default_rng(9)
    key = rng.integers(0, 6, 100)
    weight = rng.uniform(1, 2, 100)
    times = rng.poisson(2, (100, 7)).astype(np.uint8)
    table = kernels._collapse_plain(key, weight, times, 6)
    assert_allclose(kernels.collapse(key, weight, times, 6), table, rtol=1e-12)

    codes = np.array([[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]])
    rest = codes, np.array([40.0, 60, 30, 30, 40]), np.array([0, 2, 5]), 1e-10, 100
    fast, plain = table.copy(), table.copy()
    assert (
        kernels.rake_table(fast, *rest)[0]
        == (kernels._rake_table_plain(plain, *rest)[0])
    )
    assert_allclose(fast, plain, rtol=1e-12)


def test_margins_that_cannot_be_met_are_named():
    people = {"sex": ["k", "m"], "age": [1, 2]}
    with pytest.raises(weighting.ContradictingMargins, match="age sums to 11, but sex"):
        calibration.rake([1, 1], people, {"sex": {"k": 5, "m": 5}, "age": {1: 5, 2: 6}})
    with pytest.raises(weighting.ContradictingMargins, match="sex=m has nobody"):
        calibration.rake([1, 1], people, {"sex": {"k": 5, "m": 0}})
    with pytest.raises(weighting.ContradictingMargins, match="sex=m has the total -1"):
        calibration.rake([1, 1], people, {"sex": {"k": 5, "m": -1}})
    with pytest.raises(weighting.EmptyCell, match="age=3 has 1 persons"):
        calibration.rake([1, 1], people, {"age": {1: 5, 2: 5, 3: 1}})
    with pytest.raises(weighting.EmptyCell, match="sex=m has 5 persons"):
        calibration.rake([1, 0], people, {"sex": {"k": 5, "m": 5}})
    with pytest.raises(weighting.UnknownLevel, match="sex has no total for 'm'"):
        calibration.rake([1, 1], people, {"sex": {"k": 5}})
    # k is always 1 and m always 2, so the margins must be the same and are not
    with pytest.raises(weighting.MarginsNotMet, match=r"sex=\w reaches"):
        calibration.rake([1, 1], people, {"sex": {"k": 5, "m": 5}, "age": {1: 4, 2: 6}})
    with pytest.raises(weighting.MarginsNotMet, match=r"sex=k .* within \(0.5, 1.2\)"):
        calibration.calibrate(
            [1, 1], people, {"sex": {"k": 5, "m": 0.5}}, bounds=(0.5, 1.2)
        )


def test_weights_that_are_no_weights_are_refused():
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(weighting.NegativeWeight, match="in row 1"):
            calibration.post_stratify([1, bad], ["a", "a"], {"a": 5})
    with pytest.raises(weighting.NegativeWeight, match="all weights are 0"):
        calibration.post_stratify([0, 0], ["a", "a"], {"a": 5})
    with pytest.raises(weighting.WeightingError, match="above 0 and at most 1"):
        weighting.design_weights([0.5, 0.0])
    with pytest.raises(weighting.WeightingError, match="outside 0 to 1"):
        weighting.trim([1, 3], upper=1)


def test_bounds_must_enclose_one():
    variables, totals = {"a": [1, 1]}, {"a": {1: 3}}
    with pytest.raises(ValueError, match="logit needs bounds"):
        calibration.calibrate([1, 1], variables, totals, method="logit")
    with pytest.raises(ValueError, match="must enclose 1"):
        calibration.calibrate([1, 1], variables, totals, bounds=(1.1, 2))


def test_nonresponse_by_class_moves_the_weight_within_the_class():
    adjusted = nonresponse.adjust_by_class(
        [10, 10, 20, 30, 5],
        [1, 0, 1, 0, 1],
        {"area": ["a", "a", "b", "b", "b"], "sex": [1, 1, 2, 2, 1]},
    )
    assert_allclose(adjusted.weight, [20, 0, 50, 0, 5])
    assert (adjusted.smallest_adjustment, adjusted.largest_adjustment) == (1, 2.5)
    with pytest.raises(weighting.EmptyCell, match="area=b, sex=1"):
        nonresponse.adjust_by_class([1, 1], [1, 0], {"area": ["a", "b"], "sex": [1, 1]})


def test_nonresponse_by_propensity_balances_what_the_model_knows():
    # The score equations: respondents weighted by odds of silence match the silent
    rng = np.random.default_rng(11)
    age = rng.uniform(18, 90, 400)
    answered = rng.random(400) < 1 / (1 + np.exp(2 - age / 30))
    weight = rng.uniform(1, 3, 400)
    adjusted = nonresponse.adjust_by_propensity(weight, answered, {"age": age})
    p = 1 / adjusted.adjustment[answered]
    logit = np.log(p / (1 - p))
    slope, intercept = np.polyfit(age[answered], logit, 1)
    everybody = 1 / (1 + np.exp(-intercept - slope * age))
    assert_allclose(weight @ everybody, weight @ answered, rtol=1e-8)
    assert_allclose(weight * age @ everybody, weight * age @ answered, rtol=1e-8)

    by_fifths = nonresponse.adjust_by_propensity(
        weight, answered, {"age": age}, classes=5
    )
    assert np.unique(by_fifths.adjustment.round(9)).size == 6
    assert_allclose(by_fifths.weight.sum(), weight.sum())


def test_the_margin_matrix_gives_the_totals_of_calibrated_weights():
    variables = {"sex": list("kkmm"), "age": [20.0, 30, 40, 60]}
    totals = {"sex": {"k": 9, "m": 8}, "age": 660.0}
    x, wanted = calibration.margin_matrix(variables, totals)
    result = calibration.calibrate([4, 4, 4, 4], variables, totals)
    assert_allclose(result.weight @ x, wanted)
    assert [m.reached for m in result.margins] == pytest.approx(wanted.tolist())
