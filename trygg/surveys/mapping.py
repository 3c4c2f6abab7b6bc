"""The mapping file of a survey: what the columns of its answers mean (TOML)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from trygg.areas.mapping import read_toml
from trygg.areas.reading.files import refuse


@dataclass(frozen=True)
class Columns:
    """The names of the columns that are no questions; empty where there is none."""

    area: str
    weight: str
    stratum: str = ""
    stratum_size: str = ""
    unit: str = ""
    sex: str = ""
    age: str = ""  # in years
    age_group: str = ""  # "16-24"

    def names(self) -> set[str]:
        return {getattr(self, f.name) for f in fields(self)} - {""}


@dataclass(frozen=True)
class QuestionMap:
    """Where a question's answers stand, and what is not yet known of the question."""

    column: str = ""  # its code where it is not said
    values: Mapping[str, str] = field(default_factory=dict)  # in the file -> option
    block: str = ""
    kind: str = "single"
    sv: str = ""
    en: str = ""
    headline_sv: str = ""
    headline_en: str = ""
    sensitive: bool = False
    counts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    english: Mapping[str, str] = field(default_factory=dict)  # option -> label
    options: Mapping[str, str] = field(default_factory=dict)  # option -> Swedish label


@dataclass(frozen=True)
class WaveMap:
    """The wave that the answers belong to."""

    code: str
    geography: str
    municipality: str
    starts_on: date
    ends_on: date
    invited: int
    design: str = ""


@dataclass(frozen=True)
class SurveyMap:
    """The survey, and what is needed to make it if there is none of that name."""

    slug: str
    title_sv: str = ""
    title_en: str = ""
    population_sv: str = ""
    population_en: str = ""
    owner: str = ""


@dataclass(frozen=True)
class AnswerMapping:
    """All that a mapping file says."""

    survey: SurveyMap
    wave: WaveMap
    columns: Columns
    questions: Mapping[str, QuestionMap]
    sex: Mapping[str, str]  # in the file -> F or M


T = TypeVar("T", SurveyMap, WaveMap, Columns, QuestionMap)


def read_mapping(path: Path) -> AnswerMapping:
    """Read a mapping file. Raises BadFile with the sentence to show."""
    content = read_toml(path)
    survey = _part(path, "survey", SurveyMap, content.get("survey", {}))
    wave = _part(path, "wave", WaveMap, content.get("wave", {}))
    columns = _part(path, "columns", Columns, content.get("columns", {}))
    for name in ("starts_on", "ends_on"):
        if not isinstance(getattr(wave, name), date):
            raise refuse(
                path,
                _("“%(name)s” must be a date such as 2026-09-01, without quotes.")
                % {"name": name},
            )
    if not isinstance(wave.invited, int) or wave.ends_on < wave.starts_on:
        raise refuse(
            path, _("The wave ends before it starts, or “invited” is no whole number.")
        )
    questions = {
        code: _part(path, f"questions.{code}", QuestionMap, entry)
        for code, entry in content.get("questions", {}).items()
    }
    sex = {str(k): str(v) for k, v in content.get("sex", {}).items()}
    return AnswerMapping(survey, wave, columns, questions, sex)


def _part(path: Path, name: str, kind: type[T], entry: Mapping[str, Any]) -> T:
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(entry) - known):
        raise refuse(
            path,
            _("[%(part)s] has “%(name)s”, which means nothing here.")
            % {"part": name, "name": unknown[0]},
            _("It may have: %(names)s.") % {"names": ", ".join(sorted(known))},
        )
    try:
        return kind(**entry)
    except TypeError:
        needed = [f.name for f in fields(kind) if f.name not in entry]
        raise refuse(
            path,
            _("The part [%(part)s] lacks “%(name)s”.")
            % {"part": name, "name": needed[0]},
        ) from None
