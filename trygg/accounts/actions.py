"""Everything that changes an account or a role."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from trygg.accounts.models import HeldRole, Organisation, RoleProposal, User
from trygg.accounts.policy import NOT_WITH_ADMINISTRATOR, SENSITIVE, Role
from trygg.history.steps import record


class OwnApproval(Exception):
    """Nobody approves what they proposed, or a role for themselves."""


class NeedsAnotherRole(Exception):
    """A sensitive role is approved by the data-protection officer."""


class RolesDoNotMix(Exception):
    """An administrator holds no role that opens sealed or sensitive data."""


@transaction.atomic
def create_account(
    username: str,
    *,
    name: str,
    organisation: Organisation,
    password: str | None,
    by: User | None,
    at: datetime,
) -> User:
    """Make an account without any role. `by` is None on the command line."""
    first, _, last = name.partition(" ")
    user = User(
        username=username, first_name=first, last_name=last, organisation=organisation
    )
    user.set_password(password)  # None: cannot be used until one is set
    user.save()
    record(user, "created", by=by, at=at)
    return user


def refuse_mixed_roles(user: User, role: Role) -> None:
    """Raise RolesDoNotMix where the role does not go with those that are held."""
    held = user.roles | {role}
    if Role.ADMINISTRATOR in held and held & NOT_WITH_ADMINISTRATOR:
        raise RolesDoNotMix(f"{user} cannot hold {role.name} with the roles held")


@transaction.atomic
def propose_role(user: User, role: Role, *, by: User, at: datetime) -> RoleProposal:
    """Propose that somebody gets a role. Raises RolesDoNotMix."""
    refuse_mixed_roles(user, role)
    proposal, is_new = RoleProposal.objects.get_or_create(
        user=user, role=role.value, defaults={"proposed_by": by, "proposed_at": at}
    )
    if is_new:
        record(user, "role_proposed", by=by, at=at, role=role.value)
    return proposal


@transaction.atomic
def approve_role(proposal: RoleProposal, *, by: User, at: datetime) -> HeldRole:
    """
    Give the proposed role, as the second person.

    Raises
    ------
    OwnApproval, NeedsAnotherRole, RolesDoNotMix
    """
    # Locked, or two approvals at once would both find it.
    proposal = RoleProposal.objects.select_for_update().get(pk=proposal.pk)
    role = Role(proposal.role)
    if by.pk in (proposal.proposed_by_id, proposal.user_id):
        raise OwnApproval(f"{by} cannot approve {proposal}")
    if role in SENSITIVE and Role.DATA_PROTECTION_OFFICER not in by.roles:
        raise NeedsAnotherRole(f"{role.name} is approved by another role than {by}'s")
    refuse_mixed_roles(proposal.user, role)
    held, _ = HeldRole.objects.get_or_create(
        user=proposal.user,
        role=role.value,
        defaults={
            "proposed_by": proposal.proposed_by,
            "approved_by": by,
            "since": at,
        },
    )
    record(proposal.user, "role_given", by=by, at=at, role=role.value)
    proposal.delete()
    return held


@transaction.atomic
def close_account(user: User, *, by: User, at: datetime) -> None:
    """Shut somebody out at once: no sign-in, no roles, history kept."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    RoleProposal.objects.filter(user=user).delete()
    HeldRole.objects.filter(user=user).delete()
    record(user, "closed", by=by, at=at)
