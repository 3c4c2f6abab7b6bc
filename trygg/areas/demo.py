"""The areas of the demonstration: real ones where there are any, else fictional."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from trygg.areas.actions import load_area_key, load_geography, load_indicators
from trygg.areas.analysis import compute_typology
from trygg.areas.download import GEODATA, STATISTICS, load_municipality
from trygg.areas.fetching import Fetcher
from trygg.areas.mapping import FOLDER, own_mapping
from trygg.areas.models import Area, Geography
from trygg.areas.nyby import CODE_OF_NYBY, load_nyby
from trygg.areas.queries import geography_of

OPEN_DATA_MUNICIPALITY = "0380"
SCB = "Statistikmyndigheten SCB"


def load_demo(municipality: str | None, *, at: datetime) -> dict[str, Any]:
    """
    Load areas and figures for the demonstration, the first way that is open.

    Returns what the summary of the demonstration says: the municipality's code, where
    the data came from, and how many areas it has.
    """
    code, data = _load(municipality, at)
    areas = Area.objects.filter(municipality=code)
    counts = {
        kind: areas.filter(geography__kind=kind).count() for kind in ("deso", "regso")
    }
    return {"municipality": code, "data": data, "areas": counts}


def _load(municipality: str | None, at: datetime) -> tuple[str, str]:
    folder = Path(settings.TRYGG_OPEN_DATA)
    if municipality == CODE_OF_NYBY or (municipality is None and not folder.is_dir()):
        load_nyby(at=at)
        return CODE_OF_NYBY, "fictional"
    if municipality in (None, OPEN_DATA_MUNICIPALITY) and folder.is_dir():
        load_open_data(folder, at=at)
        return OPEN_DATA_MUNICIPALITY, "open data folder"
    if municipality is None:
        raise AssertionError("without a municipality there is the fictional one")
    cache = Path(settings.BASE) / "var" / "demo" / "downloaded"
    load_municipality(
        municipality, Fetcher(cache), at=at, geodata=GEODATA, statistics=STATISTICS
    )
    return municipality, "download"


def load_open_data(folder: Path, *, at: datetime) -> None:
    """Load the open data folder: all areas of Sweden by code, outlines of Uppsala."""
    sweden, uppsala = folder / "sweden", folder / "uppsala"
    load_area_key(
        sweden / "koppling-deso2018-regso2020.csv",
        FOLDER / "deso2018-regso2020.toml",
        at=at,
    )
    outlines = [
        ("municipality", sweden / "kommun.parquet", "kommun_kod"),
        ("regso-2020", uppsala / "uppsala_regso2020.gpkg", "RegSOkod_2020"),
        ("deso-2018", uppsala / "uppsala_deso2018.gpkg", "desokod"),
    ]
    for code, path, column in outlines:
        geography = Geography.objects.get(code=code)
        load_geography(
            path,
            code=code,
            kind=geography.kind,
            name=geography.name,
            valid_from=geography.valid_from,
            code_column=column,
            at=at,
        )
    tables = [
        ("scb-deso-2022", sweden / "scb_deso2018_2022_wide.csv"),
        ("scb-area-types-2022", sweden / "regso_socioekonomisk_index_2022.csv"),
    ]
    for name, path in tables:
        report = load_indicators(path, own_mapping(name), at=at)
        if report.errors:
            raise ValueError(str(report.errors[0]))


def compass_demo(municipality: str, *, at: datetime) -> dict[str, int]:
    """Compute the typology of the municipality's RegSO and DeSO areas."""
    runs = [
        compute_typology(
            geography_of(municipality, kind), at=at, municipality=municipality
        )
        for kind in ("deso", "regso")
    ]
    result = runs[-1].result
    return {"areas": result["areas"], "types": len(result["groups"])}
