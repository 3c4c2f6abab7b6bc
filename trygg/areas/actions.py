"""Everything that changes areas, indicators and what is known about them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from scipy.sparse import csr_array

from trygg.areas import mapping as mappings
from trygg.areas.bulk import insert_rows
from trygg.areas.combining import combine
from trygg.areas.mapping import Mapping, Measure
from trygg.areas.models import (
    Area,
    Dataset,
    DatasetVersion,
    Geography,
    Indicator,
    Observation,
)
from trygg.areas.outlines import outlines
from trygg.areas.reading import files, maps, tables
from trygg.areas.reading.maps import MapFile
from trygg.areas.reading.problems import BadFile, Problem, Problems, errors, shortened
from trygg.areas.reading.table import Coded, Table
from trygg.history.steps import record

OBSERVATION = (
    "version", "indicator", "area", "period", "group", "value", "n", "is_protected",
    "is_recalculated",
)  # fmt: skip
MOST_FIGURES = 20_000_000


# --- areas ----------------------------------------------------------------------------


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
        parents = {area.code: area for area in parent.areas.all()}
    above = map_file.fields.get(parent_column, [""] * len(map_file.codes))
    known = {area.code: area for area in geography.areas.all()}
    new, changed = [], []
    paths = outlines(map_file.shapes)
    bounds = shapely.bounds(map_file.shapes).tolist()
    for i, area_code in enumerate(map_file.codes):
        area = known.get(area_code)
        if area is None:
            area = Area(geography=geography, code=area_code)
            area.name = map_file.names[i]
            area.search = area.name.casefold()
            area.municipality = municipality_of(area_code)
            area.parent = parents.get(above[i])
            new.append(area)
        else:
            changed.append(area)
        area.shape, area.path = wkb[i], paths[i]
        area.min_x, area.min_y, area.max_x, area.max_y = bounds[i]
    Area.objects.bulk_create(new, batch_size=2_000)
    outline = ["shape", "path", "min_x", "min_y", "max_x", "max_y"]
    Area.objects.bulk_update(changed, outline, batch_size=100)
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
    described = tomllib.loads(key.read_text())
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


# --- indicators -----------------------------------------------------------------------


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or would do, and everything that is to be said about it."""

    dataset: str
    file: str
    problems: list[Problem] = field(default_factory=list)
    version: DatasetVersion | None = None
    is_new: bool = False  # False: the same file was loaded before, nothing changed
    records: int = 0  # figures in the file
    areas: int = 0
    indicators: int = 0
    observations: int = 0  # figures stored, those that we worked out included
    dry_run: bool = False

    @property
    def errors(self) -> list[Problem]:
        return errors(self.problems)

    @property
    def summary(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "areas": self.areas,
            "indicators": self.indicators,
            "observations": self.observations,
            "problems": [str(problem) for problem in self.problems],
        }


def load_indicators(
    source: Path,
    mapping: Mapping,
    *,
    at: datetime,
    dry_run: bool = False,
    retrieved_on: date | None = None,
) -> ImportReport:
    """
    Load the figures of a table as a new version of a dataset.

    Nothing is stored when the file has an error, or on a dry run. The same file with
    the same mapping and the same areas changes nothing. The report tells all problems.
    """
    try:
        geography = _geography(source, mapping)
        areas = list(
            geography.areas.select_related("parent").defer(
                "shape", "path", "parent__shape", "parent__path"
            )
        )
        files.check(source)
        digest = files.digest_of(
            source.read_bytes(),
            mapping.source,
            *sorted(area.code.encode() for area in areas),
        )
        before = DatasetVersion.objects.filter(
            dataset__code=mapping.code, digest=digest
        ).first()
        if before:
            return _same_as(before, mapping, source.name, dry_run)
        table = read_table(source, mapping)
    except BadFile as bad:
        return ImportReport(mapping.code, source.name, [bad.problem], dry_run=dry_run)
    return store_table(
        table,
        mapping,
        areas,
        file=source.name,
        digest=digest,
        at=at,
        dry_run=dry_run,
        retrieved_on=retrieved_on,
    )


def read_table(source: Path, mapping: Mapping) -> Table:
    """Read a file of any kind that we know. Raises BadFile."""
    return tables.read(source, mapping.layout)


def _geography(source: Path, mapping: Mapping) -> Geography:
    geography = Geography.objects.filter(code=mapping.geography).first()
    if geography is None:
        what = _("There are no areas of the geography %(code)s.")
        to_do = _("Load them first: trygg import areas.")
        raise files.refuse(source, what % {"code": mapping.geography}, to_do)
    return geography


def _same_as(
    before: DatasetVersion, mapping: Mapping, file: str, dry_run: bool
) -> ImportReport:
    what = _("The file was loaded before, as version %(number)d; nothing changed.")
    problem = Problem(file, None, None, what % {"number": before.number}, level="note")
    counts = {key: before.report.get(key, 0) for key in ("records", "areas")}
    return ImportReport(
        mapping.code, file, [problem], before, dry_run=dry_run, **counts
    )


def store_table(
    table: Table,
    mapping: Mapping,
    areas: list[Area],
    *,
    file: str,
    digest: str,
    at: datetime,
    dry_run: bool = False,
    retrieved_on: date | None = None,
) -> ImportReport:
    """Check a table against the areas and the mapping, and store it if it is sound."""
    problems = Problems(file)
    cube = _cube(table, mapping, areas, problems)
    _check_sums(cube, mapping, problems)
    found = [*table.problems, *problems.all()]
    report = ImportReport(
        mapping.code,
        file,
        found,
        records=len(table),
        areas=int(cube.present.sum()),
        indicators=len(mapping.measures),
        dry_run=dry_run,
    )
    if report.errors or dry_run:
        return report
    return _store(cube, mapping, areas, report, digest, at, retrieved_on)


@dataclass(frozen=True)
class _Cube:
    """Figures as an array: areas × measures × (period, group)."""

    values: NDArray[np.float64]
    measure: dict[str, int]
    moments: list[tuple[str, str]]
    present: NDArray[np.bool_]  # areas with a record

    def column(self, name: str) -> NDArray[np.float64]:
        column: NDArray[np.float64] = self.values[:, self.measure[name]]
        return column

    def total(self, names: Iterable[str]) -> NDArray[np.float64]:
        return np.sum([self.column(name) for name in names], axis=0)


def _cube(
    table: Table, mapping: Mapping, areas: list[Area], problems: Problems
) -> _Cube:
    number = _area_numbers(areas, mapping.area_is)
    area = _matched(table, number, problems)
    needed = sorted({c for m in mapping.measures for c in m.columns})
    needed += [c for s in mapping.sums for c in (s.total, *s.parts)]
    measure = {name: i for i, name in enumerate(dict.fromkeys(needed))}
    missing = [name for name in measure if name not in table.measure.labels]
    for name in missing:
        problems.add(
            "no measure",
            _("The table has no figures for it."),
            _("Change the mapping file."),
            column=name,
        )
    which = np.array([measure.get(name, -1) for name in table.measure.labels])
    column = which[table.measure.codes]
    moments, moment = _moments(table)
    shape = (len(areas), len(measure), len(moments))
    if np.prod([float(size) for size in shape]) > MOST_FIGURES:
        what = _("The table would give more than %(most)d figures.")
        problems.add("too many", what % {"most": MOST_FIGURES})
        shape = (len(areas), len(measure), 0)
    keep = (area >= 0) & (column >= 0) & (moment < shape[2])
    values = np.full(shape, np.nan)
    flat = np.ravel_multi_index((area[keep], column[keep], moment[keep]), shape)
    _check_doubles(flat, table, keep, problems)
    values.ravel()[flat] = table.value[keep]
    present = np.zeros(len(areas), dtype=bool)
    present[area[keep]] = True
    return _Cube(values, measure, moments, present)


def _area_numbers(areas: list[Area], area_is: str) -> dict[str, int]:
    """Return under which text each area stands in the table."""
    if area_is == mappings.CODE:
        return {area.code: i for i, area in enumerate(areas)}
    if area_is == mappings.NAME:
        return {area.name: i for i, area in enumerate(areas)}
    return {
        f"{area.parent.name} ({area.name})": i
        for i, area in enumerate(areas)
        if area.parent
    }


def _matched(
    table: Table, number: dict[str, int], problems: Problems
) -> NDArray[np.int64]:
    """Return the area of each record, −1 where it is not known."""
    of_label = np.array([number.get(label, -1) for label in table.area.labels])
    unknown = np.flatnonzero(of_label < 0)
    if len(unknown) == len(of_label):
        problems.add(
            "no area",
            _("None of the areas in the table is known, “%(label)s” for one.")
            % {"label": shortened(table.area.labels[0])},
            _("Is it the right column, and are the areas loaded?"),
        )
    else:
        first = {
            int(code): int(i)
            for code, i in zip(
                *np.unique(table.area.codes, return_index=True), strict=True
            )
        }
        for label in unknown.tolist():
            problems.add(
                "unknown area",
                _("The area “%(label)s” is not known; its figures were left out.")
                % {"label": shortened(table.area.labels[label])},
                line=int(table.line[first[label]]),
                level="warning",
            )
    matched: NDArray[np.int64] = of_label[table.area.codes]
    return matched


def _moments(table: Table) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    """Return the pairs of period and group, and the number of each record's pair."""
    groups = len(table.group.labels)
    pair = table.period.codes.astype(np.int64) * groups + table.group.codes
    distinct, moment = np.unique(pair, return_inverse=True)
    labels = [
        (table.period.labels[p // groups], table.group.labels[p % groups])
        for p in distinct.tolist()
    ]
    return labels, moment


def _check_doubles(
    flat: NDArray[np.int64], table: Table, keep: NDArray[np.bool_], problems: Problems
) -> None:
    order = np.argsort(flat, kind="stable")
    again = order[1:][np.diff(flat[order]) == 0]
    records = np.flatnonzero(keep)[again]
    for line in sorted(set(table.line[records].tolist())):
        problems.add(
            "double",
            _("A figure for the same area, measure and period stands above."),
            _("Keep one of them."),
            line=line,
        )


def _check_sums(cube: _Cube, mapping: Mapping, problems: Problems) -> None:
    for check in mapping.sums:
        if any(name not in cube.measure for name in (check.total, *check.parts)):
            continue
        off = np.abs(cube.total(check.parts) - cube.column(check.total))
        bad = int((off > 0.5).sum())
        if bad:
            problems.add(
                "sum",
                _(
                    "The parts do not add up to the total for %(bad)d of %(all)d areas;"
                    " the largest difference is %(largest)d."
                )
                % {
                    "bad": bad,
                    "all": int(np.isfinite(off).sum()),
                    "largest": round(float(np.nanmax(off))),
                },
                _("Small counts are perturbed by the source, so this can be right."),
                column=check.total,
                level="warning",
            )


@transaction.atomic
def _store(
    cube: _Cube,
    mapping: Mapping,
    areas: list[Area],
    report: ImportReport,
    digest: str,
    at: datetime,
    retrieved_on: date | None,
) -> ImportReport:
    dataset, _new = Dataset.objects.get_or_create(
        code=mapping.code,
        defaults={
            "title": mapping.title,
            "publisher": mapping.publisher,
            "licence": mapping.licence,
            "table_id": mapping.table_id,
            "address": mapping.address,
        },
    )
    newest = dataset.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=newest + 1,
        digest=digest,
        file_name=report.file,
        loaded_at=at,
        retrieved_on=retrieved_on,
        geography=areas[0].geography if areas else None,
    )
    indicators = _indicators(mapping.measures)
    levels = _levels(areas) if mapping.carry_up else []
    stored = 0

    def rows() -> Iterable[tuple[Any, ...]]:
        nonlocal stored
        for measure in mapping.measures:
            figures = _figures(cube, measure)
            carried = levels if measure.combining != "never" else []
            for moment, (period, group) in enumerate(cube.moments):
                value, n = figures[0][:, moment], figures[1][:, moment]
                known = cube.present
                sets = [([area.pk for area in areas], value, n, known, False)]
                for ids, weights in carried:
                    up, up_n = combine(value, n, weights, measure.combining)
                    sets.append((ids, up, up_n, np.isfinite(up), True))
                shown = measure.period or period
                key = version.pk, indicators[measure.code]
                for ids, v, persons, which, recalculated in sets:
                    for i in np.flatnonzero(which).tolist():
                        stored += 1
                        yield (
                            *key, ids[i], shown, group, _plain(v[i]),
                            _whole(persons[i]), False, recalculated,
                        )  # fmt: skip

    insert_rows(Observation, OBSERVATION, rows())
    done = ImportReport(
        **{
            **vars(report),
            "version": version,
            "is_new": True,
            "observations": stored,
        }
    )
    version.report = done.summary
    version.save(update_fields=["report"])
    record(version, "loaded", by=None, at=at, file=report.file)
    return done


def _plain(value: float) -> float | None:
    return float(value) if value == value else None


def _whole(value: float) -> int | None:
    return round(float(value)) if value == value else None


def _figures(
    cube: _Cube, measure: Measure
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a measure's values and the persons behind them."""
    if measure.column:
        value = cube.column(measure.column)
        n = cube.column(measure.n) if measure.n else np.full_like(value, np.nan)
        return value, n
    of, per = cube.total(measure.of), cube.total(measure.per)
    share = np.divide(100 * of, per, out=np.full_like(of, np.nan), where=per > 0)
    return share, per


def _indicators(measures: Iterable[Measure]) -> dict[str, int]:
    """Write the indicators as the mapping has them, and return their keys."""
    keys = {}
    for measure in measures:
        indicator, _new = Indicator.objects.update_or_create(
            code=measure.code,
            defaults={
                "name_sv": measure.sv,
                "name_en": measure.en,
                "unit": measure.unit,
                "direction": measure.direction,
                "note_sv": measure.note_sv,
                "note_en": measure.note_en,
                "is_classification": measure.classification,
                "combines": measure.combining,
                "formula": {"of": measure.of, "per": measure.per}
                if measure.of
                else None,
                "profile_order": measure.profile,
            },
        )
        keys[measure.code] = indicator.pk
    return keys


def _levels(areas: list[Area]) -> list[tuple[list[int], csr_array]]:
    """Return the areas above, level by level, with which areas each is made of."""
    levels = []
    above = [area.parent_id for area in areas]
    while any(above):
        ids = sorted({pk for pk in above if pk})
        place = {pk: i for i, pk in enumerate(ids)}
        parts = [(place[pk], i) for i, pk in enumerate(above) if pk]
        rows, columns = zip(*parts, strict=True)
        shape = (len(ids), len(areas))
        levels.append((ids, csr_array((np.ones(len(parts)), (rows, columns)), shape)))
        parents = dict(
            Area.objects.filter(parts__pk__in=ids).values_list("parts__pk", "pk")
        )
        above = [parents.get(pk) if pk else None for pk in above]
    return levels


__all__ = ["BadFile", "Coded", "ImportReport", "load_area_key", "load_geography"]
