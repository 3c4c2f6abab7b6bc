"""`tryggstat moran`, `geary`, `getis` and `lisa`, as a user calls them."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from tryggstat.cli import main
from tryggstat.cli.spatial import read_areas
from tryggstat.spatial import standardised_rates
from tryggstat.survey import smooth_rates

PROJECT = Path(__file__).parents[3]
REFERENCE = PROJECT / os.environ.get("TRYGG_REFERENCE", "../shared/reference")
OPEN_DATA = PROJECT / os.environ.get("TRYGG_OPEN_DATA", "../shared/data")
needs_reference = pytest.mark.skipif(
    not (REFERENCE / "spatial").is_dir(),
    reason=f"no reference cases at TRYGG_REFERENCE: {REFERENCE}",
)
needs_open_data = pytest.mark.skipif(
    not (OPEN_DATA / "uppsala").is_dir(),
    reason=f"no open data at TRYGG_OPEN_DATA: {OPEN_DATA}",
)
ROW = "code,v,w,cases,people\na,1,4,2,100\nb,2,3,10,100\nc,3,2,3,50\nd,4,1,0,10\n"
LINKS = "focal,neighbour\na,b\nb,a\nb,c\nc,b\nc,d\nd,c\n"
FEW = ["--permutations", "99"]


@pytest.fixture
def ask(tmp_path, capsys):
    def run(command, table, *options, links=LINKS):
        path = tmp_path / "areas.csv"
        path.write_text(table)
        (tmp_path / "links.csv").write_text(links)
        near = () if "--neighbours" in options else (
            "--neighbour-list", str(tmp_path / "links.csv"),
        )  # fmt: skip
        code = main([command, str(path), *near, *options])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def answer(ask):
    def run(command, table, *options, **more):
        code, out, error = ask(command, table, *options, **more)
        assert (code, error) == (0, "")
        return json.loads(out)

    return run


@pytest.fixture
def squares(tmp_path):
    """A row of four squares as GeoJSON, GeoPackage and GeoParquet, in SWEREF 99 TM."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyogrio.raw import write

    shapes = [shapely.box(1000 * i, 0, 1000 * (i + 1), 1000) for i in range(4)]
    wkb = shapely.to_wkb(np.array(shapes))
    codes, values = np.array(list("abcd"), dtype=object), np.array([1.0, 2.0, 3.0, 4.0])
    for name, driver in (("m.geojson", "GeoJSON"), ("m.gpkg", "GPKG")):
        write(
            str(tmp_path / name), wkb, [codes, values], ["code", "v"],
            geometry_type="Polygon", crs="EPSG:3006", driver=driver,
        )  # fmt: skip
    table = pa.table({"code": codes, "v": values, "shape": wkb.tolist()})
    about = {"primary_column": "shape", "columns": {"shape": {"crs": None}}}
    table = table.replace_schema_metadata({"geo": json.dumps(about)})
    pq.write_table(table, tmp_path / "m.parquet")
    return tmp_path


def test_a_global_answer_holds_what_the_contract_names(answer):
    found = answer("moran", ROW, "--value", "v", "--style", "B", *FEW)
    # worked by hand in the tests of the library
    assert found["statistic"] == pytest.approx(1 / 3)
    assert found["expectation"] == pytest.approx(-1 / 3)
    assert {"variance", "z", "p", "p_permutation"} <= set(found)
    assert found["method"]["permutations"] == 99
    assert found["method"]["style"] == "B"
    assert found["neighbours"]["links"] == 6
    found = answer("geary", ROW, "--value", "v", "--style", "B", *FEW)
    assert found["statistic"] == pytest.approx(0.3)


def test_a_local_answer_holds_what_the_contract_names(answer):
    found = answer("lisa", ROW, "--value", "v", "--style", "B", *FEW)
    assert [area["id"] for area in found["areas"]] == list("abcd")
    assert list(found["areas"][0]) == [
        "id", "statistic", "expectation", "variance", "z", "p",
        "p_permutation", "p_adjusted", "quadrant", "draws",
    ]  # fmt: skip
    assert [area["statistic"] for area in found["areas"]] == pytest.approx(
        [0.6, 0.4, 0.4, 0.6]
    )
    assert found["areas"][3]["quadrant"] == "High-High"


def test_getis_answers_for_the_map_and_for_each_area(answer):
    found = answer("getis", ROW, "--value", "v", "--style", "B", *FEW)
    assert found["statistic"] == pytest.approx(40 / 70)
    assert found["areas"][0]["statistic"] == pytest.approx(2 / 9)
    starred = answer("getis", ROW, "--value", "v", "--style", "B", "--star", *FEW)
    assert starred["areas"][0]["statistic"] == pytest.approx(3 / 10)


def test_permutations_default_to_9999_for_the_map_and_99999_for_each_area(answer):
    assert answer("moran", ROW, "--value", "v")["permutations"] == 9999
    local = answer("lisa", ROW, "--value", "v")
    assert local["method"]["permutations"] == 99_999
    assert local["areas"][0]["draws"] == 99_999


def test_without_permutations_p_is_adjusted_and_the_other_null(answer):
    found = answer("lisa", ROW, "--value", "v", "--permutations", "0")
    p = [area["p"] for area in found["areas"]]
    assert [area["p_permutation"] for area in found["areas"]] == [None] * 4
    none = answer(
        "lisa", ROW, "--value", "v", "--permutations", "0", "--adjust", "none"
    )
    assert [area["p_adjusted"] for area in none["areas"]] == p
    assert all(a["p_adjusted"] >= q for a, q in zip(found["areas"], p, strict=True))


def test_rates_are_standardised_for_moran_and_smoothed_for_getis(answer):
    events, people = [2, 10, 3, 0], [100, 100, 50, 10]

    def with_values(values):
        cells = zip("abcd", values.tolist(), strict=True)
        return "code,v\n" + "".join(f"{code},{value!r}\n" for code, value in cells)

    for command, make in (("moran", standardised_rates), ("getis", smooth_rates)):
        found = answer(command, ROW, "--rate", "cases/people", *FEW)
        same = answer(command, with_values(make(events, people)), "--value", "v", *FEW)
        assert found["statistic"] == pytest.approx(same["statistic"])
        assert found["z"] == pytest.approx(same["z"])


def test_values_and_neighbours_are_needed_and_the_more_exact_ones_used(ask, answer):
    both = answer("moran", ROW, "--rate", "cases/people", "--value", "v", *FEW)
    alone = answer("moran", ROW, "--rate", "cases/people", *FEW)
    assert both["statistic"] == alone["statistic"]
    assert both["warnings"] == ["--rate is used, --value is not"]
    assert ask("moran", ROW)[2] == "tryggstat moran: give --value or --rate\n"
    assert main(["moran", "x.csv", "--value", "v"]) == 2


def test_areas_where_nobody_lives_are_left_out_of_rates(answer):
    found = answer("moran", ROW + "e,1,1,0,0\n", "--rate", "cases/people", *FEW)
    assert found["warnings"] == ["without a value, and left out: e"]


def test_areas_without_value_are_left_out_by_name(answer):
    table = ROW.replace("a,1", "e,,1,1,1\na,1")
    found = answer("lisa", table, "--value", "v", *FEW)
    without = answer("lisa", ROW, "--value", "v", *FEW)
    assert found["areas"][1:] == without["areas"]
    assert found["areas"][0] == {"id": "e"} | dict.fromkeys(list(found["areas"][0])[1:])
    assert found["warnings"] == ["without a value, and left out: e"]
    assert found["neighbours"]["areas"] == 4


def test_an_island_gets_null_and_a_reason(answer):
    table = ROW + "e,9,1,1,1\n"
    found = answer("lisa", table, "--value", "v", *FEW)
    assert found["areas"][4]["statistic"] is None
    assert found["areas"][4]["quadrant"] is None
    assert found["warnings"] == ["no neighbours, so no local figures: e"]
    assert found["neighbours"]["islands"] == ["e"]


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(ask):
    def told(*options):
        out = json.loads(ask("lisa", ROW, "--value", "v", *options)[1])
        return out["areas"]

    assert told("--seed", "5") == told("--seed", "5", "--workers", "3")
    assert told("--seed", "5") != told("--seed", "6")


def test_weights_of_a_list_are_kept(answer):
    links = "focal,neighbour,weight\na,b,2\nb,a,1\nb,c,1\nc,d,3\nd,c,1\n"
    found = answer("lisa", ROW, "--value", "v", "--style", "B", *FEW, links=links)
    assert found["areas"][0]["statistic"] == pytest.approx(1.2)
    found = answer("lisa", ROW, "--value", "v", "--style", "W", *FEW, links=links)
    assert found["areas"][0]["statistic"] == pytest.approx(0.6)


def test_another_value_can_be_that_of_the_neighbours(answer):
    both = answer("moran", ROW, "--value", "v", "--with", "w", "--style", "B", *FEW)
    assert both["statistic"] == pytest.approx(-1 / 3)
    assert both["method"]["alternative"] == "two-sided"
    each = answer("lisa", ROW, "--value", "v", "--with", "w", "--style", "B", *FEW)
    assert each["areas"][0]["quadrant"] == "Low-High"


def test_a_value_below_zero_leaves_getis_z_alone(answer):
    found = answer("getis", ROW.replace("a,1", "a,-1"), "--value", "v", *FEW)
    assert found["areas"][0]["statistic"] is None
    assert found["areas"][0]["z"] is not None
    assert found["warnings"] == ["a value is negative: G is a share of a sum"]


@pytest.mark.parametrize("name", ["m.geojson", "m.gpkg", "m.parquet"])
def test_maps_of_all_kinds_give_the_same(name, squares, capsys):
    path = str(squares / name)
    for near in ("queen", "rook", "distance:1000"):
        options = ["--value", "v", "--neighbours", near, "--style", "B", *FEW]
        assert main(["moran", path, *options]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["statistic"] == pytest.approx(1 / 3)
        assert found["method"]["neighbours"] == near
    assert main(["lisa", path, "--value", "v", "--neighbours", "knn:2", *FEW]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [area["id"] for area in found["areas"]] == list("abcd")
    assert found["neighbours"]["most"] == 2


def test_points_of_a_table_can_have_neighbours(answer):
    table = "code,v,x,y\na,1,0,0\nb,2,1,0\nc,3,2,0\nd,4,3,0\n"
    options = ["--neighbours", "distance:1", "--x", "x", "--y", "y", "--style", "B"]
    found = answer("moran", table, "--value", "v", *options, *FEW)
    assert found["statistic"] == pytest.approx(1 / 3)


def test_metres_are_metres_where_the_map_is_in_feet(tmp_path, capsys):
    from pyogrio.raw import write

    shapes = [shapely.box(1000 * i, 0, 1000 * (i + 1), 1000) for i in range(4)]
    values = np.array([1.0, 2.0, 3.0, 4.0])
    path = str(tmp_path / "m.gpkg")
    wkb = shapely.to_wkb(np.array(shapes))
    write(path, wkb, [values], ["v"], geometry_type="Polygon", crs="EPSG:2263")
    for metres, links in (("306", 6), ("304", 0)):  # 1,000 feet are 304.8 m
        near = ["--neighbours", f"distance:{metres}"]
        main(["moran", path, "--value", "v", *near, *FEW])
        printed = capsys.readouterr()
        if links:
            assert json.loads(printed.out)["neighbours"]["links"] == links
        else:
            assert "no area has a neighbour" in printed.err


def test_degrees_are_measured_over_the_globe(tmp_path, capsys):
    # at 60 degrees north 0.1 degrees are 5,560 m to the east and 11,120 m to the north
    points = [[17, 60], [17.1, 60], [17, 60.1], [17.1, 60.1]]
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "v": v},
            "geometry": {"type": "Point", "coordinates": point},
        }
        for code, v, point in zip("abcd", [1, 2, 4, 3], points, strict=True)
    ]
    path = tmp_path / "m.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    main(["moran", str(path), "--value", "v", "--neighbours", "distance:6000", *FEW])
    assert json.loads(capsys.readouterr().out)["neighbours"]["links"] == 4


def test_rows_can_be_had_as_csv_and_table(ask):
    _, out, _ = ask("lisa", ROW, "--value", "v", *FEW, "--format", "csv")
    assert [row["id"] for row in csv.DictReader(out.splitlines())] == list("abcd")
    _, out, _ = ask("moran", ROW, "--value", "v", *FEW, "--format", "csv")
    (row,) = csv.DictReader(out.splitlines())
    assert float(row["expectation"]) == pytest.approx(-1 / 3)
    _, out, _ = ask("geary", ROW, "--value", "v", *FEW, "--format", "table")
    assert len(out.splitlines()) == 2


def test_bad_input_is_named_by_file_line_and_column(ask):
    for table, options, links, code, reason in [
        (ROW.replace("b,2", "b,x"), [], LINKS, 2, "areas.csv, line 3, column v: 'x'"),
        (ROW, [], LINKS + "a,e\n", 2, "links.csv, line 8, column neighbour: 'e' is no"),
        (ROW, [], LINKS + "a,b\n", 2, "links.csv, line 8, column neighbour: this pair"),
        (ROW, [], LINKS + "a,a\n", 2, "line 8, column neighbour: is the area itself"),
        (ROW, [], "focal,neighbour,weight\na,b,0\n", 2, "line 2, column weight"),
        (ROW, [], "focal\na\n", 2, "links.csv, line 1: needs focal,neighbour"),
        (ROW, ["--id", "nope"], LINKS, 2, "areas.csv, line 1: there is no column nope"),
        (ROW, ["--neighbours", "queen"], LINKS, 2, "areas.csv: has no shapes"),
        (ROW, ["--neighbours", "knn:2"], LINKS, 2, "give --x and --y"),
        ("code,v\na,1\nb,1\nc,1\nd,1\n", [], LINKS, 1, "the same value"),
        ("code,v\na,1\nb,2\n", [], "focal,neighbour\na,b\n", 1, "at least 4 areas"),
    ]:  # fmt: skip
        found, out, error = ask("moran", table, "--value", "v", *options, links=links)
        assert (found, out) == (code, ""), reason
        assert reason in error


def test_rates_that_are_none_are_named(ask):
    for table, reason in [
        (ROW.replace("4,2,100", "4,-2,100"), "line 2, column cases"),
        (ROW.replace("4,2,100", "4,2,0"), "line 2, column people"),
    ]:
        code, _, error = ask("moran", table, "--rate", "cases/people")
        assert code == 2
        assert reason in error


@pytest.mark.parametrize(
    "near", ["bishop", "knn", "knn:0", "knn:x", "distance:-1", "queen:2"]
)
def test_neighbours_that_are_none_are_refused(near, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["moran", "x.csv", "--value", "v", "--neighbours", near])
    assert stopped.value.code == 2
    assert "must be queen, rook, knn:K or distance:M" in capsys.readouterr().err


def test_a_file_that_is_no_map_is_refused(tmp_path, capsys):
    path = tmp_path / "m.geojson"
    path.write_text("{ this is no map")
    assert main(["moran", str(path), "--value", "v", "--neighbours", "queen"]) == 2
    assert "cannot be read as a map" in capsys.readouterr().err
    assert main(["moran", "gone.gpkg", "--value", "v", "--neighbours", "queen"]) == 2
    assert "gone.gpkg: No such file" in capsys.readouterr().err


@needs_reference
def test_the_commands_agree_with_spdep(capsys):
    folder = REFERENCE / "spatial"
    truth = json.loads((folder / "expected.json").read_text())
    base = [str(folder / "columbus.geojson"), "--value", "CRIME", "--neighbours",
            "queen", "--permutations", "0", "--id", "POLYID"]  # fmt: skip

    def told(command, *options):
        assert main([command, *base, *options]) == 0
        return json.loads(capsys.readouterr().out)

    for style in ("W", "B"):
        key = f"columbus_CRIME/{style}/"
        for command, letter in (("moran", "I"), ("geary", "C")):
            found = told(command, "--style", style)
            expected = truth[f"{key}{command}_randomisation"]
            np.testing.assert_allclose(
                [found[k] for k in ("statistic", "expectation", "variance", "z", "p")],
                [expected[k] for k in (letter, "E", "V", "z", "p_greater")],
                rtol=1e-10,
            )
        areas = told("lisa", "--style", style)["areas"]
        expected = truth[f"{key}localmoran_conditional"]
        for ours, theirs in (("statistic", "Ii"), ("z", "z"), ("p", "p_two_sided")):
            np.testing.assert_allclose(
                [area[ours] for area in areas], expected[theirs], rtol=1e-10
            )
        for name, more in (("localG", []), ("localGstar", ["--star"])):
            areas = told("getis", "--style", style, *more)["areas"]
            z = [area["z"] for area in areas]
            np.testing.assert_allclose(z, truth[key + name], rtol=1e-10)


@needs_open_data
def test_uppsala_is_one_connected_map():
    from tryggstat.spatial import contiguity, higher_order

    areas = read_areas(str(OPEN_DATA / "uppsala/uppsala_deso2018.gpkg"))
    near = contiguity(areas.shapes, "rook")
    assert near.size == 150
    assert near.islands.size == 0
    reached = higher_order(near, 30, cumulative=True)
    assert (reached.counts == 149).all()
