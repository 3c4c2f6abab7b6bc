"""Requests as our middleware leaves them, and the one way to answer with a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


class SiteRequest(HttpRequest):
    """Any request: django-htmx has looked at it."""

    htmx: HtmxDetails


def render_page_or_part(
    request: SiteRequest, page: str, part: str, context: dict[str, Any]
) -> HttpResponse:
    """
    Render the whole page, or only its part when HTMX asks for the part.

    Boosted links and history restores come from HTMX too, and want the whole page.
    """
    htmx = request.htmx
    only_part = htmx and not htmx.boosted and not htmx.history_restore_request
    response = render(request, part if only_part else page, context)
    patch_vary_headers(response, ["HX-Request"])  # two answers at one URL
    return response
