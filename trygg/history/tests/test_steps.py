"""A status moves along its table, once, and leaves a trace."""

from __future__ import annotations

import pytest

from trygg.history.models import Event
from trygg.history.steps import WrongStep, step
from trygg.release.models import Release, ReleaseStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def release(db, at):
    from trygg.accounts.models import Organisation
    from trygg.areas.models import Area, Geography
    from trygg.surveys.models import Survey, Wave

    geography = Geography.objects.create(
        code="towns", kind="municipality", name="Towns", valid_from=at.date()
    )
    area = Area.objects.create(
        geography=geography,
        code="9999",
        name="Nyby",
        search="nyby",
        municipality="9999",
    )
    owner = Organisation.objects.create(name="Owner", kind="municipality")
    survey = Survey.objects.create(slug="survey", owner=owner)
    wave = Wave.objects.create(
        survey=survey,
        code="2026",
        geography=geography,
        municipality=area,
        starts_on=at.date(),
        ends_on=at.date(),
        invited=10,
        answers=5,
        loaded_at=at,
    )
    return Release.objects.create(
        wave=wave, number=1, prepared_at=at, rules={}, certificate={}
    )


def test_a_step_in_the_table_is_taken_and_recorded(release, anna, at):
    step(release, ReleaseStatus.PUBLISHED, by=anna, at=at, why="checked")

    release.refresh_from_db()
    assert release.status == ReleaseStatus.PUBLISHED
    event = Event.objects.get()
    assert (event.what, event.by, event.more) == (
        "release.release.published",
        anna,
        {"was": "prepared", "why": "checked"},
    )


def test_a_step_that_is_not_in_the_table_is_refused(release, anna, at):
    step(release, ReleaseStatus.WITHDRAWN, by=anna, at=at)
    with pytest.raises(WrongStep, match="cannot become"):
        step(release, ReleaseStatus.PUBLISHED, by=anna, at=at)
    assert Event.objects.count() == 1


def test_of_two_at_once_only_the_first_gets_through(release, anna, petra, at):
    stale = Release.objects.get(pk=release.pk)
    step(release, ReleaseStatus.WITHDRAWN, by=anna, at=at)
    with pytest.raises(WrongStep, match="somebody else"):
        step(stale, ReleaseStatus.PUBLISHED, by=petra, at=at)
