"""From estimates to public figures: what is shown, who may publish, what pages read."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import translation

from trygg.accounts.guard import PolicyBypass, system
from trygg.accounts.policy import Act, NeedsStepUp, Role
from trygg.history.models import Event
from trygg.history.steps import WrongStep
from trygg.release import access, actions, queries
from trygg.release.models import Figure, Reason, Release, ReleaseStatus
from trygg.release.protection import PublicationRules
from trygg.surveys.analysis import compute_estimates, weigh
from trygg.surveys.generator import draw
from trygg.surveys.models import Answer, Estimate
from trygg.surveys.tests.town import (
    CODES,
    make_a_survey,
    make_frame,
    make_places,
    store,
    table_of,
)

A, B = CODES[:2]


@pytest.fixture
def places(db):
    return make_places()


@pytest.fixture
def survey(db):
    return make_a_survey()


@pytest.fixture
def wave(survey, places, at):
    table, _design = weigh(draw(make_frame(), seed=2026, invited=14_000))
    wave = store(survey, table, places, at)
    compute_estimates(wave, at=at)
    return wave


@pytest.fixture
def release(wave, at):
    return actions.prepare_release(wave, at=at)


@pytest.fixture
def published(release, at):
    actions.publish_release(release, by=None, at=at)
    return release


@pytest.fixture
def ali(person):
    return person("ali", Role.ANALYST)


def of_hundreds(survey, places, at, *, yes, no, area=A, code="refrains"):
    """Store a wave in which that many in an area say the one and the other."""
    areas = [area] * (yes + no) + [B] * 200
    said = ["often"] * yes + ["no"] * no + ["no", "often"] * 100
    wave = store(survey, table_of(areas, {code: said}), places, at)
    compute_estimates(wave, at=at)
    return wave


def figure(release, area, code="refrains", option=None, group=""):
    return release.figures.get(
        area__code=area,
        question__code=code,
        option__value=option,
        group=group,
    )


def test_every_estimate_in_the_template_becomes_a_figure_shown_or_withheld(
    wave, release
):
    of_areas = Estimate.objects.filter(wave=wave).exclude(area=wave.municipality)
    outside = of_areas.exclude(option=None)
    assert outside.exists()
    whole = Estimate.objects.filter(wave=wave).count()
    assert release.figures.count() == whole - outside.count()
    withheld = release.figures.filter(is_shown=False)
    assert withheld.exists()
    assert not withheld.exclude(value=None, low=None, high=None, bound="").exists()
    assert not withheld.filter(reason="").exists()
    assert not release.figures.filter(is_shown=True).exclude(reason="").exists()


def test_fewer_than_thirty_answers_give_no_figure_and_no_base(survey, places, at):
    release = actions.prepare_release(
        of_hundreds(survey, places, at, yes=14, no=15), at=at
    )
    few = figure(release, A)
    assert (few.is_shown, few.reason, few.value, few.base) == (
        False, Reason.FEW, None, None,
    )  # fmt: skip


def test_thirty_answers_give_an_uncertain_figure(survey, places, at):
    release = actions.prepare_release(
        of_hundreds(survey, places, at, yes=14, no=16), at=at
    )
    shown = figure(release, A)
    assert (shown.is_shown, shown.base, shown.is_uncertain) == (True, 30, True)
    assert not figure(release, B).is_uncertain


def test_figures_are_rounded_to_whole_per_cent_and_bases_to_five(survey, places, at):
    release = actions.prepare_release(
        of_hundreds(survey, places, at, yes=37, no=75), at=at
    )
    shown = figure(release, A)
    assert (shown.value, shown.base) == (0.33, 110)
    assert all(round(x, 2) == x for x in (shown.low, shown.high))


@pytest.mark.parametrize(
    ("yes", "no", "value", "bound"),
    [
        (10, 190, 0.05, "<"),  # 5 per cent
        (12, 188, 0.06, ""),
        (190, 10, 0.95, ">"),
        (188, 12, 0.94, ""),
        (5, 45, 0.10, "<"),  # of fewer than sixty: 10 per cent
        (45, 5, 0.90, ">"),
    ],
)
def test_nearly_all_and_nearly_none_are_only_told_as_a_limit(
    yes, no, value, bound, survey, places, at
):
    release = actions.prepare_release(
        of_hundreds(survey, places, at, yes=yes, no=no), at=at
    )
    shown = figure(release, A)
    assert (shown.value, shown.bound) == (value, bound)
    assert (shown.low is None) == bool(bound)


def test_four_who_say_so_are_withheld_like_what_hides_them(survey, places, at):
    release = actions.prepare_release(
        of_hundreds(survey, places, at, yes=4, no=96),
        at=at,
        rules=PublicationRules(options_by_area=True),
    )
    withheld = [figure(release, A, option=o) for o in (None, "often", "no")]
    assert {(f.is_shown, f.reason) for f in withheld} == {(False, Reason.PROTECTED)}


def test_a_claim_stands_only_where_the_interval_supports_it(wave, release):
    """The hardest-lot area differs; where p is 0.05 or more nothing is claimed."""
    estimates = {
        (e.question_id, e.area_id, e.group): e
        for e in Estimate.objects.filter(wave=wave, option=None)
    }
    claims = release.figures.exclude(against_rest="")
    assert claims.exists()
    for claim in claims:
        e = estimates[claim.question_id, claim.area_id, claim.group]
        assert claim.is_shown
        assert e.p_adjusted < 0.05
        assert (e.difference > 0) == (claim.against_rest == "higher")
        assert e.difference_low > 0 or e.difference_high < 0
    silent = release.figures.filter(option=None, is_shown=True, against_rest="")
    assert all(
        (e := estimates[f.question_id, f.area_id, f.group]).p_adjusted is None
        or e.p_adjusted >= 0.05
        for f in silent
    )


def test_the_certificate_says_what_was_audited(release):
    found = release.certificate
    assert found["targets"] > 0
    assert (found["exactly_disclosed"], found["too_narrow"]) == (0, 0)
    assert found["smallest_window"] >= 5
    assert "insecurity" in found["questions"]
    assert release.rules["smallest_sensitive_cell"] == 10


def test_estimates_of_other_answers_are_stale(wave, at):
    with system("test"):
        Answer.objects.filter(wave=wave).first().delete()
    with pytest.raises(actions.StaleEstimates):
        actions.prepare_release(wave, at=at)


def test_one_answer_more_after_publishing_cannot_be_released(wave, published, at):
    with system("test"):
        answer = Answer.objects.filter(wave=wave).first()
        answer.pk = None
        answer.save()
    compute_estimates(wave, at=at)
    with pytest.raises(actions.OtherAnswersReleased):
        actions.prepare_release(wave, at=at)


def test_other_rules_after_publishing_are_refused_even_when_withdrawn(
    wave, published, at
):
    actions.withdraw_release(published, by=None, at=at, reason="a wrong label")
    with pytest.raises(actions.OtherAnswersReleased):
        actions.prepare_release(wave, at=at, rules=PublicationRules(smallest_cell=4))
    assert actions.prepare_release(wave, at=at).number == 2


def test_who_prepared_it_may_not_publish_it(wave, ali, anna, at):
    release = actions.prepare_release(wave, at=at, by=ali)
    with pytest.raises(actions.OwnRelease):
        actions.publish_release(release, by=ali, at=at)

    actions.publish_release(release, by=anna, at=at)
    assert (release.prepared_by, release.published_by) == (ali, anna)
    assert list(Event.objects.values_list("what", "by__username")) == [
        ("release.release.prepared", "ali"),
        ("release.release.published", "anna"),
    ]


def test_only_made_up_answers_are_published_by_the_system(places, at):
    survey = make_a_survey(is_synthetic=False)
    release = actions.prepare_release(
        of_hundreds(survey, places, at, yes=40, no=60), at=at
    )
    with pytest.raises(actions.OwnRelease):
        actions.publish_release(release, by=None, at=at)


@pytest.mark.parametrize("found", [{"too_narrow": 1}, {"exactly_disclosed": 1}])
def test_a_release_whose_audit_is_not_green_cannot_be_published(
    found, release, anna, at
):
    release.certificate |= found
    with pytest.raises(actions.NotSafe):
        actions.publish_release(release, by=anna, at=at)
    assert Release.objects.get().status == ReleaseStatus.PREPARED


def test_a_release_is_published_once(published, anna, at):
    with pytest.raises(WrongStep):
        actions.publish_release(published, by=anna, at=at)


# --- what pages read ------------------------------------------------------------------


def all_answers(wave):
    area = wave.geography.areas.get(code=CODES[-1])
    question = wave.survey.questions.get(code="insecurity")
    return [
        queries.headline_figures(area),
        queries.figures_for_question(question),
        queries.municipality_figures(wave),
        queries.question_distribution(question, wave.municipality),
        list(queries.published_surveys("9998")),
        list(queries.published_waves(wave.survey)),
    ]


def test_nothing_is_read_of_a_release_before_it_is_published(wave, release, at):
    assert queries.latest_published(wave.survey) is None
    assert all_answers(wave) == [[]] * 6
    assert queries.headline_figures(wave.municipality, release) == []

    actions.publish_release(release, by=None, at=at)
    assert all(all_answers(wave))

    actions.withdraw_release(release, by=None, at=at, reason="a wrong label")
    assert all_answers(wave) == [[]] * 6


def test_pages_read_no_answers_and_no_estimates(
    wave, published, django_assert_max_num_queries
):
    area = wave.geography.areas.get(code=CODES[-1])
    with django_assert_max_num_queries(2) as captured:
        figures = queries.headline_figures(area)
        texts = [(f.text, f.source, f.reason_text, f.area.name) for f in figures]
    assert len(texts) == 32
    sql = " ".join(query["sql"] for query in captured)
    assert "surveys_answer" not in sql
    assert "surveys_estimate" not in sql
    with pytest.raises(PolicyBypass):
        Answer.objects.count()


def test_every_figure_comes_with_its_source_wave_and_day(wave, published, at):
    area = wave.geography.areas.get(code=CODES[-1])
    with translation.override("en"):
        found = queries.headline_figures(area)[0]
        assert found.question.code == "insecurity"
        assert found.text == "feel unsafe late in the evening where they live"
        assert found.source == "The survey 2026. The answers are synthetic."
        assert found.dated == at.date()
        assert found.is_synthetic
        assert found.low < found.value < found.high


def test_a_question_is_told_for_the_municipality_first_and_then_by_area(
    wave, published
):
    question = wave.survey.questions.get(code="insecurity")
    found = queries.figures_for_question(question)
    assert [f.area.code for f in found] == ["9998", *CODES]


def test_the_options_of_a_question_come_in_their_order(wave, published):
    question = wave.survey.questions.get(code="safety_alone")
    found = queries.question_distribution(question, wave.municipality)
    assert [f.option.value for f in found] == ["1", "2", "3", "4", "5"]
    assert sum(f.value for f in found if f.value) == pytest.approx(1, abs=0.06)


def test_the_municipality_is_told_by_sex_and_age(wave, published):
    groups = {f.group for f in queries.municipality_figures(wave)}
    assert groups == {
        "", "sex=F", "sex=M", "age=16-24", "age=25-44", "age=45-64", "age=65-84",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("group", "words"), [("sex=F", "women"), ("age=16-24", "16–24 years"), ("", "")]
)
def test_groups_have_names(group, words):
    with translation.override("en"):
        assert queries.group_label(group) == words


# --- access ---------------------------------------------------------------------------


def test_a_release_in_preparation_is_known_to_those_who_work_with_surveys(
    release, anna, ali, olle
):
    assert access.get_release(ali, release.pk) == release
    with pytest.raises(Http404):
        access.get_release(olle, release.pk)
    with pytest.raises(PermissionDenied):
        access.get_release(ali, release.pk, to=Act.APPROVE)


def test_approving_a_release_asks_the_coordinator_to_sign_in_again(release, anna):
    with pytest.raises(NeedsStepUp):
        access.get_release(anna, release.pk, to=Act.APPROVE)
    anna.stepped_up = True
    assert access.get_release(anna, release.pk, to=Act.APPROVE) == release


def test_a_published_release_is_for_everybody(published, olle):
    assert access.get_release(olle, published.pk) == published


def test_unrounded_figures_are_nowhere_in_what_is_stored(release):
    shares = Figure.objects.filter(release=release, kind="share", is_shown=True)
    values = np.array(shares.values_list("value", "low", "high"), dtype=float)
    told = values[np.isfinite(values)]
    np.testing.assert_allclose(told, told.round(2), atol=1e-12)
    assert not shares.exclude(base__in=range(0, 10_000, 5)).exists()
    means = Figure.objects.filter(release=release, kind="mean", is_shown=True)
    values = np.array(means.values_list("value", "low", "high"), dtype=float)
    np.testing.assert_allclose(values, values.round(1), atol=1e-12)
    assert means.exists()
