"""Safety surveys: what was asked, of whom, what they answered, what follows from it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from trygg.accounts.guard import Guarded
from trygg.areas.models import Area, Geography


class Survey(models.Model):
    """A safety survey that is repeated in waves."""

    slug = models.SlugField(unique=True)
    title_sv = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    owner = models.ForeignKey("accounts.Organisation", models.PROTECT)
    population_sv = models.CharField(max_length=300)  # whom the figures speak of
    population_en = models.CharField(max_length=300)
    is_synthetic = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.slug

    @property
    def title(self) -> str:
        return self.title_en if get_language() == "en" else self.title_sv

    @property
    def population(self) -> str:
        return self.population_en if get_language() == "en" else self.population_sv


class QuestionKind(models.TextChoices):
    SINGLE = "single", _("one of several")
    SCALE = "scale", _("scale")
    NUMBER = "number", _("a number")


class Question(models.Model):
    """One question of one version of the questionnaire."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="questions")
    version = models.PositiveSmallIntegerField(default=1)
    code = models.SlugField(max_length=40)  # also the column in files
    order = models.PositiveSmallIntegerField()
    block = models.SlugField(max_length=40)  # safety, worry, avoidance, problems …
    kind = models.CharField(max_length=10, choices=QuestionKind)
    text_sv = models.TextField()
    text_en = models.TextField()
    # What the headline share means: "feel unsafe", said of the options that count.
    headline_sv = models.CharField(max_length=200, blank=True)
    headline_en = models.CharField(max_length=200, blank=True)
    is_sensitive = models.BooleanField(default=False)  # cells of 10, not 5
    wording_is_verified = models.BooleanField(default=False)
    # The rule of surveys.derived by which it follows from other answers, if it does.
    derived = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "version", "code"], name="question_code_is_unique"
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def text(self) -> str:
        return self.text_en if get_language() == "en" else self.text_sv

    @property
    def headline(self) -> str:
        return self.headline_en if get_language() == "en" else self.headline_sv


class Option(models.Model):
    """One answer that can be given."""

    question = models.ForeignKey(Question, models.CASCADE, related_name="options")
    order = models.PositiveSmallIntegerField()
    value = models.CharField(max_length=40)  # as in files
    label_sv = models.CharField(max_length=200)
    label_en = models.CharField(max_length=200)
    counts = models.BooleanField(default=False)  # in the headline share
    is_missing = models.BooleanField(default=False)  # don't know, won't say

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["question", "value"], name="option_value_is_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.question_id}: {self.value}"

    @property
    def label(self) -> str:
        return self.label_en if get_language() == "en" else self.label_sv


class Wave(models.Model):
    """One round of a survey: when it was in the field, how many were asked."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="waves")
    code = models.SlugField(max_length=20)  # "2026"
    geography = models.ForeignKey(Geography, models.PROTECT)  # areas of the answers
    municipality = models.ForeignKey(Area, models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    invited = models.PositiveIntegerField()
    answers = models.PositiveIntegerField()
    design = models.JSONField(default=dict)  # strata, fpc, weights: how they were made
    file_digest = models.CharField(max_length=64, blank=True)
    loaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "code"], name="wave_is_one"),
            models.CheckConstraint(
                name="wave_has_no_more_answers_than_invited",
                condition=Q(answers__lte=F("invited")),
            ),
            models.CheckConstraint(
                name="wave_ends_after_it_starts",
                condition=Q(ends_on__gte=F("starts_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id} {self.code}"

    @property
    def response_rate(self) -> float:
        return self.answers / self.invited


class Answer(models.Model):
    """What one respondent answered. Holds no link to a person, and no time."""

    wave = models.ForeignKey(Wave, models.PROTECT)
    area = models.ForeignKey(Area, models.PROTECT)  # of the wave's geography
    stratum = models.CharField(max_length=60)
    unit = models.CharField(max_length=60, blank=True)  # primary sampling unit
    weight = models.FloatField()
    stratum_size = models.FloatField(null=True)  # persons, for the finite population
    sex = models.CharField(max_length=1, blank=True)  # F, M or empty
    age_group = models.CharField(max_length=10, blank=True)  # "16-24"
    values = models.JSONField()  # question code -> option value or number

    objects = Guarded("raw_answer")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="answer_weight_is_positive", condition=Q(weight__gt=0)
            )
        ]

    def __str__(self) -> str:
        return f"Answer {self.pk}"


class Estimate(models.Model):
    """What the answers say about the population. Not public: see release."""

    wave = models.ForeignKey(Wave, models.PROTECT, related_name="estimates")
    question = models.ForeignKey(Question, models.PROTECT)
    option = models.ForeignKey(Option, models.PROTECT, null=True)  # null: the headline
    kind = models.CharField(
        max_length=10, choices=[("share", _("share")), ("mean", _("mean"))]
    )
    area = models.ForeignKey(Area, models.PROTECT)
    group = models.CharField(max_length=30, blank=True)  # "", "sex=F", "age=16-24"
    value = models.FloatField(null=True)
    se = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    n_effective = models.FloatField(null=True)
    deff = models.FloatField(null=True)
    df = models.FloatField(null=True)
    # Against the rest of the municipality, p adjusted for the whole family of areas.
    difference = models.FloatField(null=True)
    difference_low = models.FloatField(null=True)
    difference_high = models.FloatField(null=True)
    p_adjusted = models.FloatField(null=True)
    method = models.JSONField()  # options in force, version of tryggstat
    input_digest = models.CharField(max_length=64)
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wave", "question", "option", "kind", "area", "group"],
                name="estimate_of_an_option_is_one",
            ),
            models.UniqueConstraint(
                fields=["wave", "question", "kind", "area", "group"],
                condition=Q(option__isnull=True),
                name="headline_estimate_is_one",
            ),
        ]
        indexes = [models.Index(fields=["area", "question"])]

    def __str__(self) -> str:
        return f"{self.question_id} {self.area_id} {self.group}: {self.value}"
