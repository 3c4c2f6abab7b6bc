"""Replicate weights against Taylor's variance, R survey, and themselves elsewhere."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tryggstat import parallel
from tryggstat.survey import (
    Design,
    estimate,
    given_replicates,
    replicate,
    replicates,
)
from tryggstat.survey.calibration import rake
from tryggstat.survey.tests.schools import expected, needs_reference, sample, table

STRATA = np.repeat([0, 1, 2], [3, 4, 5])
WEIGHTS = np.repeat([10.0, 5.0, 2.0], [3, 4, 5])
SIZES = np.repeat([30.0, 20.0, 10.0], [3, 4, 5])
Y = np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])


def stratified(**more):
    return Design(WEIGHTS, STRATA, **more)


def weights_of(design):
    r = design.replicates
    return np.stack(list(r.weights(range(r.total))), axis=1)


def total_variance(design):
    return estimate(design, {"y": Y}, kind="total").se[0] ** 2


# -- R survey


GIVEN = {
    "dclus1_JK1": "apiclus1",
    "dstrat_JKn": "apistrat",
    "dclus1_bootstrap": "apiclus1",
    "dstrat_bootstrap": "apistrat",
    "dstrat_subbootstrap": "apistrat",
    "dclus2_mrb": "apiclus2",
}


@needs_reference
@pytest.mark.parametrize("name", GIVEN)
def test_given_replicate_weights_agree_with_r(name):
    weights, t = table(f"repweights_{name}"), table(GIVEN[name])
    r = {
        k.removeprefix(f"rep/{name}/"): v
        for k, v in expected().items()
        if k.startswith(f"rep/{name}/")
    }
    base = weights["base"]
    design = given_replicates(
        Design(base),
        np.stack([w for k, w in weights.items() if k != "base"], axis=1),
        scale=r["spec"]["scale"],
        rscales=r["spec"]["rscales"],
        mse=r["spec"]["mse"],
    )

    def assert_r(result, answer):
        figures = [
            list(answer[k].values()) if isinstance(answer[k], dict) else answer[k]
            for k in ("est", "se")
        ]
        assert_allclose(result.estimate, figures[0], rtol=1e-9)
        assert_allclose(result.se, figures[1], rtol=1e-9)

    mean = estimate(design, {"y": t["api00"]})
    assert_r(mean, r["mean_api00"])
    assert mean.df == r["spec"]["degf"]
    assert_r(estimate(design, {"y": t["enroll"]}, kind="total"), r["total_enroll"])
    by = estimate(design, {"y": t["api00"]}, by={"stype": t["stype"]})
    assert_r(by, r["by_stype_mean_api00"])
    ratio = estimate(design, {"y": t["api.stu"]}, kind="ratio", denominator=t["enroll"])
    assert_r(ratio, r["ratio_apistu_enroll"])

    share = estimate(design, {"y": t["ell"]}, kind="share", level=0)
    limits = r["ciprop_ell0_logit"]
    assert_allclose(share.estimate, limits["est"], rtol=1e-7)
    if limits["hi"] < 0.9:  # else R met replicates with a share of 0, and so have we
        assert_allclose(
            [share.low[0], share.high[0]], [limits["lo"], limits["hi"]], 1e-7
        )
    else:
        assert share.high < 0.5


@needs_reference
@pytest.mark.parametrize(
    ("name", "method", "spec"),
    [
        ("dclus1", "jk1", "dclus1_JK1"),
        ("dstrat", "jkn", "dstrat_JKn"),
    ],
)
def test_jackknife_weights_are_those_of_r(name, method, spec):
    design, t = sample(name)
    made = replicate(design, method)
    given = table(f"repweights_{spec}")
    theirs = np.stack([w for k, w in given.items() if k != "base"], axis=1)
    ours = weights_of(made)
    r = expected()[f"rep/{spec}/spec"]

    assert_allclose(
        np.unique(ours.T, axis=0), np.unique(theirs.T, axis=0), rtol=1e-12
    )  # R leaves the units out in another order
    assert_allclose(made.replicates.scale, r["scale"], rtol=1e-12)
    assert_allclose(np.sort(made.replicates.rscales), np.sort(r["rscales"]), rtol=1e-12)
    mean = estimate(made, {"y": t["api00"]})
    assert mean.df == r["degf"]
    assert_allclose(
        mean.se, expected()[f"rep/{spec}/mean_api00"]["se"]["api00"], rtol=1e-9
    )


@needs_reference
def test_the_factors_of_the_two_stage_bootstrap_are_those_of_r():
    design, t = sample("dclus2_2stage")
    given = table("repweights_dclus2_mrb")
    theirs = np.stack([w for k, w in given.items() if k != "base"], axis=1)
    ours = weights_of(replicate(design, "multistage", 200, seed=1))
    for row in range(t["pw"].size):
        assert_allclose(
            np.unique(ours[row].round(6)), np.unique(theirs[row].round(6)), atol=2e-6
        )


@needs_reference
def test_replicates_that_are_raked_each_agree_with_r():
    _, t = sample("dclus1")
    margins = {"stype": t["stype"], "sch.wide": t["sch.wide"]}
    totals = {
        "stype": {"E": 4421, "H": 755, "M": 1018},
        "sch.wide": {"No": 1072, "Yes": 5122},
    }

    def raked(w):
        return rake(w, margins, totals).weight

    calibrated = Design(raked(t["pw"]), psu=t["dnum"], fpc=t["fpc"])
    jackknife = replicate(calibrated, "jk1", calibrate=raked)
    for kind, column in (("mean", "api00"), ("total", "enroll")):
        result = estimate(jackknife, {column: t[column]}, kind=kind)
        r = expected()[f"rep/dclus1_JK1/raked_{kind}_{column}"]
        assert_allclose(result.estimate, r["est"][column], rtol=1e-7)
        assert_allclose(result.se, r["se"][column], rtol=1e-6)


# -- by hand, and against Taylor


def test_the_jackknife_of_a_total_is_taylor_s_variance():
    for more in ({}, {"fpc": SIZES}):
        design = stratified(**more)
        assert_allclose(
            total_variance(replicate(design, "jkn")), total_variance(design)
        )


def test_balanced_half_samples_of_a_total_are_taylor_s_variance():
    rng = np.random.default_rng(1)
    design = Design(rng.uniform(1, 3, 12), np.repeat(np.arange(6), 2))
    for fay in (0, 0.5):
        halves = replicate(design, "brr", fay=fay)
        assert halves.replicates.total == 8
        assert_allclose(total_variance(halves), total_variance(design))
        assert set(np.round(weights_of(halves) / design.w[:, None], 9).ravel()) == {
            fay,
            2 - fay,
        }


@pytest.mark.parametrize("method", ["bootstrap", "subbootstrap", "multistage"])
@pytest.mark.parametrize("fpc", [None, SIZES])
def test_bootstrap_variances_lie_about_taylor_s(method, fpc):
    design = stratified(fpc=fpc)
    ratio = [
        total_variance(replicate(design, method, 400, seed=s)) for s in range(20)
    ] / total_variance(design)
    # mean of 8,000 replicates' squares: 5 sigma of about sqrt(2/8000)
    assert abs(np.mean(ratio) - 1) < 0.09


def test_the_two_stage_bootstrap_lies_about_taylor_s_variance():
    rng = np.random.default_rng(2)
    block, home = np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6)
    y = rng.normal(size=6)[block] + rng.normal(size=24)
    sizes = np.full(24, 9.0), np.full(24, 10.0)
    design = Design(psu=[block, home], fpc=sizes)
    exact = estimate(design, {"y": y}, kind="total").se ** 2
    made = [
        estimate(
            replicate(design, "multistage", 400, seed=s), {"y": y}, kind="total"
        ).se
        for s in range(20)
    ]
    assert abs(np.mean(np.square(made)) / exact - 1) < 0.09


def test_the_first_bootstrap_weights_are_the_known_ones():
    # a change here means that stored results would change too
    first = weights_of(replicate(stratified(), "bootstrap", 2, seed=20260101))[:, 0]
    drawn = [0, 1, 1, 1, 0, 1, 1, 0, 2, 0, 1, 1]
    n = np.repeat([3, 4, 5], [3, 4, 5])
    assert_allclose(first / WEIGHTS, drawn * n / (n - 1))


def test_the_draws_are_those_of_splitmix64():
    # the first words of the generator with seed 1234567, from its published tests
    words = [6457827717110365317, 3203168211198807973]
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    n = 1 << 20
    factor = np.empty(n)
    replicates._drawn_factors_plain(
        np.uint64(1234567), np.zeros(1, int), np.array([n]), np.array([4]),
        np.zeros(1), np.ones(1), factor,
    )  # fmt: skip
    assert np.flatnonzero(factor).tolist() == sorted(half >> 12 for half in halves)


def test_every_unit_is_drawn_as_often_as_any_other():
    design = replicate(Design(np.ones(10)), "bootstrap", 20_000, seed=3)
    times = weights_of(design) * 9 / 10
    # 180,000 draws of 10 units: each within 5 sigma of 18,000, all as chi-square says
    counts = times.sum(axis=1)
    assert np.abs(counts - 18_000).max() < 5 * np.sqrt(18_000 * 0.9)
    assert_allclose(np.corrcoef(times), np.where(np.eye(10), 1, -1 / 9), atol=0.04)


def test_a_median_has_the_spread_of_its_replicates():
    design = replicate(Design(np.ones(5)), "jk1")
    result = estimate(design, {"y": [1, 2, 3, 4, 9]}, kind="quantile")
    # without 1 2 3 4 9 the first value that half reaches is 3 3 2 2 2
    assert_allclose(result.se**2, 4 / 5 * (2 * 0.6**2 + 3 * 0.4**2))


def test_squares_are_about_the_mean_or_the_estimate_and_df_below_the_replicates():
    weights, y = [[2, 1, 1], [1, 1, 2]], {"y": [1.0, 4]}
    # estimate 5; replicates 6, 5, 9 with mean 20/3
    for mse, squares in ((True, 1 + 0 + 16), (False, (4 + 25 + 49) / 9)):
        design = given_replicates(Design(np.ones(2)), weights, scale=0.5, mse=mse)
        total = estimate(design, y, kind="total")
        assert_allclose(total.se**2, 0.5 * squares)
    few = estimate(replicate(stratified(), "bootstrap", 4), {"y": Y})
    assert_array_equal([few.df, estimate(stratified(), {"y": Y}).df], [[3], [9]])


def test_a_replicate_without_answers_is_left_out():
    design = given_replicates(
        Design(np.ones(3)), [[2, 0, 1], [0, 2, 1], [1, 1, 1]], scale=0.5
    )
    result = estimate(design, {"y": [1.0, 5, 5]}, where=[True, False, False])
    assert_allclose([result.estimate, result.se], [[1], [0]])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="use jkn"):
        replicate(stratified(), "jk1")
    with pytest.raises(ValueError, match="two units"):
        replicate(stratified(), "brr")
    with pytest.raises(ValueError, match="at least 2"):
        replicate(stratified(), "bootstrap", 1)
    with pytest.raises(ValueError, match="calibrate their replicates"):
        replicate(stratified(calibration=np.ones((12, 1))), "bootstrap")
    with pytest.raises(ValueError, match="12 rows"):
        given_replicates(stratified(), np.ones((3, 2)), scale=1)


def test_the_order_is_the_stable_one_however_large_the_codes():
    for most in (5, 1 << 17, 1 << 40):
        codes = np.random.default_rng(4).integers(0, most, 3_000)
        codes[::2] = codes[0]
        expected = np.argsort(codes, kind="stable")
        assert_array_equal(replicates._order(codes), expected)


# -- the same everywhere


def test_the_numbers_do_not_depend_on_threads_blocks_or_processes(monkeypatch):
    for fast in (0, 10**9):
        monkeypatch.setattr(replicates, "FAST_FROM", fast)
        design = replicate(stratified(fpc=SIZES), "bootstrap", 100, seed=7)

        def figures(pool=None, design=design):
            result = estimate(design, {"y": Y}, by={"g": STRATA % 2}, pool=pool)
            return np.concatenate([result.se, result.low])

        alone = figures()
        with ThreadPoolExecutor(3) as threads:
            assert_array_equal(figures(threads), alone)
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            assert_array_equal(figures(processes), alone)
        monkeypatch.setattr(parallel, "BLOCK", 7)
        assert_array_equal(figures(), alone)


def test_the_kernels_agree_with_their_references():
    from tryggstat.survey import _replicate_kernels as kernels

    rng = np.random.default_rng(3)
    size = np.array([1, 7, 30])
    start = np.cumsum(size) - size
    times = np.array([0, 6, 40])
    stream = replicates._streams(1, range(17, 18))[0]
    given = stream, start, size, times, rng.random(3), rng.random(3)
    fast, plain = np.empty((2, size.sum()))
    kernels.drawn_factors(*given, fast)
    replicates._drawn_factors_plain(*given, plain)
    assert_allclose(fast, plain, rtol=1e-12)
    columns = rng.normal(size=38), rng.random(38), rng.integers(0, 9, 38)
    group = rng.integers(0, 4, 38).astype(np.int32)
    given = (*columns, tuple(rng.random((4, 9))), group, 4)
    assert_allclose(
        kernels.group_sums(*given), replicates._group_sums_plain(*given), rtol=1e-12
    )


def test_the_sums_of_two_places_give_the_variance_of_all_their_rows():
    # the worked case of docs/methods/many-machines.md: R = 12/4, v = 20/16
    added = np.zeros(5)
    for y in ([1, 3], [2, 6]):
        columns = {"y": y, "1": [1, 1], "both": np.add(y, 1)}
        totals = estimate(Design(np.ones(2), stratum=[1, 1]), columns, kind="total")
        of_y, of_1, of_both = totals.se**2
        added += (*totals.estimate[:2], of_y, of_1, (of_both - of_y - of_1) / 2)
    top, bottom, of_y, of_1, covariance = added
    mean = top / bottom
    variance = (of_y - 2 * mean * covariance + mean**2 * of_1) / bottom**2
    together = estimate(Design(np.ones(4), stratum=[1, 1, 2, 2]), {"y": [1, 3, 2, 6]})
    assert_allclose([mean, variance], [3, 1.25])
    assert_allclose([together.estimate[0], together.se[0] ** 2], [3, 1.25])
