"""Pages that anyone may read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from trygg.accounts.policy import Act, Data, concerns
from trygg.public import texts

page = concerns(Data.PUBLISHED_PAGE, Act.READ)


@page
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@page
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "public/start.html")


@page
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "public/accessibility.html")


@page
@require_safe
def cookies(request: HttpRequest) -> HttpResponse:
    return render(request, "public/cookies.html", {"cookies": texts.cookies()})


@page
@require_safe
def personal_data(request: HttpRequest) -> HttpResponse:
    return render(request, "public/personal_data.html")


@page
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    sitemap = request.build_absolute_uri(reverse("public:start") + "sitemap.xml")
    lines = ["User-agent: *", "Disallow: /intern/", f"Sitemap: {sitemap}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain")
