"""The joint situational picture: statements on evidence, problems, gaps."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from trygg.accounts.guard import Guarded
from trygg.accounts.models import Organisation, User
from trygg.areas.models import Area
from trygg.history.models import Stepped


def in_language(swedish: str, english: str) -> str:
    """Return the English text where English is read and there is one."""
    return english if english and get_language() == "en" else swedish


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

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="picture_status_is_known",
                condition=Q(status__in=PictureStatus.values),
            )
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def title(self) -> str:
        return in_language(self.title_sv, self.title_en)

    @property
    def is_open(self) -> bool:
        """Whether the text may be changed."""
        return self.status in (PictureStatus.DRAFT, PictureStatus.JOINT)


class Part(models.IntegerChoices):
    """The three parts that 4 § of lag (2023:196) demands."""

    MAPPING = 1, _("mapping of crime and safety, its extent and consequences")
    OTHER = 2, _("other information of significance")
    ANALYSIS = 3, _("analysis")


class Section(models.TextChoices):
    """What a statement is about: the headings inside the parts."""

    SAFETY = "safety", _("How safe people feel")
    EXPOSURE = "exposure", _("Exposure to crime")
    NEIGHBOURHOOD = "neighbourhood", _("What residents see as problems nearby")
    TRUST = "trust", _("Cohesion and trust")
    AREAS = "areas", _("The areas against the rest of the municipality")
    POPULATION = "population", _("Population and conditions")
    TYPES = "types", _("Types of areas")
    OTHER = "other", _("Other sources")
    LINKS = "links", _("The link between insecurity and conditions")
    GROUPS = "groups", _("Do the areas fall into groups?")
    CHANGE = "change", _("Change over time")
    CONCLUSIONS = "conclusions", _("Conclusions")


class Entry(models.Model):
    """
    Something that stands in a picture. It is never overwritten or deleted.

    What is revised is taken out and replaced by a new entry.
    """

    order = models.PositiveSmallIntegerField()
    is_automatic = models.BooleanField(default=False)  # built from evidence, not typed
    is_public = models.BooleanField(default=False)  # may stand in the public edition
    written_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField()
    removed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)
    removed_because = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True


class Statement(Entry):
    """One thing that the picture says, with the evidence that it rests on."""

    picture = models.ForeignKey(
        SituationalPicture, models.CASCADE, related_name="statements"
    )
    part = models.PositiveSmallIntegerField(choices=Part)
    section = models.SlugField(max_length=40, choices=Section)
    text_sv = models.TextField()
    text_en = models.TextField(blank=True)
    in_summary = models.BooleanField(default=False)
    # How the evidence is shown below the text.
    shown_as = models.CharField(
        max_length=10,
        choices=[
            ("notes", _("notes")),
            ("chart", _("chart")),
            ("areas", _("map, chart and table of areas")),
            ("table", _("table")),
        ],
        default="notes",
    )
    caption_sv = models.CharField(max_length=300, blank=True)
    caption_en = models.CharField(max_length=300, blank=True)

    objects = Guarded("situational_picture")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="statement_part_is_known", condition=Q(part__in=Part.values)
            )
        ]

    def __str__(self) -> str:
        return f"Statement {self.pk}"

    @property
    def words(self) -> str:
        return in_language(self.text_sv, self.text_en)


class EvidenceKind(models.TextChoices):
    FIGURE = "figure", _("survey figure")
    OBSERVATION = "observation", _("statistics")
    ANALYSIS = "analysis", _("analysis")
    OTHER = "other", _("other source")


class Evidence(models.Model):
    """A figure or a source that a statement rests on, frozen as it stood."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="evidence")
    order = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=EvidenceKind)
    label_sv = models.CharField(max_length=300)
    label_en = models.CharField(max_length=300)
    # As published: value, low, high, n, unit, area (code), against ("higher", "lower",
    # ""), missing ("few", "protected"). An absent key means that it is not known.
    content = models.JSONField(default=dict)
    source_sv = models.CharField(max_length=300)
    source_en = models.CharField(max_length=300)
    dated = models.CharField(max_length=40)  # the date or period of the figure
    # Already open to everybody: a released figure or open statistics, not our own notes
    is_public = models.BooleanField(default=False)
    refers_to = models.CharField(max_length=100, blank=True)  # "release.figure:12"

    objects = Guarded("situational_picture")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="survey_evidence_is_public_only_when_released",
                condition=~Q(kind=EvidenceKind.FIGURE, is_public=True)
                | Q(refers_to__startswith="release.figure:"),
            )
        ]

    def __str__(self) -> str:
        return f"Evidence {self.pk}"

    @property
    def label(self) -> str:
        return in_language(self.label_sv, self.label_en)

    @property
    def source(self) -> str:
        return in_language(self.source_sv, self.source_en)


class Problem(Entry):
    """A problem that the picture points out."""

    picture = models.ForeignKey(
        SituationalPicture, models.CASCADE, related_name="problems"
    )
    what_sv = models.CharField(max_length=200)
    what_en = models.CharField(max_length=200, blank=True)
    where = models.ManyToManyField(Area, blank=True)
    when_sv = models.CharField(max_length=200, blank=True)
    when_en = models.CharField(max_length=200, blank=True)
    # who is affected: groups, never names
    who_sv = models.CharField(max_length=200, blank=True)
    who_en = models.CharField(max_length=200, blank=True)
    consequences_sv = models.TextField(blank=True)
    consequences_en = models.TextField(blank=True)
    statements = models.ManyToManyField(Statement, blank=True, related_name="problems")

    objects = Guarded("situational_picture")

    def __str__(self) -> str:
        return f"Problem {self.pk}"

    @property
    def words(self) -> str:
        return in_language(self.what_sv, self.what_en)


class Gap(Entry):
    """Something that we do not know: an information gap."""

    picture = models.ForeignKey(SituationalPicture, models.CASCADE, related_name="gaps")
    text_sv = models.TextField()
    text_en = models.TextField(blank=True)

    objects = Guarded("situational_picture")

    def __str__(self) -> str:
        return f"Gap {self.pk}"

    @property
    def words(self) -> str:
        return in_language(self.text_sv, self.text_en)


class FrozenEdition(Exception):
    """Somebody tried to change or delete an edition."""


class EditionRows(models.QuerySet["Edition"]):
    """Rows that are only ever added."""

    def update(self, **values: Any) -> int:
        raise FrozenEdition("an edition cannot be changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise FrozenEdition("an edition cannot be deleted")


class Editions(Guarded):
    def get_queryset(self) -> EditionRows:
        super().get_queryset()  # refuses where the class is not open
        return EditionRows(self.model, using=self._db)


class Audience(models.TextChoices):
    INTERNAL = "internal", _("internal")
    PUBLIC = "public", _("public")


class Edition(models.Model):
    """A frozen version of a picture. Drafts are kept too; nothing is overwritten."""

    picture = models.ForeignKey(
        SituationalPicture, models.PROTECT, related_name="editions"
    )
    number = models.PositiveIntegerField()
    audience = models.CharField(max_length=10, choices=Audience)
    is_approved = models.BooleanField(default=False)
    # Everything that page, PDF and DOCX need, in both languages: see picture.document
    content = models.JSONField()
    digest = models.CharField(max_length=64)  # SHA-256 of the content
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, models.PROTECT, null=True)

    objects = Editions("situational_picture")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["picture", "number", "audience"], name="edition_is_one"
            ),
            models.CheckConstraint(
                name="edition_audience_is_known",
                condition=Q(audience__in=Audience.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.picture_id} edition {self.number} ({self.audience})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk:
            raise FrozenEdition(f"{self} cannot be changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise FrozenEdition(f"{self} cannot be deleted")
