"""Long work that goes on in the background, with its progress for those who wait."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from trygg.history.models import Stepped


class JobStatus(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("under way")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class Job(Stepped):
    """One piece of background work. Doing it twice must do no harm."""

    STEPS = {
        JobStatus.QUEUED: {JobStatus.RUNNING},
        JobStatus.RUNNING: {JobStatus.DONE, JobStatus.FAILED},
        JobStatus.DONE: set(),
        JobStatus.FAILED: set(),
    }

    work = models.CharField(max_length=200)  # the function: "trygg.release.jobs.…"
    about = models.CharField(max_length=100, db_index=True)  # "surveys.wave:3"
    status = models.CharField(
        max_length=10, choices=JobStatus, default=JobStatus.QUEUED
    )
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)  # 0: not known yet
    fault = models.CharField(max_length=200, blank=True)  # the error's name, no content
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True)
    queued_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["work", "about"],
                condition=models.Q(status__in=["queued", "running"]),
                name="job_is_under_way_once",
            ),
            models.CheckConstraint(
                name="job_status_is_known",
                condition=models.Q(status__in=JobStatus.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work} {self.about}"

    @property
    def is_under_way(self) -> bool:
        return self.status in (JobStatus.QUEUED, JobStatus.RUNNING)
