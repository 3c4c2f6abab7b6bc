"""Starting background work and telling how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils.module_loading import import_string
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from trygg.history.steps import about as name_of
from trygg.history.steps import step
from trygg.jobs.models import Job, JobStatus

LEASE = timedelta(minutes=10)  # longer than any job takes; then its worker is dead
Work = Callable[..., None]


@transaction.atomic
def start(work: Work, about: models.Model, *, by: Any, at: datetime) -> Job:
    """
    Have a function of ours done in the background: work(job, at=…).

    The same work about the same thing is under way once: asked for again, the job that
    is under way is returned.
    """
    job, is_new = Job.objects.get_or_create(
        work=f"{work.__module__}.{work.__qualname__}",
        about=name_of(about),
        status__in=[JobStatus.QUEUED, JobStatus.RUNNING],
        defaults={"started_by": by, "queued_at": at, "status": JobStatus.QUEUED},
    )
    if is_new:
        transaction.on_commit(lambda: do_job.enqueue(job.pk))
    return job


def tell_progress(job: Job, done: int, total: int) -> None:
    """Let those who wait see how far the work has come."""
    Job.objects.filter(pk=job.pk).update(done=done, total=total)


@task()
def do_job(pk: int) -> None:
    """Do a job. One that was taken back from a dead worker is begun anew."""
    from django.utils import timezone  # a task is an edge: it reads the clock

    job = Job.objects.get(pk=pk)
    if not job.is_under_way:
        return
    if job.status == JobStatus.QUEUED:
        step(job, JobStatus.RUNNING, by=None, at=timezone.now())
    try:
        import_string(job.work)(job, at=timezone.now())
    except Exception as problem:
        job.fault = type(problem).__name__
        _end(job, JobStatus.FAILED, at=timezone.now())
        raise
    _end(job, JobStatus.DONE, at=timezone.now())


def _end(job: Job, status: JobStatus, *, at: datetime) -> None:
    with transaction.atomic():
        step(job, status, by=None, at=at)
        Job.objects.filter(pk=job.pk).update(ended_at=at, fault=job.fault)


def take_back_abandoned(*, at: datetime) -> int:
    """Put work whose worker has died back into the queue. Returns how many."""
    abandoned = DBTaskResult.objects.running().filter(started_at__lt=at - LEASE)
    return abandoned.update(status="READY", started_at=None)


def latest_job(about: models.Model) -> Job | None:
    """Return the newest job about a thing."""
    return (
        Job.objects.filter(about=name_of(about)).order_by("-queued_at", "-pk").first()
    )
