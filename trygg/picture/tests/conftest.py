"""A picture of a place. To the cast come ali, who analyses, and rut of the council."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from trygg.accounts.guard import system
from trygg.accounts.policy import Role
from trygg.areas.models import Area, Geography
from trygg.picture import actions
from trygg.picture.models import Part, Section

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PUBLIC_FIGURE = actions.Source(
    "figure",
    ("Hela kommunen", "The whole municipality"),
    ("Källa: påhittad undersökning", "Source: invented survey"),
    "2026",
    {"unit": "share", "value": 0.24, "low": 0.22, "high": 0.26, "n": 4325},
    is_public=True,
    refers_to="release.figure:1",
)


@pytest.fixture
def ali(person):
    return person("ali", Role.ANALYST)


@pytest.fixture
def rut(person):
    return person("rut", Role.COUNCIL_MEMBER)


@pytest.fixture
def unguarded(db):
    with system("test"):
        yield


@pytest.fixture
def place(db):
    geography = Geography.objects.create(
        code="prov", kind="municipality", name="Prov", valid_from=date(2020, 1, 1)
    )
    return Area.objects.create(
        geography=geography,
        code="9998",
        name="Prov",
        search="prov",
        municipality="9998",
    )


@pytest.fixture
def picture(unguarded, place, anna, petra, ali):
    return actions.create_picture(
        slug="prov-2026",
        title=("Lägesbild för Prov", "Situational picture of Prov"),
        period="2026",
        areas=[place],
        organisations=[anna.organisation, petra.organisation],
        by=ali,
        at=NOW,
    )


@pytest.fixture
def say(picture, ali):
    """Return a function that adds a statement to the picture."""

    def add(part=Part.MAPPING, text="En mening.", by=ali, **more):
        return actions.add_statement(
            picture,
            part=part,
            section=Section.SAFETY,
            text=(text, more.pop("english", "A sentence.")),
            by=by,
            at=NOW,
            **more,
        )

    return add


@pytest.fixture
def full(picture, say):
    """Return the picture with something public in each of its three parts."""
    say(Part.MAPPING, "Tjugofyra procent.", evidence=[PUBLIC_FIGURE], is_public=True)
    say(Part.OTHER, "Folkmängd.", is_public=True)
    say(Part.ANALYSIS, "Slutsats.", is_public=True)
    return picture
