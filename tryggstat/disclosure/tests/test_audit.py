import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tryggstat.disclosure.audit import (
    Attacker,
    InconsistentCounts,
    check_counts,
    relation_matrix,
)


def intervals(counts, relations, hidden):
    counts = np.asarray(counts)
    attacker = Attacker(
        relation_matrix(counts.size, relations),
        np.where(hidden, counts, 0.0),
        np.where(hidden, np.inf, 0.0),
    )
    down, up = attacker.intervals()
    return counts - down, counts + up


def cube(inner):
    """2 x 2 x 2 cells with the three two-way margins that are published."""
    inner = np.asarray(inner)
    counts, relations = list(inner.ravel()), []
    at = np.arange(8).reshape(2, 2, 2)
    for axis in range(3):
        for parts in np.moveaxis(at, axis, 0).reshape(2, -1).T.tolist():
            relations.append((len(counts), parts))
            counts.append(sum(counts[i] for i in parts))
    return np.array(counts), relations


def test_two_hidden_cells_in_each_of_two_rows_bound_each_other(with_margins):
    counts, relations = with_margins([[1, 9, 5], [8, 7, 6]])
    hidden = np.isin(np.arange(12), [0, 1, 4, 5])

    low, high = intervals(counts, relations, hidden)

    # by hand: y and 10 - y above, 9 - y and 6 + y below, so y is 0 to 9
    assert low[[0, 1, 4, 5]].tolist() == [0, 1, 0, 6]
    assert high[[0, 1, 4, 5]].tolist() == [9, 10, 9, 15]
    assert low[2] == high[2] == 5


def test_a_cell_alone_in_its_row_is_known(with_margins):
    counts, relations = with_margins([[3, 9], [8, 7]])
    low, high = intervals(counts, relations, np.arange(9) == 0)
    assert low[0] == high[0] == 3


def test_nothing_limits_a_row_that_is_hidden_with_all_its_totals():
    low, high = intervals([5, 2, 3], [(0, [1, 2])], [True, True, True])
    assert low.tolist() == [0, 0, 0]
    assert np.isinf(high).all()


@settings(deadline=None, max_examples=60)
@given(
    arrays(int, (3, 4), elements=st.integers(0, 12)),
    arrays(bool, 20),
)
def test_flows_find_what_linear_programs_find(
    with_margins, linear_attack, inner, hidden
):
    counts, relations = with_margins(inner)
    low, high = intervals(counts, relations, hidden)
    for cell, expected in linear_attack(counts, relations, hidden).items():
        assert (low[cell], high[cell]) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(arrays(int, (2, 2, 2), elements=st.integers(0, 2)), arrays(bool, 8))
def test_three_ways_give_what_trying_all_tables_gives(exhaustive_attack, inner, hidden):
    counts, relations = cube(inner)
    hidden = np.concatenate([hidden, np.zeros(12, dtype=bool)])
    low, high = intervals(counts, relations, hidden)
    if hidden.any():
        for cell, expected in exhaustive_attack(counts, relations, hidden).items():
            assert (low[cell], high[cell]) == expected


@settings(deadline=None, max_examples=60)
@given(arrays(int, (3, 4), elements=st.integers(0, 12)), arrays(bool, 20))
def test_the_slope_of_a_reach_proves_it(with_margins, inner, hidden):
    counts, relations = with_margins(inner)
    down, up = np.where(hidden, counts, 0.0), np.where(hidden, np.inf, 0.0)
    attacker = Attacker(relation_matrix(20, relations), down, up)
    for cell in np.flatnonzero(hidden):
        for sign in (1, -1):
            reach = attacker.reach(cell, sign)
            if np.isfinite(reach.distance):
                room = np.where(reach.slope > 0, up, down)[reach.slope != 0]
                assert reach.distance == abs(reach.slope[reach.slope != 0]) @ room


def test_whole_numbers_tell_the_attacker_more_than_fractions_do():
    # x + y + t = y + z + t = z + x + t = 3, so x = y = z = (3 - t) / 2 and t is odd,
    # though the linear program also lets t be 0 and x be 1.5
    counts = [1, 1, 1, 1, 3, 3, 3]
    relations = [(4, [0, 1, 3]), (5, [1, 2, 3]), (6, [2, 0, 3])]
    low, high = intervals(counts, relations, [True] * 4 + [False] * 3)
    assert low[:4].tolist() == [0, 0, 0, 1]
    assert high[:4].tolist() == [1, 1, 1, 3]


def test_counts_that_do_not_add_up_are_refused():
    with pytest.raises(InconsistentCounts, match="cell 0 is 4, its parts add up to 3"):
        check_counts([4, 1, 2], [(0, [1, 2])])


@pytest.mark.parametrize("counts", [[1.5, 1.5], [-1, 1], [[1, 2]]])
def test_what_is_no_count_is_refused(counts):
    with pytest.raises(ValueError, match="whole numbers"):
        check_counts(counts, [])


@settings(deadline=None, max_examples=30)
@given(
    arrays(int, (3, 3), elements=st.integers(0, 9)),
    arrays(bool, 16),
    st.integers(0, 15),
)
def test_hiding_one_cell_more_never_narrows_another(with_margins, inner, hidden, more):
    counts, relations = with_margins(inner)
    low, high = intervals(counts, relations, hidden)
    less_low, more_high = intervals(counts, relations, hidden | (np.arange(16) == more))
    assert (less_low <= low).all()
    assert (more_high >= high).all()


def test_tables_that_were_possible_once_are_forgotten_when_more_is_published():
    matrix = relation_matrix(3, [(0, [1, 2])])
    moves = np.array([[0.0, 2.0, -2.0], [3.0, 3.0, 0.0]])
    everything = Attacker(
        matrix, np.array([9.0, 4, 5]), np.full(3, np.inf), tables=moves
    )
    assert everything.above.tolist() == [3, 3, 0]
    total_known = Attacker(
        matrix, np.array([0.0, 4, 5]), np.array([0, np.inf, np.inf]), tables=moves
    )
    assert total_known.above.tolist() == [0, 2, 0]
    assert total_known.below.tolist() == [0, 0, 2]
