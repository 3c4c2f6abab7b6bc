import csv
import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tryggstat.disclosure import (
    CannotProtect,
    Earlier,
    Rules,
    Table,
    linked_tables,
    protect,
    rounded,
    suppression,
)

REFERENCE = Path(os.environ.get("TRYGG_REFERENCE", "../shared/reference"), "disclosure")

small_tables = arrays(int, (2, 3), elements=st.integers(0, 12))
tables = arrays(int, (5, 4), elements=st.integers(0, 15))


def is_safe(attack, counts, relations, hidden, primary, threshold):
    bounds = attack(counts, relations, hidden)
    return all(
        bounds[cell][1] - bounds[cell][0] > threshold - 1e-6
        for cell in np.flatnonzero(primary).tolist()
    )


def test_a_table_without_small_cells_is_published_whole(with_margins):
    protection = protect(*with_margins([[5, 9], [8, 7]]))
    assert protection.published.all()
    assert protection.certificate["smallest_window"] is None


@settings(deadline=None, max_examples=40)
@given(tables, st.sampled_from(["optimal", "heuristic"]), st.booleans())
def test_an_independent_attacker_narrows_no_small_cell(
    with_margins, linear_attack, inner, method, zeros_are_small
):
    counts, relations = with_margins(inner)
    rules = Rules(threshold=5, zeros_are_small=zeros_are_small)

    p = protect(counts, relations, rules=rules, method=method)

    assert is_safe(linear_attack, counts, relations, ~p.published, p.primary, 5)
    assert (p.exactly_disclosed, p.too_narrow) == (0, 0)
    assert (p.primary == rules.small(counts)).all()
    assert not (p.primary & p.published).any()
    assert (p.secondary == ~p.published & ~p.primary).all()
    assert (p.low <= counts).all()
    assert (counts <= p.high).all()
    assert (p.low == p.high)[p.published].all()


@settings(deadline=None, max_examples=8)
@given(small_tables)
def test_no_choice_with_fewer_cells_is_safe(with_margins, linear_attack, inner):
    counts, relations = with_margins(inner)
    p = protect(counts, relations)
    others = np.flatnonzero(~p.primary)
    fewer = p.secondary.sum() - 1
    for more in combinations(others, max(fewer, 0)) if fewer >= 0 else []:
        hidden = p.primary.copy()
        hidden[list(more)] = True
        assert not is_safe(linear_attack, counts, relations, hidden, p.primary, 5)
    assert p.certificate["optimal"]


@settings(deadline=None, max_examples=30)
@given(tables, st.permutations(range(5)), st.permutations(range(4)))
def test_other_names_for_rows_and_columns_change_no_cost(
    with_margins, inner, rows, columns
):
    there = protect(*with_margins(inner)).certificate["cost"]
    renamed = protect(*with_margins(inner[rows][:, columns])).certificate["cost"]
    assert renamed == pytest.approx(there)


def test_the_window_itself_is_tested_and_not_its_upper_end(with_margins):
    # With 8 and 12 hidden beside them, 9 and 3 lie in windows far above 0.
    counts, relations = with_margins([[3, 60], [60, 2]])
    p = protect(counts, relations, rules=Rules(threshold=5))
    assert ((p.high - p.low)[p.primary] >= 5).all()
    assert (p.high[p.primary] >= 5).all()


def test_cells_that_are_published_anyway_stay_published(with_margins):
    counts, relations = with_margins([[1, 9, 20], [8, 7, 20], [9, 9, 20]])
    everyone = np.zeros(16, dtype=bool)
    everyone[[1, 3, 7, 11, 12, 13, 14, 15]] = True
    p = protect(counts, relations, always_published=everyone)
    assert p.published[everyone].all()
    assert p.too_narrow == 0
    assert not p.published[[0, 2]].any()


def test_a_cell_that_the_published_ones_give_away_is_refused(with_margins):
    counts, relations = with_margins([[1, 9], [8, 7]])
    known = np.arange(9) > 0
    with pytest.raises(CannotProtect, match="cell 0"):
        protect(counts, relations, always_published=known)


def test_overlaps_that_are_never_published_are_protected(linear_attack):
    # Two divisions of one town: a + sliver = A, b = B, and 40 in all.
    counts = [20, 2, 18, 22, 40, 20, 20]
    relations = [(3, [0, 1]), (4, [3, 2]), (5, [0]), (6, [1, 2]), (4, [5, 6])]
    never = np.isin(np.arange(7), [0, 1, 2])
    p = protect(counts, relations, never_published=never)
    assert p.primary[1]
    assert not p.secondary[:3].any()
    assert is_safe(linear_attack, counts, relations, ~p.published, p.primary, 5)


def test_a_choice_that_only_whole_numbers_give_away_is_not_taken():
    # x + y + t = y + z + t = z + x + t = 13 and t + u = 4: with x, y, z hidden t may be
    # 0 to 4 for a linear program, but is 1 or 3 for one who counts in whole persons.
    counts = [5, 5, 5, 3, 1, 13, 13, 13, 4]
    relations = [(5, [0, 1, 3]), (6, [1, 2, 3]), (7, [2, 0, 3]), (8, [3, 4])]
    dear_totals = [1.0] * 5 + [100.0] * 4

    p = protect(counts, relations, rules=Rules(threshold=4), cost=dear_totals)

    assert not p.published[5:8].all()
    assert (p.high - p.low)[p.primary].min() >= 4


def test_a_higher_cost_moves_the_choice_elsewhere(with_margins):
    counts, relations = with_margins([[1, 9, 9], [8, 7, 7]])
    first = protect(counts, relations)
    dear = np.where(first.secondary, 100.0, 1.0)
    second = protect(counts, relations, cost=dear)
    assert not (first.secondary & second.secondary).all()
    assert second.certificate["cost"] < 100 * first.secondary.sum()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"cost": [0.0] * 9}, "above 0"),
        ({"sensitive": [0.5] * 9}, "truth values or widths"),
        ({"never_published": [1] * 9}, "truth values"),
        (
            {"always_published": np.ones(9, bool), "never_published": np.ones(9, bool)},
            "both always and never",
        ),
    ],
)
def test_arguments_that_make_no_sense_are_refused(with_margins, wrong, match):
    counts, relations = with_margins([[1, 9], [8, 7]])
    with pytest.raises(ValueError, match=match):
        protect(counts, relations, **wrong)


def test_the_same_input_gives_the_same_answer(with_margins):
    inner = np.random.default_rng(3).poisson(9, (20, 5))
    one, two = protect(*with_margins(inner)), protect(*with_margins(inner))
    assert (one.published == two.published).all()
    assert one.certificate == two.certificate


@pytest.mark.skipif(not REFERENCE.exists(), reason=f"no reference cases at {REFERENCE}")
@pytest.mark.parametrize("name", ["mid_20x6"])
def test_no_more_cells_are_hidden_than_by_the_reference(name, linear_attack):
    with (REFERENCE / f"table_{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    expected = json.loads((REFERENCE / "expected.json").read_text())[name]
    at = {(row["area"], row["group"]): i for i, row in enumerate(rows)}
    counts = np.array([int(row["count"]) for row in rows])
    areas, groups = (sorted({k[i] for k in at} - {"Total"}) for i in (0, 1))
    relations = [
        (at[a, "Total"], [at[a, g] for g in groups]) for a in [*areas, "Total"]
    ] + [(at["Total", g], [at[a, g] for a in areas]) for g in [*groups, "Total"]]

    p = protect(counts, relations, rules=Rules(threshold=expected["k"]))

    small = [list(cell) for cell, i in at.items() if p.primary[i]]
    assert sorted(small) == sorted(expected["primary"])
    assert (~p.published).sum() <= expected["OPT(1)"]["n_suppressed"]
    assert is_safe(linear_attack, counts, relations, ~p.published, p.primary, 5)


def test_a_sensitive_cell_gets_the_width_that_is_asked_for(with_margins):
    counts, relations = with_margins([[40, 90, 50], [80, 70, 60]])
    asked = np.where(np.arange(12) == 0, 85, 0)
    p = protect(counts, relations, sensitive=asked)
    assert p.high[0] - p.low[0] >= 85
    assert p.primary.tolist() == (asked > 0).tolist()


@settings(deadline=None, max_examples=25)
@given(tables)
def test_rounded_figures_let_more_be_published_and_nothing_be_narrowed(
    with_margins, linear_bounds, inner
):
    counts, relations = with_margins(inner)
    low, high = rounded(counts, 5)

    p = protect(counts, relations, shown=(low, high))

    known = [
        (lo, hi) if published else (0, None)
        for lo, hi, published in zip(low, high, p.published, strict=True)
    ]
    primary = np.flatnonzero(p.primary).tolist()
    for least, most in linear_bounds(relations, known, primary).values():
        assert most - least >= 5 - 1e-6
    assert p.secondary.sum() <= protect(counts, relations).secondary.sum()


def test_one_respondent_more_cannot_be_read_off_two_releases(linear_attack):
    linked = linked_tables([Table({"area": ["a", "b"], "answer": ["y", "n"]}, TWO)])
    then = linked_tables([Table({"area": ["a", "b"], "answer": ["y", "n"]}, ONE)])
    assert then.keys == linked.keys
    first = protect(then.counts, then.relations)
    assert first.published.all()

    everything = np.arange(then.counts.size)
    p = protect(
        linked.counts,
        linked.relations,
        earlier=[Earlier(everything, then.counts, first.published)],
    )

    # what came since, cell by cell, from both releases together
    n = then.counts.size
    counts = np.concatenate([linked.counts, then.counts, linked.counts - then.counts])
    relations = [
        *linked.relations,
        *((i, (n + i, 2 * n + i)) for i in range(n)),
    ]
    hidden = np.concatenate([~p.published, np.zeros(n, bool), np.ones(n, bool)])
    bounds = linear_attack(counts, relations, hidden)
    came = linked.counts - then.counts
    for i in np.flatnonzero((came > 0) & (came < 5)).tolist():
        assert bounds[2 * n + i][1] - bounds[2 * n + i][0] >= 5 - 1e-6
    assert not p.published[linked.cell({"area": "a", "answer": "y"})]
    assert protect(linked.counts, linked.relations).published.all()


ONE = [[20, 30], [25, 35]]
TWO = [[21, 30], [25, 35]]


def test_the_same_persons_told_again_show_what_they_showed(with_margins):
    counts, relations = with_margins([[1, 9, 20], [8, 7, 20], [9, 9, 20]])
    first = protect(counts, relations)
    again = protect(
        counts,
        relations,
        earlier=[Earlier(np.arange(16), counts, first.published)],
    )
    assert (again.published == first.published).all()


def test_cells_shown_earlier_bind_those_that_were_hidden(with_margins):
    """What was hidden then stays hidden now, though another choice costs as little."""
    counts, relations = with_margins([[1, 9, 9], [8, 7, 7], [9, 9, 9]])
    dear = np.where(protect(counts, relations).published, 1.0, 50.0)
    other = protect(counts, relations, cost=dear)
    free = protect(counts, relations)
    assert (free.published != other.published).any()
    bound = protect(
        counts, relations, earlier=[Earlier(np.arange(16), counts, other.published)]
    )
    assert not (bound.published & bound.primary).any()
    assert bound.too_narrow == 0
    together = bound.published | other.published
    assert not together[bound.primary].any()


def test_an_earlier_release_with_persons_who_are_gone_is_refused(with_margins):
    counts, relations = with_margins([[5, 9], [8, 7]])
    with pytest.raises(ValueError, match="gone"):
        protect(counts, relations, earlier=[Earlier([0], [6], np.array([True]))])


def test_what_is_shown_must_hold_the_count(with_margins):
    counts, relations = with_margins([[5, 9], [8, 7]])
    with pytest.raises(ValueError, match="interval"):
        protect(counts, relations, shown=(counts + 1, counts + 2))


def test_a_small_cell_that_is_known_anyway_is_no_target(with_margins):
    counts, relations = with_margins([[1, 9, 20], [8, 7, 20]])
    p = protect(counts, relations, always_published=counts == 1)
    assert p.published.all()
    assert p.certificate["targets"] == 0


@pytest.mark.parametrize("base", [1, 3, 4, 5, 10])
def test_a_rounded_figure_tells_exactly_the_counts_that_round_to_it(base):
    def nearest(count):
        return (2 * count + base) // (2 * base) * base  # halves up

    low, high = rounded(np.arange(40), base)
    for count in range(40):
        alike = [other for other in range(60) if nearest(other) == nearest(count)]
        assert (low[count], high[count]) == (alike[0], alike[-1])


def test_three_ways_to_the_optimum_and_near_it_with_an_honest_bound(linear_attack):
    random = np.random.default_rng(1)
    inner = random.poisson(random.gamma(2, 4, (8, 5, 3)))
    levels = {
        v: [f"{v}{i}" for i in range(n)] for v, n in zip("abc", (8, 5, 3), strict=True)
    }
    linked = linked_tables([Table(levels, inner)])
    best = protect(linked.counts, linked.relations, audit=False)
    near = protect(linked.counts, linked.relations, audit=False, method="heuristic")

    for p in (best, near):
        hidden = ~p.published
        assert is_safe(
            linear_attack, linked.counts, linked.relations, hidden, p.primary, 5
        )
    assert best.certificate["optimal"]
    assert not near.certificate["optimal"]
    bounds = near.certificate["cost_at_least"], near.certificate["cost"]
    assert bounds[0] <= best.certificate["cost"] + 1e-6 < bounds[1]


def test_a_search_that_takes_too_long_ends_safe_and_does_not_claim_to_be_optimal(
    monkeypatch, linear_attack
):
    random = np.random.default_rng(1)
    inner = random.poisson(random.gamma(2, 4, (8, 5, 3)))
    levels = {
        v: [f"{v}{i}" for i in range(n)] for v, n in zip("abc", (8, 5, 3), strict=True)
    }
    linked = linked_tables([Table(levels, inner)])
    monkeypatch.setattr(suppression, "ROUNDS", 1)
    p = protect(linked.counts, linked.relations, audit=False)
    assert p.too_narrow == 0
    assert p.certificate["cost"] > p.certificate["cost_at_least"] + 0.5
    assert not p.certificate["optimal"]


def test_sums_in_the_hundred_millions_get_their_windows_to_the_last_unit(with_margins):
    inner = np.random.default_rng(4).integers(1, 10**8, (6, 4))
    counts, relations = with_margins(inner)
    asked = np.zeros(counts.size, dtype=int)
    asked[[0, 7, 13, 21]] = counts[[0, 7, 13, 21]] // 3 + 1
    p = protect(counts, relations, sensitive=asked)
    assert ((p.high - p.low) >= asked).all()
    assert p.too_narrow == 0
    assert p.secondary.any()
