import numpy as np
import pytest

from tryggstat.disclosure import Rules


def test_zeros_are_small_only_when_asked():
    assert Rules(3).small([0, 1, 2, 3]).tolist() == [False, True, True, False]
    assert Rules(3, zeros_are_small=True).small([0, 3]).tolist() == [True, False]


def test_a_small_group_is_unanimous_sooner_than_a_large_one():
    rules = Rules(extreme_share=0.95)
    assert rules.extreme([53, 94, 95], [59, 100, 100]).tolist() == [0, 0, 1]
    assert rules.extreme([54, 5, 6], [59, 59, 100]).tolist() == [1, -1, 0]


def test_an_extreme_share_is_told_as_a_bound_that_holds_the_count():
    rules = Rules(extreme_share=0.95)
    counts, bases = np.array([58, 3, 50, 0]), np.array([59, 200, 100, 0])
    low, high = rules.bounds(counts, bases)
    assert low.tolist() == [54, 0, 50, 0]  # 0.9 * 59 = 53.1
    assert high.tolist() == [59, 10, 50, 0]


def test_the_p_percent_rule_by_hand():
    # The second contributor (15) knows that the largest is at most 100 - 15 = 85; that
    # is within 15 % of 80, by 0.15 * 80 - (100 - 80 - 15) = 7.
    rules = Rules(p_percent=15)
    assert rules.windows_of_sums([100, 120], [[80, 15], [80, 15]], [9, 9]).tolist() == [
        7,
        0,
    ]


def test_the_dominance_rule_by_hand():
    # 60 + 25 of 100 is above 80 %: 85 / 0.8 - 100 = 6.25, so 7 in whole numbers
    rules = Rules(dominance=(2, 80))
    sums = rules.windows_of_sums([100, 110], [[60, 25], [60, 25]], [5, 5])
    assert sums.tolist() == [7, 0]


def test_a_sum_of_too_few_must_be_as_uncertain_as_it_is_large():
    rules = Rules(contributors=3)
    windows = rules.windows_of_sums([40, 40], [[20, 20], [14, 13]], [2, 3])
    assert windows.tolist() == [40, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1},
        {"extreme_share": 0.4},
        {"dominance": (0, 50)},
        {"dominance": (1, 100)},
        {"p_percent": 0},
    ],
)
def test_rules_out_of_their_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|between"):
        Rules(**wrong)


def test_dominance_needs_enough_of_the_largest():
    with pytest.raises(ValueError, match="3 largest"):
        Rules(dominance=(3, 80)).windows_of_sums([9], [[5, 3]], [3])
