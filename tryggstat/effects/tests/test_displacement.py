"""Displacement and conclusions: by hand, and what may not be said."""

from __future__ import annotations

import math

import pytest

from tryggstat.effects import Effect, conclude, displacement, effect_of, smallest_effect


def test_trouble_that_moved_by_hand():
    # area 100 -> 50, buffer 80 -> 120, elsewhere 400 -> 400
    found = displacement((100, 50), (80, 120), (400, 400))
    assert found.quotient == pytest.approx(40 / -50)
    assert found.avoided.estimate == pytest.approx(180 - 170)
    assert found.treated.estimate == pytest.approx(math.log(0.5))
    assert found.buffer.se == pytest.approx(math.sqrt(1 / 80 + 1 / 120 + 2 / 400))
    # avoided: expected 180 with variance 180^2 (1/180 + 2/400), observed 170
    assert found.avoided.se == pytest.approx(
        math.sqrt(180**2 * (1 / 180 + 0.005) + 170)
    )
    assert found.conclusion.verdict == "increase"


def test_the_quotient_is_not_told_where_the_area_did_no_better():
    assert math.isnan(displacement((50, 60), (80, 90), (400, 400)).quotient)


def test_overdispersion_widens_by_its_root():
    plain = displacement((100, 50), (80, 120), (400, 400))
    wide = displacement((100, 50), (80, 120), (400, 400), dispersion=4)
    assert wide.buffer.se == pytest.approx(2 * plain.buffer.se)
    assert wide.avoided.se == pytest.approx(2 * plain.avoided.se)


def test_counts_of_nothing_are_refused():
    with pytest.raises(ValueError, match="above 0"):
        displacement((0, 50), (80, 120), (400, 400))


def test_the_smallest_effect_is_seen_four_times_in_five():
    # normal: 1.959964 + 0.841621
    assert smallest_effect(2.0) == pytest.approx(2 * 2.801585, rel=1e-6)
    with pytest.raises(ValueError, match="between 0 and 1"):
        smallest_effect(1.0, power=1.0)


def test_an_untold_effect_says_what_would_have_been_missed():
    told = conclude(effect_of(-1.0, 1.0, 1e9, 0.95), "series")
    assert told.verdict == "cannot be told"
    assert "−2.96 to 0.96" in told.english
    assert "smaller than 2.8" in told.english
    assert "−2,96 till 0,96" in told.swedish
    assert "mindre än 2,8" in told.swedish


def test_a_doubt_outweighs_any_interval():
    clear = effect_of(-10.0, 1.0, 50, 0.95)
    assert conclude(clear, "series").verdict == "decrease"
    doubted = conclude(clear, "series", ["trend before the start"])
    assert doubted.verdict == "cannot be told"
    assert "innan åtgärden började" in doubted.swedish


def test_ratios_are_told_in_per_cent():
    halved = Effect(math.log(0.5), 0.1, math.log(0.4), math.log(0.6), 0.0, 50, 0.2)
    told = conclude(halved, "comparison", ratio=True)
    assert "50 % lower" in told.english
    assert "−60 % to −40 %" in told.english


def test_without_spread_nothing_is_told():
    assert conclude(effect_of(-10.0, 0.0, 50, 0.95), "series").verdict == (
        "cannot be told"
    )
