"""A made-up safety survey for the demonstration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from trygg.accounts.models import Organisation, OrganisationKind
from trygg.areas.models import Area
from trygg.areas.queries import geography_of, municipality_area, values
from trygg.surveys.actions import Fieldwork, make_survey, store_wave
from trygg.surveys.analysis import weigh
from trygg.surveys.generator import Frame, draw, frame
from trygg.surveys.models import Survey

SEED = 2026
UNDER_25 = ("age-0-4", "age-5-9", "age-10-14", "age-15-19", "age-20-24")


@dataclass(frozen=True)
class DemoWave:
    """One wave of the made-up survey."""

    code: str
    number: int
    starts_on: date
    ends_on: date
    calmer: float  # standard deviations of fear, against the first table


WAVES = (
    DemoWave("2023", 1, date(2023, 9, 18), date(2023, 12, 15), 0.0),
    DemoWave("2026", 2, date(2026, 8, 31), date(2026, 11, 6), 0.12),
)


def frame_of(municipality: str) -> tuple[Frame, Mapping[str, Any]]:
    """Return the frame of a municipality, by RegSO, and what it was made of."""
    geography = geography_of(municipality, "regso")
    figures = values(
        ["population", *UNDER_25, "low-economic-standard", "small-houses-share"],
        geography,
        municipality=municipality,
    )
    ages = np.stack([figures.column(code) for code in UNDER_25])
    population = figures.column("population")
    there = np.isfinite(population) & (population > 0)
    result = frame(
        [
            area.code
            for area, is_there in zip(figures.areas, there, strict=True)
            if is_there
        ],
        population[there],
        ages.sum(axis=0)[there],
        figures.column("age-15-19")[there],
        figures.column("age-20-24")[there],
        np.nan_to_num(figures.column("low-economic-standard"))[there],
        -np.nan_to_num(figures.column("small-houses-share"))[there],
    )
    who = ", ".join(sorted(set(figures.publishers) - {""}))
    source = {
        "frame": {
            "sv": "personer 16–84 år efter område och ålder, ur öppen statistik: "
            + who,
            "en": "persons aged 16–84 by area and age, from open statistics: " + who,
        },
        "period": figures.periods[0],
    }
    return result, source


def load_demo_survey(municipality: str, *, at: datetime) -> dict[str, Any]:
    """
    Make the survey with its waves, once. Says what the newest wave is like.

    The answers are nobody's: see generator.py.
    """
    place = municipality_area(municipality)
    survey = Survey.objects.filter(slug=_slug(place)).first() or _survey(place)
    geography = geography_of(municipality, "regso")
    people, source = frame_of(municipality)
    for planned in WAVES:
        if survey.waves.filter(code=planned.code).exists():
            continue
        sample = draw(people, seed=SEED, wave=planned.number, calmer=planned.calmer)
        answers, design = weigh(sample)
        fieldwork = Fieldwork(
            planned.code,
            geography,
            place,
            planned.starts_on,
            planned.ends_on,
            invited=sample.area.size,
            design={**source, **design, "seed": SEED},
        )
        store_wave(survey, fieldwork, answers, at=at)
    newest = survey.waves.latest("ends_on")
    return {
        "invited": newest.invited,
        "answers": newest.answers,
        "response_rate": round(newest.response_rate, 3),
        "synthetic": True,
    }


def _slug(place: Area) -> str:
    return f"trygghetsundersokning-{place.code}"


def _survey(place: Area) -> Survey:
    owner = (
        Organisation.objects.filter(kind=OrganisationKind.MUNICIPALITY)
        .order_by("pk")
        .first()
    )
    if owner is None:
        owner = Organisation.objects.create(
            name=place.name, kind=OrganisationKind.MUNICIPALITY
        )
    return make_survey(
        _slug(place),
        title_sv="Trygghetsundersökningen",
        title_en="Safety survey",
        population_sv=f"Personer 16–84 år som är folkbokförda i {place.name}",
        population_en=f"Persons aged 16–84 registered as living in {place.name}",
        owner=owner,
        is_synthetic=True,
    )
