import json

import numpy as np
import polars as pl
import pytest
import shapely
from pyogrio.raw import read, write

from tryggstat.cli import main
from tryggstat.cli.composite_index import _errors
from tryggstat.cli.tables import read_table
from tryggstat.compass import Indicator, composite_index, segregation


@pytest.fixture
def areas(tmp_path):
    """30 areas in three groups far apart, as a table."""
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1, 2], [14, 10, 6])
    lines = ["area,people,rents,income,move"]
    for i, g in enumerate(group):
        rents = 0.1 + 0.3 * g + 0.02 * rng.normal()
        income = 400 - 80 * g + 5 * rng.normal()
        lines.append(f"A{i:02},{900 + 10 * i},{rents},{income},{0.2 + 0.01 * i}")
    path = tmp_path / "areas.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def answer(capsys):
    """Run a command and return its answer."""

    def run(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        assert code == 0, said.err
        return json.loads(said.out)

    return run


def refused(capsys, *words):
    assert main([str(word) for word in words]) == 2
    return capsys.readouterr().err


def edited(path, row, column, cell):
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[row][lines[0].index(column)] = cell
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    return path


# --- typology ---

GROUPS = ("--columns", "rents,income", "--groups", "3", "--population", "people")


def test_typology_finds_the_groups_and_says_how_firm_they_are(answer, areas):
    found = answer("typology", areas, *GROUPS)

    assert [a["id"] for a in found["areas"]][:2] == ["A00", "A01"]
    assert [a["group"] for a in found["areas"]] == [0] * 14 + [1] * 10 + [2] * 6
    assert [g["areas"] for g in found["groups"]] == [14, 10, 6]
    assert found["groups"][2]["population"] == sum(900 + 10 * i for i in range(24, 30))
    assert min(g["stability"] for g in found["groups"]) > 0.9
    assert found["groups"][2]["description"]["en"].startswith("Much higher: rents")
    assert found["do_areas_form_groups"]["verdict"] in ("groups", "cannot_tell")
    assert found["number_of_groups"]["by_silhouette"] == 3
    assert found["method"]["seed"] == 1
    assert found["warnings"] == []


def test_the_same_seed_gives_the_same_answer_with_more_workers(answer, areas):
    one = answer("typology", areas, *GROUPS, "--seed", "5")
    two = answer("typology", areas, *GROUPS, "--seed", "5", "--workers", "2")
    assert one == two


def test_an_earlier_answer_keeps_its_numbers_and_shows_who_moved(
    answer, areas, tmp_path
):
    old = answer("typology", areas, *GROUPS)
    for area in old["areas"]:
        area["group"] = (area["group"] + 1) % 3
    old["areas"][0]["group"] = 0  # was elsewhere
    del old["areas"][1]  # was not there
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old))

    new = answer("typology", areas, *GROUPS, "--previous", path)
    assert [a["group"] for a in new["areas"]] == [1] * 14 + [2] * 10 + [0] * 6
    (move,) = new["moved"]
    assert (move["id"], move["was"], move["now"]) == ("A00", 0, 1)


def test_areas_with_a_missing_value_are_left_out_and_counted(answer, areas):
    edited(areas, 3, "income", "")
    found = answer("typology", areas, *GROUPS)
    assert len(found["areas"]) == 29
    assert found["warnings"] == ["1 areas are left out: a value is missing"]


def test_small_areas_are_pointed_out(answer, areas):
    found = answer("typology", edited(areas, 3, "people", "40"), *GROUPS)
    assert found["warnings"] == ["1 areas have fewer than 100 people"]


def test_one_transform_serves_all_columns(answer, areas):
    words = ("similar", areas, "--columns", "income,people", "--to", "A03")
    found = answer(*words, "--transform", "log")
    assert found["method"]["transform"] == ["log", "log"]
    assert found["areas"] != answer(*words)["areas"]


# --- similar ---


def test_similar_lists_the_nearest_and_what_differs(answer, areas):
    found = answer(
        "similar", areas, "--columns", "rents,income,move", "--to", "A20", "--most", "4"
    )
    assert len(found["areas"]) == 4
    assert {a["id"] for a in found["areas"]} <= {f"A{i}" for i in range(14, 24)}
    distances = [a["distance"] for a in found["areas"]]
    assert distances == sorted(distances)
    first = found["areas"][0]
    name, most = next(iter(first["differs_most"].items()))
    assert most == first["difference"][name]
    assert abs(most) == max(map(abs, first["difference"].values()))


# --- index ---

SPEC = """
id = "area"
[[indicators]]
name = "rents"
direction = -1
parent = "home"
share_of = "people"
[[indicators]]
name = "move"
parent = "home"
weight = 3
[[indicators]]
name = "income"
[[groups]]
name = "home"
weight = 2
"""


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


def test_the_index_is_that_of_the_library(answer, areas, spec):
    found = answer("index", areas, "--spec", spec)
    columns = np.genfromtxt(areas, delimiter=",", names=True, dtype=None, encoding=None)
    expected = composite_index(
        np.column_stack([columns[name] for name in ("rents", "move", "income")]),
        [
            Indicator("rents", -1, parent="home"),
            Indicator("move", weight=3, parent="home"),
            Indicator("income"),
        ],
        groups=[Indicator("home", weight=2)],
    )

    assert [a["value"] for a in found["areas"]] == expected.value.tolist()
    assert [a["rank"] for a in found["areas"]] == expected.rank.tolist()
    weights = [i["effective_weight"] for i in found["indicators"]]
    np.testing.assert_allclose(weights, [1 / 6, 1 / 2, 1 / 3])
    assert found["areas"][4]["scores"]["home"] == expected.scores["home"][4]
    assert set(found["areas"][0]["contributions"]) == {"rents", "move", "income"}
    assert "rank_low" not in found["areas"][0]


def test_indicators_can_stand_as_a_table_by_name_and_groups_among_them(
    answer, areas, spec, tmp_path
):
    other = tmp_path / "other.toml"
    other.write_text(
        "id = 'area'\n[indicators]\nrents = {direction = -1, parent = 'home'}\n"
        "move = {parent = 'home', weight = 3}\nincome = {}\nhome = {weight = 2}\n"
    )
    one, two = (answer("index", areas, "--spec", path) for path in (spec, other))
    assert one["areas"] == two["areas"]


def test_ranks_have_intervals_when_asked_for(answer, areas, spec):
    spec.write_text(SPEC + "[uncertainty]\ndraws = 300\naggregate = ['geometric']\n")
    found = answer("index", areas, "--spec", spec)
    for area in found["areas"]:
        assert area["rank_low"] <= area["rank_median"] <= area["rank_high"]
    widths = {
        kind: sum(a[f"rank_high{kind}"] - a[f"rank_low{kind}"] for a in found["areas"])
        for kind in ("", "_method", "_sampling")
    }
    assert widths["_sampling"] > 0  # the rents are shares of so many people
    assert widths[""] >= max(widths["_method"], widths["_sampling"])
    assert set(found["rank_change_by_choice"]) == {"zscore", "geometric"}


@pytest.mark.parametrize("weights", ["pca", "optimised", "equal"])
def test_ranks_are_drawn_round_the_index_whatever_its_weights(
    answer, areas, spec, weights
):
    certain = "[uncertainty]\ndraws = 5\nweights = 0\nnormalise = []\naggregate = []\n"
    spec.write_text(f"weights = '{weights}'\n{SPEC}{certain}")
    found = answer("index", areas, "--spec", spec)
    ranks = [a["rank"] for a in found["areas"]]
    assert [a["rank_low_method"] for a in found["areas"]] == ranks
    assert [a["rank_high_method"] for a in found["areas"]] == ranks


def test_a_share_of_nobody_is_not_certain_either(areas):
    table = read_table(str(edited(areas, 2, "rents", "0")))
    node = {"name": "rents", "share_of": "people"}
    errors = _errors(table, node, table.numbers("rents"))
    # 1 of 912 with one more of either: sqrt(p (1 - p) / 910)
    np.testing.assert_allclose(errors[1], np.sqrt(1 / 912 * 911 / 912 / 910))
    percent = _errors(table, {**node, "unit": "percent"}, 100 * table.numbers("rents"))
    np.testing.assert_allclose(percent, 100 * errors)


def test_an_area_without_an_index_has_null_and_a_reason(answer, areas, spec):
    spec.write_text(SPEC + "[uncertainty]\ndraws = 50\n")
    found = answer("index", edited(areas, 3, "move", ""), "--spec", spec)
    area = found["areas"][2]
    assert (area["value"], area["rank"], area["rank_low"]) == (None, None, None)
    assert found["warnings"] == ["A02 has no index: a value is missing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[indicators]]\nname = 'rents'\nspan = 3\nscale =", "spec.toml: "),
        ("normalise = 'minmax'", "names no indicators"),
        ("[[indicators]]\nweight = 1", "needs a name"),
        ("colour = 1\n[[indicators]]\nname = 'rents'", "does not know colour"),
        ("[[indicators]]\nname = 'rents'\ndirection = 'up'", "direction must be"),
        ("normalise = 'cube'\n[[indicators]]\nname = 'rents'", "normalise must be"),
        ("[[indicators]]\nname = 'rent'", "there is no column rent"),
        (
            "[[indicators]]\nname = 'income'\nshare_of = 'people'\n[uncertainty]",
            "line 2, column income: is no share of people",
        ),
        (
            "[[indicators]]\nname = 'rents'\n[uncertainty]\nweights = 3",
            "uncertainty: weight_noise must be",
        ),
    ],
)
def test_a_spec_that_cannot_be_used_is_refused(capsys, areas, spec, text, message):
    spec.write_text(text)
    assert message in refused(capsys, "index", areas, "--spec", spec)


# --- segregation ---


@pytest.fixture
def town(tmp_path):
    path = tmp_path / "town.csv"
    path.write_text("code,all,a,b\nW,10,10,0\nX,10,10,0\nY,20,0,15\nZ,20,0,20\n")
    squares = shapely.box(range(4), [0] * 4, range(1, 5), [1] * 4)
    write(
        tmp_path / "map.gpkg",
        shapely.to_wkb(squares[::-1]),
        [np.array(list("ZYXW"), dtype=object)],
        ["code"],
        geometry_type="Polygon",
        crs="EPSG:3006",
    )
    return path


def test_segregation_is_that_of_the_library_with_neighbours_from_a_map(answer, town):
    found = answer(
        "segregation", town, "--group", "a", "--total", "all",
        "--areas", town.with_name("map.gpkg"),
    )  # fmt: skip
    (row,) = found["segregation"]
    expected = segregation([10, 10, 0, 0], [10, 10, 20, 20])
    assert row["dissimilarity"] == expected.dissimilarity == 1
    assert row["dissimilarity_corrected"] == expected.dissimilarity_corrected
    np.testing.assert_allclose(row["spatial_dissimilarity"], 1 - 1 / 3)
    assert found["multigroup"] is None


def test_the_map_may_be_geoparquet(answer, town):
    _, _, shapes, (codes,) = read(town.with_name("map.gpkg"))
    path = town.with_name("map.parquet")
    pl.DataFrame({"geometry": list(shapes), "code": list(codes)}).write_parquet(path)
    words = ("segregation", town, "--group", "a", "--total", "all", "--areas")
    one, two = (answer(*words, town.with_name(n)) for n in ("map.gpkg", "map.parquet"))
    assert one["segregation"] == two["segregation"]


def test_several_groups_are_measured_together_with_the_rest(answer, town):
    found = answer("segregation", town, "--group", "a,b", "--total", "all")
    assert [row["group"] for row in found["segregation"]] == ["a", "b"]
    assert len(found["multigroup"]["shares"]) == 3
    assert found["multigroup"]["shares"][2] == pytest.approx(5 / 60)
    assert "one more group" in found["warnings"][0]


def test_groups_together_cannot_be_more_than_all(capsys, town):
    town.write_text("code,all,a,b\nW,10,10,0\nX,10,8,3\n")
    said = refused(capsys, "segregation", town, "--group", "a,b", "--total", "all")
    assert "line 3, column all: is less than the groups' sum" in said


# --- faults are named ---


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (("income", "x"), ("typology", *GROUPS), "line 3, column income: 'x'"),
        (
            ("people", "0"),
            ("typology", *GROUPS),
            "line 3, column people: is not above 0",
        ),
        (("area", "A00"), ("typology", *GROUPS), "line 3, column area: 'A00' stands"),
        (
            ("rents", "1.2"),
            ("typology", *GROUPS, "--transform", "logit,none"),
            "column rents has values outside 0 to 1",
        ),
        (None, ("typology", *GROUPS, "--groups", "90"), "groups must be 2 to 29"),
        (None, ("typology", *GROUPS, "--previous", "none.json"), "none.json: No such"),
        (None, ("similar", "--columns", "rents", "--to", "B"), "there is no area B"),
        (
            None,
            (
                "segregation",
                "--group",
                "move",
                "--total",
                "people",
                "--areas",
                "no.gpkg",
            ),
            "no.gpkg: No such file",
        ),
        (
            ("rents", "950"),
            ("segregation", "--group", "rents", "--total", "people"),
            "line 3, column rents: is not 0 to the total",
        ),
    ],
)
def test_bad_input_names_line_and_column(capsys, areas, change, words, message):
    if change:
        edited(areas, 2, *change)
    assert message in refused(capsys, words[0], areas, *words[1:])


def test_a_negative_seed_is_refused(capsys, areas):
    with pytest.raises(SystemExit, match="2"):
        main(["typology", str(areas), *GROUPS, "--seed", "-1"])
    assert "must be 0 to" in capsys.readouterr().err


def test_an_area_without_values_has_no_similar_ones(capsys, areas):
    edited(areas, 2, "rents", "")
    words = ("similar", areas, "--columns", "rents", "--to", "A01")
    assert main([str(word) for word in words]) == 1
    assert "A01 has no value" in capsys.readouterr().err
