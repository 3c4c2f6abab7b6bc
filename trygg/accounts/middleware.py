"""Who asks, how fresh their sign-in is, and what to answer when it is not enough."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from trygg.accounts import guard
from trygg.accounts.policy import NeedsPurpose, NeedsStepUp

FRESH_SECONDS = 15 * 60


def signed_in_lately(request: HttpRequest, *, now: float) -> bool:
    """
    Return whether the user showed a passkey within the last fifteen minutes.

    In the demonstration, whose log-ins are printed on the screen, a password is enough.
    """
    return any(
        now - record["at"] <= FRESH_SECONDS
        and (
            settings.TRYGG_DEMO
            or (record["method"] == "mfa" and record.get("type") == "webauthn")
        )
        for record in get_authentication_records(request, request.user)
    )


class AccessMiddleware:
    """Set `user.stepped_up`, close what was opened, turn refusals into pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.user.stepped_up = signed_in_lately(
                request, now=timezone.now().timestamp()
            )
        try:
            return self.get_response(request)
        finally:
            guard.close_all()

    def process_exception(
        self, request: HttpRequest, problem: Exception
    ) -> HttpResponse | None:
        if isinstance(problem, NeedsStepUp):
            # Back to the page itself after a new sign-in, never to a half-done POST.
            back = request.path if request.method == "GET" else "/intern/"
            return render(
                request, "accounts/needs_step_up.html", {"next": back}, status=403
            )
        if isinstance(problem, NeedsPurpose):
            return render(request, "accounts/needs_purpose.html", status=403)
        return None
