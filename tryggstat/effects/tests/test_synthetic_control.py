"""Synthetic control: by hand, as laws, and under no effect."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from tryggstat.effects.synthetic_control import _nearest, synthetic_control


def world(rng, periods=20, areas=21):
    """Return outcomes that follow two hidden paths, each area in its own way."""
    paths = np.cumsum(rng.normal(size=(periods, 2)), axis=0)
    pull = rng.uniform(0, 1, (2, areas))
    return 20 + paths @ pull + rng.normal(0, 0.3, (periods, areas)), pull


def test_a_mean_of_two_areas_is_found_and_the_gap_by_hand():
    others = np.array([[1.0, 3, 9], [2, 4, 1], [3, 7, 5], [4, 6, 7]])
    own = others @ [0.25, 0.75, 0] + [0, 0, 1, 3]
    found = synthetic_control(np.column_stack([own, others]), 0, 2, placebo=False)
    np.testing.assert_allclose(found.weights, [0.25, 0.75, 0], atol=1e-9)
    np.testing.assert_allclose(found.gap, [0, 0, 1, 3], atol=1e-9)
    assert found.effect.estimate == pytest.approx(2)
    assert found.rmspe_after == pytest.approx(np.sqrt(5))
    assert found.conclusion.doubts == ("no placebos",)


def test_weights_are_those_of_a_general_solver():
    away = np.random.default_rng(1).normal(1, 1, (6, 8))
    own = _nearest(away)
    peer = minimize(
        lambda w: np.sum((away @ w) ** 2),
        np.full(8, 1 / 8),
        bounds=[(0, 1)] * 8,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(own, peer.x, atol=1e-5)
    assert own.sum() == pytest.approx(1)


def test_predictors_that_matter_get_the_weight():
    rng = np.random.default_rng(3)
    y, pull = world(rng)
    useless = rng.normal(size=(3, y.shape[1]))
    found = synthetic_control(
        y, 0, 12, predictors=np.vstack([pull, useless]), placebo=False
    )
    equal = y[:12, 0] - y[:12, 1:].mean(axis=1)
    assert found.predictor_weights.sum() == pytest.approx(1)
    assert found.rmspe_before < np.sqrt(np.mean(equal**2))
    best = synthetic_control(y, 0, 12, placebo=False)
    assert found.rmspe_before >= best.rmspe_before - 1e-12


def test_an_effect_is_told_and_lies_in_its_interval():
    y, _ = world(np.random.default_rng(5))
    y[12:, 4] -= 5
    found = synthetic_control(y, 4, 12)
    assert found.placebo_p == pytest.approx(1 / 21)
    assert found.effect.low < -5 < found.effect.high < 0
    assert found.conclusion.verdict == "decrease"


def test_the_interval_holds_what_the_placebos_do_not_reject():
    y, _ = world(np.random.default_rng(6))
    found = synthetic_control(y, 2, 12)
    for taken, rejected in (
        (found.effect.low + 1e-6, False),
        (found.effect.low - 1e-6, True),
        (found.effect.high + 1e-6, True),
    ):
        shifted = y.copy()
        shifted[12:, 2] -= taken
        again = synthetic_control(shifted, 2, 12)
        # only the own area moved, and placebos do not use it
        assert (again.placebo_p <= 0.05) is rejected


def test_nineteen_areas_cannot_tell_at_five_per_cent():
    y, _ = world(np.random.default_rng(5), areas=19)
    y[12:, 4] -= 50
    found = synthetic_control(y, 4, 12)
    assert found.placebo_p == pytest.approx(1 / 19)
    assert found.conclusion.doubts[0] == "too few units"
    assert found.conclusion.verdict == "cannot be told"


def test_an_area_unlike_all_others_is_left_untold():
    y, _ = world(np.random.default_rng(7))
    y[:, 0] += 100
    found = synthetic_control(y, 0, 12)
    assert "poor fit" in found.conclusion.doubts


def test_augmenting_brings_the_gap_before_nearer_to_nothing():
    y, _ = world(np.random.default_rng(8))
    y[:, 0] += 1.5
    plain = synthetic_control(y, 0, 12, placebo=False)
    augmented = synthetic_control(y, 0, 12, placebo=False, augmented=True)
    assert augmented.rmspe_before < plain.rmspe_before
    assert augmented.weights.sum() == pytest.approx(1)


def test_false_alarms_are_as_rare_as_promised():
    rng = np.random.default_rng(9)
    wrong = sum(
        synthetic_control(world(rng)[0], 0, 12).placebo_p <= 0.05 for _ in range(60)
    )
    # 1 of 21 areas is the most remarkable: 2.9 of 60, standard deviation 1.7
    assert wrong <= 8


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"treated": 9}, "two others"),
        ({"start": 1}, "two periods before"),
        ({"start": 20}, "two periods before"),
        ({"predictors": np.ones((2, 4))}, "one column for each"),
        ({"values": np.full((6, 5), np.nan)}, "without gaps"),
    ],
)
def test_what_cannot_be_answered_is_refused(change, text):
    asked = {"values": np.eye(6, 5), "treated": 0, "start": 3}
    with pytest.raises(ValueError, match=text):
        synthetic_control(**(asked | change))


def test_the_smallest_effect_would_have_shown_in_four_placebos_of_five():
    y, _ = world(np.random.default_rng(6))
    found = synthetic_control(y, 2, 12)
    others = np.delete(y, 2, axis=1)
    bound = found.ratios[1:].max()  # of 21 areas one may be remarkable
    seen = []
    for j in range(20):
        placebo = synthetic_control(others, j, 12, placebo=False)
        size = found.effect.smallest * placebo.rmspe_before / found.rmspe_before
        for shift in (size, -size):
            after = np.sqrt(np.mean((placebo.gap[12:] + shift) ** 2))
            seen.append(after / placebo.rmspe_before >= bound)
    assert np.mean(seen) == pytest.approx(0.8, abs=0.026)  # one of forty
