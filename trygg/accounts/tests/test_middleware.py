"""Only a passkey shown within fifteen minutes opens sensitive pages."""

from __future__ import annotations

import pytest

from trygg.accounts.middleware import FRESH_SECONDS, signed_in_lately

NOW = 1_000_000.0
PASSKEY = {"method": "mfa", "type": "webauthn"}
TOTP = {"method": "mfa", "type": "totp"}
PASSWORD = {"method": "password"}


@pytest.fixture
def fresh(rf, anna):
    def ask(kind, age):
        request = rf.get("/")
        request.user = anna
        request.session = {
            "account_authentication_methods": [{**kind, "at": NOW - age}],
            "account_authentication_methods_user": str(anna.pk),
        }
        return signed_in_lately(request, now=NOW)

    return ask


def test_a_passkey_is_fresh_for_fifteen_minutes_and_no_longer(fresh):
    assert fresh(PASSKEY, 0)
    assert fresh(PASSKEY, FRESH_SECONDS)
    assert not fresh(PASSKEY, FRESH_SECONDS + 1)


@pytest.mark.parametrize("kind", [TOTP, PASSWORD])
def test_a_code_or_a_password_is_never_enough(fresh, kind):
    assert not fresh(kind, 0)


def test_in_the_demonstration_a_fresh_password_is_enough(fresh, settings):
    settings.TRYGG_DEMO = True
    assert fresh(PASSWORD, 0)
    assert not fresh(PASSWORD, FRESH_SECONDS + 1)
