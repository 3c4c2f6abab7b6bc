"""What every test may use: the cast, the clock, and the folders of data they read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from trygg.accounts.models import User
    from trygg.accounts.policy import Role

# How long an example takes says more of the machine than of the code.
settings.register_profile("trygg", deadline=None)
settings.load_profile("trygg")

ROOT = Path(__file__).resolve().parent
collect_ignore_glob = ["trygg/*/migrations/*", "trygg/config/wsgi.py"]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=ZoneInfo("Europe/Stockholm"))


@pytest.fixture(scope="session")
def open_data() -> Path:
    """Return the folder of open data, or skip where it is absent."""
    folder = ROOT / os.environ.get("TRYGG_OPEN_DATA", "../shared/data")
    if not folder.exists():
        pytest.skip(f"the open data folder is absent: {folder} (TRYGG_OPEN_DATA)")
    return folder


@pytest.fixture(scope="session")
def reference() -> Path:
    """Return the folder of cases computed with other software, or skip."""
    folder = ROOT / os.environ.get("TRYGG_REFERENCE", "../shared/reference")
    if not folder.exists():
        pytest.skip(f"the reference folder is absent: {folder} (TRYGG_REFERENCE)")
    return folder


@pytest.fixture
def at() -> datetime:
    return NOW


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Return a maker of accounts: person("eva", Role.EDITOR, kind="municipality")."""
    from trygg.accounts.models import HeldRole, Organisation, User

    def make(username: str, *roles: Role, kind: str = "municipality") -> User:
        organisation, _ = Organisation.objects.get_or_create(
            name=f"{kind} of the tests", defaults={"kind": kind}
        )
        user = User.objects.create(username=username, organisation=organisation)
        for role in roles:
            HeldRole.objects.create(user=user, role=role.value, since=NOW)
        return user

    return make


@pytest.fixture
def anna(person: Callable[..., User]) -> User:
    """Coordinates safety at the municipality."""
    from trygg.accounts.policy import Role

    return person("anna", Role.COORDINATOR)


@pytest.fixture
def petra(person: Callable[..., User]) -> User:
    """Is the liaison officer of the police."""
    from trygg.accounts.policy import Role

    return person("petra", Role.POLICE, kind="police")


@pytest.fixture
def olle(person: Callable[..., User]) -> User:
    """Has an account and no part in anything."""
    return person("olle")


@pytest.fixture
def sign_in(client: object) -> Callable[..., None]:
    """Return a way to sign somebody in: sign_in(anna), sign_in(anna, step_up=False)."""
    import time

    def enter(user: User, *, step_up: bool = True) -> None:
        client.force_login(user)  # type: ignore[attr-defined]
        session = client.session  # type: ignore[attr-defined]
        session["account_authentication_methods"] = [
            {"method": "password", "at": time.time()},
            *(
                [{"method": "mfa", "type": "webauthn", "at": time.time()}]
                if step_up
                else []
            ),
        ]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()

    return enter


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """Return Debian's Chromium, driven by Playwright, or skip loudly."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("NO CHROMIUM ON THIS MACHINE: pages were not tested in a browser")
    # Playwright runs an event loop in the thread of the tests, which Django minds.
    with (
        pytest.MonkeyPatch.context() as patch,
        sync_api.sync_playwright() as playwright,
    ):
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield browser
        browser.close()
