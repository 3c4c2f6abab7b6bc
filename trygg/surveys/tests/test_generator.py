"""The made-up answers: the same every time, and shaped like those of real surveys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trygg.surveys.derived import insecurity
from trygg.surveys.generator import ANSWERS, ANSWERS_IN_SMALLEST, draw
from trygg.surveys.questionnaire import standard
from trygg.surveys.tests.town import AREAS, make_frame


@pytest.fixture(scope="module")
def sample():
    return draw(make_frame(), seed=2026, invited=6_000)


def share(sample, code, values, where=True):
    said = np.asarray(sample.answers[code])
    asked = (said != "") & (said != "9") & where
    return np.average(np.isin(said[asked], values), weights=sample.weight[asked])


def insecure(sample, where=True):
    said = insecurity(sample.answers)
    told = (said != "") & where
    return np.average(said[told] == "yes", weights=sample.weight[told])


def test_the_same_seed_gives_the_same_answers_and_another_seed_others(sample):
    again = draw(make_frame(), seed=2026, invited=6_000)
    other = draw(make_frame(), seed=2027, invited=6_000)

    assert all((again.answers[c] == sample.answers[c]).all() for c in ANSWERS)
    assert (again.answered == sample.answered).all()
    assert (other.answers["refrains"] != sample.answers["refrains"]).any()


def test_the_first_random_numbers_are_those_that_stored_results_were_made_with():
    stream = np.random.Generator(np.random.Philox(key=[2026, 1]))
    np.testing.assert_allclose(
        stream.random(3),
        [0.7053209004349337, 0.004441929436082903, 0.7442574593128122],
        rtol=0,
        atol=1e-15,
    )


def test_the_weights_of_all_invited_add_up_to_the_frame(sample):
    frame = sample.frame
    for area in range(AREAS):
        here = sample.area == area
        assert sample.weight[here].sum() == pytest.approx(frame.persons[area].sum())


def test_as_many_are_invited_and_answer_as_was_asked_for(sample):
    assert sample.area.size == pytest.approx(6_000, abs=30)
    largest = sample.area != sample.frame.persons.sum(axis=1).argmin()
    assert sample.answered[largest].mean() == pytest.approx(0.38, abs=0.02)


def test_fewer_of_the_young_answer(sample):
    rates = [sample.answered[sample.age_group == age].mean() for age in range(4)]
    assert rates == sorted(rates)
    assert rates[3] > 2 * rates[0]


def test_exactly_one_area_has_too_few_answers(sample):
    answers = np.bincount(sample.area[sample.answered], minlength=AREAS)
    assert (answers < 30).sum() == 1
    assert answers.argmin() == sample.frame.persons.sum(axis=1).argmin()
    assert answers.min() == pytest.approx(ANSWERS_IN_SMALLEST, abs=12)


def test_most_feel_safe_and_women_more_seldom_than_men(sample):
    assert 0.2 < insecure(sample) < 0.3
    assert insecure(sample, sample.sex == "F") > 1.4 * insecure(
        sample, sample.sex == "M"
    )


def test_staying_in_is_as_common_as_published():
    big = draw(make_frame(), seed=1, invited=14_800)
    often = ["3", "4"]
    women, men = (
        share(big, "avoids_evenings", often, big.sex == sex) for sex in ("F", "M")
    )
    assert women == pytest.approx(0.25, abs=0.03)
    assert men == pytest.approx(0.10, abs=0.03)


def test_more_than_nine_of_ten_like_living_where_they_live(sample):
    assert share(sample, "likes_living_here", ["1", "2"]) > 0.9


def test_insecurity_follows_conditions(sample):
    by_area = [insecure(sample, sample.area == area) for area in range(AREAS)]
    assert np.corrcoef(by_area, sample.frame.hardship)[0, 1] > 0.7


def test_women_answer_more_often_than_men():
    big = draw(make_frame(), seed=5, invited=40_000)
    women, men = (big.answered[big.sex == sex].mean() for sex in ("F", "M"))
    assert women > men + 0.02


def test_two_clusters_of_conditions_do_not_make_two_clusters_of_answers():
    split = np.where(np.arange(AREAS) < AREAS // 2, 0.0, 50.0) + np.arange(AREAS) / 10
    sample = draw(replace(make_frame(), hardship=split), seed=3, invited=40_000)
    by_area = np.array([insecure(sample, sample.area == a) for a in range(AREAS)])
    for half in (slice(0, AREAS // 2), slice(AREAS // 2, AREAS)):
        assert np.corrcoef(by_area[half], split[half])[0, 1] > 0.5


def test_only_those_who_hardly_ever_go_out_say_why(sample):
    why = sample.answers["stays_in_reason"] != ""
    assert (sample.answers["safety_alone"][why] == "5").all()
    assert why.any()


def test_every_answer_is_an_option_of_its_question(sample):
    for code, said in sample.answers.items():
        options = {option.value for option in standard()[code].options}
        assert set(said.tolist()) <= options | {""}


def test_a_calmer_wave_has_fewer_insecure(sample):
    calmer = draw(make_frame(), seed=2026, invited=6_000, calmer=0.5)
    assert insecure(calmer) < insecure(sample) - 0.03


def test_every_question_that_is_asked_is_answered():
    asked = {q.code for q in standard().questions if not q.derived}
    assert asked == set(ANSWERS)
