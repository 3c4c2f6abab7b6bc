"""What the public may read of surveys. Pages, files and charts read only this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from trygg.areas.models import Area
from trygg.release.models import Figure, Reason, Release, ReleaseStatus
from trygg.surveys.models import Option, Question, Survey, Wave
from trygg.surveys.queries import waves_of


@dataclass(frozen=True)
class PublishedFigure:
    """
    One figure with all that must stand beside it, texts in the active language.

    Shares are between 0 and 1. Where the figure is withheld value, low and high are
    None and `reason` says why; `bound` is "<" or ">" where only a limit is told.
    """

    pk: int
    question: Question
    option: Option | None
    area: Area
    group: str
    kind: str
    is_shown: bool
    reason: str
    value: float | None
    low: float | None
    high: float | None
    bound: str
    base: int | None
    is_uncertain: bool
    against_rest: str
    wave: Wave
    release: Release

    @property
    def text(self) -> str:
        """The option, or what the headline says."""
        return self.option.label if self.option else self.question.headline

    @property
    def reason_text(self) -> str:
        return str(Reason(self.reason).label) if self.reason else ""

    @property
    def survey(self) -> Survey:
        return self.wave.survey

    @property
    def is_synthetic(self) -> bool:
        return self.survey.is_synthetic

    @property
    def source(self) -> str:
        """Where the figure comes from, as a line below a table."""
        parts = {"survey": self.survey.title, "wave": self.wave.code}
        if self.is_synthetic:
            return _("%(survey)s %(wave)s. The answers are synthetic.") % parts
        return _("%(survey)s %(wave)s.") % parts

    @property
    def method(self) -> str:
        """How the figure was made, in one sentence."""
        if self.kind == "mean":
            return _("Weighted mean with a 95 per cent confidence interval.")
        return _("Weighted share with a 95 per cent confidence interval.")

    @property
    def dated(self) -> date:
        """The day on which the figure was released."""
        return timezone.localdate(self.release.published_at)


def latest_published(survey: Survey) -> Release | None:
    """Return the newest release that is public now."""
    return _published().filter(wave__survey=survey).first()


def latest_release_of(municipality: Area | str) -> Release | None:
    """Return the newest public release of any survey in a municipality."""
    code = municipality.code if isinstance(municipality, Area) else municipality
    return _published().filter(wave__municipality__code=code).first()


def releases_of(wave: Wave) -> QuerySet[Release]:
    """Return every release of a wave, the newest first, with who handled it."""
    return (
        wave.releases.select_related("prepared_by", "published_by", "wave__survey")
        .annotate(shown=Count("figures", filter=Q(figures__is_shown=True)))
        .annotate(withheld=Count("figures", filter=Q(figures__is_shown=False)))
        .order_by("-number")
    )


def published_surveys(municipality: str) -> QuerySet[Survey]:
    """Return the surveys of a municipality that have public figures."""
    return (
        Survey.objects.filter(waves__in=_published_waves(municipality))
        .distinct()
        .order_by("slug")
    )


def published_waves(survey: Survey) -> QuerySet[Wave]:
    """Return the waves of a survey that have public figures, the newest first."""
    return waves_of(survey).filter(releases__status=ReleaseStatus.PUBLISHED).distinct()


def headline_figures(
    area: Area, release: Release | None = None
) -> list[PublishedFigure]:
    """Return the headline of every question for an area, in order of the questions."""
    release = release or latest_release_of(area.municipality)
    return _figures(release, area=area, group="", option=None)


def figures_for_question(
    question: Question, release: Release | None = None
) -> list[PublishedFigure]:
    """Return a question's headline for every area, the municipality first."""
    release = release or latest_published(question.survey)
    figures = _figures(release, question=question, group="", option=None)
    if release is None:
        return figures
    whole = release.wave.municipality_id
    return sorted(figures, key=lambda f: (f.area.pk != whole, f.area.code))


def municipality_figures(
    wave: Wave, release: Release | None = None
) -> list[PublishedFigure]:
    """Return the headlines of the whole municipality: for all, by sex and by age."""
    release = release or _published().filter(wave=wave).first()
    return _figures(release, area=wave.municipality_id, option=None)


def question_distribution(
    question: Question, area: Area, group: str = "", release: Release | None = None
) -> list[PublishedFigure]:
    """Return the share of every option of a question in an area."""
    release = release or latest_published(question.survey)
    return _figures(
        release, question=question, area=area, group=group, option__isnull=False
    )


def published_question(survey: Survey, code: str) -> Question | None:
    """Return the question of a survey with that code, if figures of it are public."""
    return (
        Question.objects.filter(
            survey=survey,
            code=code,
            figure__release__status=ReleaseStatus.PUBLISHED,
        )
        .order_by("-version")
        .first()
    )


def _published_waves(municipality: str) -> QuerySet[Wave]:
    return Wave.objects.filter(
        municipality__code=municipality, releases__status=ReleaseStatus.PUBLISHED
    )


def _published() -> QuerySet[Release]:
    return (
        Release.objects.filter(status=ReleaseStatus.PUBLISHED)
        .select_related("wave__survey", "wave__geography", "wave__municipality")
        .defer("wave__municipality__shape", "wave__municipality__path")
        .order_by("-wave__ends_on", "-number")
    )


def _figures(release: Release | None, **which: object) -> list[PublishedFigure]:
    """Return figures of a release, and none unless it is public at this moment."""
    if release is None:
        return []
    rows = (
        Figure.objects.filter(
            release=release, release__status=ReleaseStatus.PUBLISHED, **which
        )
        .select_related("question", "option", "area")
        .defer("area__shape", "area__path")
        .order_by("question__order", "group", "option__order", "area__code")
    )
    return [_published_figure(row, release) for row in rows]


def _published_figure(row: Figure, release: Release) -> PublishedFigure:
    return PublishedFigure(
        pk=row.pk,
        question=row.question,
        option=row.option,
        area=row.area,
        group=row.group,
        kind=row.kind,
        is_shown=row.is_shown,
        reason=row.reason,
        value=row.value,
        low=row.low,
        high=row.high,
        bound=row.bound,
        base=row.base,
        is_uncertain=row.is_uncertain,
        against_rest=row.against_rest,
        wave=release.wave,
        release=release,
    )


def group_label(group: str) -> str:
    """Return what a group such as "sex=F" or "age=16-24" is called."""
    name, _equals, level = group.partition("=")
    if name == "sex":
        return {"F": _("women"), "M": _("men")}.get(level, level)
    if name == "age":
        return _("%(ages)s years") % {"ages": level.replace("-", "–")}
    return ""
