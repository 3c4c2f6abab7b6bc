"""What the pages about surveys tell: who was asked, who answered, what they said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from trygg.common import formats
from trygg.public import safety
from trygg.public.places import Place
from trygg.release import queries
from trygg.release.queries import PublishedFigure, group_label
from trygg.surveys.models import Survey, Wave
from trygg.surveys.queries import TechnicalFacts, technical_facts


@dataclass(frozen=True)
class SurveyCard:
    title: str
    population: str
    href: str
    facts: str


def cards(place: Place) -> list[SurveyCard]:
    """Return the surveys of the municipality that have public figures."""
    return [_card(survey) for survey in queries.published_surveys(place.code)]


def _card(survey: Survey) -> SurveyCard:
    waves = list(queries.published_waves(survey))
    return SurveyCard(
        survey.title,
        survey.population,
        reverse("public:survey", kwargs={"slug": survey.slug}),
        "; ".join(f"{wave.code}: {_answered(wave)}" for wave in waves),
    )


def _answered(wave: Wave) -> str:
    return _("%(answers)s of %(invited)s answered (%(rate)s)") % {
        "answers": formats.number(wave.answers),
        "invited": formats.number(wave.invited),
        "rate": formats.percent(100 * wave.response_rate),
    }


def page(place: Place, slug: str, chosen: str) -> dict[str, Any]:
    """
    Return what the page of a survey shows, for the question that was chosen.

    Raises
    ------
    Http404
        The survey has no public figures in this municipality.
    """
    survey = queries.published_surveys(place.code).filter(slug=slug).first()
    release = queries.latest_published(survey) if survey else None
    if survey is None or release is None:
        raise Http404(f"no published survey {slug}")
    wave = release.wave
    municipal = [
        f for f in queries.municipality_figures(wave, release) if f.kind == "share"
    ]
    whole = [figure for figure in municipal if not figure.group]
    known = {figure.question.code: figure for figure in whole}
    main = known.get(chosen) or known.get(safety.MAIN) or whole[0]
    by_area = [
        figure
        for figure in queries.figures_for_question(main.question, release)
        if figure.area.pk != wave.municipality_id
    ]
    facts = technical_facts(wave)
    return {
        "survey": survey,
        "is_synthetic": survey.is_synthetic,
        "lead": _lead(survey, wave),
        "facts": _facts(facts),
        "charts": _charts(whole),
        "questions": [(code, f.question.headline) for code, f in known.items()],
        "chosen": main.question.code,
        "finding": safety.finding(by_area),
        "map": safety.difference_map(place, by_area),
        "area_table": safety.area_figures(place, by_area, main),
        "group_chart": safety.groups(
            [f for f in municipal if f.question.code == main.question.code]
        ),
        "nonresponse": _nonresponse(facts),
        "source": safety.source(main),
    }


def _lead(survey: Survey, wave: Wave) -> str:
    return _("The figures are about %(population)s. %(answered)s.") % {
        "population": formats.small(survey.population),
        "answered": formats.capital(_answered(wave)),
    }


def _facts(facts: TechnicalFacts) -> list[tuple[str, str]]:
    wave = facts.wave
    period = f"{formats.day(wave.starts_on)} – {formats.day(wave.ends_on)}"
    told = [
        (_("In the field"), period),
        (_("Answered"), _answered(wave)),
        (_("Drawn from"), facts.frame),
        (_("How they were drawn"), facts.strata),
        (_("How the answers are weighted"), facts.weights),
    ]
    if facts.weights_design_effect:
        told.append(
            (
                _("Design effect of the weights"),
                formats.number(facts.weights_design_effect, 2),
            )
        )
    return [(term, words) for term, words in told if words]


def _charts(whole: list[PublishedFigure]) -> list[Any]:
    result = []
    for block, title in safety.BLOCKS.items():
        figures = [figure for figure in whole if figure.question.block == block]
        if figures:
            result.append(safety.chart(figures, {}, block, title, here=_("Share")))
    return result


def _nonresponse(facts: TechnicalFacts) -> str:
    """Say which groups answered most and least often."""
    rates = [group for group in facts.by_group if group.invited]
    if not rates:
        return _("How often different groups answered has not been told.")
    least = min(rates, key=lambda group: group.rate)
    most = max(rates, key=lambda group: group.rate)
    return _(
        "Most often answered: %(most)s (%(high)s). Least often: %(least)s (%(low)s)."
    ) % {
        "most": group_label(most.group),
        "high": formats.percent(100 * most.rate),
        "least": group_label(least.group),
        "low": formats.percent(100 * least.rate),
    }
