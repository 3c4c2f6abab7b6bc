"""What happened to a thing, told as rows that are only ever added."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Stepped(models.Model):
    """Something whose `status` moves along `STEPS`, and only by `step()`."""

    STEPS: ClassVar[dict[str, set[str]]] = {}
    status = models.CharField(max_length=20)  # each thing says which ones it knows

    class Meta:
        abstract = True


class Event(models.Model):
    """One line of the history of a thing."""

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True)
    what = models.CharField(max_length=100)
    about = models.CharField(max_length=100, db_index=True)
    more = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.what} {self.about}"


class Chain(models.Model):
    """The end of one audit chain, locked while a row is added."""

    name = models.CharField(max_length=20, primary_key=True)
    seq = models.PositiveBigIntegerField()
    h = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.name


class AuditRow(models.Model):
    """One row of an audit chain: see audit.py. It is never changed nor deleted."""

    chain = models.ForeignKey(Chain, models.PROTECT)
    seq = models.PositiveBigIntegerField()
    utc = models.CharField(max_length=40)
    actor = models.CharField(max_length=150)  # user name, empty for a timer
    roles = models.CharField(max_length=60)
    organisation = models.CharField(max_length=200)
    act = models.CharField(max_length=40)
    data = models.CharField(max_length=40)
    about = models.CharField(max_length=100)
    purpose = models.CharField(max_length=100)
    decision = models.CharField(max_length=20)  # allowed, refused
    prev = models.CharField(max_length=64)
    h = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="audit_row_is_one")
        ]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.seq}"
