"""The services, played by a real HTTP server on loopback in their own formats."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
import shapely

from trygg.areas import demo, download, nyby, queries
from trygg.areas.actions import load_indicators
from trygg.areas.demo import load_demo
from trygg.areas.download import TABLES, boundaries, load_municipality
from trygg.areas.fetching import DownloadFailed, Fetcher
from trygg.areas.mapping import own_mapping, read_mapping, read_toml
from trygg.areas.models import Area
from trygg.areas.tests.conftest import NOW
from trygg.areas.tests.test_jsonstat import SET

TOWN = nyby.make()
SETUP = read_toml(TABLES)
REFUSAL = (
    '<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows">'
    "<ows:Exception><ows:ExceptionText>Feature type unknown</ows:ExceptionText>"
    "</ows:Exception></ows:ExceptionReport>"
)


def features(shapes, properties):
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": f"{i}",
                "geometry": shapely.geometry.mapping(shape),
                "geometry_name": "sp_geometry",
                "properties": {"objectid": i, "kommunkod": "9999", **said},
            }
            for i, (shape, said) in enumerate(zip(shapes, properties, strict=True))
        ],
        "totalFeatures": len(shapes),
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3006"}},
    }


def wfs(query):
    if "kommunkod='9999'" not in query["cql_filter"][0]:
        return features([], [])
    if query["typeName"] == ["stat:DeSO_2018"]:
        above = TOWN.areas.fields["parent"]
        said = [
            {"desokod": code, "regsokod": parent}
            for code, parent in zip(TOWN.areas.codes, above, strict=True)
        ]
        return features(TOWN.areas.shapes, said)
    said = [
        {"regsokod": code, "regsonamn": name}
        for code, name in zip(TOWN.districts.codes, TOWN.districts.names, strict=True)
    ]
    return features(TOWN.districts.shapes, said)


def category(codes, labels=None):
    return {
        "index": {code: i for i, code in enumerate(codes)},
        "label": dict(zip(codes, labels or codes, strict=True)),
    }


def metadata(table):
    """Answer as the table would: many regions, a total, columns by code or text."""
    first = [options[0].rstrip("…") for options in table["columns"].values()]
    dimensions = {
        "Region": category([*TOWN.areas.codes, *TOWN.districts.codes, "0114A0010"]),
        table["by"]: category([f"x{i}" for i in range(len(first))], first),
        **{
            name: category(["other", "total"], ["Annat", options[-1].rstrip("…")])
            for name, options in table.get("fixed", {}).items()
        },
        "Tid": category(["2021", "2022"]),
    }
    return {
        "version": "2.0",
        "class": "dataset",
        "id": list(dimensions),
        "size": [len(d["index"]) for d in dimensions.values()],
        "role": {"time": ["Tid"]},
        "dimension": {k: {"label": k, "category": v} for k, v in dimensions.items()},
    }


def data(table, selection):
    chosen = {s["variableCode"]: s["valueCodes"] for s in selection}
    assert chosen["Tid"] == ["2022"]
    assert all(chosen[name] == ["total"] for name in table.get("fixed", {}))
    columns = list(table["columns"])
    values = []
    for area in chosen["Region"]:
        row = TOWN.rows[TOWN.areas.codes.index(area)]
        for code in chosen[table["by"]]:
            values.append(float(row[TOWN.head.index(columns[int(code[1:])])]))
    full = metadata(table)
    ids = full["id"]
    return full | {
        "size": [len(chosen[name]) for name in ids],
        "dimension": {n: {"label": n, "category": category(chosen[n])} for n in ids},
        "value": values,
    }


class Service(BaseHTTPRequestHandler):
    def answer(self, content, status=200, **headers):
        text = content if isinstance(content, str) else json.dumps(content)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        server, url = self.server, urlparse(self.path)
        server.asked.append(self.path)
        if server.trouble:
            status, headers = server.trouble.pop(0)
            return self.answer("{}", status, **headers)
        if url.path == "/wfs":
            refused = "Nothing" in self.path
            return self.answer(REFUSAL if refused else wfs(parse_qs(url.query)))
        if url.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            return self.wfile.write(b"{}")
        if "/codelists/" in url.path:
            label = f"Nyby ({TOWN.districts.names[0]})"
            values = [{"code": TOWN.districts.codes[0], "label": label}]
            return self.answer({"id": "vs_RegSO2020", "values": values})
        table = next((t for t in SETUP["table"] if t["id"] in url.path), None)
        if table is None:
            return self.answer("{}", 404)
        if self.command == "GET":
            return self.answer(metadata(table))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        return self.answer(data(table, json.loads(body)["selection"]))

    def do_POST(self):
        self.do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.trouble, server.asked = [], []
    server.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fetcher(tmp_path, clock):
    return Fetcher(tmp_path / "cache", sleep=clock.sleep, clock=lambda: clock.now)


def load(service, fetcher, code="9999"):
    return load_municipality(
        code,
        fetcher,
        at=NOW,
        geodata=f"{service.base}/wfs",
        statistics=service.base,
    )


def test_a_municipality_is_downloaded_and_loaded_like_files(db, service, fetcher):
    report = load(service, fetcher)

    assert report.errors == []
    assert report.areas == len(TOWN.areas.codes)
    area = Area.objects.select_related("parent__parent").get(code=TOWN.areas.codes[5])
    assert area.parent.name in TOWN.districts.names
    assert area.name.startswith(area.parent.name + ", ")
    assert area.parent.parent.name == "Nyby"
    assert area.path
    deso = queries.geography_of("9999", "deso")
    found = queries.values(["population", "employment-share"], deso)
    people = [float(row[TOWN.head.index("bef_totalt")]) for row in TOWN.rows]
    assert sorted(found.column("population")) == sorted(people)
    assert np.isfinite(found.column("employment-share")).all()
    assert not any("has nothing for it" in p.what for p in report.problems)


def test_what_is_cached_is_not_asked_for_again(db, service, fetcher):
    load(service, fetcher)
    asked = len(service.asked)
    report = load(service, fetcher)

    assert len(service.asked) == asked
    assert not report.is_new


def test_a_spoilt_cache_is_fetched_again(service, fetcher):
    path = fetcher.fetch(f"{service.base}/codelists/x")
    path.write_text("spoilt")

    assert "vs_RegSO2020" in fetcher.fetch(f"{service.base}/codelists/x").read_text()


def test_at_most_ten_calls_go_out_in_ten_seconds(service, fetcher, clock):
    times = []
    for i in range(25):
        fetcher.fetch(f"{service.base}/codelists/{i}")
        times.append(clock.now)

    assert all(times[i + 10] - times[i] >= 10 for i in range(15))
    assert clock.now == pytest.approx(20)


def test_passing_trouble_is_waited_out(service, fetcher, clock):
    service.trouble = [(503, {}), (429, {"Retry_After": "7"}), (500, {})]
    fetcher.fetch(f"{service.base}/codelists/x")

    assert len(service.asked) == 4
    assert clock.slept == [1, 7, 4]


def test_lasting_trouble_is_told(service, fetcher):
    service.trouble = [(503, {})] * 5
    with pytest.raises(DownloadFailed, match="could not be fetched: 503"):
        fetcher.fetch(f"{service.base}/codelists/x")
    assert len(service.asked) == 5


def test_a_refusal_is_not_tried_again(service, fetcher):
    with pytest.raises(DownloadFailed, match="404"):
        fetcher.fetch(f"{service.base}/tables/TAB0")
    assert len(service.asked) == 1


def test_an_answer_that_was_cut_off_is_not_taken(service, fetcher):
    with pytest.raises(DownloadFailed, match=r"IncompleteRead|cut off"):
        fetcher.fetch(f"{service.base}/short")
    assert not list(fetcher.cache.glob("*.json"))


def test_a_service_that_is_not_there_is_told(fetcher):
    with pytest.raises(DownloadFailed, match="could not be fetched"):
        fetcher.fetch("http://127.0.0.1:9/x")


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x/y", "x"])
def test_only_the_web_is_fetched_from(fetcher, address):
    with pytest.raises(DownloadFailed, match="not a web address"):
        fetcher.fetch(address)


def test_the_map_services_own_refusal_is_told_and_not_kept(service, fetcher):
    with pytest.raises(DownloadFailed, match="refused: Feature type unknown"):
        boundaries(fetcher, "Nothing", "9999", base=f"{service.base}/wfs")
    assert not list(fetcher.cache.glob("*.geojson"))


@pytest.mark.parametrize(
    ("code", "sentence"), [("Uppsala", "is not the code"), ("9998", "holds no areas")]
)
def test_what_is_no_municipality_is_told(db, service, fetcher, code, sentence):
    with pytest.raises(DownloadFailed, match=sentence):
        load(service, fetcher, code)
    assert not Area.objects.exists()


def test_a_column_that_the_service_no_longer_has_is_told(
    db, service, fetcher, monkeypatch
):
    wanted = json.loads(json.dumps(SETUP))
    wanted["table"][0]["columns"]["a20_24"] = ["something new"]
    monkeypatch.setattr(download, "read_toml", lambda path: wanted)
    report = load(service, fetcher)

    assert [(p.column, p.level) for p in report.problems if "TAB6574" in p.what] == [
        ("a20_24", "warning")
    ]
    assert report.is_new


class Answers(Service):
    """Answers everything with the server's text, and remembers what was sent."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, body))
        self.answer(self.server.text)


@pytest.fixture
def answers():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.asked = []
    server.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_indicators_are_loaded_from_an_address(tiny, tiny_csv, mapping, answers):
    answers.text = tiny_csv.read_text()
    report = load_indicators(f"{answers.base}/tiny.csv", mapping, at=NOW)
    answers.text = answers.text.replace("100", "110")
    again = load_indicators(f"{answers.base}/tiny.csv", mapping, at=NOW)

    assert (report.areas, report.file) == (4, "tiny.csv")
    assert report.version.retrieved_on == NOW.date()
    assert again.version.number == 2  # an address is asked anew each time


PXWEB = """
[dataset]
code = "people"
title = "People"
publisher = "Office"
licence = "CC0"
[table]
geography = "tiny-deso"
area = "Region"
[select]
Region = ["*"]
Tid = ["2023", "2024"]
[[measure]]
code = "people"
column = "POP"
sv = "Folk"
en = "People"
unit = "persons"
"""
ITEMS = [
    {"code": "Region", "selection": {"filter": "all", "values": ["*"]}},
    {"code": "Tid", "selection": {"filter": "item", "values": ["2023", "2024"]}},
]
ASKED = {
    "/api/v1/sv/ssd/BE/People": (
        "POST",
        "/api/v1/sv/ssd/BE/People",
        {"query": ITEMS, "response": {"format": "json-stat2"}},
    ),
    "/api/v2/tables/TAB1/data?lang=sv": (
        "GET",
        "/api/v2/tables/TAB1/data?lang=sv&valueCodes%5BRegion%5D=*"
        "&valueCodes%5BTid%5D=2023,2024&outputFormat=json-stat2",
        None,
    ),
}


@pytest.mark.parametrize("address", ASKED)
def test_both_versions_of_pxweb_are_asked_in_their_way(
    tiny, answers, tmp_path, address
):
    toml = tmp_path / "people.toml"
    toml.write_text(PXWEB)
    answers.text = json.dumps(SET).replace("0180", "1111A0010")
    report = load_indicators(answers.base + address, read_mapping(toml), at=NOW)

    assert answers.asked == [ASKED[address]]
    assert report.is_new
    found = queries.values(["people"], tiny["deso"])
    assert found.values[0, 0] == 11
    assert found.periods == ["2024"]


def test_an_address_that_does_not_answer_is_told(tiny, mapping):
    report = load_indicators("ftp://127.0.0.1/x", mapping, at=NOW)

    assert "is not a web address" in report.errors[0].what


def test_the_demonstration_downloads_any_other_municipality(
    db, service, settings, tmp_path, monkeypatch
):
    settings.BASE = tmp_path
    monkeypatch.setattr(demo, "GEODATA", f"{service.base}/wfs")
    monkeypatch.setattr(demo, "STATISTICS", service.base)
    monkeypatch.setattr(demo, "CODE_OF_NYBY", "none")  # so that 9999 is asked for
    monkeypatch.setattr("trygg.areas.fetching.CALLS", 1_000)

    assert load_demo("9999", at=NOW) == {
        "municipality": "9999",
        "data": "download",
        "areas": {"deso": 62, "regso": 23},
    }


def test_the_tables_make_the_columns_of_the_mapping():
    made = {column for table in SETUP["table"] for column in table["columns"]}
    read = set(own_mapping("scb-deso-2022").layout.measures)

    # the population of a later year, and a classification that others make
    assert read - made == {"bef_2023", "omradestyp_2022"}
    assert made <= read
