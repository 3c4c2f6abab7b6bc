"""
Who may do what with releases.

Published figures are for everybody. A release that is being prepared belongs with the
definition of its survey: the analyst prepares it, the coordinator approves it.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from trygg.accounts.models import User
from trygg.accounts.policy import Act, Data, Reach, reach
from trygg.release.models import Release, ReleaseStatus

PUBLIC = Q(status=ReleaseStatus.PUBLISHED)
WHICH = {Data.RELEASED_STATISTICS: PUBLIC, Data.SURVEY_DEFINITION: ~PUBLIC}


def releases_for(
    user: User | AnonymousUser, act: Act, *, as_if_ready: bool = False
) -> QuerySet[Release]:
    """Return the releases with which the user may do that, by the table in policy."""
    allowed = Q(pk__in=[])
    for data, which in WHICH.items():
        if reach(user, act, data, as_if_ready=as_if_ready) == Reach.ALL:
            allowed |= which
    return Release.objects.filter(allowed).order_by("-prepared_at")


def get_release(user: User | AnonymousUser, pk: int, *, to: Act = Act.READ) -> Release:
    """
    Return the release if the user may do that with it.

    404 where they may not know that it exists, 403 where they may read it but no more.
    """
    release = get_object_or_404(releases_for(user, Act.READ), pk=pk)
    if not releases_for(user, to).filter(pk=release.pk).exists():
        raise PermissionDenied
    return release
