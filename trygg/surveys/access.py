"""Who may do what with surveys and answers. Answers are opened for analysts only."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from trygg.accounts.guard import opened
from trygg.accounts.models import User
from trygg.accounts.policy import Act, Data, Reach, reach
from trygg.accounts.trail import leave_trail
from trygg.surveys.models import Answer, Survey, Wave


def surveys_for(
    user: User | AnonymousUser, act: Act, *, as_if_ready: bool = False
) -> QuerySet[Survey]:
    """Return the surveys with whose definition the user may do that."""
    may = reach(user, act, Data.SURVEY_DEFINITION, as_if_ready=as_if_ready)
    surveys = Survey.objects.order_by("slug")
    return surveys if may == Reach.ALL else surveys.none()


def get_survey(user: User | AnonymousUser, slug: str, *, to: Act = Act.READ) -> Survey:
    """
    Return the survey if the user may do that with it.

    404 where they may not know that it exists, 403 where they may read it but no more.
    """
    survey = get_object_or_404(surveys_for(user, Act.READ), slug=slug)
    if not surveys_for(user, to).filter(pk=survey.pk).exists():
        raise PermissionDenied
    return survey


def answers_of_wave(
    user: User, wave: Wave, *, purpose: str, at: datetime
) -> QuerySet[Answer]:
    """
    Return the answers of a wave to an analyst who has said what for, with a trail.

    One's own answers are those to surveys that one's own organisation owns.
    """
    may = reach(user, Act.READ, Data.RAW_ANSWER, purpose=purpose)
    is_own = user.organisation_id == wave.survey.owner_id
    if may == Reach.NOTHING or (may == Reach.OWN and not is_own):
        leave_trail(
            user,
            Act.READ,
            Data.RAW_ANSWER,
            wave,
            at=at,
            decision="refused",
            purpose=purpose,
        )
        raise PermissionDenied
    leave_trail(user, Act.READ, Data.RAW_ANSWER, wave, at=at, purpose=purpose)
    opened(Data.RAW_ANSWER)
    answers: QuerySet[Answer] = Answer.objects.filter(wave=wave)
    return answers
