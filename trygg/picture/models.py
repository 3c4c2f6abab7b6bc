"""The joint situational picture: statements on evidence, problems, what is not known."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from trygg.accounts.guard import Guarded
from trygg.accounts.models import Organisation, User
from trygg.areas.models import Area
from trygg.history.models import Stepped


class PictureStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    JOINT = "joint", _("joint review")
    APPROVED = "approved", _("approved")
    SUPERSEDED = "superseded", _("superseded")


class SituationalPicture(Stepped):
    """A situational picture (lägesbild) of a municipality or of some of its areas."""

    STEPS = {
        PictureStatus.DRAFT: {PictureStatus.JOINT},
        PictureStatus.JOINT: {PictureStatus.DRAFT, PictureStatus.APPROVED},
        PictureStatus.APPROVED: {PictureStatus.SUPERSEDED, PictureStatus.DRAFT},
        PictureStatus.SUPERSEDED: set(),
    }

    slug = models.SlugField(unique=True)
    title_sv = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    areas = models.ManyToManyField(Area)  # one municipality, or any set of areas
    organisations = models.ManyToManyField(Organisation)
    period = models.CharField(max_length=40)  # "2026"
    status = models.CharField(
        max_length=12, choices=PictureStatus, default=PictureStatus.DRAFT
    )
    is_synthetic = models.BooleanField(default=False)

    objects = Guarded("situational_picture")

    def __str__(self) -> str:
        return self.slug

    @property
    def title(self) -> str:
        return self.title_en if get_language() == "en" else self.title_sv


class Part(models.IntegerChoices):
    """The three parts that 4 § of lag (2023:196) demands."""

    MAPPING = 1, _("mapping of crime and safety, its extent and consequences")
    OTHER = 2, _("other information of significance")
    ANALYSIS = 3, _("analysis")


class Statement(models.Model):
    """One thing that the picture says, with the evidence that it rests on."""

    picture = models.ForeignKey(
        SituationalPicture, models.CASCADE, related_name="statements"
    )
    part = models.PositiveSmallIntegerField(choices=Part)
    section = models.SlugField(
        max_length=40
    )  # population, survey, links, groups, gaps …
    order = models.PositiveSmallIntegerField()
    text_sv = models.TextField()
    text_en = models.TextField(blank=True)
    is_automatic = models.BooleanField(default=False)  # built from evidence, not typed
    written_by = models.ForeignKey(User, models.PROTECT, null=True)
    written_at = models.DateTimeField()

    objects = Guarded("situational_picture")

    def __str__(self) -> str:
        return f"Statement {self.pk}"

    @property
    def text(self) -> str:
        return self.text_en if get_language() == "en" and self.text_en else self.text_sv


class Evidence(models.Model):
    """A figure or a source that a statement rests on, frozen as it stood."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="evidence")
    order = models.PositiveSmallIntegerField()
    kind = models.CharField(
        max_length=20,
        choices=[
            ("figure", _("survey figure")),
            ("observation", _("statistics")),
            ("analysis", _("analysis")),
            ("other", _("other source")),
        ],
    )
    label_sv = models.CharField(max_length=300)
    label_en = models.CharField(max_length=300)
    # value, low, high, n, unit, area code: as published; absent keys mean not known
    content = models.JSONField(default=dict)
    source = models.CharField(max_length=300)
    dated = models.CharField(max_length=40)  # the date or period of the figure
    refers_to = models.CharField(max_length=100, blank=True)  # "release.figure:12"

    objects = Guarded("situational_picture")

    def __str__(self) -> str:
        return f"Evidence {self.pk}"

    @property
    def label(self) -> str:
        return self.label_en if get_language() == "en" else self.label_sv


class Problem(models.Model):
    """A problem that the picture points out."""

    picture = models.ForeignKey(
        SituationalPicture, models.CASCADE, related_name="problems"
    )
    order = models.PositiveSmallIntegerField()
    what_sv = models.CharField(max_length=200)
    what_en = models.CharField(max_length=200, blank=True)
    where = models.ManyToManyField(Area, blank=True)
    when_sv = models.CharField(max_length=200, blank=True)
    when_en = models.CharField(max_length=200, blank=True)
    who_sv = models.CharField(
        max_length=200, blank=True
    )  # who is affected: never names
    who_en = models.CharField(max_length=200, blank=True)
    consequences_sv = models.TextField(blank=True)
    consequences_en = models.TextField(blank=True)
    statements = models.ManyToManyField(Statement, blank=True, related_name="problems")
    written_by = models.ForeignKey(User, models.PROTECT, null=True)
    written_at = models.DateTimeField()

    objects = Guarded("situational_picture")

    def __str__(self) -> str:
        return f"Problem {self.pk}"

    @property
    def what(self) -> str:
        return self.what_en if get_language() == "en" and self.what_en else self.what_sv


class Gap(models.Model):
    """Something that we do not know (information gap), and what could be done about it."""

    picture = models.ForeignKey(SituationalPicture, models.CASCADE, related_name="gaps")
    order = models.PositiveSmallIntegerField()
    text_sv = models.TextField()
    text_en = models.TextField(blank=True)
    is_automatic = models.BooleanField(default=False)
    written_by = models.ForeignKey(User, models.PROTECT, null=True)
    written_at = models.DateTimeField()

    objects = Guarded("situational_picture")

    def __str__(self) -> str:
        return f"Gap {self.pk}"

    @property
    def text(self) -> str:
        return self.text_en if get_language() == "en" and self.text_en else self.text_sv


class Edition(models.Model):
    """A frozen version of a picture. Drafts are versions too; nothing is overwritten."""

    picture = models.ForeignKey(
        SituationalPicture, models.PROTECT, related_name="editions"
    )
    number = models.PositiveIntegerField()
    audience = models.CharField(
        max_length=10, choices=[("internal", _("internal")), ("public", _("public"))]
    )
    is_approved = models.BooleanField(default=False)
    # Everything that page, PDF and DOCX need, in both languages: see picture.document
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, models.PROTECT, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["picture", "number", "audience"], name="edition_is_one"
            ),
            models.CheckConstraint(
                name="edition_audience_is_known",
                condition=Q(audience__in=["internal", "public"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.picture_id} edition {self.number} ({self.audience})"
