"""The workspace for surveys: estimate in the background, look, publish, withdraw."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from trygg.accounts.policy import Act, Data, concerns
from trygg.common.http import render_page_or_part
from trygg.history.steps import WrongStep
from trygg.jobs.actions import latest_job, start
from trygg.release import access, actions, queries
from trygg.release.jobs import estimate_and_prepare
from trygg.surveys import access as surveys
from trygg.surveys.models import Wave
from trygg.surveys.queries import technical_facts, waves_of

REFUSALS = {
    actions.OwnRelease: gettext_lazy("Somebody else must publish what you prepared."),
    actions.NotSafe: gettext_lazy(
        "The audit found a figure that could be worked out. It cannot be published."
    ),
    WrongStep: gettext_lazy("The release has changed since you opened it."),
}


def _wave(request: Any, slug: str, code: str, *, to: Act = Act.READ) -> Wave:
    survey = surveys.get_survey(request.user, slug, to=to)
    return get_object_or_404(waves_of(survey), code=code)


@concerns(Data.SURVEY_DEFINITION, Act.READ)
@require_GET
def survey_list(request: Any) -> HttpResponse:
    found = surveys.surveys_for(request.user, Act.READ)
    rows = [{"survey": survey, "waves": list(waves_of(survey))} for survey in found]
    return render(request, "release/survey_list.html", {"rows": rows})


@concerns(Data.SURVEY_DEFINITION, Act.READ)
@require_GET
def wave_detail(request: Any, slug: str, code: str) -> HttpResponse:
    """Show a wave; HTMX asks for the part about the job again while it is under way."""
    wave = _wave(request, slug, code)
    job = latest_job(wave)
    context = {
        "wave": wave,
        "job": job,
        "facts": technical_facts(wave),
        "releases": queries.releases_of(wave),
        "may_estimate": surveys.surveys_for(
            request.user, Act.CREATE, as_if_ready=True
        ).exists(),
        "may_publish": access.releases_for(
            request.user, Act.APPROVE, as_if_ready=True
        ).exists()
        or surveys.surveys_for(request.user, Act.APPROVE, as_if_ready=True).exists(),
    }
    return render_page_or_part(
        request, "release/wave_detail.html", "release/_job.html", context
    )


@concerns(Data.SURVEY_DEFINITION, Act.CREATE)
@require_POST
def wave_estimate(request: Any, slug: str, code: str) -> HttpResponse:
    wave = _wave(request, slug, code, to=Act.CREATE)
    start(estimate_and_prepare, wave, by=request.user, at=timezone.now())
    messages.success(request, _("The estimates are being made in the background."))
    return redirect("wave-detail", slug, code)


@concerns(Data.SURVEY_DEFINITION, Act.APPROVE)
@require_POST
def release_publish(request: Any, pk: int) -> HttpResponse:
    release = access.get_release(request.user, pk, to=Act.APPROVE)
    try:
        actions.publish_release(release, by=request.user, at=timezone.now())
        messages.success(request, _("The figures are public."))
    except tuple(REFUSALS) as refusal:
        messages.error(request, REFUSALS[type(refusal)])
    return redirect("wave-detail", release.wave.survey.slug, release.wave.code)


@concerns(Data.SURVEY_DEFINITION, Act.APPROVE)
@require_POST
def release_withdraw(request: Any, pk: int) -> HttpResponse:
    release = access.get_release(request.user, pk)
    # Withdrawing closes a door: who may open it may close it, published or not.
    surveys.get_survey(request.user, release.wave.survey.slug, to=Act.APPROVE)
    try:
        actions.withdraw_release(
            release,
            by=request.user,
            reason=request.POST.get("reason", "").strip(),
            at=timezone.now(),
        )
        messages.success(request, _("The figures are withdrawn."))
    except WrongStep as refusal:
        messages.error(request, REFUSALS[type(refusal)])
    return redirect("wave-detail", release.wave.survey.slug, release.wave.code)
