"""Who may read what a survey is made of, and who the answers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from trygg.accounts.guard import PolicyBypass, close_all
from trygg.accounts.policy import Act, NeedsPurpose, NeedsStepUp, Role
from trygg.history.models import AuditRow
from trygg.surveys import access
from trygg.surveys.models import Answer
from trygg.surveys.tests.town import CODES, store, table_of

WHY = "to check the weights"


@pytest.fixture
def ali(person):
    user = person("ali", Role.ANALYST)
    user.stepped_up = True
    return user


@pytest.fixture
def wave(survey, places, at):
    return store(survey, table_of([CODES[0]] * 2, {"refrains": ["no"] * 2}), places, at)


@pytest.fixture(autouse=True)
def closed_afterwards():
    yield
    close_all()


def test_the_definition_is_for_those_who_work_with_surveys(survey, ali, petra, olle):
    assert access.get_survey(ali, survey.slug, to=Act.UPDATE) == survey
    assert access.get_survey(petra, survey.slug) == survey
    with pytest.raises(PermissionDenied):
        access.get_survey(petra, survey.slug, to=Act.UPDATE)
    for outsider in (olle, AnonymousUser()):
        with pytest.raises(Http404):
            access.get_survey(outsider, survey.slug)


def test_an_analyst_reads_answers_of_the_own_organisation_with_a_trail(wave, ali, at):
    answers = access.answers_of_wave(ali, wave, purpose=WHY, at=at)
    assert answers.count() == 2
    trail = AuditRow.objects.get()
    assert (trail.actor, trail.data, trail.purpose, trail.decision) == (
        "ali", "raw_answer", WHY, "allowed",
    )  # fmt: skip


def test_answers_of_another_organisation_are_refused_with_a_trail(wave, person, at):
    other = person("kim", Role.ANALYST, kind="partner")
    other.stepped_up = True
    with pytest.raises(PermissionDenied):
        access.answers_of_wave(other, wave, purpose=WHY, at=at)
    assert AuditRow.objects.get().decision == "refused"
    with pytest.raises(PolicyBypass):
        Answer.objects.count()


def test_reading_answers_needs_a_purpose_and_a_fresh_sign_in(wave, ali, at):
    with pytest.raises(NeedsPurpose):
        access.answers_of_wave(ali, wave, purpose="", at=at)
    ali.stepped_up = False
    with pytest.raises(NeedsStepUp):
        access.answers_of_wave(ali, wave, purpose=WHY, at=at)


@pytest.mark.parametrize("name", ["anna", "petra", "olle"])
def test_nobody_else_reads_answers(name, wave, at, request):
    user = request.getfixturevalue(name)
    user.stepped_up = True
    with pytest.raises(PermissionDenied):
        access.answers_of_wave(user, wave, purpose=WHY, at=at)
