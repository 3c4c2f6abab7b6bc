"""A small town with everything that a page may show, made by hand."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.cache import cache

from trygg.accounts.models import Organisation
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
from trygg.release.models import Figure, Release
from trygg.surveys.models import Option, Question, Survey, Wave

AREAS = 14


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


@pytest.fixture
def release(town, at):
    """A published release of three questions: one area differs, one is too small."""
    owner = Organisation.objects.create(name="Kommunen", kind="municipality")
    survey = Survey.objects.create(
        slug="trygghet",
        title_sv="Trygghetsundersökningen",
        title_en="The safety survey",
        owner=owner,
        population_sv="De som är 16 år eller äldre",
        population_en="Those aged 16 or more",
        is_synthetic=True,
    )
    wave = Wave.objects.create(
        survey=survey,
        code="2026",
        geography=Geography.objects.get(code="regso-2020"),
        municipality=town,
        starts_on=date(2026, 2, 1),
        ends_on=date(2026, 4, 30),
        invited=1000,
        answers=400,
        loaded_at=at,
    )
    release = Release.objects.create(
        wave=wave,
        number=1,
        status="published",
        prepared_at=at,
        published_at=at,
        rules={},
        certificate={},
        input_digest="d",
    )
    asked = [
        ("insecurity", "safety", "känner sig otrygga", "feel unsafe"),
        ("problem_litter", "problems", "ser skräp", "see litter"),
        ("trust_police", "trust", "litar på polisen", "trust the police"),
    ]
    questions = [make_question(survey, *asked_of) for asked_of in enumerate(asked, 1)]
    areas = [town, *Area.objects.filter(parent=town).order_by("code")]
    for question in questions:
        for number, area in enumerate(areas):
            Figure.objects.create(**figure_of(release, question, area, number))
        for group, value in (("sex=F", 0.35), ("sex=M", 0.25)):
            Figure.objects.create(
                **{
                    **figure_of(release, question, town, 0),
                    "group": group,
                    "value": value,
                }
            )
    return release


def make_question(survey, order, asked):
    code, block, swedish, english = asked
    question = Question.objects.create(
        survey=survey,
        code=code,
        order=order,
        block=block,
        kind="single",
        text_sv=f"Fråga {code}?",
        text_en=f"Question {code}?",
        headline_sv=swedish,
        headline_en=english,
    )
    Option.objects.create(
        question=question,
        order=1,
        value="1",
        label_sv="ja",
        label_en="yes",
        counts=True,
    )
    return question


def figure_of(release, question, area, number):
    """Area 1 differs, area 4 has too few answers, the others cannot be told."""
    row = {
        "release": release,
        "question": question,
        "option": None,
        "kind": "share",
        "area": area,
        "is_shown": True,
        "value": 0.3,
        "low": 0.24,
        "high": 0.36,
        "base": 120,
    }
    if number == 1:
        row |= {"value": 0.52, "low": 0.41, "high": 0.63, "against_rest": "higher"}
    if number == 2:
        row |= {"base": 45, "is_uncertain": True}
    if number == 4:
        row |= {"is_shown": False, "reason": "few", "value": None}
        row |= {"low": None, "high": None, "base": None}
    return row
