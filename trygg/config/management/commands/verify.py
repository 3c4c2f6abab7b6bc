"""Check that the trail is whole, that links hold and that what is saved stays saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from trygg.history import audit
from trygg.history.models import AuditRow, Chain


class Command(BaseCommand):
    help = "Verify the audit chain and its anchors, links and durability settings."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchor",
            action="store_true",
            help="afterwards write the end of every chain to the anchor file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.MEDIA_ROOT) / "audit"
        faults = [*chain_faults(folder), *link_faults(), *durability_faults()]
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults were found.", returncode=1)
        rows = AuditRow.objects.count()
        self.stdout.write(f"Verified: {rows} audit rows, links, durability settings.")
        if options["anchor"]:
            for anchor in audit.write_anchors(folder, at=timezone.now()):
                self.stdout.write(f"Anchored {anchor.chain} at row {anchor.seq}.")


def chain_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each place where a chain does not hold."""
    try:
        anchors = audit.read_anchors(folder)
    except InvalidSignature:
        yield f"An anchor in {folder} is not signed by our key."
        return
    known = {chain.pk for chain in Chain.objects.all()}
    for name in sorted({anchor.chain for anchor in anchors} - known):
        yield f"The audit chain {name} was anchored and is gone."
    for chain in Chain.objects.order_by("name"):
        for fault in audit.faults(chain, anchors):
            yield f"Audit chain {fault.chain}, row {fault.seq}: {fault.what}."


def link_faults() -> Iterator[str]:
    """Yield a sentence for each stored link that leads nowhere."""
    try:
        connection.check_constraints()
    except Exception as problem:  # the backend's own IntegrityError, whichever it is
        yield f"A stored link leads nowhere: {problem}"


def durability_faults() -> Iterator[str]:
    """Yield a sentence for each setting under which acknowledged rows could be lost."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for pragma, wanted in (("synchronous", 2), ("foreign_keys", 1)):
                cursor.execute(f"PRAGMA {pragma}")
                (value,) = cursor.fetchone()
                if value != wanted:
                    yield f"SQLite: {pragma} is {value} and should be {wanted}."
            return
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {name}")
            (value,) = cursor.fetchone()
            if value != "on":
                yield f"PostgreSQL: {name} is {value} and should be on."
