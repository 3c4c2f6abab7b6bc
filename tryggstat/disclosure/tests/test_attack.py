import numpy as np
import pytest

from tryggstat.disclosure import (
    Contradiction,
    Rules,
    Table,
    attack,
    linked_tables,
    protect,
    published_tables,
)


def hide(protection, counts):
    return np.where(protection.published, counts, np.nan)


def test_a_threshold_alone_is_undone_by_subtraction(with_margins):
    counts, relations = with_margins([[3, 9], [8, 7]])
    found = attack(np.where(counts < 5, np.nan, counts), relations)
    assert found.recovered.tolist() == (counts < 5).tolist()
    assert found.means[0] == "subtraction"
    assert found.low[0] == found.high[0] == 3


def test_a_protected_table_gives_nothing_away(with_margins):
    inner = np.random.default_rng(5).poisson(8, (8, 4))
    counts, relations = with_margins(inner)
    found = attack(hide(protect(counts, relations), counts), relations)
    small = (counts > 0) & (counts < 5)
    assert small.any()
    assert not (found.narrowed & small).any()


def test_it_finds_the_same_intervals_as_the_audit(with_margins):
    inner = np.random.default_rng(6).poisson(6, (6, 4))
    counts, relations = with_margins(inner)
    p = protect(counts, relations)
    found = attack(hide(p, counts), relations)
    assert (found.low == p.low).all()
    assert (found.high == p.high).all()


def test_linear_programming_narrows_where_subtraction_does_not(with_margins):
    # 1 + 9 and 8 + 0 are hidden: the four cells are tied, the 1 lies between 0 and 1
    counts, relations = with_margins([[1, 9, 5], [0, 8, 5]])
    values = np.where(np.isin(np.arange(12), [0, 1, 4, 5]), np.nan, counts)
    found = attack(values, relations)
    assert (found.low[0], found.high[0]) == (0, 1)
    assert found.means[0] == "linear programming"
    assert not found.recovered.any()


def test_integer_programming_knows_that_persons_come_whole():
    # x + y + t = y + z + t = z + x + t = 1: half a person each, or t = 1
    values = [np.nan] * 4 + [1, 1, 1]
    relations = [(4, [0, 1, 3]), (5, [1, 2, 3]), (6, [2, 0, 3])]
    found = attack(values, relations, threshold=2)
    assert found.recovered[:4].all()
    assert found.low[:4].tolist() == [0, 0, 0, 1]
    assert found.means[3] == "integer programming"


def test_two_divisions_of_a_town_are_subtracted_from_each_other():
    # District D is school district S and a sliver of two persons.
    figures = {
        frozenset({("area", "D")}): 42.0,
        frozenset({("area", "S")}): 40.0,
        frozenset[tuple[str, str]](): 90.0,
    }
    keys, values, relations = published_tables(
        [{"area": ["core", "sliver", "rest"]}],
        figures,
        {"area": {"core": ["D", "S"], "sliver": "D"}},
    )
    found = attack(values, relations)
    sliver = keys.index(frozenset({("area", "sliver")}))
    assert found.recovered[sliver]
    assert found.low[sliver] == 2


def test_a_month_is_the_difference_of_two_years_so_far():
    figures = {
        frozenset({("month", "to 01")}): 30.0,
        frozenset({("month", "to 02")}): 33.0,
    }
    keys, values, relations = published_tables(
        [{"month": ["01", "02"]}],
        figures,
        {"month": {"01": ["to 01", "to 02"], "02": "to 02"}},
    )
    found = attack(values, relations)
    assert found.low[keys.index(frozenset({("month", "02")}))] == 3


def test_the_ends_of_rounded_figures_are_used():
    # 7 to 13 less 4 to 6 leaves 1 to 9
    found = attack([np.nan] * 3, [(0, [1, 2])], low=[7, 4, 0], high=[13, 6, np.inf])
    assert (found.low[2], found.high[2]) == (1, 9)


def test_figures_that_cannot_be_true_are_refused():
    with pytest.raises(Contradiction):
        attack([5, 3, 3], [(0, [1, 2])])
    with pytest.raises(Contradiction):
        attack([5, np.nan, 6], [(0, [1, 2])])


def a_world(seed):
    """Two overlapping divisions of a town, and answers by age in the whole of it."""
    random = np.random.default_rng([20260101, seed])
    atoms = [f"t{i}" for i in range(7 + seed % 4)]
    options = [f"o{i}" for i in range(3 + seed % 2)]
    districts = random.integers(0, 4, len(atoms)), random.integers(0, 3, len(atoms))
    parents = {
        atom: [f"A{a}", f"B{b}"] for atom, a, b in zip(atoms, *districts, strict=True)
    }
    share = random.dirichlet(np.full(len(options), 1.5))
    counts = random.multinomial(random.poisson(40, len(atoms)), share)
    ages = [
        random.multinomial(total, random.dirichlet(np.full(3, 3.0)))
        for total in counts.sum(axis=0)
    ]
    linked = linked_tables(
        [
            Table({"area": atoms, "answer": options}, counts),
            Table({"age": list("abc"), "answer": options}, np.transpose(ages)),
        ],
        {"area": parents},
    )
    slivers = {("area", atom) for atom in atoms}
    inner = np.array([bool(slivers & key) for key in linked.keys])
    rules = Rules(threshold=10 if seed % 2 else 5, zeros_are_small=seed % 3 == 0)
    return linked, inner, rules


def recovered_in(seed):
    """Return how many small cells an attacker gets hold of in a protected world."""
    linked, inner, rules = a_world(seed)
    p = protect(
        linked.counts,
        linked.relations,
        rules=rules,
        never_published=inner,
        method="heuristic" if seed % 4 == 0 else "optimal",
    )
    found = attack(hide(p, linked.counts), linked.relations, threshold=rules.threshold)
    return (found.narrowed & rules.small(linked.counts)).sum()


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_recovered_in_a_world(seed):
    assert recovered_in(seed) == 0


def test_a_threshold_alone_is_undone_in_such_worlds():
    recovered = 0
    for seed in range(5):
        linked, inner, rules = a_world(seed)
        small = rules.small(linked.counts)
        values = np.where(small | inner, np.nan, linked.counts)
        recovered += (attack(values, linked.relations).recovered & small).sum()
    assert recovered > 10


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_nothing_is_recovered_in_a_thousand_worlds(block):
    assert [recovered_in(50 * block + i) for i in range(50)] == [0] * 50
