"""Preparing, publishing and withdrawing a release of figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from trygg.accounts.guard import system
from trygg.accounts.models import User
from trygg.areas.bulk import insert_rows
from trygg.history.steps import record, step
from trygg.release.models import Figure, Reason, Release, ReleaseStatus
from trygg.release.protection import (
    RULES,
    Decision,
    PublicationRules,
    Tables,
    decide,
)
from trygg.surveys.analysis import WaveAnswers, answers_of
from trygg.surveys.models import Estimate, Option, QuestionKind, Wave

Place = tuple[int, str]  # area, group
SIGNIFICANT = 0.05
FIELDS = (
    *("release", "question", "option", "kind", "area", "group", "is_shown", "reason"),
    *("value", "low", "high", "bound", "base", "is_uncertain", "against_rest"),
)


class StaleEstimates(Exception):
    """The wave has no estimates, or they are of other answers than it has now."""


class OtherAnswersReleased(Exception):
    """Figures of other answers of the wave are public: the two could be compared."""


class NotSafe(Exception):
    """The audit found a figure that could be worked out."""


class OwnRelease(Exception):
    """Who prepared a release may not publish it."""


@transaction.atomic
def prepare_release(
    wave: Wave,
    *,
    at: datetime,
    by: User | None = None,
    rules: PublicationRules = RULES,
) -> Release:
    """
    Decide what may be shown of the wave's estimates, and keep it with the proof.

    Raises
    ------
    StaleEstimates, OtherAnswersReleased
    """
    with system("release"):
        answers = answers_of(wave)
    estimates = list(
        Estimate.objects.filter(wave=wave).values(
            *("question_id", "option_id", "kind", "area_id", "group", "n"),
            *("value", "low", "high", "input_digest", "p_adjusted"),
            *("difference", "difference_low", "difference_high"),
        )
    )
    if {e["input_digest"] for e in estimates} != {answers.digest}:
        raise StaleEstimates(f"compute the estimates of {wave} first")
    before = wave.releases.order_by("-number").first()
    public = wave.releases.filter(published_at__isnull=False)
    if any(
        release.input_digest != answers.digest or release.rules != asdict(rules)
        for release in public
    ):
        raise OtherAnswersReleased(f"{wave} has a release of other answers or rules")

    by_question: dict[int, list[dict[str, Any]]] = {}
    for estimate in estimates:
        by_question.setdefault(estimate["question_id"], []).append(estimate)
    rows: list[tuple[Any, ...]] = []
    certificates: dict[str, Mapping[str, Any]] = {}
    places = _places(wave, answers)
    for question in wave.survey.questions.prefetch_related("options"):
        shown: dict[tuple[int | None, Place], bool] = {}
        if question.kind != QuestionKind.NUMBER:
            options = [o for o in question.options.all() if not o.is_missing]
            tables = _tables(answers.column(question.code), options, places)
            decision = decide(tables, is_sensitive=question.is_sensitive, rules=rules)
            certificates[question.code] = decision.certificate
            shown = dict(_spelled_out(decision, options, places))
        rows += (
            _figure(estimate, shown, rules)
            for estimate in by_question.get(question.pk, ())
            if rules.options_by_area
            or estimate["option_id"] is None
            or estimate["area_id"] == wave.municipality_id
        )
    release = Release.objects.create(
        wave=wave,
        number=before.number + 1 if before else 1,
        prepared_at=at,
        prepared_by=by,
        rules=asdict(rules),
        certificate=_summed_up(certificates),
        input_digest=answers.digest,
    )
    insert_rows(Figure, FIELDS, ((release.pk, *row) for row in rows))
    record(release, "prepared", by=by, at=at)
    return release


@transaction.atomic
def publish_release(release: Release, *, by: User | None, at: datetime) -> None:
    """
    Make a release public. Made-up answers may be published by the system itself.

    Raises
    ------
    NotSafe, OwnRelease, WrongStep
    """
    if not release.is_safe:
        raise NotSafe(f"{release}: {release.certificate}")
    if by is None:
        if not release.wave.survey.is_synthetic:
            raise OwnRelease(f"{release} must be published by a person")
    elif by.pk == release.prepared_by_id:
        raise OwnRelease(f"{by} prepared {release}")
    step(release, ReleaseStatus.PUBLISHED, by=by, at=at)
    release.published_at, release.published_by = at, by
    release.save(update_fields=["published_at", "published_by"])


def withdraw_release(
    release: Release, *, by: User | None, at: datetime, reason: str
) -> None:
    """Take a release back. What was read of it stays known: see prepare_release."""
    step(release, ReleaseStatus.WITHDRAWN, by=by, at=at, reason=reason)


def _places(
    wave: Wave, answers: WaveAnswers
) -> list[tuple[str, Place | None, NDArray[np.bool_]]]:
    """
    Return the rows of the tables: kind, place, and who answered there.

    The municipality comes first. Those whose sex or age is unknown have no place.
    """
    whole = wave.municipality_id
    result: list[tuple[str, Place | None, NDArray[np.bool_]]] = [
        ("all", (whole, ""), np.full(answers.area.size, True))
    ]
    for area in np.unique(answers.area).tolist():
        result.append(("area", (area, ""), answers.area == area))
    for name, column in (("sex", answers.sex), ("age", answers.age_group)):
        for level in np.unique(column).tolist():
            place = (whole, f"{name}={level}") if level else None
            result.append((name, place, column == level))
    return result


def _tables(
    said: NDArray[np.str_],
    options: list[Option],
    places: list[tuple[str, Place | None, NDArray[np.bool_]]],
) -> Tables:
    given = np.stack([said == option.value for option in options])
    members = np.stack([here for _, _, here in places])
    return Tables(
        counts=members.astype(np.int64) @ given.T.astype(np.int64),
        kinds=[kind for kind, _, _ in places],
        never_shown=np.array([place is None for _, place, _ in places]),
        counted=np.array([option.counts for option in options]),
    )


def _spelled_out(
    decision: Decision,
    options: list[Option],
    places: list[tuple[str, Place | None, NDArray[np.bool_]]],
) -> Iterator[tuple[tuple[int | None, Place], bool]]:
    for row, (_, place, _) in enumerate(places):
        if place:
            yield (None, place), bool(decision.headline[row])
            for column, option in enumerate(options):
                yield (option.pk, place), bool(decision.options[row, column])


def _figure(
    e: dict[str, Any],
    shown: Mapping[tuple[int | None, Place], bool],
    rules: PublicationRules,
) -> tuple[Any, ...]:
    """Return a figure as its row from `question` on, means rounded to one decimal."""
    n = e["n"]
    is_few = n < rules.fewest_for_percent
    is_shown = (
        not is_few
        and e["value"] is not None
        and shown.get((e["option_id"], (e["area_id"], e["group"])), e["kind"] == "mean")
    )
    reason = "" if is_shown else Reason.FEW if is_few else Reason.PROTECTED
    to = rules.base_rounded_to
    base = None if is_few else to * round(n / to)
    value = low = high = None
    bound = against = ""
    if is_shown and e["kind"] == "mean":
        value, low, high = (round(e[key], 1) for key in ("value", "low", "high"))
    elif is_shown:
        value, low, high, bound = _rounded_share(e, rules)
    if is_shown:
        against = _against_rest(e)
    return (
        *(e["question_id"], e["option_id"], e["kind"], e["area_id"], e["group"]),
        *(is_shown, str(reason), value, low, high, bound, base),
        *(is_shown and n < rules.certain_from, against),
    )


def _rounded_share(
    e: dict[str, Any], rules: PublicationRules
) -> tuple[float, float | None, float | None, str]:
    """Round to whole per cent; of (nearly) all or none say only that it is so."""
    most = rules.nearly_all_of_few if e["n"] < rules.few else rules.nearly_all
    if e["value"] >= most:
        return most, None, None, ">"
    fewest = round(1 - most, 2)
    if e["value"] <= fewest:
        return fewest, None, None, "<"
    return (*(round(e[key], 2) for key in ("value", "low", "high")), "")


def _against_rest(e: dict[str, Any]) -> str:
    """Say that an area differs from the rest only where the figures support it."""
    if e["p_adjusted"] is None or e["p_adjusted"] >= SIGNIFICANT:
        return ""
    if e["difference_low"] <= 0 <= e["difference_high"]:
        return ""
    return "higher" if e["difference"] > 0 else "lower"


def _summed_up(certificates: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Add up what the audit found, with every question's own finding."""

    def found(key: str) -> Iterable[Any]:
        return (c[key] for c in certificates.values() if c.get(key) is not None)

    return {
        "targets": sum(found("targets")),
        "programs": sum(found("programs")),
        "smallest_window": min(found("smallest_window"), default=None),
        "exactly_disclosed": sum(found("exactly_disclosed")),
        "too_narrow": sum(found("too_narrow")),
        "questions": certificates,
    }
