"""Short texts that a page shows as a table, and that must agree with the settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


@dataclass(frozen=True)
class Cookie:
    """A cookie that we set, as the law wants it told."""

    name: str
    when: str
    purpose: str
    stays: str


def cookies() -> list[Cookie]:
    """Return every cookie that this site sets, named and timed by the settings."""
    hours = settings.SESSION_COOKIE_AGE // 3600
    days = settings.CSRF_COOKIE_AGE // (24 * 3600)
    return [
        Cookie(
            settings.SESSION_COOKIE_NAME,
            _("When somebody who works here signs in"),
            _("Keeps the person signed in from one page to the next"),
            ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours},
        ),
        Cookie(
            settings.CSRF_COOKIE_NAME,
            _("When a form of the workspace is opened"),
            _("Stops another site from sending the form in the person's name"),
            ngettext("%(count)s day", "%(count)s days", days) % {"count": days},
        ),
        Cookie(
            settings.LANGUAGE_COOKIE_NAME,
            _("When somebody chooses another language for the workspace"),
            _("Remembers the choice"),
            ngettext("%(count)s day", "%(count)s days", 365) % {"count": 365},
        ),
        Cookie(
            "messages",
            _("When a task in the workspace is done"),
            _("Carries the confirmation to the next page"),
            _("Until the next page has been shown"),
        ),
    ]
