from dataclasses import replace

import numpy as np
import pytest
import shapely

from trygg.areas import nyby, queries
from trygg.areas.actions import load_indicators
from trygg.areas.demo import compass_demo, load_demo
from trygg.areas.mapping import CODE, own_mapping
from trygg.areas.models import DatasetVersion, Geography, Observation
from trygg.areas.tests.conftest import NOW


def column(town, name):
    at = town.head.index(name)
    return np.array([float(row[at]) for row in town.rows])


def test_the_same_seed_gives_the_same_town():
    one, other = nyby.make(), nyby.make()

    assert one.rows == other.rows
    assert shapely.equals_exact(one.areas.shapes, other.areas.shapes).all()
    assert nyby.make(seed=1).rows != one.rows


@pytest.mark.parametrize("seed", [nyby.SEED, 1, 7])
def test_the_areas_cover_the_land_without_gap_or_overlap(seed):
    town = nyby.make(seed)

    assert 55 <= len(town.areas.codes) <= 65
    assert shapely.is_valid(town.areas.shapes).all()
    assert shapely.coverage_is_valid(town.areas.shapes)
    assert shapely.coverage_is_valid(town.districts.shapes)
    (whole,) = town.municipality.shapes
    assert len(shapely.get_parts(whole)) == 1
    assert abs(whole.area - shapely.area(town.areas.shapes).sum()) < 1


def test_the_figures_add_up_and_are_plausible():
    town = nyby.make()
    people = column(town, "bef_totalt")

    assert people.min() >= 700
    assert people.max() <= 2_700
    born = sum(column(town, f"fodd_{w}") for w in ("sverige", "europa", "ovriga"))
    assert (born == people).all()
    working = column(town, "sysselsatta") + column(town, "arbetslosa")
    assert (working == column(town, "arbetskraft")).all()
    assert (working + column(town, "utanfor") == column(town, "arbm_totalt")).all()
    poor = column(town, "lag_ek_std_pct")
    assert poor.min() >= 0
    assert poor.max() <= 100
    employed = column(town, "sysselsatta").sum() / column(town, "arbm_totalt").sum()
    assert 0.68 < employed < 0.82


def test_nyby_is_the_demonstration_where_there_is_no_open_data(db, settings, tmp_path):
    settings.TRYGG_OPEN_DATA = tmp_path / "nowhere"
    summary = load_demo(None, at=NOW)

    assert summary == {
        "municipality": "9999",
        "data": "fictional",
        "areas": {"deso": 62, "regso": 23},
    }
    assert all(Geography.objects.values_list("is_fictional", flat=True))
    before = Observation.objects.count()
    assert load_demo("9999", at=NOW) == summary
    assert Observation.objects.count() == before
    assert compass_demo("9999", at=NOW)["areas"] == 23


def test_whoever_reads_a_figure_of_nyby_is_told_that_it_is_made_up(db):
    nyby.load_nyby(at=NOW)
    rows = queries.profile(queries.municipality_area("9999"))

    assert len(rows) == 14
    assert all("påhittat, fictional" in row.credit for row in rows)


def test_a_class_that_does_not_exist_is_refused(db, tmp_path):
    nyby.load_nyby(at=NOW)
    path = tmp_path / "types.csv"
    path.write_text(",2022\n9999R001,6\n")
    mapping = replace(
        own_mapping("scb-area-types-2022"), geography="nyby-regso", area_is=CODE
    )
    report = load_indicators(path, mapping, at=NOW)

    assert [str(p) for p in report.errors] == [
        "types.csv, line 2, column 2022: 6 is not one of the classes 1, 2, 3, 4, 5."
    ]
    assert DatasetVersion.objects.filter(dataset__code=mapping.code).count() == 0
