import pytest

from trygg.areas.reading import px
from trygg.areas.reading.problems import BadFile
from trygg.areas.reading.tables import Layout
from trygg.areas.tests.test_tables import records

TEXT = """CHARSET="ANSI";
CODEPAGE="iso-8859-1";
LANGUAGE="sv";
LANGUAGES="sv","en";
TITLE="Folk; efter område "
"och år";
TITLE[en]="People";
STUB="region","kön";
HEADING="år";
VALUES("region")="Åby","Öby";
VALUES("kön")="män","kvinnor";
VALUES("år")="2021","2022";
CODES("region")="01","02";
CODES("kön")="1","2";
TIMEVAL("år")=TLIST(A1),"2021","2022";
SOURCE="Ämbetet";
DATA=
1 2
3.5 ".."
"-" 6
7 "..";
"""


def test_a_px_file_is_read_with_its_codes_and_gaps(write):
    table = px.read(write(TEXT.encode("latin-1"), "t.px"), Layout(area="region"))

    assert records(table) == [
        ("01", "value", "2021", "kön=1", 1),
        ("01", "value", "2022", "kön=1", 2),
        ("01", "value", "2021", "kön=2", 3.5),
        ("01", "value", "2022", "kön=2", None),
        ("02", "value", "2021", "kön=1", 0),
        ("02", "value", "2022", "kön=1", 6),
        ("02", "value", "2021", "kön=2", 7),
        ("02", "value", "2022", "kön=2", None),
    ]
    assert table.names == {"01": "Åby", "02": "Öby"}
    assert (table.title, table.source) == ("Folk; efter område och år", "Ämbetet")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.replace('"-" 6', '"-"'), "holds 7 figures where its headings"),
        (lambda t: t.replace("3.5", "3,x"), "is not a number"),
        (lambda t: t.split("DATA")[0], "not a complete PX file"),
        (lambda t: t.replace('"01","02"', '"01"'), "not as many codes as values"),
        (lambda t: t.replace('STUB="region"', 'STUB="county"'), "has no values"),
        (lambda t: t[: t.index("SOURCE") + 9], "The statement SOURCE has no end"),
        (lambda t: 'KEYS("region")=CODES;' + t, "leave out empty rows"),
    ],
)
def test_a_broken_px_file_gets_a_sentence(write, change, sentence):
    with pytest.raises(BadFile, match=sentence):
        px.read(write(change(TEXT).encode("latin-1"), "t.px"), Layout(area="region"))


def test_the_published_px_files_are_read(open_data):
    folder = open_data / "standards"
    table = px.read(folder / "pxweb" / "TAB005.px", Layout(area=""))
    assert len(table) == 6402
    assert table.names["0380"] == "Uppsala"
    assert table.value[0] == 2_633_457

    spanish = px.read(
        folder / "px" / "14001.px",
        Layout(area="Comunidad Autónoma de residencia del matrimonio"),
    )
    assert len(spanish) == 8064
    assert spanish.value[0] == 162_743
