"""Pages that anyone may read."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html_join
from django.views.decorators.http import require_safe

from trygg.accounts.policy import Act, Data, concerns
from trygg.public import compass as compasses
from trygg.public import stories, texts
from trygg.public.kept import keep
from trygg.public.places import find_place

published = concerns(Data.PUBLISHED_PAGE, Act.READ)
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
statistics = concerns(Data.RELEASED_STATISTICS, Act.READ)


@published
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@published
@require_safe
@keep
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "public/start.html")


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
    context = {
        "area": found,
        "map": stories.locator(place, found),
        "conditions": stories.conditions(place, found),
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
    names = ["start", "compass", "methods", "accessibility", "cookies", "personal-data"]
    pages = [reverse(f"public:{name}") for name in names]
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
