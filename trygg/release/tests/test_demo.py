"""The demonstration's survey and release, on the fictional and on the real land."""

from __future__ import annotations

from itertools import pairwise

import pytest

from trygg.accounts.guard import system
from trygg.areas.demo import load_demo
from trygg.areas.queries import municipality_area
from trygg.release import queries
from trygg.release.demo import release_demo
from trygg.release.models import Release, ReleaseStatus
from trygg.surveys.demo import load_demo_survey
from trygg.surveys.models import Wave
from trygg.surveys.queries import technical_facts


@pytest.fixture
def nyby(db, at):
    with system("demo"):
        load_demo("9999", at=at)
        return load_demo_survey("9999", at=at)


def test_the_survey_is_made_up_and_says_so(nyby):
    assert nyby["synthetic"] is True
    assert nyby["invited"] == pytest.approx(14_800, abs=60)
    assert nyby["response_rate"] == pytest.approx(0.38, abs=0.02)
    assert [wave.survey.is_synthetic for wave in Wave.objects.all()] == [True, True]


def test_a_second_run_makes_nothing_new(nyby, at):
    with system("demo"):
        assert load_demo_survey("9999", at=at) == nyby
        first = release_demo("9999", at=at)
        assert release_demo("9999", at=at)["estimates"] == 0
    assert first["estimates"] > first["suppressed"] > 0
    assert Release.objects.count() == 2


def test_the_facts_of_a_wave_add_up(nyby):
    facts = technical_facts(Wave.objects.get(code="2026"))
    for name in ("sex", "age"):
        groups = [g for g in facts.by_group if g.group.startswith(name)]
        assert sum(g.invited for g in groups) == facts.invited
        assert sum(g.answers for g in groups) == facts.answers
    assert 1 < facts.weights_design_effect < 2


def test_the_released_figures_of_uppsala_have_the_published_shape(
    open_data, db, at, settings
):
    """About a quarter insecure, women more; every area told but one, none in two."""
    settings.TRYGG_OPEN_DATA = open_data
    with system("demo"):
        load_demo("0380", at=at)
        load_demo_survey("0380", at=at)
        release_demo("0380", at=at)
    release = queries.latest_release_of("0380")
    assert release.status == ReleaseStatus.PUBLISHED
    question = release.wave.survey.questions.get(code="insecurity")
    whole, *areas = queries.figures_for_question(question)

    assert len(areas) == 61
    assert [f.reason for f in areas].count("few") == 1
    assert 0.2 <= whole.value <= 0.3
    by_group = {
        f.group: f.value
        for f in queries.municipality_figures(release.wave)
        if f.question == question
    }
    assert by_group["sex=F"] > by_group["sex=M"] + 0.08
    values = sorted(f.value for f in areas if f.value is not None)
    assert max(b - a for a, b in pairwise(values)) <= 0.08
    told = [f.against_rest for f in areas if f.is_shown]
    assert told.count("") > len(told) / 2  # most cannot be told from the rest
    assert {"higher", "lower"} <= set(told)
    assert municipality_area("0380") == whole.area
