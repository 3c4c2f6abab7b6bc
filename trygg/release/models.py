"""The only door outwards for figures from answers: checked tables, as signed rows."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from trygg.accounts.models import User
from trygg.areas.models import Area
from trygg.history.models import Stepped
from trygg.surveys.models import Option, Question, Wave


class ReleaseStatus(models.TextChoices):
    PREPARED = "prepared", _("prepared")
    PUBLISHED = "published", _("published")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Release(Stepped):
    """One publication of the figures of a wave, with the proof that it is safe."""

    STEPS = {
        ReleaseStatus.PREPARED: {ReleaseStatus.PUBLISHED, ReleaseStatus.WITHDRAWN},
        ReleaseStatus.PUBLISHED: {ReleaseStatus.WITHDRAWN},
        ReleaseStatus.WITHDRAWN: set(),
    }

    wave = models.ForeignKey(Wave, models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    status = models.CharField(
        max_length=10, choices=ReleaseStatus, default=ReleaseStatus.PREPARED
    )
    prepared_at = models.DateTimeField()
    prepared_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    rules = models.JSONField()  # thresholds in force
    certificate = models.JSONField()  # what the audit found: targets, windows, programs
    input_digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wave", "number"], name="release_number_is_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.wave} release {self.number}"

    @property
    def is_safe(self) -> bool:
        """Say whether the audit found that no hidden figure can be worked out."""
        found = self.certificate
        return found["exactly_disclosed"] == 0 and found["too_narrow"] == 0


class Reason(models.TextChoices):
    FEW = "few", _("too few answers")
    PROTECTED = "protected", _("not shown, out of regard for individuals")


class Figure(models.Model):
    """One figure as the public may read it. Pages, files and charts read only these."""

    release = models.ForeignKey(Release, models.PROTECT, related_name="figures")
    question = models.ForeignKey(Question, models.PROTECT)
    option = models.ForeignKey(Option, models.PROTECT, null=True)  # null: the headline
    kind = models.CharField(max_length=10)
    area = models.ForeignKey(Area, models.PROTECT)
    group = models.CharField(max_length=30, blank=True)
    is_shown = models.BooleanField()
    reason = models.CharField(max_length=10, choices=Reason, blank=True)
    # Null where not shown. Shares are between 0 and 1, rounded to whole per cent;
    # `bound` says that the true share lies at or beyond the value ("<" or ">").
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    bound = models.CharField(max_length=1, blank=True)
    base = models.PositiveIntegerField(null=True)  # respondents, rounded to 5
    is_uncertain = models.BooleanField(default=False)  # 30–99 answers: say so
    # "higher", "lower" or "" where the interval does not support any claim
    against_rest = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["release", "question", "option", "kind", "area", "group"],
                name="figure_of_an_option_is_one",
            ),
            models.UniqueConstraint(
                fields=["release", "question", "kind", "area", "group"],
                condition=models.Q(option__isnull=True),
                name="headline_figure_is_one",
            ),
        ]
        indexes = [models.Index(fields=["area", "question", "group"])]

    def __str__(self) -> str:
        return f"{self.question_id} {self.area_id} {self.group}: {self.value}"
