"""Settings from the environment: a bad value stops the start with its name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

SITES = ("all", "public", "staff")


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or its default. Raises ImproperlyConfigured without both."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set, and has no default here")
    return value


def flag(name: str, default: str = "0") -> bool:
    value = text(name, default).strip().lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off", ""):
        return False
    raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(
            f"{name} must be one of {', '.join(allowed)}, not {value!r}"
        )
    return value


def database(name: str, default: str, *, base: Path) -> dict[str, Any]:
    """Read a database address, with the options that keep acknowledged rows."""
    url = text(name, default)
    if url.startswith("sqlite:///"):
        path = base / url.removeprefix("sqlite:///")
        (base / "var").mkdir(exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path,
            "ATOMIC_REQUESTS": False,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # not trusted_schema=OFF: SQLite 3.40 then refuses the json_valid()
                # checks that Django puts on every JSON column
                "init_command": "PRAGMA busy_timeout=20000; PRAGMA journal_mode=WAL;"
                " PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                " PRAGMA secure_delete=ON;",
            },
        }
    if url.startswith(("postgresql://", "postgres://")):
        return {
            **dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True),
            "ATOMIC_REQUESTS": False,
        }
    raise ImproperlyConfigured(
        f"{name} must start with sqlite:/// or postgresql://, not {url!r}"
    )
