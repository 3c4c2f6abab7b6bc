import numpy as np
import pytest

from tryggstat.disclosure import (
    InconsistentCounts,
    Rules,
    Table,
    linked_tables,
    protect,
)
from tryggstat.disclosure.audit import check_counts

AREAS = Table({"area": ["a", "b", "c"], "answer": ["y", "n"]}, [[9, 1], [5, 5], [7, 3]])
SEXES = Table({"sex": ["f", "m"], "answer": ["y", "n"]}, [[13, 2], [8, 7]])


def test_margins_are_added_and_shared():
    linked = linked_tables([AREAS, SEXES])
    # 3 + 1 areas by 2 + 1 answers, and 2 sexes by 2 + 1 more
    assert len(linked.keys) == 4 * 3 + 2 * 3
    assert linked.counts[linked.cell()] == 30
    assert linked.counts[linked.cell({"answer": "y"})] == 21
    assert linked.counts[linked.cell({"sex": "f"})] == 15
    check_counts(linked.counts, linked.relations)


def test_a_hierarchy_adds_its_parents_between_levels_and_total():
    linked = linked_tables(
        [AREAS], {"area": {"a": "north", "b": "north", "c": "south"}}
    )
    assert linked.counts[linked.cell({"area": "north", "answer": "y"})] == 14
    north, a, b = (linked.cell({"area": x, "answer": "n"}) for x in ("north", "a", "b"))
    assert (north, (a, b)) in linked.relations
    check_counts(linked.counts, linked.relations)


def test_the_only_top_of_a_hierarchy_is_the_total():
    linked = linked_tables([AREAS, SEXES], {"area": dict.fromkeys("abc", "0380")})
    assert len(linked.keys) == 18
    with pytest.raises(KeyError):
        linked.cell({"area": "0380"})


def test_tables_of_different_persons_are_refused():
    other = Table({"sex": ["f", "m"], "answer": ["y", "n"]}, [[13, 2], [8, 8]])
    with pytest.raises(InconsistentCounts, match=r"disagree on {'answer': 'n'}: 9 and"):
        linked_tables([AREAS, other])


@pytest.mark.parametrize(
    ("table", "hierarchy"),
    [
        (Table({"area": ["a", "a"]}, [1, 2]), {}),
        (Table({"area": ["a", "b"]}, [1, 2]), {"area": {"a": "b"}}),
        (Table({"area": ["a"]}, [1]), {"area": {"a": "x", "x": "y", "y": "x"}}),
        (Table({"area": ["a", "b"]}, [1, 2, 3]), {}),
    ],
)
def test_levels_that_make_no_tree_or_do_not_fit_are_refused(table, hierarchy):
    with pytest.raises(ValueError, match=r"area|shape"):
        linked_tables([table], hierarchy)


def test_linked_tables_are_protected_together(linear_attack):
    linked = linked_tables([AREAS, SEXES], {"area": {"a": "north", "b": "north"}})
    p = protect(linked.counts, linked.relations, cost=linked.cost)
    bounds = linear_attack(linked.counts, linked.relations, ~p.published)
    primary = np.flatnonzero(p.primary)
    assert {linked.keys[i] for i in primary} >= {
        frozenset({("area", "a"), ("answer", "n")}),
        frozenset({("sex", "f"), ("answer", "n")}),
    }
    assert all(bounds[i][1] - bounds[i][0] >= 5 - 1e-6 for i in primary)


def test_one_table_alone_may_show_a_margin_that_the_link_must_hide():
    """The answers by sex alone need fewer hidden cells than beside the areas."""
    alone = linked_tables([SEXES])
    both = linked_tables([AREAS, SEXES])
    few = protect(alone.counts, alone.relations, rules=Rules(3))
    more = protect(both.counts, both.relations, rules=Rules(3))
    assert few.primary.sum() < more.primary.sum()


def test_what_several_tables_share_is_the_dearest_to_hide():
    linked = linked_tables([AREAS, SEXES])
    cell, area, answer = (
        linked.cost[linked.cell(levels)]
        for levels in ({"area": "a", "answer": "y"}, {"area": "a"}, {"answer": "y"})
    )
    assert (cell, area, answer) == (10, 100_011, 1_100_022)
