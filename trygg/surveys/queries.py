"""Facts about surveys that need no protection: what was done, and how many answered."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import get_language

from trygg.surveys.models import Question, Survey, Wave


@dataclass(frozen=True)
class GroupResponse:
    """How many of a group were invited, and how many answered."""

    group: str  # "sex=F", "age=16-24"
    invited: int
    answers: int

    @property
    def rate(self) -> float:
        return self.answers / self.invited


@dataclass(frozen=True)
class TechnicalFacts:
    """What a reader needs to judge a wave by."""

    wave: Wave
    invited: int
    answers: int
    response_rate: float
    by_group: list[GroupResponse]
    weights_design_effect: float | None  # Kish's
    strata: str
    weights: str
    frame: str


def waves_of(survey: Survey) -> QuerySet[Wave]:
    """Return the waves of a survey, the newest first."""
    waves = survey.waves.select_related("survey", "geography", "municipality")
    return waves.defer("municipality__shape", "municipality__path").order_by("-ends_on")


def questions_of(survey: Survey) -> QuerySet[Question]:
    """Return the questions of a survey with their options, in order."""
    return survey.questions.prefetch_related("options").order_by("order")


def technical_facts(wave: Wave) -> TechnicalFacts:
    """Return how the wave was made, as far as its file or generator told."""
    told = wave.design
    return TechnicalFacts(
        wave=wave,
        invited=wave.invited,
        answers=wave.answers,
        response_rate=wave.response_rate,
        by_group=[
            GroupResponse(group, counts["invited"], counts["answers"])
            for group, counts in told.get("response", {}).items()
        ],
        weights_design_effect=told.get("weight_design_effect"),
        strata=_in_language(told.get("strata", {})),
        weights=_in_language(told.get("weights", {})),
        frame=_in_language(told.get("frame", {})),
    )


def _in_language(words: dict[str, str]) -> str:
    return words.get(get_language() or "sv", words.get("sv", ""))
