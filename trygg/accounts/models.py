"""Organisations, the people who work in them, and the roles that they hold."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from trygg.accounts.policy import Role


class OrganisationKind(models.TextChoices):
    MUNICIPALITY = "municipality", _("municipality")
    POLICE = "police", _("police")
    PARTNER = "partner", _("partner organisation")


class Organisation(models.Model):
    """A party to the work: the municipality, the police, or a partner."""

    name = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=OrganisationKind)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="organisation_kind_is_known",
                condition=Q(kind__in=OrganisationKind.values),
            )
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """Somebody with an account. Residents never need one."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True)

    # Set by the middleware when the user has just shown who they are once more.
    stepped_up = False

    @cached_property
    def roles(self) -> frozenset[Role]:
        if not self.is_active:
            return frozenset()
        return frozenset(Role(held.role) for held in self.held_roles.all())


ACCOUNT_ROLES = [
    role.value
    for role in Role
    if role not in (Role.ANYONE, Role.RESPONDENT, Role.REPORTER)
]


class HeldRole(models.Model):
    """A role that somebody holds, who proposed it and who approved it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="held_roles")
    role = models.CharField(max_length=3)
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="role_is_held_once"),
            models.CheckConstraint(
                name="held_role_is_one_of_an_account",
                condition=Q(role__in=ACCOUNT_ROLES),
            ),
            models.CheckConstraint(
                name="role_was_approved_by_another",
                condition=Q(proposed_by__isnull=True)
                | ~Q(approved_by=models.F("proposed_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class RoleProposal(models.Model):
    """A role that somebody should get, waiting for a second person."""

    user = models.ForeignKey(User, models.CASCADE, related_name="proposed_roles")
    role = models.CharField(max_length=3)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role"], name="role_is_proposed_once"
            ),
            models.CheckConstraint(
                name="proposed_role_is_one_of_an_account",
                condition=Q(role__in=ACCOUNT_ROLES),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}?"
