"""What pages know of accounts: who may see them, and the demonstration's log-ins."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from trygg.accounts import access
from trygg.accounts.demo import PASSWORD, USERS
from trygg.accounts.policy import Act


def account_pages(request: HttpRequest) -> dict[str, Any]:
    """Say whether to offer the pages about accounts."""
    user = getattr(request, "user", AnonymousUser())
    return {"may_see_accounts": access.may(user, Act.READ)}


def demo_users(request: HttpRequest) -> dict[str, Any]:
    """List the log-ins of the demonstration, there and nowhere else."""
    if not settings.TRYGG_DEMO:
        return {}
    return {
        "demo_password": PASSWORD,
        "demo_users": [{"username": u[0], "does": u[2]} for u in USERS],
    }
