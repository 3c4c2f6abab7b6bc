import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tryggstat.disclosure.rounding import CannotRound, controlled_rounding


def test_one_of_three_parts_is_rounded_up_to_make_the_total():
    # by hand: 2 + 2 + 2 = 6; 5 is nearer to 6 than 10, so one part becomes 5
    rounded = controlled_rounding([6, 2, 2, 2], [(0, [1, 2, 3])])
    assert rounded[0] == 5
    assert sorted(rounded[1:]) == [0, 0, 5]


@settings(deadline=None, max_examples=40)
@given(arrays(int, (4, 3), elements=st.integers(0, 30)), st.sampled_from([3, 5, 10]))
def test_two_way_tables_add_up_again_in_multiples_beside_the_counts(
    with_margins, inner, base
):
    counts, relations = with_margins(inner)
    rounded = controlled_rounding(counts, relations, base=base)
    assert (rounded % base == 0).all()
    assert (abs(rounded - counts) < base).all()
    for total, parts in relations:
        assert rounded[total] == rounded[parts].sum()


def test_a_table_of_multiples_stays_as_it_is(with_margins):
    counts, relations = with_margins([[5, 10], [0, 15]])
    assert (controlled_rounding(counts, relations) == counts).all()


def test_more_steps_help_where_one_does_not():
    # x + y = y + z = z + x = 1 + 1 in base 2: one of each pair is up, which is odd
    counts = [1, 1, 1, 2, 2, 2]
    relations = [(3, [0, 1]), (4, [1, 2]), (5, [2, 0])]
    with pytest.raises(CannotRound):
        controlled_rounding(counts, relations, base=2)
    rounded = controlled_rounding(counts, relations, base=2, steps=2)
    assert (rounded % 2 == 0).all()


@pytest.mark.parametrize("wrong", [{"base": 0}, {"steps": 0}])
def test_a_base_below_1_is_refused(wrong):
    with pytest.raises(ValueError, match="1 or more"):
        controlled_rounding([1], [], **wrong)
