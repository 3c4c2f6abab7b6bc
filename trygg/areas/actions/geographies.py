"""Changes of areas: outlines from maps, codes and names from keys."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import shapely
from django.db import transaction
from django.utils.translation import gettext as _

from trygg.areas.bulk import update_rows
from trygg.areas.mapping import read_toml
from trygg.areas.models import Area, Geography
from trygg.areas.outlines import outlines
from trygg.areas.reading import files, maps, tables
from trygg.areas.reading.maps import MapFile
from trygg.areas.reading.problems import BadFile, Problem
from trygg.history.steps import record

OUTLINE = ("shape", "path", "min_x", "min_y", "max_x", "max_y")


@transaction.atomic
def load_geography(
    source: Path | MapFile,
    *,
    code: str,
    kind: str,
    name: str,
    valid_from: date,
    at: datetime,
    publisher: str = "",
    licence: str = "",
    valid_to: date | None = None,
    parent: Geography | None = None,
    parent_column: str = "",
    code_column: str = "",
    name_column: str = "",
    is_fictional: bool = False,
    retrieved_on: date | None = None,
) -> Geography:
    """
    Load the areas of a vector file as a geography, or their outlines into one.

    Areas are known by their codes: those that are there get the outline, the others
    are added. The municipality is the first four digits of the code. The same file
    again changes nothing.

    Raises
    ------
    BadFile
        The file cannot be used; its problem says why.
    """
    if isinstance(source, MapFile):
        map_file = source
    else:
        map_file = maps.read(source, code=code_column, name=name_column)
    wkb = shapely.to_wkb(map_file.shapes)
    digest = files.digest_of(*(c.encode() for c in map_file.codes), *wkb)
    geography, is_new = Geography.objects.get_or_create(
        code=code,
        defaults={
            "kind": kind,
            "name": name,
            "valid_from": valid_from,
            "valid_to": valid_to,
            "parent": parent,
            "source": publisher,
            "licence": licence,
            "is_fictional": is_fictional,
        },
    )
    if geography.digest == digest:
        return geography

    parents: dict[str, Area] = {}
    if parent and parent_column:
        parents = {area.code: area for area in parent.areas.only("code")}
    above = map_file.fields.get(parent_column, [""] * len(map_file.codes))
    known = dict(geography.areas.values_list("code", "pk"))
    outlined = zip(
        wkb,
        outlines(map_file.shapes),
        *shapely.bounds(map_file.shapes).T.tolist(),
        strict=True,
    )
    new, changed = [], []
    for i, (area_code, outline) in enumerate(
        zip(map_file.codes, outlined, strict=True)
    ):
        if area_code in known:
            changed.append((*outline, known[area_code]))
            continue
        name = map_file.names[i]
        new.append(
            Area(
                geography=geography,
                code=area_code,
                name=name,
                search=name.casefold(),
                municipality=municipality_of(area_code),
                parent=parents.get(above[i]),
                **dict(zip(OUTLINE, outline, strict=True)),
            )
        )
    Area.objects.bulk_create(new, batch_size=2_000)
    update_rows(Area, OUTLINE, changed)
    geography.digest = digest
    geography.retrieved_on = retrieved_on
    geography.save(update_fields=["digest", "retrieved_on"])
    what = "loaded" if is_new else "outlines_loaded"
    record(geography, what, by=None, at=at, areas=str(len(map_file.codes)))
    return geography


def municipality_of(code: str) -> str:
    """Return the municipality's code in a DeSO, RegSO or municipality code, or ""."""
    return code[:4] if code[:4].isdigit() else ""


@transaction.atomic
def load_area_key(path: Path, key: Path, *, at: datetime) -> list[Geography]:
    """
    Load codes, names and parents of areas from a table with one row per smallest area.

    `key` says in TOML which columns hold which level (mappings/deso2018-regso2020.toml
    is one). Areas that are there already are left as they are. Returns the
    geographies, largest areas first.

    Raises
    ------
    BadFile
        The table cannot be used; its problem says why.
    """
    described = read_toml(key)
    levels = described["level"]
    head, rows = tables.read_texts(path)
    place = {name: i for i, name in enumerate(head)}
    for level in levels:
        for column in ("code_column", "name_column"):
            if column in level and level[column] not in place:
                what = _("The column is missing.")
                raise BadFile(Problem(path.name, 1, level[column], what))

    geographies: list[Geography] = []
    above: list[Area | None] = [None] * len(rows)
    for level in levels:
        geography, _new = Geography.objects.get_or_create(
            code=level["geography"],
            defaults={
                "kind": level["kind"],
                "name": level["title"],
                "valid_from": level["valid_from"],
                "parent": geographies[-1] if geographies else None,
                "source": described["publisher"],
                "licence": described["licence"],
            },
        )
        geographies.append(geography)
        above = _add_level(geography, level, place, rows, above)
    record(geographies[-1], "key_loaded", by=None, at=at, file=path.name)
    return geographies


def _add_level(
    geography: Geography,
    level: dict[str, Any],
    place: dict[str, int],
    rows: list[list[str]],
    above: list[Area | None],
) -> list[Area | None]:
    """Add the areas of one level that are not there. Returns each row's area."""
    if "code_column" in level:
        codes = [row[place[level["code_column"]]] for row in rows]
    else:
        codes = [level["code"]] * len(rows)
    known = {
        area.code: area for area in geography.areas.defer("shape", "path", "search")
    }
    new = []
    for row, code, parent in zip(rows, codes, above, strict=True):
        if code in known:
            continue
        municipality = municipality_of(code)
        if "name_column" in level:
            name = row[place[level["name_column"]]]
        elif parent and "name" not in level:
            name = f"{parent.name}, {code.removeprefix(municipality)}"
        else:
            name = level["name"]
        known[code] = Area(
            geography=geography,
            code=code,
            name=name,
            search=name.casefold(),
            municipality=municipality,
            parent=parent,
        )
        new.append(known[code])
    Area.objects.bulk_create(new, batch_size=2_000)
    return [known[code] for code in codes]
