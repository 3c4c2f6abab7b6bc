"""Everything that changes a survey, its waves and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from trygg.accounts.guard import system
from trygg.accounts.models import Organisation
from trygg.areas.models import Area, Geography
from trygg.surveys.derived import derive
from trygg.surveys.models import Answer, Option, Question, Survey, Wave
from trygg.surveys.questionnaire import Questionnaire, standard

ROWS_AT_ONCE = 500


class WaveExists(Exception):
    """The survey has a wave of that code already."""


@dataclass(frozen=True)
class AnswerTable:
    """
    The answers of a wave, in columns.

    Area codes, strata, sampled units, sex (F, M or empty) and age group are texts, as
    are the values: the value of an option or a number, empty where nothing was said.
    `stratum_size` is the number of persons in the stratum, NaN where it is not known.
    """

    area: NDArray[np.str_]
    stratum: NDArray[np.str_]
    unit: NDArray[np.str_]
    weight: NDArray[np.float64]
    stratum_size: NDArray[np.float64]
    sex: NDArray[np.str_]
    age_group: NDArray[np.str_]
    values: Mapping[str, NDArray[np.str_]]

    def __len__(self) -> int:
        return self.weight.size


@dataclass(frozen=True)
class Fieldwork:
    """When and where a wave was in the field, and how many were asked."""

    code: str
    geography: Geography
    municipality: Area
    starts_on: date
    ends_on: date
    invited: int
    design: Mapping[str, Any] = field(default_factory=dict)
    file_digest: str = ""


@transaction.atomic
def make_survey(
    slug: str,
    *,
    title_sv: str,
    title_en: str,
    population_sv: str,
    population_en: str,
    owner: Organisation,
    is_synthetic: bool = False,
    questionnaire: Questionnaire | None = None,
) -> Survey:
    """Make a survey with its questions; without a questionnaire the standard ones."""
    survey = Survey.objects.create(
        slug=slug,
        title_sv=title_sv,
        title_en=title_en,
        population_sv=population_sv,
        population_en=population_en,
        owner=owner,
        is_synthetic=is_synthetic,
    )
    add_questions(survey, questionnaire or standard())
    return survey


def add_questions(survey: Survey, questionnaire: Questionnaire) -> None:
    """Add questions with their options, after those that the survey has."""
    already = survey.questions.count()
    questions = Question.objects.bulk_create(
        Question(
            survey=survey,
            version=questionnaire.version,
            code=q.code,
            order=already + number,
            block=q.block,
            kind=q.kind,
            text_sv=q.sv,
            text_en=q.en,
            headline_sv=q.headline_sv,
            headline_en=q.headline_en,
            is_sensitive=q.is_sensitive,
            wording_is_verified=q.wording_is_verified,
            derived=q.derived,
        )
        for number, q in enumerate(questionnaire.questions, 1)
    )
    Option.objects.bulk_create(
        Option(
            question=question,
            order=order,
            value=option.value,
            label_sv=option.sv,
            label_en=option.en,
            counts=option.counts,
            is_missing=option.is_missing,
        )
        for question, q in zip(questions, questionnaire.questions, strict=True)
        for order, option in enumerate(q.options, 1)
    )


@transaction.atomic
def store_wave(
    survey: Survey, fieldwork: Fieldwork, answers: AnswerTable, *, at: datetime
) -> Wave:
    """
    Store a wave with its answers, and what follows from them.

    Raises
    ------
    WaveExists
    """
    if survey.waves.filter(code=fieldwork.code).exists():
        raise WaveExists(f"{survey} has a wave {fieldwork.code} already")
    wave = Wave.objects.create(
        survey=survey,
        code=fieldwork.code,
        geography=fieldwork.geography,
        municipality=fieldwork.municipality,
        starts_on=fieldwork.starts_on,
        ends_on=fieldwork.ends_on,
        invited=fieldwork.invited,
        answers=len(answers),
        design=dict(fieldwork.design),
        file_digest=fieldwork.file_digest,
        loaded_at=at,
    )
    values = dict(answers.values)
    asked = survey.questions.filter(derived="").values_list("code", flat=True)
    for question in survey.questions.exclude(derived=""):
        if (column := derive(question.derived, values, asked)) is not None:
            values[question.code] = column
    codes = dict(fieldwork.geography.areas.values_list("code", "pk"))
    columns = {code: column.tolist() for code, column in values.items()}
    sizes = answers.stratum_size
    with system("import"):
        Answer.objects.bulk_create(
            (
                Answer(
                    wave=wave,
                    area_id=codes[area],
                    stratum=stratum,
                    unit=unit,
                    weight=weight,
                    stratum_size=None if np.isnan(size) else size,
                    sex=sex,
                    age_group=age_group,
                    values={
                        code: said
                        for code, column in columns.items()
                        if (said := column[row])
                    },
                )
                for row, (
                    area,
                    stratum,
                    unit,
                    weight,
                    size,
                    sex,
                    age_group,
                ) in enumerate(
                    zip(
                        answers.area.tolist(),
                        answers.stratum.tolist(),
                        answers.unit.tolist(),
                        answers.weight.tolist(),
                        sizes.tolist(),
                        answers.sex.tolist(),
                        answers.age_group.tolist(),
                        strict=True,
                    )
                )
            ),
            batch_size=ROWS_AT_ONCE,
        )
    return wave
