"""No way to a protected row but through access.py or a named piece of the system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models

from trygg.accounts.policy import Data

_open: ContextVar[frozenset[str]] = ContextVar("open_classes", default=frozenset())

# Pieces of the system that work on protected rows without a user, each for one reason.
SYSTEM_NAMES = {
    "demo": "the demonstration fills an empty database",
    "import": "an import writes the rows of a file",
    "statistics": "estimates are computed from raw answers",
    "release": "the disclosure audit counts raw answers",
    "picture": "the situational picture is built by a command or timer",
    "public": "approved public editions are looked up for the public site",
    "retention": "rows past their time are erased",
    "verify": "links and chains are checked",
    "test": "tests set up and look at what was stored",
}


class PolicyBypass(Exception):
    """Protected rows were reached for without asking the policy."""


class Guarded(models.Manager[Any]):
    """A manager that refuses until access.py or `system()` has opened its class."""

    use_in_migrations = False

    def __init__(self, data: str = "") -> None:
        super().__init__()
        self.data = Data(data).value if data else ""

    def deconstruct(self) -> Any:
        raise NotImplementedError  # not in migrations

    def get_queryset(self) -> models.QuerySet[Any]:
        # The manager of a relation (picture.statements) is made without arguments.
        data = self.data or getattr(self.model._default_manager, "data", "")
        if data not in _open.get():
            raise PolicyBypass(
                f"{self.model.__name__} is {data}: fetch it through access.py"
            )
        return super().get_queryset()


def opened(data: Data) -> None:
    """Open a class for the rest of this request. Only access.py calls this."""
    _open.set(_open.get() | {data.value})


def close_all() -> None:
    """Forget what was opened; the middleware calls this when a request ends."""
    _open.set(frozenset())


@contextmanager
def system(name: str) -> Iterator[None]:
    """Open all classes for a piece of the system that is named in SYSTEM_NAMES."""
    if name not in SYSTEM_NAMES:
        raise PolicyBypass(f"{name} is not among the named pieces of the system")
    token = _open.set(frozenset(data.value for data in Data))
    try:
        yield
    finally:
        _open.reset(token)
