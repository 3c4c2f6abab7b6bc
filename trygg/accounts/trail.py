"""Leave an audit row when somebody reads or changes sensitive data."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db import models

from trygg.accounts.models import User
from trygg.accounts.policy import Act, Data, Role
from trygg.history import audit
from trygg.history.steps import about


def leave_trail(
    user: User | AnonymousUser,
    act: Act,
    data: Data,
    thing: models.Model | None,
    *,
    at: datetime,
    decision: str = "allowed",
    purpose: str = "",
) -> None:
    """Write who did what with which thing. If this raises, the act must not happen."""
    roles: frozenset[Role] = getattr(user, "roles", frozenset())
    organisation = getattr(user, "organisation", None)
    audit.append(
        "access",
        actor=user.get_username(),
        roles=",".join(sorted(role.value for role in roles)),
        organisation=str(organisation or ""),
        act=act.name.lower(),
        data=data.value,
        about=about(thing) if thing is not None else "",
        purpose=purpose,
        decision=decision,
        at=at,
    )
