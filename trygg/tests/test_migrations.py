"""The database can be made from nothing, and is the one that the models describe."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from contextlib import contextmanager

import pytest
from django.db import connection

# Run in a process of its own, so that it does not meet the tables of other tests.
FROM_NOTHING = """
import django; django.setup()
from django.core.management import call_command
from django.db import connection, DatabaseError, transaction
call_command("makemigrations", check=True, dry_run=True, verbosity=1)
call_command("migrate", verbosity=0)
from django.utils import timezone
from trygg.history import audit
from trygg.history.models import AuditRow
audit.append("access", act="read", data="x", about="y", decision="allowed",
             at=timezone.now())
refused = 0
for change in (lambda: AuditRow.objects.update(actor="z"),
               lambda: AuditRow.objects.all().delete()):
    try:
        with transaction.atomic():
            change()
    except DatabaseError:
        refused += 1
print("refused", refused, "left", AuditRow.objects.count())
"""


def new_database(tmp_path):
    """Return the address of an empty database beside the one of the tests."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path}/new.sqlite3"
        return
    name = f"new_{uuid.uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    settings = connection.settings_dict
    yield "postgresql://{USER}@{HOST}:{PORT}/".format(**settings) + name
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.django_db(transaction=True)
def test_migrations_match_the_models_apply_from_nothing_and_keep_audit_rows(tmp_path):
    with contextmanager(new_database)(tmp_path) as address:
        done = run_from_nothing(address)
    assert done.stdout.splitlines()[-1:] == ["refused 2 left 1"], done.stderr


def run_from_nothing(address):
    return subprocess.run(
        [sys.executable, "-c", FROM_NOTHING],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "trygg.config.settings",
            "TRYGG_SECRET_KEY": "test",
            "TRYGG_DATABASE_URL": address,
        },
        capture_output=True,
        text=True,
    )
