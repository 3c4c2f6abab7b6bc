"""Answers of a finished survey from a file: checked, reported, stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from trygg.accounts.models import Organisation
from trygg.areas.models import Area, Geography, Indicator
from trygg.areas.queries import areas_of, municipality_area, values_of
from trygg.areas.reading.files import digest_of, refuse
from trygg.areas.reading.problems import BadFile, Problem, Problems, shortened
from trygg.surveys import reading
from trygg.surveys.actions import (
    AnswerTable,
    Fieldwork,
    add_questions,
    make_survey,
    store_wave,
)
from trygg.surveys.generator import AGE_GROUPS
from trygg.surveys.mapping import AnswerMapping, QuestionMap, read_mapping
from trygg.surveys.models import Question, QuestionKind, Survey, Wave
from trygg.surveys.questionnaire import OptionText, Questionnaire, QuestionText
from trygg.surveys.reading import AnswerFile

SEX = {
    **dict.fromkeys(("f", "k", "kvinna", "female", "woman"), "F"),
    **dict.fromkeys(("m", "man", "male"), "M"),
}
FEWEST_OF_POPULATION = 0.5  # of the inhabitants that the weights should stand for
AGES = re.compile(r"(\d{1,3})\s*[-–]\s*(\d{1,3})")

Texts = NDArray[np.str_]
Check = Callable[[str], str | None]  # the value to store, None where there is none


@dataclass(frozen=True)
class AnswerReport:
    """What became of a file of answers."""

    wave: Wave | None  # none where nothing was stored
    answers: int
    weights: float  # their sum
    population: float | None  # inhabitants of the areas, where they are known
    is_new: bool
    problems: list[Problem]

    @property
    def is_good(self) -> bool:
        return all(problem.level != "error" for problem in self.problems)

    @property
    def sentence(self) -> str:
        if not self.is_good:
            return _("Nothing was loaded.")
        if not self.is_new:
            return _("Nothing new.")
        numbers = {"answers": self.answers, "weights": f"{self.weights:.0f}"}
        if self.wave is None:
            text = _(
                "%(answers)d answers would be loaded, with weights of %(weights)s."
            )
        else:
            text = _("%(answers)d answers were loaded, with weights of %(weights)s.")
        return text % numbers


def import_answers(
    path: Path | str, mapping: Path, *, at: datetime, dry_run: bool = False
) -> AnswerReport:
    """Load the answers of a file as the mapping file says."""
    try:
        return load_answers(Path(path), mapping, at=at, dry_run=dry_run)
    except BadFile as bad:
        return AnswerReport(None, 0, 0.0, None, False, [bad.problem])


def load_answers(
    path: Path, mapping: Path, *, at: datetime, dry_run: bool = False
) -> AnswerReport:
    """
    Load the answers of a wave; the survey and its questions too where they are new.

    Nothing is stored when the file has an error, on a dry run, or when the same file
    with the same mapping has been loaded before.

    Raises
    ------
    BadFile
        The file or the mapping cannot be used at all.
    """
    described = read_mapping(mapping)
    problems = Problems(path.name)
    content = reading.read(path, problems)
    if not len(content):
        raise refuse(path, _("The file has no answers, only a heading."))
    digest = digest_of(path.read_bytes(), mapping.read_bytes())
    with transaction.atomic():
        survey = _survey(mapping, described)
        before = survey.waves.filter(code=described.wave.code).first()
        if before and before.file_digest == digest:
            return AnswerReport(before, before.answers, 0.0, None, False, [])
        if before:
            raise refuse(
                path,
                _("The wave %(wave)s is there already, from another file.")
                % {"wave": before.code},
                _("Give the wave another code, or delete the one that is there."),
            )
        if len(content) > described.wave.invited:
            raise refuse(
                path,
                _("The file has %(answers)d answers, and %(invited)d were invited.")
                % {"answers": len(content), "invited": described.wave.invited},
            )
        places = _places(mapping, described)
        _add_new_questions(survey, mapping, described, content)
        table = _table(path, mapping, described, content, problems, survey, places)
        population = _population(places)
        if population:
            _compare_weights(problems, table, population)
        report = problems.all()
        good = all(problem.level != "error" for problem in report)
        wave = None
        if good and not dry_run:
            wave = _store(survey, described, table, digest, at)
        else:
            transaction.set_rollback(True)
    weights = float(np.nansum(table.weight))
    return AnswerReport(wave, len(table), weights, population, True, report)


def _survey(path: Path, described: AnswerMapping) -> Survey:
    """Return the survey, made now where there is none."""
    wanted = described.survey
    if survey := Survey.objects.filter(slug=wanted.slug).first():
        return survey
    owner = Organisation.objects.filter(name=wanted.owner).first()
    if not (wanted.title_sv and wanted.title_en and owner):
        raise refuse(
            path,
            _("There is no survey “%(slug)s”.") % {"slug": wanted.slug},
            _(
                "To make it, say title_sv, title_en, population_sv, population_en and "
                "an owner who is there, under [survey]."
            ),
        )
    return make_survey(
        wanted.slug,
        title_sv=wanted.title_sv,
        title_en=wanted.title_en,
        population_sv=wanted.population_sv,
        population_en=wanted.population_en,
        owner=owner,
        questionnaire=Questionnaire(1, ()) if described.questions else None,
    )


def _places(path: Path, described: AnswerMapping) -> dict[str, Area]:
    """Return the areas that answers may come from, by code."""
    wave = described.wave
    geography = Geography.objects.filter(code=wave.geography).first()
    areas = areas_of(geography, wave.municipality) if geography else Area.objects.none()
    found = {area.code: area for area in areas}
    if not found:
        raise refuse(
            path,
            _("There are no areas of %(geography)s in the municipality %(code)s.")
            % {"geography": wave.geography, "code": wave.municipality},
            _("Load the areas first: trygg import areas."),
        )
    return found


def _add_new_questions(
    survey: Survey, path: Path, described: AnswerMapping, content: AnswerFile
) -> None:
    """Add the questions that the mapping describes and the survey does not have."""
    already = set(survey.questions.values_list("code", flat=True))
    new = []
    for code, question in described.questions.items():
        column = question.column or code
        title = question.sv or content.titles.get(column, "")
        if code in already or not title:
            continue
        labels = question.options or content.labels.get(column, {})
        if not labels and question.kind != QuestionKind.NUMBER:
            raise refuse(
                path,
                _("The question “%(code)s” has no options.") % {"code": code},
                _("Write them under [questions.%(code)s.options].") % {"code": code},
            )
        new.append(
            QuestionText(
                code=code,
                block=question.block,
                kind=question.kind,
                sv=title,
                en=question.en or title,
                headline_sv=question.headline_sv or title,
                headline_en=question.headline_en or question.en or title,
                options=tuple(_options(question, labels)),
                is_sensitive=question.sensitive,
            )
        )
    add_questions(survey, Questionnaire(1, tuple(new)))


def _options(question: QuestionMap, labels: Mapping[str, str]) -> list[OptionText]:
    return [
        OptionText(
            value,
            label,
            question.english.get(value, label),
            counts=value in question.counts,
            is_missing=value in question.missing,
        )
        for value, label in labels.items()
    ]


def _table(
    path: Path,
    mapping: Path,
    described: AnswerMapping,
    content: AnswerFile,
    problems: Problems,
    survey: Survey,
    places: Mapping[str, Area],
) -> AnswerTable:
    """Check every cell that is used, and put the columns in order."""
    columns = described.columns
    if missing := sorted(columns.names() - set(content.columns)):
        raise refuse(
            path,
            _("There is no column “%(name)s”.") % {"name": missing[0]},
            _("The file has: %(names)s.")
            % {"names": shortened(", ".join(content.columns), 200)},
        )
    used = columns.names()
    empty = [""] * len(content)

    def plain(name: str, otherwise: list[str]) -> Texts:
        return np.array(content.columns[name] if name else otherwise)

    def checked(name: str, check: Check, what: str, what_to_do: str = "") -> Texts:
        used.add(name)
        return _checked(content, name, check, problems, what, what_to_do)

    values = {}
    for question in survey.questions.filter(derived="").prefetch_related("options"):
        mapped = described.questions.get(question.code, QuestionMap())
        column = mapped.column or question.code
        if column in content.columns:
            values[question.code] = checked(
                column, *_answer_check(mapping, question, mapped)
            )
    if not values:
        raise refuse(
            path,
            _("The file has no column for any question of the survey."),
            _("Say under [questions.CODE] which column holds which question."),
        )
    area = checked(
        columns.area,
        lambda text: text if text in places else None,
        _("“%(value)s” is not the code of an area here."),
        _("Codes look like %(example)s.") % {"example": next(iter(places))},
    )
    weight = _numbers(
        checked(
            columns.weight,
            lambda text: _number(text, above=0),
            _("The weight “%(value)s” is not a number above 0."),
        )
    )
    size = _numbers(
        checked(
            columns.stratum_size,
            lambda text: _number(text, above=0) if text else "",
            _("“%(value)s” is not a number of persons above 0."),
        )
        if columns.stratum_size
        else np.array(empty)
    )
    stratum = plain(columns.stratum, area.tolist())
    _check_strata(content, columns.stratum_size, stratum, size, problems)
    table = AnswerTable(
        area=area,
        stratum=stratum,
        unit=plain(columns.unit, empty),
        weight=weight,
        stratum_size=size,
        sex=checked(columns.sex, _sex_check(described.sex), _("“%(value)s” is no sex."))
        if columns.sex
        else np.array(empty),
        age_group=_age_groups(columns.age, columns.age_group, checked, empty),
        values=values,
    )
    if left := sorted(set(content.columns) - used):
        problems.add(
            "left aside",
            _("Columns that were left aside: %(names)s.")
            % {"names": shortened(", ".join(left), 200)},
            level="note",
        )
    return table


def _checked(
    content: AnswerFile,
    name: str,
    check: Check,
    problems: Problems,
    what: str,
    what_to_do: str,
) -> Texts:
    """Return a column as it is to be stored; each cell that cannot be is a problem."""
    column = content.columns[name]
    stored = {text: check(text) for text in set(column)}
    for text, line in zip(column, content.lines, strict=True):
        if stored[text] is None:
            problems.add(
                f"value in {name}",
                what % {"value": shortened(text)},
                what_to_do,
                line=line,
                column=name,
            )
    return np.array([stored[text] or "" for text in column])


def _answer_check(
    mapping: Path, question: Question, mapped: QuestionMap
) -> tuple[Check, str, str]:
    """Say how an answer is read: a number, or the value or label of an option."""
    if question.kind == QuestionKind.NUMBER:
        what = _("“%(value)s” is not a number.")
        return (lambda text: _number(text) if text else ""), what, ""
    known: dict[str, str] = {"": ""}
    for option in question.options.all():
        for name in (option.label_sv, option.label_en, option.value):
            known[name.casefold()] = option.value
    options = ", ".join(option.value for option in question.options.all())
    for name, value in mapped.values.items():
        if value.casefold() not in known:
            raise refuse(
                mapping,
                _("“%(value)s” is not an option of the question “%(code)s”.")
                % {"value": value, "code": question.code},
                _("The answers are %(options)s.") % {"options": options},
            )
        known[name.casefold()] = known[value.casefold()]
    return (
        lambda text: known.get(text.casefold()),
        _("“%(value)s” is not an answer to this question."),
        _("The answers are %(options)s.") % {"options": options},
    )


def _sex_check(mapped: Mapping[str, str]) -> Check:
    known = {"": "", **SEX, **{name.casefold(): sex for name, sex in mapped.items()}}
    return lambda text: known.get(text.casefold())


def _age_groups(
    age: str, age_group: str, checked: Callable[..., Texts], empty: list[str]
) -> Texts:
    if age_group:
        return checked(
            age_group,
            lambda text: _ages(text) if text else "",
            _("“%(value)s” is no age group."),
            _("Age groups look like 16-24."),
        )
    if age:
        return checked(
            age,
            _group_of_age,
            _("“%(value)s” is not an age between %(from)s and %(to)s.")
            .replace("%(from)s", AGE_GROUPS[0][:2])
            .replace("%(to)s", AGE_GROUPS[-1][3:]),
        )
    return np.array(empty)


def _ages(text: str) -> str | None:
    found = AGES.fullmatch(text)
    return f"{int(found[1])}-{int(found[2])}" if found else None


def _group_of_age(text: str) -> str | None:
    if not text:
        return ""
    if text.isdecimal():
        for group in AGE_GROUPS:
            low, high = group.split("-")
            if int(low) <= int(text) <= int(high):
                return group
    return None


def _number(text: str, *, above: float = -np.inf) -> str | None:
    """Return a number as text with a point, None where it is none."""
    plain = re.sub(r"\s", "", text).replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        return None
    return plain if np.isfinite(value) and value > above else None


def _numbers(texts: Texts) -> NDArray[np.float64]:
    return np.where(texts == "", "nan", texts).astype(float)


def _check_strata(
    content: AnswerFile,
    name: str,
    stratum: Texts,
    size: NDArray[np.float64],
    problems: Problems,
) -> None:
    """A stratum has one size, no smaller than its answers; lonely answers are told."""
    known: dict[str, float] = {}
    number = dict(zip(*np.unique(stratum, return_counts=True), strict=True))
    for line, of, persons in zip(
        content.lines, stratum.tolist(), size.tolist(), strict=True
    ):
        if np.isnan(persons):
            continue
        if known.setdefault(of, persons) != persons or persons < number[of]:
            problems.add(
                "stratum size",
                _("The stratum “%(stratum)s” has different sizes, or more answers.")
                % {"stratum": shortened(of)},
                line=line,
                column=name,
            )
    alone = [of for of, answers in number.items() if answers == 1]
    if alone:
        problems.add(
            "alone",
            _("%(number)d strata have a single answer, such as “%(stratum)s”.")
            % {"number": len(alone), "stratum": shortened(str(alone[0]))},
            _("Their spread is taken around the common mean: join strata."),
            level="warning",
        )


def _population(places: Mapping[str, Area]) -> float | None:
    """Return the inhabitants of the areas, if open statistics of them are loaded."""
    try:
        figures = values_of(list(places.values()), ["population"])
    except Indicator.DoesNotExist:
        return None
    total = float(np.nansum(figures.values))
    return total or None


def _compare_weights(problems: Problems, table: AnswerTable, population: float) -> None:
    weights = float(np.nansum(table.weight))
    if not FEWEST_OF_POPULATION * population <= weights <= population:
        problems.add(
            "sum of weights",
            _("The weights add up to %(weights).0f; %(population).0f people live here.")
            % {"weights": weights, "population": population},
            _("Check that the weights are persons, and the areas those of the survey."),
            level="warning",
        )


def _store(
    survey: Survey,
    described: AnswerMapping,
    table: AnswerTable,
    digest: str,
    at: datetime,
) -> Wave:
    wave = described.wave
    fieldwork = Fieldwork(
        wave.code,
        Geography.objects.get(code=wave.geography),
        municipality_area(wave.municipality),
        wave.starts_on,
        wave.ends_on,
        invited=wave.invited,
        design={"told": wave.design} if wave.design else {},
        file_digest=digest,
    )
    return store_wave(survey, fieldwork, table, at=at)
