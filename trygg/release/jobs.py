"""What goes on in the background on the way from answers to a release."""

from __future__ import annotations

from datetime import datetime

from trygg.jobs.actions import tell_progress
from trygg.jobs.models import Job
from trygg.release.actions import prepare_release
from trygg.surveys.analysis import compute_estimates
from trygg.surveys.models import Wave


def estimate_and_prepare(job: Job, *, at: datetime) -> None:
    """Estimate a wave anew and prepare a release, for somebody else to publish."""
    wave = Wave.objects.select_related("survey").get(pk=job.about.split(":")[1])
    tell_progress(job, 0, 2)
    compute_estimates(wave, at=at)
    tell_progress(job, 1, 2)
    prepare_release(wave, by=job.started_by, at=at)
    tell_progress(job, 2, 2)
