"""Scales against cases by hand and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tryggstat.survey.scales import (
    cronbach_alpha,
    insecurity,
    item_mean,
    problem_index,
    top_box,
)

nan = float("nan")


def test_the_mean_needs_three_of_five_items():
    answers = [[1, 2, 3, nan, nan], [1, 2, nan, nan, nan], [nan] * 5]
    assert_array_equal(item_mean(answers), [2, nan, nan])
    assert_array_equal(item_mean(answers, minimum=0.4), [2, 1.5, nan])


def test_the_problem_index_runs_from_0_to_100():
    assert_allclose(
        problem_index([[0, 0, 0], [3, 3, 3], [0, 3, nan], [1, 2, 3]]),
        [0, 100, 50, 200 / 3],
    )
    with pytest.raises(ValueError, match="between 0 and 3"):
        problem_index([[0, 4]])


def test_alpha_of_items_that_say_the_same_is_one_and_of_unrelated_ones_zero():
    assert_allclose(cronbach_alpha([[1, 1, 1], [2, 2, 2], [4, 4, 4]]), 1)
    unrelated = [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert_allclose(cronbach_alpha(unrelated), 0, atol=1e-12)
    assert np.isnan(cronbach_alpha([[1, 2]] * 6))
    assert np.isnan(cronbach_alpha([[1, 2], [2, 1]]))
    assert np.isnan(cronbach_alpha([[1, 2], [1, nan]]))


@given(
    st.lists(
        st.tuples(*[st.integers(0, 3)] * 3, st.integers(0, 3)), min_size=2, max_size=12
    )
)
def test_a_weight_is_so_many_persons_in_alpha(rows):
    items, times = np.array(rows)[:, :3], np.array(rows)[:, 3]
    weighted = cronbach_alpha(items, times)
    repeated = items.repeat(times, axis=0)
    # one person of weight 2 is no two persons who could differ
    if (times > 0).sum() < 2:
        assert np.isnan(weighted)
    else:
        assert_allclose(weighted, cronbach_alpha(repeated), atol=1e-9)


def test_top_boxes_leave_missing_answers_missing():
    assert_array_equal(top_box([1, 2, 3, 4, nan], {1, 2}), [1, 1, 0, 0, nan])
    with pytest.raises(ValueError, match="at least one level"):
        top_box([1], [])


def test_insecure_is_who_feels_so_or_stays_in_because_of_it():
    out_alone = [1, 2, 3, 4, 5, 5, 5, nan]
    because = [nan, 1, nan, 0, 1, 0, nan, 1]
    assert_array_equal(insecurity(out_alone, because), [0, 0, 1, 1, 1, 0, nan, nan])
    with pytest.raises(ValueError, match="out_alone must be one of"):
        insecurity([6], [0])
    with pytest.raises(ValueError, match="stays_in_from_insecurity must be one of"):
        insecurity([5], [2])


def test_tables_that_are_none_are_refused():
    with pytest.raises(ValueError, match="persons by items"):
        item_mean([1, 2, 3])
    with pytest.raises(ValueError, match="at least two items"):
        cronbach_alpha([[1], [2]])
    with pytest.raises(ValueError, match="2 weights of 0 or more"):
        cronbach_alpha([[1, 2], [2, 1]], [1, -1])
