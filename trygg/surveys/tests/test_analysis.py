"""From stored answers to stored estimates, against cases by hand and tryggstat."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trygg.accounts.guard import PolicyBypass, system
from trygg.surveys.analysis import answers_of, compute_estimates, weigh
from trygg.surveys.generator import AGE_GROUPS, draw
from trygg.surveys.models import Answer, Estimate
from trygg.surveys.tests.town import CODES, make_frame, store, table_of
from tryggstat.survey import Design, compare, estimate

A, B = CODES[:2]


def of(wave, code, area, *, option=None, group=""):
    return Estimate.objects.get(
        wave=wave,
        question__code=code,
        area__code=area,
        option__value=option,
        group=group,
    )


@pytest.fixture
def wave(survey, places, at):
    table = table_of(
        [A] * 4 + [B] * 4,
        {"refrains": ["no", "often", "sometimes", "no", "no", "no", "often", ""]},
        stratum_size=[40] * 4 + [60] * 4,
        weight=[10.0] * 4 + [20.0] * 3 + [1.0],
    )
    return store(survey, table, places, at)


def test_shares_and_their_spread_are_as_worked_by_hand(wave, at):
    compute_estimates(wave, at=at)

    in_a = of(wave, "refrains", A)
    # two of four refrain; var = (1 - 4/40) / 4 * s2 with s2 = 4/3 * 0.25
    assert in_a.value == pytest.approx(0.5)
    assert in_a.se == pytest.approx((0.9 / 4 * (4 / 3 * 0.25)) ** 0.5)
    assert in_a.n == 4
    # the whole: (20 + 20) / (40 + 60) of those who answered
    assert of(wave, "refrains", "9998").value == pytest.approx(0.4)
    assert of(wave, "refrains", "9998", option="often").value == pytest.approx(0.3)
    assert of(wave, "refrains", "9998").n == 7


def test_groups_are_estimated_for_the_whole_municipality_only(wave, at):
    compute_estimates(wave, at=at)

    groups = Estimate.objects.exclude(group="")
    assert set(groups.values_list("area__code", flat=True)) == {"9998"}
    assert set(groups.values_list("group", flat=True)) == {
        "sex=F", "sex=M", "age=16-24"
    }  # fmt: skip
    # women are rows 0, 2, 4 and 6: 10 + 20 of 10 + 10 + 20 + 20 refrain
    assert of(wave, "refrains", "9998", group="sex=F").value == pytest.approx(0.5)


def test_don_t_know_is_no_answer(survey, places, at):
    said = ["0", "3", "9", ""] * 2
    wave = store(survey, table_of([A] * 8, {"problem_litter": said}), places, at)
    compute_estimates(wave, at=at)

    assert of(wave, "problem_litter", A).value == pytest.approx(0.5)
    assert of(wave, "problem_litter", A).n == 4
    assert not Estimate.objects.filter(option__is_missing=True).exists()


def test_an_area_is_compared_with_the_rest_and_p_adjusted(survey, places, at):
    draw_of = np.random.default_rng(4)
    areas = draw_of.choice(CODES, 900)
    chance = np.where(areas == A, 0.7, 0.2)
    said = np.where(draw_of.random(900) < chance, "often", "no")
    weight = draw_of.random(900) + 1
    table = table_of(
        areas.tolist(), {"refrains": said.tolist()}, weight=weight.tolist()
    )
    wave = store(survey, table, places, at)
    compute_estimates(wave, at=at)

    y = (said == "often").astype(float)
    design = Design(weight, stratum=areas)
    expected = compare(design, {"y": y}, kind="share", by={"area": areas})
    first = of(wave, "refrains", A)
    assert_allclose(
        [first.difference, first.difference_low, first.p_adjusted],
        [expected.difference[0], expected.low[0], expected.p_adjusted[0]],
    )
    assert first.p_adjusted < 0.001
    assert of(wave, "refrains", A, option="often").p_adjusted is None


def test_every_stored_figure_is_that_of_tryggstat(survey, places, at):
    sample = draw(make_frame(), seed=1, invited=3_000)
    table, _design = weigh(sample)
    wave = store(survey, table, places, at)
    number = compute_estimates(wave, at=at)
    with system("test"):
        answers = answers_of(wave)

    assert number == Estimate.objects.filter(wave=wave).count()
    y = (answers.column("insecurity") == "yes").astype(float)
    y[answers.column("insecurity") == ""] = np.nan
    expected = estimate(
        answers.design(), {"y": y}, kind="share", by={"area": table.area}
    )
    found = Estimate.objects.filter(
        wave=wave, question__code="insecurity", option=None, area__code__in=CODES
    ).order_by("area__code")
    for name, field in (("value", "estimate"), ("se", "se"), ("high", "high")):
        assert_allclose(
            list(found.values_list(name, flat=True)), getattr(expected, field)
        )
    assert found[0].method["kind"] == "share"
    assert found[0].input_digest == answers.digest


def test_means_are_estimated_of_indices(survey, places, at):
    codes = ["litter", "vandalism", "driving", "lighting", "drugs", "youths", "threats"]
    values = {f"problem_{code}": ["0", "3", "0", "3"] for code in codes}
    wave = store(survey, table_of([A] * 4, values), places, at)
    compute_estimates(wave, at=at)

    index = of(wave, "problem_index", A)
    assert (index.kind, index.value) == ("mean", 50.0)


def test_computing_again_changes_nothing(wave, at):
    first = compute_estimates(wave, at=at)
    before = list(Estimate.objects.order_by("question", "option", "area", "group")
                  .values_list("value", "n", "input_digest"))  # fmt: skip
    assert compute_estimates(wave, at=at) == first
    after = list(Estimate.objects.order_by("question", "option", "area", "group")
                 .values_list("value", "n", "input_digest"))  # fmt: skip
    assert after == before


def test_answers_are_closed_to_everything_else(wave):
    with pytest.raises(PolicyBypass):
        Answer.objects.count()


def test_the_weights_of_a_sample_meet_the_frame():
    sample = draw(make_frame(), seed=2, invited=4_000)
    table, design = weigh(sample)
    persons = sample.frame.persons

    for number, code in enumerate(sample.frame.areas):
        here = table.area == code
        assert table.weight[here].sum() == pytest.approx(persons[number].sum())
    assert table.weight[table.sex == "F"].sum() == pytest.approx(persons.sum() / 2)
    assert design["weight_design_effect"] > 1
    assert sum(design["response"][f"age={a}"]["answers"] for a in AGE_GROUPS) == len(
        table
    )


def test_no_class_is_left_with_fewer_than_five_answers_unless_its_area_is():
    sample = draw(make_frame(), seed=2, invited=1_500)
    table, _design = weigh(sample)
    classes, answers = np.unique(table.stratum, return_counts=True)
    whole = {name[:8] for name in classes if name.endswith("16-84")}
    assert all(
        count >= 5 or name[:8] in whole
        for name, count in zip(classes.tolist(), answers.tolist(), strict=True)
    )
