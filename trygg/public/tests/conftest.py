"""A small town with everything that a page may show, made by hand."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.cache import cache

from trygg.areas.models import (
    Area,
    Dataset,
    DatasetVersion,
    Geography,
    Indicator,
    Observation,
    Typology,
    TypologyMember,
)
from trygg.public.actions import set_publisher

AREAS = 14
PROFILE = {"employment-share": ("Sysselsatta", "Employed")}


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def town(db, at):
    """Provstad: a centre of ten small areas, four large ones around it."""
    country = Geography.objects.create(
        code="country", kind="other", name="Riket", valid_from=date(1952, 1, 1)
    )
    whole = Geography.objects.create(
        code="municipality", kind="municipality", name="K", valid_from=date(2003, 1, 1)
    )
    regso = Geography.objects.create(
        code="regso-2020", kind="regso", name="RegSO 2020", valid_from=date(2020, 1, 1)
    )
    sweden = Area.objects.create(
        geography=country, code="00", name="Sverige", search="sverige"
    )
    municipality = Area.objects.create(
        geography=whole,
        code="9999",
        name="Provstad",
        search="provstad",
        municipality="9999",
        parent=sweden,
    )
    areas = [make_area(regso, municipality, number) for number in range(AREAS)]
    load_figures([sweden, municipality, *areas], at)
    group_areas(regso, areas, at)
    set_publisher(
        municipality="9999",
        place="Provstad",
        name="Provstads kommun",
        email="fraga@example.org",
        at=at,
    )
    return municipality


def make_area(geography, parent, number):
    if number < 10:
        path = f"M{500 + 10 * (number % 5)} {500 + 10 * (number // 5)}h10v10h-10z"
    else:
        path = f"M{1000 * (number % 2)} {700 * (number // 12)}h900v600h-900z"
    return Area.objects.create(
        geography=geography,
        code=f"9999R{number:03}",
        name=f"Område {number}",
        search=f"område {number}",
        municipality="9999",
        parent=parent,
        path=path,
        min_x=0,
        min_y=0,
        max_x=1,
        max_y=1,
    )


def load_figures(areas, at):
    dataset = Dataset.objects.create(
        code="d", title="T", publisher="SCB", licence="CC0"
    )
    version = DatasetVersion.objects.create(
        dataset=dataset, number=1, digest="d", file_name="f", loaded_at=at
    )
    population = Indicator.objects.create(
        code="population", name_sv="Folkmängd", name_en="Population", unit="persons"
    )
    work = Indicator.objects.create(
        code="employment-share",
        name_sv="Sysselsatta",
        name_en="In employment",
        unit="percent",
        profile_order=1,
    )
    kind = Indicator.objects.create(
        code="area-type",
        name_sv="Områdestyp",
        name_en="Area type",
        unit="class",
        is_classification=True,
    )
    for number, area in enumerate(areas):
        for indicator, value in (
            (population, 1000 + number),
            (work, 60 + 2 * number),
            (kind, 1 + number % 5),
        ):
            Observation.objects.create(
                version=version,
                indicator=indicator,
                area=area,
                period="2022",
                value=value,
            )


def group_areas(geography, areas, at):
    group = {"size": 7, "population": 7000, "stability": 0.9}
    run = Typology.objects.create(
        geography=geography,
        municipality="9999",
        title="T",
        computed_at=at,
        method={
            "columns": ["employment-share"],
            "periods": ["2022"],
            "publishers": ["SCB"],
            "bootstraps": 100,
            "version": "1",
        },
        result={
            "areas": AREAS,
            "silhouette": 0.2,
            "sentence_sv": "Områdena bildar inga skilda grupper.",
            "sentence_en": "The areas form no separate groups.",
            "groups": [
                {
                    **group,
                    "label": 0,
                    "words_sv": "Högre: a.",
                    "words_en": "Higher: a.",
                },
                {**group, "label": 1, "words_sv": "Lägre: a.", "words_en": "Lower: a."},
            ],
        },
    )
    for number, area in enumerate(areas):
        TypologyMember.objects.create(
            typology=run,
            area=area,
            label=number % 2,
            silhouette=0.3,
            warning="student_area" if number == 3 else "",
            similar=[[areas[number - 1].pk, 0.2, [["employment-share", 0.5]]]],
        )
