"""Boundaries and tables of any Swedish municipality, from SCB's open services."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from defusedxml import DefusedXmlException, ElementTree
from django.utils.translation import gettext as _

from trygg.areas.actions import ImportReport, load_geography, store_table
from trygg.areas.fetching import DownloadFailed, Fetcher
from trygg.areas.mapping import own_mapping, read_toml
from trygg.areas.models import Geography
from trygg.areas.reading import jsonstat, maps, tables
from trygg.areas.reading.files import digest_of
from trygg.areas.reading.maps import MapFile
from trygg.areas.reading.problems import BadFile, Problems
from trygg.areas.reading.tables import Layout

GEODATA = "https://geodata.scb.se/geoserver/stat/wfs"
STATISTICS = "https://statistikdatabasen.scb.se/api/v2"
TABLES = Path(__file__).with_name("scb-tables.toml")
SCB = "Statistikmyndigheten SCB"


# --- boundaries -----------------------------------------------------------------------


def boundaries(
    fetcher: Fetcher, layer: str, municipality: str, *, base: str = GEODATA
) -> Path:
    """Return a GeoJSON file with the areas of a layer, such as DeSO_2018."""
    query = {
        "service": "WFS",
        "version": "1.1.0",
        "request": "GetFeature",
        "typeName": f"stat:{layer}",
        "outputFormat": "application/json",
        "srsName": "EPSG:3006",
        "cql_filter": f"kommunkod='{municipality}'",
    }
    address = f"{base}?{urllib.parse.urlencode(query)}"
    path = fetcher.fetch(address, ending=".geojson")
    start = path.read_bytes()[:500].lstrip()
    if start.startswith(b"<"):  # GeoServer tells of errors in XML, with status 200
        said = _exception(path)
        path.unlink()
        raise DownloadFailed(_("The map service refused: %(said)s.") % {"said": said})
    return path


def _exception(path: Path) -> str:
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, DefusedXmlException):
        return "?"
    return " ".join(" ".join(root.itertext()).split())[:200]


# --- tables ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Columns:
    """Columns of figures for areas, and what was not found."""

    figures: dict[str, dict[str, float]]  # column → area → figure
    missing: list[str]


def table_columns(
    fetcher: Fetcher,
    wanted: dict[str, Any],
    areas: list[str],
    year: str,
    *,
    base: str = STATISTICS,
) -> Columns:
    """
    Return columns from one table of PxWebApi v2, as scb-tables.toml describes them.

    What is asked for is looked up in the table's metadata first, so that a code or a
    text that has changed is reported, not asked for.
    """
    table = f"{base}/tables/{wanted['id']}"
    path = fetcher.fetch(f"{table}/metadata?lang=sv&outputFormat=json-stat2")
    try:
        dimensions = jsonstat.dimensions_of(path)
    except BadFile as bad:
        raise DownloadFailed(str(bad)) from None
    asked: dict[str, list[str]] = {}
    column_of: dict[str, str] = {}
    for dimension in dimensions:
        if dimension.role == "time" or dimension.code == "Tid":
            asked[dimension.code] = [year]
        elif dimension.role == "geo" or dimension.code == "Region":
            there = set(dimension.codes)
            asked[dimension.code] = [code for code in areas if code in there]
        elif dimension.is_called(wanted["by"]):
            for column, alternatives in wanted["columns"].items():
                code = dimension.find(alternatives)
                if code is not None:
                    column_of[code] = column
            asked[dimension.code] = list(column_of)
        else:
            one = dimension.find(wanted.get("fixed", {}).get(dimension.code, ()))
            asked[dimension.code] = [one or dimension.codes[0]]
    missing = [c for c in wanted["columns"] if c not in column_of.values()]
    if not all(asked.values()):
        return Columns({}, list(wanted["columns"]))

    selection = [
        {"variableCode": code, "valueCodes": values} for code, values in asked.items()
    ]
    answer = fetcher.fetch(
        f"{table}/data?lang=sv&outputFormat=json-stat2", body={"selection": selection}
    )
    try:
        found = jsonstat.read(
            answer, Layout(area="Region", measure_dimensions=(wanted["by"],))
        )
    except BadFile as bad:
        raise DownloadFailed(str(bad)) from None
    figures: dict[str, dict[str, float]] = {}
    for area, measure, value in zip(
        found.area.texts(), found.measure.texts(), found.value.tolist(), strict=True
    ):
        figures.setdefault(column_of[measure], {})[area] = value
    return Columns(figures, missing)


# --- a municipality -------------------------------------------------------------------


def load_municipality(
    code: str,
    fetcher: Fetcher,
    *,
    at: datetime,
    geodata: str = GEODATA,
    statistics: str = STATISTICS,
) -> ImportReport:
    """
    Download a municipality's areas and figures and load them like files.

    Raises
    ------
    DownloadFailed
        A service did not answer, or the code is not that of a municipality.
    """
    if not (len(code) == 4 and code.isdigit()):
        raise DownloadFailed(_("%s is not the code of a municipality.") % code)
    try:
        small = maps.read(boundaries(fetcher, "DeSO_2018", code, base=geodata))
        large = maps.read(boundaries(fetcher, "RegSO_2020", code, base=geodata))
    except BadFile as bad:
        raise DownloadFailed(str(bad)) from None
    name = _municipality_name(fetcher, code, statistics)
    deso = _load_levels(code, name, small, large, at)

    described = read_toml(TABLES)
    figures: dict[str, dict[str, float]] = {}
    missing: list[tuple[str, str]] = []
    for table in described["table"]:
        found = table_columns(
            fetcher, table, small.codes, described["year"], base=statistics
        )
        figures |= found.figures
        missing += [(table["id"], column) for column in found.missing]
    return _store(code, deso, small.codes, figures, missing, at)


def _municipality_name(fetcher: Fetcher, code: str, base: str) -> str:
    """Return the name, which the list of RegSO codes has before a bracket."""
    path = fetcher.fetch(f"{base}/codelists/vs_RegSO2020?lang=sv")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))["values"]
        labels = (v["label"] for v in values if v["code"].startswith(code))
        return str(next(labels)).split(" (")[0]
    except (ValueError, KeyError, TypeError, StopIteration):
        return code


def _load_levels(
    code: str, name: str, small: MapFile, large: MapFile, at: datetime
) -> Geography:
    names = dict(zip(large.codes, large.names, strict=True))
    above = small.fields.get("regsokod", [""] * len(small.codes))
    small = replace(
        small,
        names=[
            f"{names.get(parent, name)}, {area.removeprefix(code)}"
            for area, parent in zip(small.codes, above, strict=True)
        ],
    )
    whole = np.array([shapely.union_all(small.shapes)])
    levels = (
        ("municipality", "municipality", "Kommuner", 2003, "", whole),
        ("regso-2020", "regso", "RegSO 2020", 2020, "kommunkod", large),
        ("deso-2018", "deso", "DeSO 2018", 2018, "regsokod", small),
    )
    geography: Geography | None = None
    for slug, kind, title, since, parent_column, source in levels:
        geography = load_geography(
            source if isinstance(source, MapFile) else MapFile([code], [name], source),
            code=slug,
            kind=kind,
            name=title,
            valid_from=date(since, 1, 1),
            publisher=SCB,
            licence="CC0",
            parent=geography,
            parent_column=parent_column,
            retrieved_on=at.date(),
            at=at,
        )
    if geography is None:
        raise AssertionError("there are levels")
    return geography


def _store(
    code: str,
    geography: Geography,
    areas: list[str],
    figures: dict[str, dict[str, float]],
    missing: list[tuple[str, str]],
    at: datetime,
) -> ImportReport:
    mapping = own_mapping("scb-deso-2022")
    mapping = replace(mapping, code=f"{mapping.code}-{code}", address=STATISTICS)
    columns = mapping.layout.measures
    rows = [
        [area, *(_text(figures.get(column, {}).get(area)) for column in columns)]
        for area in areas
    ]
    file = f"{mapping.code}.csv"
    problems = Problems(file)
    for number, column in missing:
        problems.add(
            "missing column",
            _("The table %(table)s has nothing for it.") % {"table": number},
            _("Compare scb-tables.toml with the table."),
            column=column,
            level="warning",
        )
    lines = list(range(2, len(rows) + 2))
    table = tables.from_rows(
        [mapping.layout.area, *columns], rows, lines, mapping.layout, problems
    )
    known = list(
        geography.areas.filter(municipality=code)
        .select_related("geography", "parent")
        .defer("shape", "path", "parent__shape", "parent__path")
    )
    digest = digest_of(repr(rows).encode(), mapping.source)
    return store_table(
        table,
        mapping,
        known,
        file=file,
        digest=digest,
        at=at,
        retrieved_on=at.date(),
    )


def _text(figure: float | None) -> str:
    return "" if figure is None or figure != figure else repr(figure)
