"""The language of the staff side, whose addresses have no language in them."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation

STAFF = "/intern/"
WORD = "language"  # ?language=en, which is remembered in a cookie
A_YEAR = 365 * 24 * 3600


class StaffLanguageMiddleware:
    """Show the staff side in Swedish until somebody chooses another language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(STAFF):
            return self.get_response(request)
        known = {code for code, _name in settings.LANGUAGES}
        chosen = request.GET.get(WORD)
        if request.method == "GET" and chosen in known:
            redirect = HttpResponseRedirect(request.path)
            redirect.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                chosen,
                max_age=A_YEAR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
            return redirect
        remembered = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        language = remembered if remembered in known else settings.LANGUAGE_CODE
        with translation.override(language):
            response = self.get_response(request)
            response.headers["Content-Language"] = language
        return response
