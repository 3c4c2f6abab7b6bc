from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from trygg.areas import queries
from trygg.areas.actions import load_indicators
from trygg.areas.mapping import own_mapping, read_mapping
from trygg.areas.models import Dataset, DatasetVersion, Indicator, Observation
from trygg.areas.reading.problems import BadFile
from trygg.areas.tests.conftest import HEAD, MAPPING, NOW, ROWS
from trygg.history.models import Event


def figures(geography, code):
    found = queries.values([code], geography)
    pairs = zip(found.areas, found.column(code).tolist(), strict=True)
    return {area.code: value for area, value in pairs}


def test_counts_shares_and_medians_go_up_to_district_and_municipality(
    tiny, tiny_csv, mapping
):
    report = load_indicators(tiny_csv, mapping, at=NOW)

    assert (report.is_new, report.areas, report.errors) == (True, 4, [])
    assert figures(tiny["deso"], "young-share")["1111A0020"] == 20
    # south: (40 + 60) of 400; north: 25 of 200; all: 125 of 600
    assert figures(tiny["regso"], "young-share") == {"1111R001": 25, "1111R002": 12.5}
    assert figures(tiny["municipality"], "young-share") == {"1111": 125 / 6}
    assert figures(tiny["regso"], "population") == {"1111R001": 400, "1111R002": 200}
    # weighted by people: (100 × 300.5 + 300 × 200) / 400; north has one median only
    assert figures(tiny["regso"], "median") == {"1111R001": 225.125, "1111R002": 250}


def test_what_we_worked_out_is_marked_and_credited_as_data(tiny, tiny_csv, mapping):
    load_indicators(tiny_csv, mapping, at=NOW)
    area = tiny["deso"].areas.get(code="1111A0010")
    district = tiny["regso"].areas.get(code="1111R001")
    own = {row.indicator.code: row for row in queries.profile(area)}
    above = {row.indicator.code: row for row in queries.profile(district)}

    assert own["population"].credit == "Source: Test"
    assert own["young-share"].credit == "Data: Test"
    assert above["population"].credit == "Data: Test"
    assert not own["median"].is_approximate
    assert above["median"].is_approximate
    assert (own["young-share"].value, own["young-share"].n) == (40, 100)
    assert own["young-share"].municipality == pytest.approx(125 / 6)


def test_the_same_file_again_changes_nothing(tiny, tiny_csv, mapping):
    load_indicators(tiny_csv, mapping, at=NOW)
    before = list(Observation.objects.order_by("pk").values())
    report = load_indicators(tiny_csv, mapping, at=NOW + timedelta(days=1))

    assert not report.is_new
    assert report.version.number == 1
    assert list(Observation.objects.order_by("pk").values()) == before
    assert Event.objects.filter(what="areas.datasetversion.loaded").count() == 1


def test_a_changed_file_becomes_a_version_and_the_old_stays_readable(
    tiny, tiny_csv, mapping, write
):
    load_indicators(tiny_csv, mapping, at=NOW)
    changed = write("\n".join([HEAD, ROWS[0].replace("100", "110"), *ROWS[1:]]))
    report = load_indicators(changed, mapping, at=NOW)

    assert report.version.number == 2
    assert figures(tiny["deso"], "population")["1111A0010"] == 110
    old = Observation.objects.get(
        version__number=1, indicator__code="population", area__code="1111A0010"
    )
    assert old.value == 100


def test_an_area_that_is_gone_from_the_new_version_is_gone(
    tiny, tiny_csv, mapping, write
):
    load_indicators(tiny_csv, mapping, at=NOW)
    load_indicators(write("\n".join([HEAD, *ROWS[:3]])), mapping, at=NOW)

    gone = figures(tiny["deso"], "population")["1111A0040"]
    assert gone != gone


def test_the_same_file_is_read_again_when_more_areas_are_known(tiny, mapping, write):
    path = write("\n".join([HEAD, *ROWS, "1111A0050,10,5,5,1"]))
    first = load_indicators(path, mapping, at=NOW)
    tiny["deso"].areas.create(code="1111A0050", name="New", municipality="1111")
    second = load_indicators(path, mapping, at=NOW)

    assert [p.level for p in first.problems] == ["warning"]
    assert second.version.number == 2
    assert second.problems == []


def test_a_dry_run_stores_nothing_and_tells_the_same(tiny, tiny_csv, mapping):
    report = load_indicators(tiny_csv, mapping, at=NOW, dry_run=True)

    assert (report.records, report.areas, report.version) == (16, 4, None)
    assert not Observation.objects.exists()
    assert not Dataset.objects.exists()
    assert not Indicator.objects.exists()


def test_sums_that_do_not_add_up_are_told_and_loaded(tiny, mapping, write):
    path = write("\n".join([HEAD, ROWS[0].replace("60", "63"), *ROWS[1:]]))
    report = load_indicators(path, mapping, at=NOW)
    (problem,) = report.problems

    assert report.is_new
    assert (problem.level, problem.column) == ("warning", "all")
    assert "for 1 of 4 areas; the largest difference is 3" in problem.what


ERRORS = [
    ("1111A0010,x,40,60,1", 6, "all", "“x” is not a number."),
    ("1111A0010,1,0,1,1", 6, None, "A figure for the same area"),
]


@pytest.mark.parametrize(("row", "line", "column", "what"), ERRORS)
def test_an_error_names_its_place_and_stores_nothing(
    tiny, mapping, write, row, line, column, what
):
    report = load_indicators(write("\n".join([HEAD, *ROWS, row])), mapping, at=NOW)

    first = report.errors[0]
    assert (first.line, first.column) == (line, column)
    assert what in first.what
    assert not DatasetVersion.objects.exists()


def test_an_unknown_area_is_left_out_and_told_by_line(tiny, mapping, write):
    path = write("\n".join([HEAD, *ROWS, "9999X0010,1,0,1,1"]))
    report = load_indicators(path, mapping, at=NOW)

    assert [str(p) for p in report.problems] == [
        "tiny.csv, line 6: The area “9999X0010” is not known;"
        " its figures were left out."
    ]
    assert report.areas == 4


def test_what_the_source_calls_itself_and_its_areas_is_kept(tiny, write, tmp_path):
    toml = tmp_path / "px.toml"
    toml.write_text(
        '[dataset]\ncode = "p"\ntitle = "P"\npublisher = "P"\nlicence = "CC0"\n'
        '[table]\ngeography = "tiny-deso"\narea = "region"\nperiod = "2022"\n'
        '[[measure]]\ncode = "p"\ncolumn = "value"\nsv = "P"\nen = "P"\n'
        'unit = "number"\n'
    )
    px = (
        'TITLE="People";SOURCE="Office";STUB="region";VALUES("region")="A","Far off";'
        'CODES("region")="1111A0010","7777";DATA=5 6;'
    )
    report = load_indicators(write(px, "p.px"), read_mapping(toml), at=NOW)

    assert report.version.report["title"] == "People"
    assert report.version.report["source"] == "Office"
    assert "The area “7777 Far off” is not known" in report.problems[0].what


def test_a_table_without_any_known_area_is_refused(tiny, mapping, write):
    report = load_indicators(write(f"{HEAD}\nAtlantis,1,0,1,1"), mapping, at=NOW)

    assert "None of the areas in the table is known" in report.errors[0].what


def test_a_geography_that_is_not_there_is_told(db, tiny_csv, mapping):
    report = load_indicators(tiny_csv, mapping, at=NOW)

    assert "no areas of the geography tiny-deso" in report.errors[0].what


def test_a_group_is_kept_apart_from_the_whole(tiny, mapping, write, tmp_path):
    path = tmp_path / "long.toml"
    path.write_text(
        MAPPING.split("[[sum]]")[0].replace('period = "2022"', "")
        + 'period_column = "year"\nmeasure_column = "what"\nvalue_column = "value"\n'
        'group_columns = ["sex"]\n[[measure]]\ncode = "jobs"\ncolumn = "jobs"\n'
        'sv = "Jobb"\nen = "Jobs"\nunit = "number"\n'
    )
    text = "area;year;what;sex;value\n1111A0010;2021;jobs;;5\n1111A0010;2022;jobs;;7\n"
    report = load_indicators(
        write(text + "1111A0010;2022;jobs;F;3\n"), read_mapping(path), at=NOW
    )

    assert report.errors == []
    assert figures(tiny["deso"], "jobs")["1111A0010"] == 7
    assert queries.values(["jobs"], tiny["deso"], "2021").values[0, 0] == 5
    women = Observation.objects.get(group="sex=F")
    assert (women.value, women.period) == (3, "2022")


def test_the_database_refuses_two_figures_for_the_same_thing(tiny, tiny_csv, mapping):
    load_indicators(tiny_csv, mapping, at=NOW)
    one = Observation.objects.first()
    one.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        one.save()


MAPPINGS = [
    ("not toml", "is not TOML"),
    ("", "names no measure"),
    (MAPPING.replace("[dataset]", "[data]"), r"The part \[dataset\] is missing"),
    (MAPPING.replace('unit = "tkr"', 'unit = "kr"'), "unit of median must be one of"),
    (MAPPING.replace('column = "median"\n', ""), "median needs either a column"),
    (MAPPING.replace("profile = 3", "colour = 3"), "lacks or has too much"),
    (MAPPING.replace('licence = "CC0"', ""), "lacks or has too much"),
    (MAPPING.replace("carry_up", "carry"), "lacks or has too much"),
]


@pytest.mark.parametrize(("text", "sentence"), MAPPINGS, ids=range(len(MAPPINGS)))
def test_a_broken_mapping_gets_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "m.toml"
    if text == "":
        text = "[dataset]\n[table]\narea = 'x'\n"
    path.write_text(text)
    with pytest.raises(BadFile, match=sentence):
        read_mapping(path)


@pytest.mark.parametrize("name", ["scb-deso-2022", "scb-area-types-2022"])
def test_our_own_mappings_are_sound_and_in_both_languages(name):
    mapping = own_mapping(name)
    codes = [m.code for m in mapping.measures]

    assert len(codes) == len(set(codes))
    assert all(m.sv and m.en for m in mapping.measures)
    shown = [m for m in mapping.measures if m.profile]
    assert all(m.note_sv and m.note_en for m in shown)
