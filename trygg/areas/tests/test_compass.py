import numpy as np
import pytest

from trygg.areas import analysis, queries
from trygg.areas.analysis import TooFewAreas, compute_typology, similar_areas
from trygg.areas.models import Typology
from trygg.areas.nyby import CODE_OF_NYBY, load_nyby
from trygg.areas.tests.conftest import NOW


@pytest.fixture
def nyby(db):
    load_nyby(at=NOW)
    return queries.geography_of(CODE_OF_NYBY, "deso")


@pytest.fixture
def run(nyby):
    return compute_typology(nyby, at=NOW, municipality=CODE_OF_NYBY)


def test_every_area_has_a_group_and_the_groups_their_figures(run):
    groups = run.result["groups"]

    assert run.members.count() == sum(g["size"] for g in groups) == 62
    assert len(groups) == analysis.GROUPS
    assert run.result["verdict"] in ("no_groups", "groups", "cannot_tell")
    assert all(g["words_sv"] and g["words_en"] for g in groups)
    label = {m.area.code: m.label for m in run.members.all()}
    incomes = queries.values(["median-net-income", "population"], run.geography)
    inside = [label[a.code] == 0 for a in incomes.areas]
    mean = np.average(incomes.values[inside, 0], weights=incomes.values[inside, 1])
    assert groups[0]["mean"]["median-net-income"] == pytest.approx(mean)


def test_student_areas_are_warned_of_and_no_others(run):
    warned = {m.area.name.split(",")[0] for m in run.members.all() if m.warning}

    assert warned == {"Studentbyn"}
    assert {m.warning for m in run.members.all()} == {"", "student_area"}


def test_few_people_are_warned_of(nyby):
    codes = ["population", queries.STUDENT_SHARE]
    figures = queries.values(codes, nyby)
    figures.values[0] = 80, 5
    figures.values[1] = np.nan, np.nan

    assert queries.warnings(figures)[:3] == ["few_people", "few_people", ""]


def test_the_same_input_is_not_computed_twice(nyby, run):
    again = compute_typology(nyby, at=NOW, municipality=CODE_OF_NYBY)

    assert again.pk == run.pk
    assert Typology.objects.count() == 1


def test_the_stored_likenesses_are_those_that_are_found_now(run):
    member = run.members.select_related("area__geography").order_by("area__code")[10]
    stored, live = queries.most_alike(member), similar_areas(member.area)

    assert len(live) == 5
    assert [s.area.pk for s in stored] == [s.area.pk for s in live]
    assert member.area.pk not in [s.area.pk for s in live]
    assert [s.distance for s in live] == sorted(s.distance for s in live)
    assert all(len(s.differs) == 3 for s in live)


def test_areas_of_the_same_district_are_among_the_most_alike(run):
    students = [m for m in run.members.all() if m.warning]
    first = {m.area.name: queries.most_alike(m)[0].area.name for m in students}

    assert all(name.startswith("Studentbyn") for name in first.values())


def test_too_few_areas_are_not_grouped(tiny, tiny_csv, mapping, nyby):
    with pytest.raises(TooFewAreas):
        compute_typology(tiny["deso"], at=NOW)


def test_an_area_without_figures_has_no_likeness(tiny, nyby):
    assert similar_areas(tiny["deso"].areas.first()) == []
