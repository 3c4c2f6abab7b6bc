"""A small land: four squares in two districts of one municipality, and a mapping."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely
from django.conf import settings
from django.utils import translation

from trygg.areas.actions import load_geography
from trygg.areas.mapping import read_mapping
from trygg.areas.reading.maps import MapFile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
X, Y = 600_000.0, 6_600_000.0  # metres, near Uppsala

MAPPING = """
[dataset]
code = "tiny-2022"
title = "Tiny"
publisher = "Test"
licence = "CC0"

[table]
geography = "tiny-deso"
area = "area"
period = "2022"
carry_up = true

[[sum]]
total = "all"
parts = ["young", "old"]

[[measure]]
code = "population"
column = "all"
sv = "Folkmängd"
en = "Population"
unit = "persons"
profile = 1

[[measure]]
code = "young-share"
of = ["young"]
per = ["young", "old"]
sv = "Unga"
en = "Young"
unit = "percent"
profile = 2

[[measure]]
code = "median"
column = "median"
n = "all"
sv = "Median"
en = "Median"
unit = "tkr"
combines = "approximate"
profile = 3
"""
HEAD = "area,all,young,old,median"
ROWS = [
    "1111A0010,100,40,60,300.5",
    "1111A0020,300,60,240,200",
    "1111A0030,50,25,25,250",
    "1111A0040,150,0,150,",
]


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def open_data():
    folder = Path(settings.TRYGG_OPEN_DATA)
    if not folder.is_dir():
        pytest.skip("the open data folder (TRYGG_OPEN_DATA) is not there")
    return folder


def square(column, row, side=1_000.0):
    x, y = X + column * side, Y + row * side
    return shapely.box(x, y, x + side, y + side)


@pytest.fixture
def tiny(db):
    """The geographies: municipality 1111, districts R001 and R002, four squares."""
    squares = np.array([square(c, r) for r in (0, 1) for c in (0, 1)])
    codes = [f"1111A00{i}0" for i in (1, 2, 3, 4)]
    levels = [
        ("municipality", ["1111"], ["Tinytown"], [shapely.union_all(squares)], [""]),
        (
            "regso",
            ["1111R001", "1111R002"],
            ["South", "North"],
            [shapely.union_all(squares[:2]), shapely.union_all(squares[2:])],
            ["1111", "1111"],
        ),
        (
            "deso",
            codes,
            codes,
            squares,
            ["1111R001", "1111R001", "1111R002", "1111R002"],
        ),
    ]
    above, made = None, {}
    for kind, which, names, shapes, parents in levels:
        map_file = MapFile(which, names, np.array(shapes), {"up": parents})
        made[kind] = above = load_geography(
            map_file,
            code=f"tiny-{kind}",
            kind=kind,
            name=f"Tiny {kind}",
            valid_from=date(2018, 1, 1),
            parent=above,
            parent_column="up",
            at=NOW,
        )
    return made


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(MAPPING)
    return read_mapping(path)


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def write(content, name="tiny.csv"):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def tiny_csv(write):
    return write("\n".join([HEAD, *ROWS]) + "\n")
