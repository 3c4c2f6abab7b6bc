"""The first accounts of an installation, before there is anybody to make them."""

from __future__ import annotations

from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from trygg.accounts import actions
from trygg.accounts.models import HeldRole, Organisation, OrganisationKind, User
from trygg.accounts.policy import Role


class Command(BaseCommand):
    help = (
        "Make an account, with roles, while there are fewer than two administrators "
        "and one data-protection officer; later, roles are given in the workspace."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", required=True)
        parser.add_argument("--organisation", required=True)
        parser.add_argument(
            "--kind",
            choices=OrganisationKind.values,
            default=OrganisationKind.MUNICIPALITY.value,
        )
        parser.add_argument("--role", choices=["AD", "DPO"], required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        limit = {"AD": 2, "DPO": 1}[options["role"]]
        if HeldRole.objects.filter(role=options["role"]).count() >= limit:
            raise CommandError(
                f"There are {limit} with the role {options['role']} already: give "
                "roles in the workspace, two persons together.",
                returncode=1,
            )
        if User.objects.filter(username=options["username"]).exists():
            raise CommandError(
                "There is already an account by that name.", returncode=1
            )
        password = getpass("Password, at least 15 characters: ")
        try:
            validate_password(password)
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages), returncode=1) from None
        with transaction.atomic():
            organisation, _ = Organisation.objects.get_or_create(
                name=options["organisation"], defaults={"kind": options["kind"]}
            )
            user = actions.create_account(
                options["username"],
                name=options["name"],
                organisation=organisation,
                password=password,
                by=None,
                at=timezone.now(),
            )
            role = Role(options["role"])
            HeldRole.objects.create(user=user, role=role.value, since=timezone.now())
        self.stdout.write(
            f"{user.username} can sign in, and holds {role.name.lower()}."
        )
