"""Changes of figures: a file of open statistics becomes a version of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from scipy.sparse import csr_array

from trygg.areas import mapping as mappings
from trygg.areas.bulk import insert_rows
from trygg.areas.combining import combine
from trygg.areas.fetching import DownloadFailed, fetch_file
from trygg.areas.mapping import Mapping, Measure
from trygg.areas.models import (
    Area,
    Combining,
    Dataset,
    DatasetVersion,
    Geography,
    Indicator,
    Observation,
)
from trygg.areas.reading import files, jsonstat, px, tables
from trygg.areas.reading.problems import BadFile, Problem, Problems, errors, shortened
from trygg.areas.reading.table import Table
from trygg.history.steps import record

OBSERVATION = (
    "version", "indicator", "area", "period", "group", "value", "n", "is_protected",
    "is_recalculated",
)  # fmt: skip
MOST_FIGURES = 20_000_000
LONGEST_PERIOD, LONGEST_GROUP = 20, 200  # as the table has them


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
    source: Path | str,
    mapping: Mapping,
    *,
    at: datetime,
    dry_run: bool = False,
    retrieved_on: date | None = None,
) -> ImportReport:
    """
    Load the figures of a file, or of a web address, as a new version of a dataset.

    Nothing is stored when the file has an error, or on a dry run. The same file with
    the same mapping and the same areas changes nothing. The report tells all problems.
    """
    if isinstance(source, str) and "://" in source:
        with TemporaryDirectory() as folder:
            try:
                fetched = fetch_file(source, Path(folder), mapping.select)
            except DownloadFailed as failed:
                problem = Problem(source, None, None, str(failed))
                return ImportReport(mapping.code, source, [problem], dry_run=dry_run)
            return load_indicators(
                fetched, mapping, at=at, dry_run=dry_run, retrieved_on=at.date()
            )
    source = Path(source)
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
        before = _loaded_before(digest, mapping, source.name, dry_run)
        if before:
            return before
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
    readers = {".px": px.read, ".json": jsonstat.read}
    reader = readers.get(source.suffix.lower(), tables.read)
    return reader(source, mapping.layout)


def _geography(source: Path, mapping: Mapping) -> Geography:
    geography = Geography.objects.filter(code=mapping.geography).first()
    if geography is None:
        what = _("There are no areas of the geography %(code)s.")
        to_do = _("Load them first: trygg import areas.")
        raise files.refuse(source, what % {"code": mapping.geography}, to_do)
    return geography


def _loaded_before(
    digest: str, mapping: Mapping, file: str, dry_run: bool
) -> ImportReport | None:
    """Return what to say when the same file was loaded before, else None."""
    before = DatasetVersion.objects.filter(
        dataset__code=mapping.code, digest=digest
    ).first()
    if before is None:
        return None
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
    before = _loaded_before(digest, mapping, file, dry_run)
    if before:
        return before
    problems = Problems(file)
    _check_classes(table, mapping, problems)
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
    return _store(table, cube, mapping, areas, report, digest, at, retrieved_on)


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
    area = _matched(table, number, mapping.area_suffix, problems)
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
    for period, group in moments:
        if len(period) > LONGEST_PERIOD or len(group) > LONGEST_GROUP:
            what = _("“%(text)s” is too long to be a period or a group.")
            problems.add("too long", what % {"text": shortened(group or period)})
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
    table: Table, number: dict[str, int], suffix: str, problems: Problems
) -> NDArray[np.int64]:
    """Return the area of each record, −1 where it is not known."""
    labels = [label.removesuffix(suffix) for label in table.area.labels]
    of_label = np.array([number.get(label, -1) for label in labels])
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
                % {"label": shortened(_called(table, label))},
                line=int(table.line[first[label]]),
                level="warning",
            )
    matched: NDArray[np.int64] = of_label[table.area.codes]
    return matched


def _called(table: Table, label: int) -> str:
    """Return the code of an area in the table, with the name that the table gives."""
    code = table.area.labels[label]
    name = table.names.get(code, code)
    return code if name == code else f"{code} {name}"


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


def _check_classes(table: Table, mapping: Mapping, problems: Problems) -> None:
    for measure in mapping.measures:
        if not measure.classes or measure.column not in table.measure.labels:
            continue
        here = table.measure.codes == table.measure.labels.index(measure.column)
        given = np.isfinite(table.value)
        for i in np.flatnonzero(here & given & ~np.isin(table.value, measure.classes)):
            problems.add(
                "class",
                _("%(value)g is not one of the classes %(classes)s.")
                % {
                    "value": table.value[i],
                    "classes": ", ".join(map(str, measure.classes)),
                },
                line=int(table.line[i]),
                column=measure.column,
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
    table: Table,
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
    ids = np.array([area.pk for area in areas])
    levels = _levels(areas) if mapping.carry_up else []
    counts: list[int] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        for measure in mapping.measures:
            value, n = _figures(cube, measure)
            key = version.pk, indicators[measure.code]
            carried = levels if measure.combining != Combining.NEVER else []
            for moment, (period, group) in enumerate(cube.moments):
                own = value[:, moment], n[:, moment]
                sets = [(ids, *own, cube.present, False)]
                for above, weights in carried:
                    up, up_n = combine(*own, weights, measure.combining)
                    sets.append((above, up, up_n, np.isfinite(up), True))
                shown = measure.period or period
                for places, figures, persons, which, is_ours in sets:
                    counts.append(int(which.sum()))
                    yield from zip(
                        *(repeat(part) for part in key),
                        places[which].tolist(),
                        repeat(shown),
                        repeat(group),
                        _plain(figures[which]),
                        _whole(persons[which]),
                        repeat(False),
                        repeat(is_ours),
                        strict=False,  # what is repeated has no end
                    )

    insert_rows(Observation, OBSERVATION, rows())
    done = ImportReport(
        **{
            **vars(report),
            "version": version,
            "is_new": True,
            "observations": sum(counts),
        }
    )
    version.report = {**done.summary, "title": table.title, "source": table.source}
    version.save(update_fields=["report"])
    record(version, "loaded", by=None, at=at, file=report.file)
    return done


def _plain(figures: NDArray[np.float64]) -> list[float | None]:
    """Return the figures as the database takes them, None where there is none."""
    return [figure if figure == figure else None for figure in figures.tolist()]


def _whole(figures: NDArray[np.float64]) -> list[int | None]:
    return [round(figure) if figure == figure else None for figure in figures.tolist()]


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


def _levels(areas: list[Area]) -> list[tuple[NDArray[np.int64], csr_array]]:
    """Return the areas above, level by level, with which areas each is made of."""
    levels = []
    above = [area.parent_id for area in areas]
    while any(above):
        ids = sorted({pk for pk in above if pk})
        place = {pk: i for i, pk in enumerate(ids)}
        parts = [(place[pk], i) for i, pk in enumerate(above) if pk]
        rows, columns = zip(*parts, strict=True)
        shape = (len(ids), len(areas))
        ones = np.ones(len(parts))
        levels.append((np.array(ids), csr_array((ones, (rows, columns)), shape)))
        parents = dict(
            Area.objects.filter(parts__pk__in=ids).values_list("parts__pk", "pk")
        )
        above = [parents.get(pk) if pk else None for pk in above]
    return levels
