import json

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely

from trygg.areas.outlines import coverage_problems
from trygg.areas.reading import maps
from trygg.areas.reading.problems import BadFile
from trygg.areas.tests.conftest import X, Y, square

CODES = np.array(["1111A0010", "1111A0020"], dtype=object)
SQUARES = np.array([square(0, 0), square(1, 0)])


def save(path, shapes=SQUARES, codes=CODES, crs="EPSG:3006", field="desokod"):
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(shapes),
        [codes],
        [field],
        geometry_type="Unknown",
        crs=crs,
    )
    return path


def geojson(shapes=SQUARES, codes=CODES, **more):
    features = [
        {
            "type": "Feature",
            "properties": {"desokod": code},
            "geometry": shapely.geometry.mapping(shape),
        }
        for code, shape in zip(codes, shapes, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **more})


def in_degrees(shapes):
    carry = pyproj.Transformer.from_crs(3006, 4326, always_xy=True).transform
    return shapely.transform(
        shapes, lambda points: np.column_stack(carry(points[:, 0], points[:, 1]))
    )


@pytest.mark.parametrize("name", ["t.gpkg", "t.shp", "t.fgb"])
def test_vector_files_are_read(tmp_path, name):
    found = maps.read(save(tmp_path / name))

    shapes = dict(zip(found.codes, found.shapes, strict=True))  # .fgb sorts by place
    assert set(shapes) == set(CODES)
    assert all(shapes[c].equals(s) for c, s in zip(CODES, SQUARES, strict=True))


def test_geojson_in_degrees_is_carried_over_to_metres(write):
    found = maps.read(write(geojson(in_degrees(SQUARES)), "t.geojson"))

    np.testing.assert_allclose(
        shapely.total_bounds(found.shapes), (X, Y, X + 2_000, Y + 1_000), atol=0.01
    )


def test_geoparquet_is_read(tmp_path):
    import pyarrow
    import pyarrow.parquet

    column = {"encoding": "WKB", "geometry_types": ["Polygon"]}  # crs left out: CRS84
    geo = {"version": "1.1.0", "primary_column": "g", "columns": {"g": column}}
    table = pyarrow.table(
        {"kod": list(CODES), "g": list(shapely.to_wkb(in_degrees(SQUARES)))}
    ).replace_schema_metadata({"geo": json.dumps(geo)})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    found = maps.read(tmp_path / "t.parquet")

    assert found.codes == list(CODES)
    assert shapely.area(found.shapes).sum() == pytest.approx(2e6, rel=1e-4)


def test_an_outline_that_crosses_itself_is_mended_and_told(tmp_path):
    bow = shapely.Polygon([(X, Y), (X + 9, Y + 9), (X + 9, Y), (X, Y + 9)])
    found = maps.read(save(tmp_path / "t.gpkg", np.array([bow, SQUARES[1]])))

    assert shapely.is_valid(found.shapes).all()
    assert [p.what for p in found.problems] == [
        "The outline of 1111A0010 crosses itself and was mended."
    ]


def test_a_ring_that_was_left_open_is_closed(write):
    content = json.loads(geojson(in_degrees(SQUARES)))
    content["features"][0]["geometry"]["coordinates"][0].pop()
    found = maps.read(write(json.dumps(content), "t.geojson"))

    np.testing.assert_allclose(shapely.area(found.shapes), 1e6, rtol=1e-4)


def swapped(shapes):
    return shapely.transform(shapes, lambda points: points[:, ::-1])


BROKEN = [
    (lambda p: save(p / "t.gpkg", swapped(SQUARES)), "do not lie in Sweden"),
    (lambda p: save(p / "t.shp", crs=None), "does not say which coordinates"),
    (lambda p: save(p / "t.gpkg", codes=CODES[[0, 0]]), "0010 stands twice"),
    (lambda p: save(p / "t.gpkg", codes=np.array(["a", ""], object)), "has no code"),
    (lambda p: save(p / "t.gpkg", field="what"), "No column with the codes"),
    (
        lambda p: save(p / "t.gpkg", np.array([shapely.Point(X, Y), SQUARES[1]])),
        "The area 1111A0010 is not a polygon",
    ),
    (lambda p: save(p / "t.gpkg", SQUARES[:0], CODES[:0]), "holds no areas"),
]


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize(("make", "sentence"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_map_gets_a_sentence(tmp_path, make, sentence):
    with pytest.raises(BadFile, match=sentence):
        maps.read(make(tmp_path))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>", "t.vrt"),
        ('{"type": "FeatureCollection", "features": [', "t.geojson"),
        (b"SQLite format 3\x00 and nothing", "t.gpkg"),
    ],
)
def test_what_is_no_map_is_refused(write, content, name):
    with pytest.raises(BadFile, match="cannot be read as a map"):
        maps.read(write(content, name))


def test_an_area_that_overlaps_its_neighbour_is_told_with_its_size():
    wide = shapely.box(X, Y, X + 1_200, Y + 1_000)
    (problem,) = coverage_problems(np.array([wide, SQUARES[1]]), "t.gpkg")

    assert problem.level == "warning"
    assert "2 of 2 areas" in problem.what
    assert "overlap by 200000 square metres" in problem.what
    assert coverage_problems(SQUARES, "t.gpkg") == []


def test_the_areas_of_uppsala_are_read(open_data):
    found = maps.read(open_data / "uppsala" / "uppsala_deso2018.gpkg")

    assert len(found.codes) == 150
    assert all(code.startswith("0380") for code in found.codes)
