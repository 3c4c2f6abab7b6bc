"""What the sign-in page of the demonstration shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from trygg.accounts.demo import PASSWORD, USERS


def demo_users(request: HttpRequest) -> dict[str, Any]:
    """List the log-ins of the demonstration, there and nowhere else."""
    if not settings.TRYGG_DEMO:
        return {}
    return {
        "demo_password": PASSWORD,
        "demo_users": [{"username": u[0], "does": u[2]} for u in USERS],
    }
