"""Estimates against cases by hand, R survey, and laws that hold for all samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tryggstat.survey import Design, LonelyUnit, _domains, estimate
from tryggstat.survey.calibration import rake
from tryggstat.survey.tests.schools import (
    DESIGNS,
    expected,
    needs_reference,
    sample,
    table,
)

FIGURES = ("estimate", "se", "low", "high", "n", "n_effective", "df", "deff", "cv")


def assert_r(result, answer, est="est", rtol=1e-9):
    """Compare estimates and standard errors; where R says se 0, ours is below 1e-6."""
    figures = [
        list(answer[k].values()) if isinstance(answer[k], dict) else answer[k]
        for k in (est, "se")
    ]
    assert_allclose(result.estimate, figures[0], rtol=rtol)
    assert_allclose(result.se, figures[1], rtol=rtol, atol=1e-9)


# -- by hand


def test_a_stratified_mean_is_the_one_worked_by_hand():
    # a: N 10, n 2, y 1 3, mean 2, s2 2;  b: N 30, n 3, y 4 5 9, mean 6, s2 7
    # mean = (10 * 2 + 30 * 6) / 40 = 5
    # v = (100 * 0.8 * 2/2 + 900 * 0.9 * 7/3) / 1600 = 1970 / 1600
    design = Design(
        [5, 5, 10, 10, 10], ["a", "a", "b", "b", "b"], fpc=[10, 10, 30, 30, 30]
    )
    mean = estimate(design, {"y": [1, 3, 4, 5, 9]})
    total = estimate(design, {"y": [1, 3, 4, 5, 9]}, kind="total")

    assert_allclose(mean.estimate, 5)
    assert_allclose(mean.se, np.sqrt(1970 / 1600))
    assert_allclose(mean.low, 5 - 3.182446305284263 * np.sqrt(1970 / 1600))
    assert_allclose([total.estimate, total.se], [[200], [np.sqrt(1970)]])
    assert_array_equal([mean.df, mean.n], [[3], [5]])


def test_a_two_stage_total_is_the_one_worked_by_hand():
    # 2 of 4 blocks; 2 of 4 homes in the first (1, 3), 2 of 2 in the second (2, 6)
    # block totals 8 and 8, between: 16 * (1/2) * 0 / 2 = 0
    # within: (4/2) * 16 * (1/2) * 2 / 2 = 16 for the first, none for the second
    design = Design(
        [4, 4, 2, 2],
        psu=[["p", "p", "q", "q"], [1, 2, 1, 2]],
        fpc=[[4, 4, 4, 4], [4, 4, 2, 2]],
    )
    total = estimate(design, {"y": [1, 3, 2, 6]}, kind="total")

    assert_allclose(total.estimate, 32)
    assert_allclose(total.se, 4)


def test_a_domain_keeps_the_units_that_are_not_in_it():
    # total of [2, 0, 4, 0]: n/(n-1) * sum of squares about 1.5 = 4/3 * 11
    design = Design(np.ones(4))
    for y, where in (
        ([2, 9, 4, 9], [True, False, True, False]),
        ([2, np.nan, 4, np.nan], None),
    ):
        total = estimate(design, {"y": y}, kind="total", where=where)
        assert_allclose([total.estimate, total.se**2], [[6], [4 / 3 * 11]])
        assert total.n == 2


def test_a_lonely_unit_is_refused_or_treated_as_asked():
    y, stratum = {"y": [1.0, 3.0, 8.0]}, ["a", "a", "b"]

    def variance(lonely_psu, **more):
        design = Design(np.ones(3), stratum, lonely_psu=lonely_psu, **more)
        return estimate(design, y, kind="total").se[0] ** 2

    with pytest.raises(LonelyUnit, match="stratum b has only one unit"):
        variance("fail")
    assert_allclose(variance("remove"), 4)  # stratum a alone: 2 * ((1-2)^2 + (3-2)^2)
    assert_allclose(variance("certainty"), 4)
    assert_allclose(variance("average"), 8)
    assert_allclose(variance("adjust"), 4 + (8 - 4) ** 2)
    assert_allclose(variance("fail", fpc=[2, 2, 1]), 0)  # all drawn: nothing to refuse


def test_the_median_is_the_first_value_that_half_of_the_weight_reaches():
    design = Design([1, 1, 2, 4])
    result = estimate(design, {"y": [1, 2, 3, 9]}, kind="quantile", quantiles=[0.5])
    assert result.estimate == 3  # weights 1 2 4 8: half is reached, not passed, at 3
    assert result.level.tolist() == ["0.5"]


def test_a_share_of_none_has_the_exact_interval_of_its_answers():
    # Clopper and Pearson for 0 of 20: 1 - 0.025^(1/20); Wilson: t^2 / (20 + t^2)
    t = 2.093024054408263  # 19 degrees of freedom
    for interval, high in (
        ("logit", 1 - 0.025 ** (1 / 20)),
        ("normal", 1 - 0.025 ** (1 / 20)),
        ("wilson", t**2 / (20 + t**2)),
    ):
        share = estimate(
            Design(np.ones(20)), {"y": np.zeros(20)}, kind="share", interval=interval
        )
        assert_allclose([share.low, share.high], [[0], [high]], atol=1e-12)


def test_a_row_without_weight_belongs_to_the_design_but_not_to_the_figures():
    for y in ([1.0, 3, 99], [1.0, 3, np.nan]):
        mean = estimate(Design([1, 1, 0]), {"y": y})
        assert_array_equal([mean.estimate, mean.n, mean.df], [[2], [2], [1]])
        assert_allclose(mean.se**2, 3 / 2 * (0.5**2 + 0.5**2))


def test_what_cannot_be_computed_is_missing_with_a_reason():
    result = estimate(
        Design(np.ones(5)),
        {"y": [1, 2, 5, np.nan, 7]},
        by={"g": ["a", "a", "b", "c", None]},
    )
    assert_array_equal(np.isnan(result.estimate), [False, False, True])
    assert_array_equal(np.isnan(result.low), [False, True, True])
    assert result.warnings == (
        "g: 1 rows without a group are left out",
        "y: 1 rows with a missing value are left out",
        "no answers: y g=c",
        "no degrees of freedom, so no interval: y g=b",
    )
    assert list(result.rows())[2]["estimate"] is None


def test_crossed_groups_are_those_that_occur_and_need_both_labels():
    by = {"area": ["a", "a", "b", "b", None], "sex": ["k", "m", "k", None, "m"]}
    result = estimate(Design(np.ones(5)), {"y": [1, 2, 3, 4, 5]}, by=by)
    rows = zip(*(result.by[name].tolist() for name in by), strict=True)
    assert list(rows) == [("a", "k"), ("a", "m"), ("b", "k")]
    assert_array_equal(result.estimate, [1, 2, 3])


# -- R survey


@needs_reference
@pytest.mark.parametrize("name", DESIGNS)
def test_means_totals_shares_and_ratios_agree_with_r(name):
    design, t = sample(name)
    r = {k.split("/")[1]: v for k, v in expected().items() if k.startswith(name + "/")}
    grades = {"api00": t["api00"], "api99": t["api99"]}

    assert_r(estimate(design, grades), r["mean_api00_api99"])
    assert_r(estimate(design, {"e": t["enroll"]}, kind="total"), r["total_enroll"])
    shares = estimate(design, {"s": t["stype"]}, kind="share", level=["E", "H", "M"])
    assert_r(shares, r["mean_stype"])
    ratio = estimate(design, {"t": t["api.stu"]}, kind="ratio", denominator=t["enroll"])
    assert_r(ratio, r["ratio_apistu_enroll"])
    assert shares.df[0] == r["degf"] == design.degrees_of_freedom


@needs_reference
@pytest.mark.parametrize("name", DESIGNS)
def test_domains_agree_with_r(name):
    design, t = sample(name)
    r = {k.split("/")[1]: v for k, v in expected().items() if k.startswith(name + "/")}
    by = {"stype": t["stype"]}
    mean = estimate(design, {"y": t["api00"]}, by=by)
    share = estimate(design, {"y": t["sch.wide"]}, kind="share", level="Yes", by=by)
    crossed = {"sch.wide": t["sch.wide"], "stype": t["stype"]}
    total = estimate(design, {"y": t["enroll"]}, kind="total", by=crossed)
    subset = estimate(design, {"y": t["api00"]}, where=t["comp.imp"] == "Yes")

    assert_r(mean, r["by_stype_mean_api00"], est="api00")
    assert_allclose(mean.cv, r["by_stype_mean_api00"]["cv"], rtol=1e-9)
    assert_r(share, r["by_stype_prop_schwide"])
    assert_r(total, r["by_stype_schwide_total_enroll"])
    assert (
        total.by["sch.wide"].tolist() == r["by_stype_schwide_total_enroll"]["sch.wide"]
    )
    assert_r(subset, r["subset_compimp_mean_api00"])
    assert subset.df == r["subset_compimp_mean_api00"]["degf"]


@needs_reference
@pytest.mark.parametrize("name", DESIGNS)
def test_the_design_effect_is_r_s_one_for_a_sample_drawn_in_the_same_manner(name):
    design, t = sample(name)
    r = expected()[f"{name}/mean_deff_api00"]
    result = estimate(design, {"y": t["api00"]})

    assert_allclose(
        result.deff, r["deff_wr" if design.fpc is None else "deff_wor"], rtol=1e-9
    )
    assert_allclose(result.n_effective, t["api00"].size / result.deff)


@needs_reference
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(
    ("interval", "r_name", "rtol"),
    [("logit", "logit", 1e-7), ("beta", "beta", 1e-9), ("normal", "mean", 1e-9)],
)
def test_intervals_for_shares_agree_with_r(name, interval, r_name, rtol):
    design, t = sample(name)
    r = expected()[f"{name}/ciprop_ell0_{r_name}"]
    share = estimate(design, {"y": t["ell"]}, kind="share", level=0, interval=interval)

    assert_r(share, r, rtol=rtol)
    assert_allclose([share.low, share.high], [[r["lo"]], [r["hi"]]], rtol=rtol)


@needs_reference
@pytest.mark.parametrize("name", DESIGNS)
def test_quantiles_agree_with_r(name):
    design, t = sample(name)
    r = expected()[f"{name}/quantile_api00"]
    result = estimate(
        design, {"y": t["api00"]}, kind="quantile", quantiles=[0.25, 0.5, 0.75]
    )
    assert_r(result, r)
    assert_allclose([result.low, result.high], [r["lo"], r["hi"]])


CALIBRATED = {
    "poststrat": ["stype"],
    "rake": ["stype", "sch.wide"],
    "cal_linear_stype": ["stype"],
    "cal_linear_api99": ["stype", "api99"],
    "cal_raking_api99": ["stype", "api99"],
    "cal_logit_api99": ["stype", "api99"],
    "cal_trunclin_api99": ["stype", "api99"],
}


@needs_reference
@pytest.mark.parametrize("method", CALIBRATED)
def test_estimates_with_calibrated_weights_agree_with_r(method):
    t = table("apiclus1")
    margins = {
        "stype": t["stype"][:, None] == ["E", "H", "M"],
        "sch.wide": t["sch.wide"][:, None] == ["No", "Yes"],
        "api99": t["api99"][:, None],
    }
    design = Design(
        table("dclus1_calibrated_weights")[method],
        psu=t["dnum"],
        fpc=t["fpc"],
        calibration=np.hstack([margins[name] for name in CALIBRATED[method]]),
        base_weight=t["pw"],
    )
    r = {
        k.removeprefix(f"dclus1/{method}/"): v
        for k, v in expected().items()
        if k.startswith(f"dclus1/{method}/")
    }
    assert_r(estimate(design, {"y": t["api00"]}), r["mean_api00"], rtol=1e-7)
    enrolled = estimate(design, {"y": t["enroll"]}, kind="total")
    assert_r(enrolled, r["total_enroll"], rtol=1e-7)
    by = estimate(design, {"y": t["api00"]}, by={"stype": t["stype"]})
    assert_r(by, r["by_stype_mean_api00"], rtol=1e-7)
    count = estimate(
        design, {"one": np.ones(t["enroll"].size)}, kind="total", by={"s": t["stype"]}
    )
    assert_allclose(count.estimate, list(r["total_stype"]["est"].values()), rtol=1e-9)
    assert_allclose(count.se, 0, atol=1e-6)  # known, so without uncertainty
    share = estimate(design, {"y": t["ell"]}, kind="share", level=0)
    limits = r["ciprop_ell0_logit"]
    assert_allclose(
        [share.estimate[0], share.low[0], share.high[0]],
        [limits["est"], limits["lo"], limits["hi"]],
        rtol=1e-7,
    )


@needs_reference
def test_a_raked_stratified_sample_agrees_with_r():
    design, t = sample("dstrat")
    margins = {"stype": t["stype"], "sch.wide": t["sch.wide"]}
    totals = {
        "stype": {"E": 4421, "H": 755, "M": 1018},
        "sch.wide": {"No": 1072, "Yes": 5122},
    }
    raked = rake(t["pw"], margins, totals)
    columns = [c[:, None] == np.unique(c) for c in margins.values()]
    design = Design(
        raked.weight, t["stype"], fpc=t["fpc"], calibration=np.hstack(columns)
    )
    r = expected()
    assert_r(estimate(design, {"y": t["api00"]}), r["dstrat/rake/mean_api00"])
    enrolled = estimate(design, {"y": t["enroll"]}, kind="total")
    assert_r(enrolled, r["dstrat/rake/total_enroll"])


# -- laws


def law(*strategies):
    """Try a test on all sorts of input, however long a busy machine takes for it."""
    return lambda test: settings(deadline=None)(given(*strategies)(test))


@st.composite
def samples(draw):
    """Draw a clustered sample: two to four strata of two or more units of rows."""
    stratum, unit = [], []
    for h in range(draw(st.integers(2, 4))):
        for u in range(draw(st.integers(2, 4))):
            rows = draw(st.integers(1, 3))
            stratum += [h] * rows
            unit += [u] * rows
    n = len(unit)
    column = st.lists(st.integers(-50, 50), min_size=n, max_size=n)
    weights = st.lists(st.integers(1, 9), min_size=n, max_size=n)
    groups = st.lists(st.sampled_from("ab"), min_size=n, max_size=n)
    return (
        np.array(draw(weights), float),
        np.array(stratum),
        np.array(unit),
        np.array(draw(column), float),
        np.array(draw(groups)),
    )


def figures(result, names=FIGURES):
    return [getattr(result, name) for name in names]


@law(
    samples(),
    st.sampled_from([2**-20, 0.5, 2, 2**20]),
    st.sampled_from(["mean", "ratio", "share"]),
)
def test_the_scale_of_the_weights_changes_no_mean_ratio_or_share(data, factor, kind):
    w, h, u, y, g = data
    y = y > 0 if kind == "share" else y
    more = {"denominator": np.abs(y) + 1} if kind == "ratio" else {}
    one, other = (
        estimate(Design(k * w, h, u), {"y": y}, kind=kind, by={"g": g}, **more)
        for k in (1, factor)
    )
    for a, b in zip(figures(one), figures(other), strict=True):
        assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@law(samples(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(data, random):
    order = np.array(random.sample(range(data[0].size), data[0].size))
    one, other = (
        estimate(Design(w, h, u), {"y": y}, kind="total", by={"g": g})
        for w, h, u, y, g in (data, [column[order] for column in data])
    )
    for a, b in zip(figures(one), figures(other), strict=True):
        assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@law(samples())
def test_a_column_given_twice_is_answered_twice(data):
    w, h, u, y, g = data
    result = estimate(Design(w, h, u), {"y": y, "z": y}, by={"g": g})
    for column in figures(result):
        assert_array_equal(*np.split(column, 2))


@law(samples())
def test_the_groups_of_a_total_add_up_and_the_variance_is_that_of_the_scores(data):
    w, h, u, y, g = data
    design = Design(w, h, u)
    parts = estimate(design, {"y": y}, kind="total", by={"g": g})
    whole = estimate(design, {"y": y}, kind="total")
    scores = np.stack([y * (g == label) for label in parts.by["g"]], axis=1)

    assert_allclose(parts.estimate.sum(), whole.estimate, atol=1e-9)
    assert_allclose(np.diag(design.covariance(scores)), parts.se**2, atol=1e-9)


@law(samples())
def test_splitting_the_rows_of_a_unit_changes_no_figure_but_n(data):
    w, h, u, y, g = data
    twice = [np.repeat(column, 2) for column in (w / 2, h, u, y, g)]
    one, other = (
        estimate(Design(w, h, u), {"y": y}, by={"g": g})
        for w, h, u, y, g in (data, twice)
    )
    assert_array_equal(2 * one.n, other.n)
    for name in ("estimate", "se", "low", "high", "df", "cv"):
        assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6, atol=1e-7)


@law(samples(), st.permutations(range(12)))
def test_what_strata_units_and_groups_are_called_does_not_matter(data, names):
    w, h, u, y, g = data
    names = np.array(names)
    one = estimate(Design(w, h, u), {"y": y}, by={"g": g})
    other = estimate(Design(w, names[h], names[u].astype(str)), {"y": y}, by={"g": g})
    for a, b in zip(figures(one), figures(other), strict=True):
        assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@law(samples())
def test_two_strata_that_are_alike_count_as_two_halves_of_the_population(data):
    w, h, u, y, _ = data
    doubled = [
        np.concatenate(columns) for columns in ((w, w), (h, h + 9), (u, u), (y, y))
    ]
    once = estimate(Design(w, h, u), {"y": y})
    twice = estimate(Design(*doubled[:3]), {"y": doubled[3]})
    assert_allclose(once.estimate, twice.estimate)
    assert_allclose(once.se**2 / 2, twice.se**2, rtol=1e-6, atol=1e-12)
    assert 2 * once.df == twice.df


def test_the_groups_held_at_once_do_not_change_a_calibrated_variance(monkeypatch):
    rng = np.random.default_rng(1)
    y, g = rng.normal(size=90), rng.integers(0, 30, 90)
    design = Design(rng.uniform(1, 2, 90), calibration=rng.normal(size=(90, 3)))
    results = []
    for block in (16, 7):
        monkeypatch.setattr(_domains, "BLOCK", block)
        results.append(estimate(design, {"y": y}, by={"g": g}).se)
    assert_allclose(*results)


@pytest.mark.parametrize("interval", ["logit", "beta", "wilson"])
def test_intervals_for_shares_cover_as_often_as_they_say(interval):
    # 3 strata of 30 blocks of 5 persons, blocks differ; 400 samples, 5 sigma
    rng = np.random.default_rng(20260101)
    chance = np.repeat([0.1, 0.3, 0.5], 30)
    hits = []
    for _ in range(400):
        block = np.clip(chance + rng.normal(0, 0.05, 90), 0.01, 0.99)
        yes = rng.random((90, 5)) < block[:, None]
        design = Design(
            np.repeat([1.0, 2, 1], 150),
            np.repeat([1, 2, 3], 150),
            np.repeat(np.arange(90), 5),
        )
        share = estimate(design, {"y": yes.ravel()}, kind="share", interval=interval)
        hits.append(share.low[0] <= 0.3 <= share.high[0])
    assert abs(np.mean(hits) - 0.95) < 5 * np.sqrt(0.95 * 0.05 / 400)


@law(samples(), st.booleans())
def test_the_kernels_agree_with_their_references(data, clustered):
    w, h, u, y, g = data
    w, y = np.where(y == 2, 0, w), np.where(y == 1, np.nan, y)
    if not w.any():
        return
    design = Design(w, h, u if clustered else None, lonely_psu="adjust")
    results = []
    before = _domains.FAST_FROM
    try:
        for _domains.FAST_FROM in (0, 10**9):
            results.append(estimate(design, {"y": y}, by={"g": g}))
    finally:
        _domains.FAST_FROM = before
    for a, b in zip(*map(figures, results), strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)
