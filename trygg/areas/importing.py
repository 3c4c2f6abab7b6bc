"""Imports as the command line asks for them: a file, a mapping, what to say after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from trygg.areas.actions import load_area_key, load_geography, load_indicators
from trygg.areas.mapping import read_mapping, read_toml
from trygg.areas.models import Area, Geography
from trygg.areas.outlines import coverage_problems
from trygg.areas.reading import maps
from trygg.areas.reading.files import refuse
from trygg.areas.reading.problems import BadFile, Problem


@dataclass(frozen=True)
class Outcome:
    """What one file came to: a sentence, and the problems."""

    sentence: str
    problems: list[Problem]

    @property
    def is_good(self) -> bool:
        return all(problem.level != "error" for problem in self.problems)


def import_areas(
    path: Path | str, mapping: Path, *, at: datetime, dry_run: bool = False
) -> Outcome:
    """
    Load a map, or a key with names and parents, as the mapping file says.

    A mapping with [[level]] reads a key; one with [geography] reads a map.
    """
    path = Path(path)
    try:
        described = read_toml(mapping)
        with transaction.atomic():
            before = Area.objects.count()
            if "level" in described:
                load_area_key(path, mapping, at=at)
                problems = []
            else:
                problems = _load_map(path, mapping, described.get("geography"), at)
            new = Area.objects.count() - before
            if dry_run:
                transaction.set_rollback(True)
    except BadFile as bad:
        return Outcome(_("Nothing was loaded."), [bad.problem])
    if dry_run:
        sentence = _("%(new)d areas would be added.") % {"new": new}
    else:
        sentence = _("%(new)d areas were added.") % {"new": new}
    return Outcome(sentence, problems)


def _load_map(
    path: Path, mapping: Path, described: dict[str, Any] | None, at: datetime
) -> list[Problem]:
    if described is None:
        what = _("The part [%(name)s] is missing.") % {"name": "geography"}
        raise refuse(mapping, what)
    options = dict(described)
    code_column = options.pop("code_column", "")
    name_column = options.pop("name_column", "")
    map_file = maps.read(path, code=code_column, name=name_column)
    parent = options.pop("parent", None)
    if parent:
        options["parent"] = Geography.objects.filter(code=parent).first()
    try:
        load_geography(map_file, at=at, **options)
    except TypeError as error:
        what = _("The mapping lacks or has too much: %s.") % error
        raise refuse(mapping, what) from None
    return [*map_file.problems, *coverage_problems(map_file.shapes, path.name)]


def import_indicators(
    path: Path | str, mapping: Path, *, at: datetime, dry_run: bool = False
) -> Outcome:
    """Load figures as the mapping file says."""
    try:
        described = read_mapping(mapping)
    except BadFile as bad:
        return Outcome(_("Nothing was loaded."), [bad.problem])
    report = load_indicators(path, described, at=at, dry_run=dry_run)
    counts = {"records": report.records, "areas": report.areas}
    if report.errors:
        sentence = _("Nothing was loaded.")
    elif report.is_new and report.version:
        sentence = _(
            "%(records)d figures of %(areas)d areas were loaded as version %(number)d."
        ) % {**counts, "number": report.version.number}
    elif report.version:
        sentence = _("Nothing new.")
    else:
        sentence = _("%(records)d figures of %(areas)d areas would be loaded.") % counts
    return Outcome(sentence, report.problems)
