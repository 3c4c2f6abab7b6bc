"""Who may do what with situational pictures. The only place where one is fetched."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from trygg.accounts.guard import opened
from trygg.accounts.models import User
from trygg.accounts.policy import Act, Data, Reach, reach
from trygg.accounts.trail import leave_trail
from trygg.picture.models import SituationalPicture


def pictures_for(
    user: User | AnonymousUser, act: Act
) -> QuerySet[SituationalPicture, SituationalPicture]:
    """
    Return the pictures with which the user may do that, by the table in policy.

    A council member's own pictures are those shared with a council. There is no
    council yet, so there are none.
    """
    if reach(user, act, Data.SITUATIONAL_PICTURE) != Reach.ALL:
        return QuerySet(SituationalPicture).none()
    opened(Data.SITUATIONAL_PICTURE)
    pictures: QuerySet[SituationalPicture] = SituationalPicture.objects.all()
    return pictures


def may(user: User | AnonymousUser, act: Act) -> bool:
    """Return whether to offer it. Signing in again may still be asked for."""
    return reach(user, act, Data.SITUATIONAL_PICTURE, as_if_ready=True) == Reach.ALL


def get_picture(
    user: User, slug: str, *, to: Act = Act.READ, at: datetime
) -> SituationalPicture:
    """
    Return the picture if the user may do that with it, and leave a trace of it.

    404 where they may not know that it exists, 403 where they may read it but no more.
    """
    picture = get_object_or_404(pictures_for(user, Act.READ), slug=slug)
    allowed = pictures_for(user, to).filter(pk=picture.pk).exists()
    leave_trail(
        user,
        to,
        Data.SITUATIONAL_PICTURE,
        picture,
        at=at,
        decision="allowed" if allowed else "refused",
    )
    if not allowed:
        raise PermissionDenied
    return picture
