from datetime import date

import numpy as np
import pytest

from trygg.areas import queries
from trygg.areas.actions import load_area_key, load_geography
from trygg.areas.mapping import FOLDER
from trygg.areas.models import Area, Geography
from trygg.areas.reading.maps import MapFile
from trygg.areas.reading.problems import BadFile
from trygg.areas.tests.conftest import NOW, square
from trygg.history.models import Event

KEY = FOLDER / "deso2018-regso2020.toml"
TABLE = """Kommun,Kommunnamn,DeSO_2018,RegSO_2020,RegSOkod_2020
0380,Uppsala,0380A0010,Norra,0380R001
0380,Uppsala,0380C1010,Södra,0380R002
0380,Uppsala,0380C1020,Södra,0380R002
0114,Väsby,0114A0010,Norra,0114R001
"""


def one(codes=("1111A0010",), at=(0, 0)):
    shapes = np.array([square(at[0] + i, at[1]) for i in range(len(codes))])
    return load_geography(
        MapFile(list(codes), list(codes), shapes),
        code="one",
        kind="deso",
        name="One",
        valid_from=date(2018, 1, 1),
        at=NOW,
    )


def test_the_same_map_again_changes_nothing(db):
    one()
    before = list(Area.objects.values())
    one()

    assert list(Area.objects.values()) == before
    assert list(Event.objects.values_list("what", flat=True)) == [
        "areas.geography.loaded"
    ]


def test_a_new_map_gives_known_areas_new_outlines_and_adds_the_rest(db):
    one()
    before = Area.objects.get()
    geography = one(("1111A0010", "1111A0020"), at=(3, 0))

    after = Area.objects.get(code="1111A0010")
    assert after.pk == before.pk
    assert after.min_x == before.min_x + 3_000
    assert after.path != before.path
    assert geography.areas.count() == 2


def test_a_key_gives_names_parents_and_all_levels(db, write):
    path = write("\ufeff" + TABLE)
    geographies = load_area_key(path, KEY, at=NOW)

    assert [g.code for g in geographies] == [
        "country", "municipality", "regso-2020", "deso-2018",
    ]  # fmt: skip
    area = Area.objects.get(code="0380C1020")
    assert area.name == "Södra, C1020"  # DeSO have no names of their own
    assert area.parent.code == "0380R002"
    assert area.parent.parent.name == "Uppsala"
    assert area.parent.parent.parent.name == "Sverige"
    assert area.municipality == "0380"
    load_area_key(path, KEY, at=NOW)
    assert Area.objects.count() == 1 + 2 + 3 + 4


def test_a_key_without_a_column_is_refused(db, write):
    with pytest.raises(BadFile, match="column Kommunnamn: The column is missing"):
        load_area_key(write(TABLE.replace("Kommunnamn", "Namn")), KEY, at=NOW)
    assert not Area.objects.exists()


def test_the_newest_geography_of_a_kind_is_found(db, tiny):
    newer = Geography.objects.create(
        code="new", kind="deso", name="New", valid_from=date(2025, 1, 1)
    )
    assert queries.geography_of("1111", "deso") == tiny["deso"]
    newer.areas.create(code="1111A0099", name="x", municipality="1111")
    assert queries.geography_of("1111", "deso") == newer
    with pytest.raises(Geography.DoesNotExist):
        queries.geography_of("2222", "deso")
