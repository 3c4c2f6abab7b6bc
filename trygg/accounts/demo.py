"""The users of the demonstration: one for each role, named by what they do."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trygg.accounts.models import HeldRole, Organisation, OrganisationKind, User
from trygg.accounts.policy import Role

PASSWORD = "bara-demonstration"  # noqa: S105  (printed on the screen, for all to see)

MUNICIPALITY = ("Kommunen (demonstration)", OrganisationKind.MUNICIPALITY)
POLICE = ("Polisen (demonstration)", OrganisationKind.POLICE)
PARTNER = ("Föreningen (demonstration)", OrganisationKind.PARTNER)

# user name, name, what they do, role, organisation
USERS: list[tuple[str, str, Promise, Role, tuple[str, OrganisationKind]]] = [
    (
        "samordnare",
        "Samordnare Demo",
        _("safety coordinator at the municipality"),
        Role.COORDINATOR,
        MUNICIPALITY,
    ),
    (
        "analytiker",
        "Analytiker Demo",
        _("analyst at the municipality"),
        Role.ANALYST,
        MUNICIPALITY,
    ),
    (
        "polis",
        "Kommunpolis Demo",
        _("municipal liaison officer at the police"),
        Role.POLICE,
        POLICE,
    ),
    (
        "redaktor",
        "Kommunikatör Demo",
        _("communicator, edits public pages"),
        Role.EDITOR,
        MUNICIPALITY,
    ),
    (
        "radet",
        "Rådsledamot Demo",
        _("member of the crime-prevention council"),
        Role.COUNCIL_MEMBER,
        MUNICIPALITY,
    ),
    (
        "partner",
        "Partner Demo",
        _("partner organisation"),
        Role.PARTNER,
        PARTNER,
    ),
    (
        "krisgodkannare",
        "Krisgodkännare Demo",
        _("approves crisis messages"),
        Role.CRISIS_APPROVER,
        MUNICIPALITY,
    ),
    (
        "utredare",
        "Utredare Demo",
        _("investigates zero-tolerance reports"),
        Role.INVESTIGATOR,
        MUNICIPALITY,
    ),
    (
        "sspf",
        "SSPF-samordnare Demo",
        _("coordinates SSPF"),
        Role.YOUTH_COORDINATOR,
        MUNICIPALITY,
    ),
    (
        "sspfdeltagare",
        "SSPF-deltagare Demo",
        _("takes part in SSPF"),
        Role.YOUTH_PARTICIPANT,
        MUNICIPALITY,
    ),
    (
        "administrator",
        "Administratör Demo",
        _("gives accounts and roles"),
        Role.ADMINISTRATOR,
        MUNICIPALITY,
    ),
    (
        "administrator2",
        "Andra administratören Demo",
        _("approves what the first one proposed"),
        Role.ADMINISTRATOR,
        MUNICIPALITY,
    ),
    (
        "dataskydd",
        "Dataskyddsombud Demo",
        _("data-protection officer"),
        Role.DATA_PROTECTION_OFFICER,
        MUNICIPALITY,
    ),
]


def create_demo_users(*, at: datetime) -> dict[str, User]:
    """Make the organisations and users, and return the users by name."""
    organisations = {
        name: Organisation.objects.create(name=name, kind=kind)
        for name, kind in (MUNICIPALITY, POLICE, PARTNER)
    }
    password = make_password(PASSWORD)  # hashed once: argon2 is slow on purpose
    users = {}
    for username, name, _does, role, (organisation, _kind) in USERS:
        first, _, last = name.rpartition(" ")
        users[username] = User.objects.create(
            username=username,
            first_name=first,
            last_name=last,
            organisation=organisations[organisation],
            password=password,
        )
        HeldRole.objects.create(user=users[username], role=role.value, since=at)
    return users
