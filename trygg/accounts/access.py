"""Which accounts somebody may see and change, by the table in policy."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from trygg.accounts.models import RoleProposal, User
from trygg.accounts.policy import Act, Data, Reach, reach


def accounts_for(
    user: User | AnonymousUser, act: Act, *, as_if_ready: bool = False
) -> QuerySet[User]:
    """Return the accounts with which the user may do that."""
    # "Own" accounts are those of participants in one's youth cases: none exist yet.
    if reach(user, act, Data.ACCOUNT, as_if_ready=as_if_ready) == Reach.ALL:
        return User.objects.select_related("organisation").order_by("username")
    return User.objects.none()


def require(user: User | AnonymousUser, act: Act) -> None:
    """404 for those who may not know of accounts, 403 for those who may only read."""
    if reach(user, act, Data.ACCOUNT) == Reach.ALL:
        return
    if reach(user, Act.READ, Data.ACCOUNT) == Reach.ALL:
        raise PermissionDenied
    raise Http404


def may(user: User | AnonymousUser, act: Act) -> bool:
    """Return whether to offer it. Signing in again may still be asked for."""
    return reach(user, act, Data.ACCOUNT, as_if_ready=True) == Reach.ALL


def get_account(user: User | AnonymousUser, pk: int, *, to: Act = Act.READ) -> User:
    """Return the account if the user may do that with it: else 404 or 403."""
    account = get_object_or_404(accounts_for(user, Act.READ), pk=pk)
    require(user, to)
    return account


def get_proposal(user: User | AnonymousUser, pk: int) -> RoleProposal:
    """Return a proposed role to somebody who may read accounts."""
    require(user, Act.READ)
    return get_object_or_404(RoleProposal, pk=pk)
