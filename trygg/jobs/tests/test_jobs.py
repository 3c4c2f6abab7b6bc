"""Background work: once at a time, with progress, and never lost with its worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from trygg.jobs import actions
from trygg.jobs.models import Job, JobStatus

pytestmark = pytest.mark.django_db(transaction=True)

done_with: list[str] = []


@pytest.fixture(autouse=True)
def nothing_done():
    done_with.clear()


def count_to_three(job, *, at):
    for number in range(3):
        actions.tell_progress(job, number + 1, 3)
    done_with.append(job.about)


def stumble(job, *, at):
    actions.tell_progress(job, 1, 3)
    raise ValueError("what somebody wrote")


def work_off():
    call_command("worker", once=True)


def test_work_is_done_by_the_worker_and_tells_how_far_it_came(anna, at):
    job = actions.start(count_to_three, anna, by=anna, at=at)
    assert job.status == JobStatus.QUEUED
    assert not done_with

    work_off()

    job.refresh_from_db()
    assert (job.status, job.done, job.total) == (JobStatus.DONE, 3, 3)
    assert done_with == [f"accounts.user:{anna.pk}"]
    assert job.ended_at is not None


def test_the_same_work_asked_for_twice_is_done_once(anna, petra, at):
    first = actions.start(count_to_three, anna, by=anna, at=at)
    second = actions.start(count_to_three, anna, by=petra, at=at)
    work_off()
    assert first.pk == second.pk
    assert len(done_with) == 1


def test_when_it_is_done_it_can_be_asked_for_again(anna, at):
    actions.start(count_to_three, anna, by=anna, at=at)
    work_off()
    actions.start(count_to_three, anna, by=anna, at=at + timedelta(minutes=1))
    work_off()
    assert len(done_with) == 2
    assert actions.latest_job(anna).status == JobStatus.DONE


def test_a_failure_is_kept_by_its_name_without_what_somebody_wrote(anna, at):
    job = actions.start(stumble, anna, by=anna, at=at)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.fault) == (JobStatus.FAILED, "ValueError")


def test_work_whose_worker_was_killed_is_taken_back_after_its_lease(anna, at):
    job = actions.start(count_to_three, anna, by=anna, at=at)
    # As a killed worker leaves it: claimed, begun, never ended.
    task = DBTaskResult.objects.get()
    task.claim("dead")
    Job.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    now = timezone.now()

    assert actions.take_back_abandoned(at=now) == 0
    work_off()
    assert done_with == []

    assert actions.take_back_abandoned(at=now + actions.LEASE * 1.1) == 1
    work_off()
    job.refresh_from_db()
    assert (job.status, len(done_with)) == (JobStatus.DONE, 1)


def test_a_task_that_runs_a_second_time_does_nothing(anna, at):
    job = actions.start(count_to_three, anna, by=anna, at=at)
    work_off()
    actions.do_job.call(job.pk)
    assert len(done_with) == 1
