"""A made-up municipality for tests: twelve areas, and a frame of people in them."""

from __future__ import annotations

from datetime import date

import numpy as np

from trygg.accounts.models import Organisation, OrganisationKind
from trygg.areas.models import Area, Geography
from trygg.surveys.actions import AnswerTable, Fieldwork, make_survey, store_wave
from trygg.surveys.generator import Frame, frame
from trygg.surveys.models import Survey, Wave

AREAS = 12
CODES = [f"9998R{number:03}" for number in range(1, AREAS + 1)]


def make_places() -> tuple[Geography, Area]:
    """Make the municipality and its areas."""
    land = Geography.objects.create(
        code="municipality", kind="municipality", name="Land", valid_from="2020-01-01"
    )
    division = Geography.objects.create(
        code="regso-2020", kind="regso", name="RegSO", valid_from="2020-01-01"
    )
    whole = Area.objects.create(
        geography=land, code="9998", name="Prov", search="prov", municipality="9998"
    )
    Area.objects.bulk_create(
        Area(
            geography=division,
            code=code,
            name=f"Område {code[-3:]}",
            search=code,
            municipality="9998",
        )
        for code in CODES
    )
    return division, whole


def make_frame() -> Frame:
    """Return twelve areas, the first the smallest, the last with the hardest lot."""
    total = np.linspace(1_200, 9_000, AREAS)
    return frame(
        CODES,
        total,
        under_25=0.3 * total,
        aged_15_19=0.06 * total,
        aged_20_24=0.08 * total,
        hardship=np.arange(AREAS),
        flats=np.arange(AREAS)[::-1],
    )


def make_a_survey(*, is_synthetic: bool = True) -> Survey:
    owner, _made = Organisation.objects.get_or_create(
        name="municipality of the tests",
        defaults={"kind": OrganisationKind.MUNICIPALITY},
    )
    return make_survey(
        "trygghet",
        title_sv="Undersökningen",
        title_en="The survey",
        population_sv="alla",
        population_en="everybody",
        owner=owner,
        is_synthetic=is_synthetic,
    )


def table_of(
    areas: list[str], values: dict[str, list[str]], **more: list[object]
) -> AnswerTable:
    """Return a table of answers with what is not said filled in."""
    n = len(areas)
    columns = {
        "stratum": areas,
        "unit": [""] * n,
        "sex": ["F", "M"] * (n // 2) + ["F"] * (n % 2),
        "age_group": ["16-24"] * n,
        **more,
    }
    return AnswerTable(
        area=np.array(areas),
        weight=np.array(more.get("weight", [1.0] * n), dtype=float),
        stratum_size=np.array(more.get("stratum_size", [np.nan] * n), dtype=float),
        values={code: np.array(column) for code, column in values.items()},
        **{
            name: np.array(columns[name])
            for name in ("stratum", "unit", "sex", "age_group")
        },
    )


def store(survey: Survey, table: AnswerTable, places, at, code: str = "2026") -> Wave:
    division, whole = places
    fieldwork = Fieldwork(
        code,
        division,
        whole,
        date(2026, 9, 1),
        date(2026, 11, 1),
        invited=3 * len(table),
    )
    return store_wave(survey, fieldwork, table, at=at)
