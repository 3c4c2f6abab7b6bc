"""Pages that anyone may read."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from trygg.accounts.policy import Act, Data, concerns
from trygg.picture.html import render_html
from trygg.picture.queries import NotPublished, public_document
from trygg.public import compass as compasses
from trygg.public import pictures as picture_cards
from trygg.public import safety, stories, texts
from trygg.public import surveys as survey_pages
from trygg.public.context import find_publisher
from trygg.public.kept import keep
from trygg.public.places import Place, area_address, find_place
from trygg.release.models import Release
from trygg.release.queries import (
    figures_for_question,
    headline_figures,
    latest_release_of,
    municipality_figures,
)

published = concerns(Data.PUBLISHED_PAGE, Act.READ)
FIXED = (
    *("start", "areas", "compass", "surveys", "pictures"),
    *("methods", "accessibility", "cookies", "personal-data"),
)
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
statistics = concerns(Data.RELEASED_STATISTICS, Act.READ)
summary = concerns(Data.PICTURE_SUMMARY, Act.READ)


@published
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@published
@require_safe
@keep
def start(request: HttpRequest) -> HttpResponse:
    cards = picture_cards.cards()
    shown: safety.Overview | None = None
    if find_publisher().municipality:
        place = find_place()
        release = latest_release_of(place.code)
        if release:
            shown = _overview(place, release)
    context = {
        "safety": shown,
        "picture": cards[0] if cards else None,
        "is_synthetic": shown is not None and shown.is_synthetic,
    }
    return render(request, "public/start.html", context)


def _overview(place: Place, release: Release) -> safety.Overview | None:
    """Return what a release says of the whole and of where it differs."""
    whole = municipality_figures(release.wave, release)
    main = next((f.question for f in whole if f.question.code == safety.MAIN), None)
    if main is None:
        return None
    by_area = [
        figure
        for figure in figures_for_question(main, release)
        if figure.area.pk != release.wave.municipality_id
    ]
    return safety.overview(place, whole, by_area)


@statistics
@require_safe
@keep
def areas(request: HttpRequest) -> HttpResponse:
    place = find_place()
    query = request.GET.get("q", "").strip()
    shown = [area for area in place.areas if query.casefold() in area.search]
    context = {
        "count": len(place.areas),
        "query": query,
        "found": len(shown),
        "table": stories.area_table(place, shown),
    }
    return render(request, "public/areas.html", context)


@statistics
@require_safe
@keep
def area(request: HttpRequest, code: str) -> HttpResponse:
    place = find_place()
    found = next((area for area in place.areas if area.code == code), None)
    if found is None:
        raise Http404(f"no area {code} in {place.code}")
    conditions = stories.conditions(place, found)
    release = latest_release_of(place.code)
    told = None
    if release:
        told = safety.of_area(
            headline_figures(found, release),
            [f for f in municipality_figures(release.wave, release) if not f.group],
        )
    lead = stories.residents(found, conditions)
    context = {
        "area": found,
        "lead": f"{lead} {told.lead}" if told else lead,
        "safety": told,
        "is_synthetic": told is not None and told.is_synthetic,
        "map": stories.locator(place, found),
        "conditions": conditions,
        "gaps": stories.gaps(),
    }
    return render(request, "public/area.html", context)


@statistics
@require_safe
@keep
def compass(request: HttpRequest) -> HttpResponse:
    place = find_place()
    typology = place.typology
    context = {
        "type_map": compasses.type_map(place) if place.types else "",
        "type_source": compasses.type_source(place),
        "table": compasses.area_table(place, typology),
        "students": compasses.warned(place, typology),
    }
    if typology:
        context |= compasses.own_grouping(place, typology)
    return render(request, "public/compass.html", context)


@statistics
@require_safe
@keep
def surveys(request: HttpRequest) -> HttpResponse:
    return render(
        request, "public/surveys.html", {"surveys": survey_pages.cards(find_place())}
    )


@statistics
@require_safe
@keep
def survey(request: HttpRequest, slug: str) -> HttpResponse:
    context = survey_pages.page(find_place(), slug, request.GET.get("q", ""))
    return render(request, "public/survey.html", context)


@summary
@require_safe
@keep
def pictures(request: HttpRequest) -> HttpResponse:
    cards = picture_cards.cards()
    context = {"pictures": cards, "is_synthetic": any(c.is_synthetic for c in cards)}
    return render(request, "public/pictures.html", context)


@summary
@require_safe
@keep
def picture(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        document = public_document(slug, get_language() or "sv")
    except NotPublished as error:
        raise Http404(str(error)) from error
    context = {
        "document": document,
        "body": render_html(document),
        "is_synthetic": bool(document.synthetic),
    }
    return render(request, "public/picture.html", context)


@published
@require_safe
@keep
def methods(request: HttpRequest) -> HttpResponse:
    return render(request, "public/methods.html")


@published
@require_safe
@keep
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "public/accessibility.html")


@published
@require_safe
@keep
def cookies(request: HttpRequest) -> HttpResponse:
    return render(request, "public/cookies.html", {"cookies": texts.cookies()})


@published
@require_safe
@keep
def personal_data(request: HttpRequest) -> HttpResponse:
    return render(request, "public/personal_data.html")


@published
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    sitemap = request.build_absolute_uri(reverse("public:sitemap"))
    lines = ["User-agent: *", "Disallow: /intern/", f"Sitemap: {sitemap}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain")


@published
@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """List every public page in the page's own language."""
    pages = [reverse(f"public:{name}") for name in FIXED]
    pages += [area_address(area.code) for area in find_place().areas]
    pages += [card.href for card in survey_pages.cards(find_place())]
    pages += [card.href for card in picture_cards.cards()]
    lines = format_html_join(
        "\n",
        "<url><loc>{}</loc></url>",
        ((request.build_absolute_uri(p),) for p in pages),
    )
    return HttpResponse(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{SITEMAP}">\n{lines}\n'
        "</urlset>\n",
        content_type="application/xml",
    )
