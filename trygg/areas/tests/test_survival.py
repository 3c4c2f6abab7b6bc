"""Whatever is in a file, the answer is a table or a sentence, never a crash."""

import json

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trygg.areas.reading import jsonstat, maps, px, tables
from trygg.areas.reading.problems import BadFile
from trygg.areas.reading.tables import Layout
from trygg.areas.tests.test_jsonstat import SET
from trygg.areas.tests.test_maps import SQUARES, geojson, in_degrees
from trygg.areas.tests.test_px import TEXT

survives = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SQUARES_TEXT = geojson(in_degrees(SQUARES))


def outcome(read, path, data, *more):
    path.write_bytes(data)
    try:
        table = read(path, *more)
    except BadFile as bad:
        return str(bad).startswith("t.")
    return not np.isinf(getattr(table, "value", 0)).any()


@st.composite
def damaged(draw, text):
    """A text with a few pieces cut out, doubled or overwritten."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 12))
        new = draw(
            st.sampled_from(["", '"', ";", "=", "(", ",", "\n", "0", "-1", "x", "{}"])
            | st.text(max_size=4)
        )
        text = text[:at] + new + text[at + length :]
    return text


@survives
@given(damaged(TEXT))
def test_a_damaged_px_file(tmp_path, text):
    data = text.encode("utf-8", errors="replace")
    assert outcome(px.read, tmp_path / "t.px", data, Layout(area="region"))


@survives
@given(damaged(json.dumps(SET)))
def test_a_damaged_json_stat_file(tmp_path, text):
    data = text.encode("utf-8", errors="replace")
    assert outcome(jsonstat.read, tmp_path / "t.json", data, Layout(area="region"))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*SET, "Region", "0", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@survives
@given(st.sampled_from(sorted(SET)), values)
def test_json_stat_with_anything_in_one_place(tmp_path, key, value):
    data = json.dumps(SET | {key: value}).encode()
    assert outcome(jsonstat.read, tmp_path / "t.json", data, Layout(area="region"))


@survives
@given(damaged(SQUARES_TEXT))
def test_a_damaged_map(tmp_path, text):
    data = text.encode("utf-8", errors="replace")
    assert outcome(maps.read, tmp_path / "t.geojson", data)


@survives
@given(st.binary(max_size=300))
def test_a_csv_file_of_any_bytes(tmp_path, data):
    layout = Layout(area="a", period="1", measures=("b",))
    assert outcome(tables.read, tmp_path / "t.csv", b"a,b\n" + data, layout)
