"""Where the demonstration lives, and how it is built beside the one that is served."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "var" / "demo"


def database() -> Path:
    """Return where the finished database lies."""
    return HOME / "trygg.sqlite3"


def workshop() -> Path:
    """Return the folder in which this process builds."""
    return HOME / f"building-{os.getpid()}"


def prepare_environment() -> None:
    """Point the settings at a database that is being built, before they are read."""
    HOME.mkdir(parents=True, exist_ok=True)
    key = HOME / "secret"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_hex(32))
    os.environ.update(
        TRYGG_DEMO="1",
        TRYGG_SECRET_KEY=key.read_text(),
        TRYGG_DATABASE_URL=f"sqlite:///{workshop() / database().name}",
        TRYGG_MEDIA=str(HOME / "media"),
        TRYGG_SITE="all",
        TRYGG_HOSTS="localhost,127.0.0.1",
    )


@contextmanager
def building() -> Iterator[None]:
    """
    Build in a folder of its own, and put it in place whole when all went well.

    Interrupted or failed, it leaves the former demonstration as it was.
    """
    for leftover in HOME.glob("building-*"):
        pid = int(leftover.name.removeprefix("building-"))
        if pid == os.getpid() or not _is_running(pid):
            shutil.rmtree(leftover, ignore_errors=True)
    workshop().mkdir(parents=True)
    try:
        yield
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        for suffix in ("-wal", "-shm"):
            database().with_name(database().name + suffix).unlink(missing_ok=True)
        (workshop() / database().name).replace(database())
    finally:
        shutil.rmtree(workshop(), ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def port_is_free(port: int) -> bool:
    """Return whether we could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
