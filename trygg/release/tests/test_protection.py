"""What may be shown of a question: cases by hand, other solvers, attacks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from trygg.release.protection import (
    HEADLINE,
    REST,
    ROOM,
    RULES,
    TOTAL,
    PublicationRules,
    Tables,
    _sums_within,
    _with_totals,
    decide,
    each_row,
)
from trygg.surveys.derived import insecurity
from trygg.surveys.generator import AGE_GROUPS, SEXES, draw
from trygg.surveys.questionnaire import standard
from trygg.surveys.tests.town import make_frame
from tryggstat.disclosure import Rules, protect

SAFE = np.array([False, False, True, True, False])  # options 3 and 4 count
YES = np.array([True, False])
WHOLE = PublicationRules(options_by_area=True)  # the hardest template


def shown_of(row, counted=SAFE, window=5):
    cells = _with_totals(np.array([row]), counted)
    shown, found = each_row(cells, counted, window, cost_of(cells))
    assert found["too_narrow"] == 0
    return shown[0], found


def cost_of(cells):
    cost = 1.0 + cells / cells[:, [TOTAL]]
    cost[:, HEADLINE], cost[:, REST] = 20.0, 0.001
    return cost.ravel()


def test_a_row_without_small_counts_is_shown_whole():
    shown, found = shown_of([40, 30, 20, 10, 20])
    assert shown.all()
    assert found["targets"] == 0


def test_a_small_option_takes_another_of_its_side_along():
    # 3 would follow from the headline and 20; so 20 goes too, the headline stays
    shown, _found = shown_of([40, 30, 20, 3, 20])
    assert shown[:5].tolist() == [True, True, False, False, True]
    assert shown[HEADLINE]


def test_two_small_options_that_are_too_few_together_take_the_headline_along():
    # 1 + 2 = 3 lies in a window below 5: headline and one of the others go as well
    shown, _found = shown_of([40, 30, 1, 2, 20])
    assert shown[2:4].tolist() == [False, False]
    assert not shown[HEADLINE]
    assert shown[[0, 1, 4]].sum() == 2


def test_of_an_area_only_the_headline_is_in_the_template():
    counts = np.array([[40, 30, 20, 10, 20], [20, 15, 10, 5, 10], [20, 15, 10, 5, 10]])
    tables = Tables(counts, ("all", "area", "area"), np.full(3, False), SAFE)
    decision = decide(tables, is_sensitive=False, rules=RULES)
    assert decision.options[0].all()
    assert not decision.options[1:].any()
    assert decision.headline.all()


def test_fewer_tables_never_hide_a_headline_that_more_tables_show():
    for row in ([40, 30, 1, 2, 20], [40, 30, 20, 3, 20], [9, 30, 4, 4, 0]):
        cells = _with_totals(np.array([row]), SAFE)
        cost = cost_of(cells)
        whole, _ = each_row(cells, SAFE, 5, cost)
        few, found = each_row(cells, SAFE, 5, cost, with_options=False)
        assert found["too_narrow"] == 0
        assert few[0, HEADLINE] >= whole[0, HEADLINE]
        assert not few[0, :HEADLINE].any()


def test_no_is_hidden_when_too_few_say_yes():
    shown, _found = shown_of([3, 60], YES)
    assert not shown[:TOTAL].any()


def test_yes_is_hidden_when_too_few_say_no():
    shown, _found = shown_of([60, 3], YES)
    assert not shown[:TOTAL].any()


def test_nobody_is_as_small_as_few():
    shown, _found = shown_of([0, 60], YES)
    assert not shown[:TOTAL].any()


def test_sensitive_questions_need_ten():
    assert shown_of([7, 60], YES, window=5)[0].all()
    assert not shown_of([7, 60], YES, window=10)[0][HEADLINE]


@pytest.mark.parametrize("counted", [[True] * 3, [False] * 3])
def test_a_question_without_two_sides_is_shown_all_the_same(counted):
    shown, _found = shown_of([40, 30, 20], np.array(counted))
    assert shown[:3].all()
    shown, _found = shown_of([40, 30, 2], np.array(counted))
    assert shown[:3].tolist() == [True, False, False]


@pytest.mark.parametrize("scale", [1, 100])
def test_without_two_sides_all_tables_are_protected_all_the_same(scale):
    areas = scale * np.array([[50, 40, 30], [30, 40, 50]])
    tables = Tables(
        np.vstack([areas.sum(axis=0), areas]),
        ["all", "area", "area"],
        np.zeros(3, dtype=bool),
        np.zeros(3, dtype=bool),
    )
    assert decide(tables, is_sensitive=False, rules=WHOLE).options.all()


counts = st.lists(st.integers(0, 25), min_size=5, max_size=5).filter(
    lambda row: sum(row) >= 30
)


@settings(max_examples=150, deadline=None)
@given(counts)
def test_the_choice_is_as_cheap_as_that_of_the_linear_programs(row):
    cells = _with_totals(np.array([row]), SAFE)
    known = np.arange(cells.size) == cells.size - 1
    expected = protect(
        cells.ravel(),
        _sums_within(cells.shape, SAFE),
        rules=Rules(5, zeros_are_small=True),
        cost=cost_of(cells),
        always_published=known,
    )
    shown, found = each_row(cells, SAFE, 5, cost_of(cells))

    hidden = ~shown[0] & ~expected.primary
    assert (shown[0][expected.primary] == 0).all()
    assert cost_of(cells)[hidden].sum() == pytest.approx(
        expected.certificate["cost"], rel=1e-3
    )
    assert found["targets"] == expected.certificate["targets"]


def reached(row, shown, counted, target):
    """Return the smallest and largest count that an attacker must admit (MILP)."""
    options = len(row)
    cells = _with_totals(np.array([row]), counted)[0]
    rules, equals = [np.ones(options)], [cells[TOTAL]]
    for place, side in ((HEADLINE, counted), (REST, ~counted)):
        if shown[place]:
            rules.append(side.astype(float))
            equals.append(cells[place])
    for option in range(options):
        if shown[option]:
            rules.append(np.eye(options)[option])
            equals.append(cells[option])
    aims = {**dict(enumerate(np.eye(options))), -3: counted * 1.0, -2: ~counted * 1.0}
    ends = [
        milp(
            sign * aims[target],
            integrality=np.ones(options),
            constraints=LinearConstraint(np.array(rules), equals, equals),
        ).fun
        * sign
        for sign in (1, -1)
    ]
    return ends[0], ends[1]


@settings(max_examples=60, deadline=None)
@given(counts)
def test_no_small_count_of_a_row_can_be_bounded_below_the_window(row):
    shown, _found = shown_of(row)
    cells = _with_totals(np.array([row]), SAFE)[0]
    for target in (*range(5), HEADLINE, REST):
        if cells[target] < 5:
            low, high = reached(row, shown, SAFE, target)
            assert high - low >= 5 - 1e-6


# --- all tables of a question ---------------------------------------------------------


def tables_of(sample, code):
    """Return the tables of a question of a made-up sample, and its kind."""
    said = (
        insecurity(sample.answers) if code == "insecurity" else sample.answers[code]
    )[sample.answered]
    question = standard()[code]
    options = [o for o in question.options if not o.is_missing]
    rows, kinds = [np.full(said.size, True)], ["all"]
    for kind, column, levels in (
        ("area", sample.area, range(len(sample.frame.areas))),
        ("sex", sample.sex, SEXES),
        ("age", sample.age_group, range(len(AGE_GROUPS))),
    ):
        for level in levels:
            rows.append(column[sample.answered] == level)
            kinds.append(kind)
    members = np.stack(rows).astype(int)
    given = np.stack([said == o.value for o in options]).astype(int)
    return (
        Tables(
            members @ given.T,
            kinds,
            np.zeros(len(kinds), dtype=bool),
            np.array([o.counts for o in options]),
        ),
        question.is_sensitive,
    )


@pytest.fixture(scope="module", params=[900, 6_000, 14_800])
def sample(request):
    return draw(make_frame(), seed=7, invited=request.param)


@pytest.mark.parametrize(
    "code", ["insecurity", "safety_alone", "victim_theft", "trust_police", "refrains"]
)
@pytest.mark.parametrize("rules", [RULES, WHOLE], ids=["few tables", "all tables"])
def test_an_attacker_with_all_tables_cannot_bound_a_small_count(code, sample, rules):
    tables, is_sensitive = tables_of(sample, code)
    decision = decide(tables, is_sensitive=is_sensitive, rules=rules)
    window = 10 if is_sensitive else 5
    for place, option, low, high in attacked(tables, decision, window):
        assert high - low >= window - 1e-6, (place, option, low, high)


def attacked(tables, decision, window):
    """
    Bound every small hidden count of a row that is shown, by integer programs.

    The attacker is told more than is published: whole counts of areas, the number of
    respondents in every row with enough of them, and shares of municipality, sexes and
    ages to within a quarter of a per cent.
    """
    counts, kinds = tables.counts, np.array(tables.kinds)
    places, options = counts.shape
    base = counts.sum(axis=1)
    number = np.arange(counts.size).reshape(counts.shape)
    rules, low, high = [], [], []

    def add(cells, least, most):
        row = np.zeros(counts.size)
        row[cells] = 1
        rules.append(row)
        low.append(least)
        high.append(most)

    for kind in ("area", "sex", "age"):
        for option in range(options):
            row = np.zeros(counts.size)
            row[number[kinds == kind, option]] = 1
            row[number[0, option]] = -1
            rules.append(row)
            low.append(0)
            high.append(0)
    for place in range(places):
        if base[place] < 30:
            continue
        room = 0 if kinds[place] == "area" else int(ROOM * base[place])
        add(number[place], base[place], base[place])
        shown = [[o] for o in range(options) if decision.options[place, o]]
        if decision.headline[place]:
            shown += [np.flatnonzero(tables.counted).tolist()]
        for cells in shown:
            told = counts[place, cells].sum()
            add(number[place, cells], told - room, told + room)
    constraint = LinearConstraint(np.array(rules), low, high)
    for place in range(places):
        for option in range(options):
            is_small = counts[place, option] < window and base[place] >= 30
            if is_small:
                aim = np.zeros(counts.size)
                aim[number[place, option]] = 1
                ends = []
                for sign in (1, -1):
                    found = milp(
                        sign * aim,
                        integrality=np.ones(counts.size),
                        constraints=constraint,
                        options={"time_limit": 20},
                    )
                    ends.append(sign * found.fun)
                yield place, option, *ends


def test_a_small_count_is_never_shown(sample):
    for code in ("safety_alone", "problem_drugs"):
        tables, is_sensitive = tables_of(sample, code)
        decision = decide(tables, is_sensitive=is_sensitive, rules=WHOLE)
        assert (tables.counts[decision.options] >= 5).all()
        headline = (tables.counts @ tables.counted)[decision.headline]
        assert (headline >= 5).all()


def test_a_row_with_fewer_than_thirty_shows_nothing(sample):
    tables, _sensitive = tables_of(sample, "refrains")
    decision = decide(tables, is_sensitive=False, rules=WHOLE)
    few = tables.counts.sum(axis=1) < 30
    assert few.any()
    assert not decision.options[few].any()
    assert not decision.headline[few].any()


def test_those_of_unknown_sex_are_never_shown_and_hide_nobody_else():
    by_sex = [[2_640, 1_740], [2_730, 1_836], [30, 24]]
    areas = [[2_700, 1_800], [2_700, 1_800]]
    counts = np.array([[5_400, 3_600], *areas, *by_sex])
    tables = Tables(
        counts,
        ["all", "area", "area", "sex", "sex", "sex"],
        np.array([False] * 5 + [True]),
        YES,
    )
    decision = decide(tables, is_sensitive=False, rules=WHOLE)
    assert not decision.options[5].any()
    assert decision.options[:5].all()


def test_areas_by_another_name_are_decided_alike(sample):
    tables, is_sensitive = tables_of(sample, "safety_alone")
    order = np.arange(len(tables.kinds))
    order[1:13] = order[1:13][::-1]
    turned = Tables(
        tables.counts[order], tables.kinds, tables.never_shown, tables.counted
    )
    decision = decide(tables, is_sensitive=is_sensitive, rules=WHOLE)
    assert (decide(turned, is_sensitive=is_sensitive, rules=WHOLE).options[order]
            == decision.options).all()  # fmt: skip
