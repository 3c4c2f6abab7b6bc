"""Difference-in-differences: by hand, beside other software, and under no effect."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from tryggstat.effects.did import (
    difference_in_differences,
    poisson_difference_in_differences,
    staggered_difference_in_differences,
)


@pytest.fixture
def case(reference):
    with (reference / "effects/did_panel.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(r[name]) for r in rows]) for name in rows[0]}
    expected = json.loads((reference / "effects/expected.json").read_text())
    return columns, expected


def simulated(rng, units=30, periods=8, treated=10, effect=0.0):
    unit, time = (
        np.repeat(np.arange(units), periods),
        np.tile(np.arange(periods), units),
    )
    has = (unit < treated) & (time >= periods // 2)
    noise = rng.normal(size=unit.size) + rng.normal(size=units)[unit]
    return unit, time, has, noise + effect * has


@pytest.mark.parametrize(
    ("errors", "key"), [("cr0", "CR0"), ("cr1", "stata"), ("cr2", "CR2")]
)
def test_two_way_agrees_with_r_estimatr(case, errors, key):
    data, expected = case
    found = difference_in_differences(
        data["area"], data["t"], data["treated"], data["y"], errors=errors
    )
    truth = expected[f"did/twfe_{key}"]
    e = found.effect
    np.testing.assert_allclose(
        [e.estimate, e.se, e.df, e.low, e.high],
        [truth[k] for k in ("est", "se", "df", "lo", "hi")],
        rtol=1e-9,
    )
    assert e.p == pytest.approx(truth["p"], rel=1e-6)


def test_poisson_agrees_with_r(case):
    data, expected = case
    found = poisson_difference_in_differences(
        data["area"], data["t"], data["treated"], data["cases"], population=data["pop"]
    )
    truth = expected["did/poisson_twfe"]
    np.testing.assert_allclose(
        [
            found.effect.estimate,
            found.se_model,
            found.se_quasi,
            found.dispersion,
            found.deviance,
        ],
        [truth[k] for k in ("est", "se_model", "se_quasi", "dispersion", "deviance")],
        rtol=1e-6,
    )


def test_one_start_is_the_two_by_two_table(case):
    data, expected = case
    kept = data["g"] != 16
    columns = [data[k][kept] for k in ("area", "t", "treated", "y")]
    found = difference_in_differences(*columns)
    truth = expected["did/two_by_two_g10"]["did"]
    assert found.effect.estimate == pytest.approx(truth, rel=1e-9)


def test_two_periods_by_hand():
    # changes: treated -2, -4, 0; others 1, 3: -2 - 2 = -4
    unit, time = np.repeat([1, 2, 3, 4, 5], 2), np.tile([0, 1], 5)
    has = (unit <= 3) & (time == 1)
    y = [10, 8, 9, 5, 7, 7, 3, 4, 5, 8]
    found = difference_in_differences(unit, time, has, y)
    assert found.effect.estimate == pytest.approx(-4)
    # the corrected errors are those of Welch: 4 / 3 + 2 / 2
    assert found.effect.se == pytest.approx(np.sqrt(4 / 3 + 2 / 2))
    welch = (4 / 3 + 1) ** 2 / ((4 / 3) ** 2 / 2 + 1)
    staggered = staggered_difference_in_differences(unit, time, has, y)
    assert staggered.effect.estimate == pytest.approx(-4)
    assert staggered.effect.se == pytest.approx(np.sqrt(4 / 3 + 2 / 2))
    assert staggered.effect.df == pytest.approx(welch)
    assert found.conclusion.verdict == "cannot be told"


@pytest.mark.parametrize("controls", ["never", "not-yet"])
def test_growing_effects_of_staggered_starts_are_averaged_right(controls):
    unit, time = np.repeat(np.arange(9), 6), np.tile(np.arange(6), 9)
    start = np.array([2, 2, 2, 4, 4, 4, 99, 99, 99])[unit]
    since = time - start
    y = 3.0 * unit + time**2 - np.where(since >= 0, since + 1, 0)
    found = staggered_difference_in_differences(
        unit, time, since >= 0, y, controls=controls
    )
    # group 2: mean of 1, 2, 3, 4; group 4: mean of 1, 2
    assert found.groups[2].estimate == pytest.approx(-2.5)
    assert found.groups[4].estimate == pytest.approx(-1.5)
    assert found.effect.estimate == pytest.approx(-2.0)
    by_event = {e.when: e.effect.estimate for e in found.events}
    assert by_event[-2] == pytest.approx(0)
    assert by_event[3] == pytest.approx(-4)
    assert -1 not in by_event
    # the two-way estimate is no mean of the effects here
    plain = difference_in_differences(unit, time, since >= 0, y)
    assert abs(plain.effect.estimate + 2) > 0.1
    assert any("different times" in w for w in plain.warnings)


def test_levels_of_areas_and_periods_do_not_matter():
    rng = np.random.default_rng(2)
    unit, time, has, y = simulated(rng, effect=-1)
    plain = difference_in_differences(unit, time, has, y)
    shifted = y + 100 * np.sin(unit) + 50 * np.cos(time)
    again = difference_in_differences(unit, time, has, shifted)
    assert again.effect.estimate == pytest.approx(plain.effect.estimate)
    assert again.effect.se == pytest.approx(plain.effect.se)


def test_missing_rows_give_what_dummies_give():
    rng = np.random.default_rng(6)
    unit, time, has, y = simulated(rng, units=12, treated=5)
    y[[3, 20, 50]] = np.nan
    found = difference_in_differences(unit, time, has, y, errors="cr0")
    kept = np.isfinite(y)
    dummies = np.hstack([np.eye(12)[unit], np.eye(8)[time][:, 1:], has[:, None]])[kept]
    b, *_ = np.linalg.lstsq(dummies, y[kept], rcond=None)
    assert found.effect.estimate == pytest.approx(b[-1])


def test_a_buffer_gets_its_own_effect_and_is_no_comparison():
    unit, time = np.repeat(np.arange(9), 4), np.tile(np.arange(4), 9)
    after = time >= 2
    has, near = after & (unit < 3), after & (unit >= 3) & (unit < 6)
    rng = np.random.default_rng(4)
    y = unit - 4.0 * has + 2.0 * near + rng.normal(0, 0.01, unit.size)
    found = difference_in_differences(unit, time, has, y, buffer=near)
    assert found.effect.estimate == pytest.approx(-4, abs=0.05)
    assert found.buffer.estimate == pytest.approx(2, abs=0.05)


def test_a_drift_before_the_start_leaves_the_effect_untold():
    rng = np.random.default_rng(3)
    unit, time, has, y = simulated(rng, effect=-2)
    found = difference_in_differences(unit, time, has, y - 1.0 * time * (unit < 10))
    assert found.pretrend.estimate == pytest.approx(-1, abs=0.3)
    assert found.conclusion.doubts == ("trend before the start",)


def test_one_treated_area_is_too_few_whatever_the_interval():
    rng = np.random.default_rng(3)
    found = difference_in_differences(*simulated(rng, treated=1, effect=-50))
    assert found.conclusion.verdict == "cannot be told"
    assert "too few units" in found.conclusion.doubts


def test_false_alarms_are_as_rare_as_promised():
    rng = np.random.default_rng(7)
    wrong = {"two-way": 0, "staggered": 0}
    rounds = 400
    for _ in range(rounds):
        panel = simulated(rng, units=14, periods=4, treated=5)
        wrong["two-way"] += difference_in_differences(*panel).effect.p < 0.05
        wrong["staggered"] += (
            staggered_difference_in_differences(*panel).effect.p < 0.05
        )
    # 5 % of 400 is 20, its standard deviation 4.4
    assert all(5 <= count <= 36 for count in wrong.values()), wrong


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"treated": [0, 0, 0, 0]}, "with the measure"),
        ({"treated": [0, 1, 0, 1]}, "with the measure"),
        ({"treated": [0, 2, 0, 0]}, "must be 0 or 1"),
        ({"time": [0, 0, 0, 1]}, "twice"),
        ({"value": [1, 2]}, "equally long"),
        ({"errors": "hc1"}, "one of cr0"),
        ({"cluster": [1, 2, 3, 3]}, "several clusters"),
        ({"buffer": [0, 1, 0, 0]}, "a buffer at once"),
    ],
)
def test_what_cannot_be_answered_is_refused(change, text):
    asked = {
        "unit": [1, 1, 2, 2],
        "time": [0, 1, 0, 1],
        "treated": [0, 1, 0, 0],
        "value": [1, 2, 3, 5],
    }
    with pytest.raises(ValueError, match=text):
        difference_in_differences(**(asked | change))


def test_factors_for_the_number_of_clusters_by_hand():
    rng = np.random.default_rng(2)
    panel = simulated(rng, units=12, periods=4, treated=5)
    se = {
        errors: difference_in_differences(*panel, errors=errors).effect.se
        for errors in ("cr0", "cr1")
    }
    # 48 rows; 12 + 3 levels and one effect
    factor = 12 / 11 * 47 / (48 - 16)
    assert se["cr1"] ** 2 / se["cr0"] ** 2 == pytest.approx(factor)
    unit, time, has, y = panel
    counts = np.round(np.exp(2 + 0.2 * y))
    plain, corrected = (
        poisson_difference_in_differences(unit, time, has, counts, errors=errors)
        for errors in ("cr0", "cr1")
    )
    ratio = corrected.effect.se**2 / plain.effect.se**2
    assert ratio == pytest.approx(12 / 11)


def test_what_happens_in_a_buffer_is_no_drift_before_the_start():
    unit, time = np.repeat(np.arange(12), 6), np.tile(np.arange(6), 12)
    has = (unit < 4) & (time >= 4)
    near = (unit >= 4) & (unit < 8) & (time >= 2)  # some measures began nearby before
    rng = np.random.default_rng(4)
    y = unit + 9.0 * near * time + rng.normal(0, 0.1, unit.size)
    found = difference_in_differences(unit, time, has, y, buffer=near)
    assert found.pretrend.estimate == pytest.approx(0, abs=0.2)
