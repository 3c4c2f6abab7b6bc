import json

import pytest

from trygg.areas.reading import jsonstat
from trygg.areas.reading.problems import BadFile
from trygg.areas.reading.tables import Layout
from trygg.areas.tests.test_tables import records


def dimension(*codes, label=""):
    index = {code: i for i, code in enumerate(codes)}
    return {"label": label, "category": {"index": index}}


SET = {
    "class": "dataset",
    "id": ["Region", "ContentsCode", "Tid"],
    "size": [2, 1, 2],
    "role": {"time": ["Tid"], "metric": ["ContentsCode"]},
    "dimension": {
        "Region": dimension("0180", "0380", label="region"),
        "ContentsCode": dimension("POP"),
        "Tid": dimension("2023", "2024"),
    },
    "value": [10, 11, 20, None],
}
EXPECTED = [
    ("0180", "POP", "2023", "", 10),
    ("0180", "POP", "2024", "", 11),
    ("0380", "POP", "2023", "", 20),
    ("0380", "POP", "2024", "", None),
]
AREA = Layout(area="region")


def read(write, content, layout=AREA):
    text = content if isinstance(content, str) else json.dumps(content)
    return jsonstat.read(write(text, "t.json"), layout)


def test_version_2_is_read(write):
    assert records(read(write, SET)) == EXPECTED


def test_figures_may_be_a_mapping_of_those_there_are(write):
    assert (
        records(read(write, SET | {"value": {"0": 10, "1": 11, "2": 20}})) == EXPECTED
    )


def test_version_1_is_read_under_any_name(write):
    inner = {key: SET[key] for key in ("id", "size", "role")} | SET["dimension"]
    old = {"population": {"dimension": inner, "value": SET["value"]}}

    assert records(read(write, old)) == EXPECTED


def test_several_dimensions_can_make_the_measure(write):
    ages = SET | {
        "id": ["Region", "Alder", "ContentsCode"],
        "role": {},
        "size": [1, 2, 1],
        "dimension": {
            "Region": dimension("0380"),
            "Alder": dimension("0-4", "5-9"),
            "ContentsCode": dimension("POP"),
        },
        "value": [1, 2],
    }
    layout = Layout(
        area="Region", period="2022", measure_dimensions=("Alder", "ContentsCode")
    )

    assert records(read(write, ages, layout)) == [
        ("0380", "0-4/POP", "2022", "", 1),
        ("0380", "5-9/POP", "2022", "", 2),
    ]


def test_a_measure_can_be_named_by_its_text_where_the_mapping_does_so(write):
    named = json.loads(json.dumps(SET))
    named["dimension"]["ContentsCode"]["category"]["label"] = {"POP": "Population"}
    layout = Layout(area="region", measures=("Population",))

    assert read(write, named, layout).measure.labels == ["Population"]
    assert read(write, named).measure.labels == ["POP"]


def test_the_plain_json_of_pxweb_1_is_read(write):
    answer = {
        "columns": [
            {"code": "Region", "text": "region", "type": "d"},
            {"code": "Kon", "text": "kön", "type": "d"},
            {"code": "Tid", "text": "år", "type": "t"},
            {"code": "POP", "text": "Folkmängd", "type": "c"},
        ],
        "data": [
            {"key": ["0380", "1", "2024"], "values": ["12"]},
            {"key": ["0380", "2", "2024"], "values": [".."]},
        ],
    }

    assert records(read(write, answer)) == [
        ("0380", "POP", "2024", "Kon=1", 12),
        ("0380", "POP", "2024", "Kon=2", None),
    ]


BROKEN = [
    ("{", "not complete JSON"),
    ('{"a": 1}', "neither JSON-stat nor an answer from PxWeb"),
    ({"class": "collection", "link": {}}, "is a collection, not a dataset"),
    (SET | {"value": []}, "holds 0 figures where its headings make 4"),
    (SET | {"size": [2, 1, 3]}, "sizes do not agree"),
    (SET | {"value": [1, 2, 3, "x"]}, "neither JSON-stat"),
    (SET | {"value": {"99": 1}}, "neither JSON-stat"),
    (SET | {"value": {"-1": 1}}, "neither JSON-stat"),
    (SET | {"value": [1, 2, 3, 10**400]}, "neither JSON-stat"),
    (SET | {"value": [1, 2, 3, True]}, "neither JSON-stat"),
    ({"a": {"value": [1]}, "b": {"value": [2]}}, "several datasets"),
    ("{" + '"a":{' * 5_000, "not complete JSON"),
]


@pytest.mark.parametrize(("content", "sentence"), BROKEN, ids=range(len(BROKEN)))
def test_broken_json_gets_a_sentence(write, content, sentence):
    with pytest.raises(BadFile, match=sentence):
        read(write, content)


def test_a_dimension_that_is_not_there_is_told(write):
    with pytest.raises(BadFile, match="no dimension “kommun” among: Region, Contents"):
        read(write, SET, Layout(area="kommun"))


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("pxweb/scb_v2_data_TAB638_excerpt.json", ("0180", "BE0101N1", "2023", 984748)),
        ("pxweb/fohm_v1_data_mobbning_excerpt.json", ("00", None, "2021-2022", 4)),
        ("jsonstat/statswe.json", ("25", "HS0301A1", "1969", 0)),
        ("jsonstat/us-labor-ds.json", ("01001", "labforce", "2012", 25480)),
    ],
)
def test_published_answers_are_read(open_data, name, first):
    table = jsonstat.read(open_data / "standards" / name, Layout(area=""))
    area, measure, period, _group, value = records(table)[0]

    assert (area, period, value) == (first[0], first[2], first[3])
    assert first[1] in (None, measure)
