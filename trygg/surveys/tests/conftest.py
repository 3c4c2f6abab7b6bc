"""A made-up municipality with a survey."""

import pytest

from trygg.surveys.tests.town import make_a_survey, make_places


@pytest.fixture
def places(db):
    return make_places()


@pytest.fixture
def survey(db):
    return make_a_survey()
