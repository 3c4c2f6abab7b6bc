"""Rows of a survey to arrays, to tryggstat, to stored estimates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from trygg.accounts.guard import system
from trygg.areas.bulk import insert_rows
from trygg.surveys.actions import AnswerTable
from trygg.surveys.generator import AGE_GROUPS, SEXES, Sample
from trygg.surveys.models import Answer, Estimate, Question, QuestionKind, Wave
from tryggstat import __version__
from tryggstat.survey import Design, Estimates, compare, estimate
from tryggstat.survey.calibration import rake
from tryggstat.survey.nonresponse import adjust_by_class

Floats = NDArray[np.float64]
Kind = Literal["share", "mean"]
FEWEST_IN_CLASS = 5  # answers; smaller age groups are joined with their neighbour


@dataclass(frozen=True)
class WaveAnswers:
    """The answers of a wave as columns, in the order in which they are stored."""

    area: NDArray[np.int64]  # primary keys
    stratum: NDArray[np.str_]
    unit: NDArray[np.str_]
    weight: Floats
    stratum_size: Floats
    sex: NDArray[np.str_]
    age_group: NDArray[np.str_]
    values: list[dict[str, Any]]
    digest: str

    def column(self, code: str) -> NDArray[np.str_]:
        """Return what was answered to a question, empty where nothing was."""
        return np.array([str(v.get(code, "")) for v in self.values])

    def design(self) -> Design:
        """Return the design as far as the file told it."""
        sizes = self.stratum_size
        return Design(
            self.weight,
            stratum=self.stratum,
            psu=self.unit if (self.unit != "").all() else None,
            fpc=sizes if np.isfinite(sizes).all() and (self.unit == "").all() else None,
            lonely_psu="adjust",
        )


def answers_of(wave: Wave) -> WaveAnswers:
    """Return the answers of a wave. The caller has opened them."""
    rows = list(
        Answer.objects.filter(wave=wave)
        .order_by("pk")
        .values_list(
            "area_id",
            "stratum",
            "unit",
            "weight",
            "stratum_size",
            "sex",
            "age_group",
            "values",
        )
    )
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 8
    area, stratum, unit, weight, size, sex, age, values = columns
    return WaveAnswers(
        np.array(area, dtype=np.int64),
        np.array(stratum),
        np.array(unit),
        np.array(weight, dtype=float),
        np.array(size, dtype=float),
        np.array(sex),
        np.array(age),
        list(values),
        hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest(),
    )


@dataclass(frozen=True)
class _Column:
    """One thing to estimate: the headline or an option of a question."""

    question: Question
    option: int | None
    y: Floats  # 0, 1 or a number; NaN where there is no answer

    @property
    def kind(self) -> Kind:
        return "mean" if self.question.kind == QuestionKind.NUMBER else "share"


def columns_of(question: Question, said: NDArray[np.str_]) -> Iterator[_Column]:
    """Yield what is estimated of a question."""
    if question.kind == QuestionKind.NUMBER:
        yield _Column(question, None, np.where(said == "", "nan", said).astype(float))
        return
    options = [o for o in question.options.all() if not o.is_missing]
    valid = np.isin(said, [o.value for o in options])

    def share(values: list[str]) -> Floats:
        return np.where(valid, np.isin(said, values), np.nan)

    counted = [o.value for o in options if o.counts]
    if counted:
        yield _Column(question, None, share(counted))
    for option in options:
        yield _Column(question, option.pk, share([option.value]))


def compute_estimates(wave: Wave, *, at: datetime) -> int:
    """
    Estimate every question for every area, and by sex and age for the municipality.

    What was estimated before is replaced. Returns the number of estimates.
    """
    with system("statistics"):
        answers = answers_of(wave)
    columns = [
        column
        for question in wave.survey.questions.prefetch_related("options")
        for column in columns_of(question, answers.column(question.code))
    ]
    design = answers.design()
    everybody = np.full(answers.weight.size, wave.municipality_id)
    rows: list[tuple[Any, ...]] = []
    for kind in get_args(Kind):
        values = {str(i): c.y for i, c in enumerate(columns) if c.kind == kind}
        for name, by in (
            ("area", answers.area),
            ("", everybody),
            ("sex", answers.sex),
            ("age", answers.age_group),
        ):
            if values and (by != "").any():
                result = estimate(design, values, kind=kind, by={"group": by})
                against = _against_rest(design, columns, kind, by)
                rows += _rows(wave, columns, name, result, against)
    moment = connection.ops.adapt_datetimefield_value(at)
    shared = (wave.pk, answers.digest, moment)
    with transaction.atomic():
        Estimate.objects.filter(wave=wave).delete()
        insert_rows(Estimate, STORED, ((*shared, *row) for row in rows))
    return len(rows)


Difference = tuple[float | None, float | None, float | None, float | None]
NO_DIFFERENCE: Difference = (None, None, None, None)


def _against_rest(
    design: Design, columns: list[_Column], kind: Kind, by: NDArray[Any]
) -> dict[tuple[str, str], Difference]:
    """
    Compare each group's headline with all other groups together.

    The groups of one question are a family: p is adjusted for as many comparisons
    (Benjamini and Hochberg).
    """
    found: dict[tuple[str, str], Difference] = {}
    if np.unique(by[by != ""]).size < 2:
        return found
    for number, column in enumerate(columns):
        if column.option is None and column.kind == kind:
            y = {str(number): column.y}
            result = compare(design, y, kind=kind, by={"group": by})
            figures = (result.difference, result.low, result.high, result.p_adjusted)
            for name, *row in zip(
                result.contrast.tolist(), *(_plain(f) for f in figures), strict=True
            ):
                found[str(number), name.removesuffix(" - rest")] = tuple(row)
    return found


def _plain(figures: Floats) -> list[float | None]:
    return [x if np.isfinite(x) else None for x in figures.tolist()]


FIGURES = {
    "value": "estimate",
    "se": "se",
    "low": "low",
    "high": "high",
    "n_effective": "n_effective",
    "deff": "deff",
    "df": "df",
}
STORED = (
    *("wave", "input_digest", "computed_at"),
    *("method", "kind", "question", "option", "area", "group", "n"),
    *FIGURES,
    *("difference", "difference_low", "difference_high", "p_adjusted"),
)


def _rows(
    wave: Wave,
    columns: list[_Column],
    name: str,
    result: Estimates,
    against: Mapping[tuple[str, str], Difference],
) -> Iterator[tuple[Any, ...]]:
    """Yield estimates as rows, from `method` on in the order of STORED."""
    figures = zip(
        *(_plain(getattr(result, source)) for source in FIGURES.values()), strict=True
    )
    method = json.dumps(result.method)
    of_municipality = name in ("sex", "age")
    for number, group, n, values in zip(
        result.value.tolist(),
        result.by["group"].tolist(),
        result.n.tolist(),
        figures,
        strict=True,
    ):
        column = columns[int(number)]
        yield (
            method,
            result.method["kind"],
            column.question.pk,
            column.option,
            wave.municipality_id if of_municipality else group,
            f"{name}={group}" if of_municipality else "",
            n,
            *values,
            *against.get((number, str(group)), NO_DIFFERENCE),
        )


def weigh(sample: Sample) -> tuple[AnswerTable, dict[str, Any]]:
    """
    Weight the answers of a sample, and say how it was done.

    The weight of being invited is raised for non-response within classes of area and
    age, and the sum is raked to the frame: persons by area and age, and by sex. In an
    area ages are joined until a class has enough answers.
    """
    frame, answered = sample.frame, sample.answered
    label, size = _classes(sample)
    adjusted = adjust_by_class(sample.weight, answered, {"class": label})
    sex = sample.sex[answered]
    half = frame.persons.sum() / 2
    raked = rake(
        adjusted.weight[answered],
        {"class": label[answered], "sex": sex},
        {"class": size, "sex": dict.fromkeys(SEXES, half)},
    )
    areas = np.array(frame.areas)
    table = AnswerTable(
        area=areas[sample.area[answered]],
        stratum=label[answered],
        unit=np.full(answered.sum(), ""),
        weight=raked.weight,
        stratum_size=np.array([size[c] for c in label[answered].tolist()]),
        sex=sex,
        age_group=np.array(AGE_GROUPS)[sample.age_group[answered]],
        values={code: column[answered] for code, column in sample.answers.items()},
    )
    design = {
        "strata": {
            "sv": "område och ålder; åldrar slås ihop där få har svarat",
            "en": "area and age; ages joined where few answered",
        },
        "weights": {
            "sv": "för urvalet, för bortfall i klasser av område och ålder, och sedan "
            "så att de stämmer med befolkningen efter område, ålder och kön",
            "en": "for the sample, for non-response in classes of area and age, and "
            "then to agree with the population by area, age and sex",
        },
        "margins": {"class": len(size), "sex": len(SEXES)},
        "largest_margin_error": raked.largest_margin_error,
        "weight_design_effect": raked.design_effect,
        "largest_weight": float(raked.weight.max()),
        "response": _response(sample),
        "version": __version__,
    }
    return table, design


def _classes(sample: Sample) -> tuple[NDArray[np.str_], dict[str, float]]:
    """Return each person's class of area and age, and the persons of each class."""
    frame = sample.frame
    labels = np.empty(frame.persons.shape, dtype="U60")
    size: dict[str, float] = {}
    count = np.zeros_like(frame.persons)
    np.add.at(count, (sample.area, sample.age_group), sample.answered)
    for a, area in enumerate(frame.areas):
        for ages in _joined(count[a]):
            name = f"{area} {AGE_GROUPS[ages[0]][:2]}-{AGE_GROUPS[ages[-1]][3:]}"
            labels[a, ages] = name
            size[name] = float(frame.persons[a, ages].sum())
    return labels[sample.area, sample.age_group], size


def _joined(count: NDArray[np.int64]) -> list[list[int]]:
    """Join neighbouring ages from the youngest on until each class has enough."""
    classes: list[list[int]] = [[]]
    for age in range(count.size):
        if classes[-1] and count[classes[-1]].sum() >= FEWEST_IN_CLASS:
            classes.append([])
        classes[-1].append(age)
    if len(classes) > 1 and count[classes[-1]].sum() < FEWEST_IN_CLASS:
        classes[-2:] = [classes[-2] + classes[-1]]
    return classes


def _response(sample: Sample) -> dict[str, Mapping[str, int]]:
    """Count invited and answers by age and sex, for the technical report."""
    ages = np.array(AGE_GROUPS)[sample.age_group]
    return {
        f"{name}={level}": {
            "invited": int((column == level).sum()),
            "answers": int((sample.answered & (column == level)).sum()),
        }
        for name, column, levels in (
            ("sex", sample.sex, SEXES),
            ("age", ages, AGE_GROUPS),
        )
        for level in levels
    }
