from collections import Counter
from time import process_time

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import translation

from trygg.areas import queries
from trygg.areas.demo import compass_demo, load_demo
from trygg.areas.models import Area, DatasetVersion
from trygg.areas.tests.conftest import NOW


@pytest.fixture(scope="module")
def uppsala(open_data, django_db_setup, django_db_blocker):
    """All of the open data folder, loaded once and rolled back after the module."""
    with django_db_blocker.unblock(), transaction.atomic(), translation.override("en"):
        yield load_and_check()
        transaction.set_rollback(True)


def load_and_check():
    began = process_time()
    summary = load_demo(None, at=NOW)
    assert process_time() - began < 5  # seconds of one core, for all of Sweden
    connection.check_constraints()  # once, not again after every test
    return summary


@pytest.fixture
def deso(uppsala, db):
    return queries.geography_of("0380", "deso")


@pytest.fixture
def regso(uppsala, db):
    return queries.geography_of("0380", "regso")


def test_the_summary_says_what_was_loaded(uppsala, db):
    assert uppsala == {
        "municipality": "0380",
        "data": "open data folder",
        "areas": {"deso": 150, "regso": 61},
    }


def test_all_of_sweden_is_there(deso, regso):
    assert deso.areas.count() == 5_984
    assert regso.areas.count() == 3_363
    assert Area.objects.filter(geography__kind="municipality").count() == 290
    area = deso.areas.select_related("parent__parent").get(code="0380C1100")
    assert area.parent.geography == regso
    assert area.parent.parent.name == "Uppsala"


def test_published_totals_come_out(deso):
    sweden = Area.objects.get(geography__code="country")
    uppsala = queries.municipality_area("0380")
    figures = queries.values_of([sweden, uppsala], ["population"])

    assert figures.values.ravel().tolist() == [10_521_556, 242_140]


def test_a_figure_of_another_year_keeps_its_own_period(deso):
    found = queries.values(["population", "population-2023"], deso, municipality="0380")

    assert found.periods == ["2022", "2023"]
    assert np.isfinite(found.values).all()


def test_the_area_types_are_those_published_for_uppsala(regso):
    types = queries.area_types(regso, "0380")
    numbers = Counter(t.number for t in types.values())

    assert numbers == {1: 3, 2: 5, 3: 10, 4: 37, 5: 6}
    assert types["0380R027"].number == 2  # Studentstaden
    assert types["0380R027"].period == "2022"


def test_the_small_areas_have_the_type_of_their_district(deso, regso):
    small, large = queries.area_types(deso, "0380"), queries.area_types(regso, "0380")

    parent = {a.code: a.parent.code for a in queries.areas_of(deso, "0380")}
    assert all(small[c].number == large[parent[c]].number for c in small)
    assert len(small) == 150


def test_student_areas_of_uppsala_are_warned_of(regso):
    codes = ["population", queries.STUDENT_SHARE]
    figures = queries.values(codes, regso, municipality="0380")
    warned = {
        a.name
        for a, w in zip(figures.areas, queries.warnings(figures), strict=True)
        if w == "student_area"
    }

    assert {"Studentstaden", "Västra Flogsta"} <= warned
    assert "Bäcklösa-Ultuna-Södra Ulleråker" in warned
    assert not any("Gottsunda" in name for name in warned)


def test_sums_that_do_not_add_up_are_reported_with_their_size(deso):
    version = DatasetVersion.objects.get(dataset__code="scb-deso-2022")
    told = [p for p in version.report["problems"] if "do not add up" in p]

    assert any("arbetskraft" in p for p in told)


def test_the_compass_of_uppsala_and_its_finding(deso, regso):
    assert compass_demo("0380", at=NOW) == {"areas": 61, "types": 6}
    run = queries.latest_typology(regso, "0380")
    assert run.result["sentence_sv"]
    assert {m.warning for m in run.members.all()} == {"", "student_area"}
    member = next(m for m in run.members.all() if m.area.code == "0380R027")
    alike = queries.most_alike(member)
    assert len({s.area.municipality for s in alike}) > 1  # also elsewhere in Sweden


def test_a_point_is_found_in_its_area(deso):
    shapes = queries.shapes(deso, "0380")
    inside = shapes.polygons[7].representative_point()

    assert len(shapes.codes) == 150
    assert shapes.at(inside.x, inside.y) == shapes.codes[7]
    assert shapes.at(0, 0) is None


def test_the_map_lies_within_its_box(deso, regso):
    for geography, number in ((deso, 150), (regso, 61)):
        found = queries.map_paths(geography, "0380")
        x, y, width, height = found.view_box
        starts = np.array(
            [
                [int(n) for n in path[1:].split("v")[0].split("h")[0].split("l")[0]
                 .replace("m", " ").split("-")[0].split()[:2]]
                for _code, _name, path in found.areas
            ]
        )  # fmt: skip
        assert len(found.areas) == number
        assert (starts >= (x, y)).all()
        assert (starts <= (x + width, y + height)).all()


def test_few_queries_whatever_the_number_of_areas(
    deso, regso, django_assert_max_num_queries
):
    area = regso.areas.get(code="0380R016")
    with django_assert_max_num_queries(9):
        queries.profile(area)
        queries.map_paths(regso, "0380")
    with django_assert_max_num_queries(5):
        queries.values(["population", "employment-share"], deso, municipality="0380")
